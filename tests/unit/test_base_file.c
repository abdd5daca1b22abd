/* Files: whole reads, atomic replacement, and what happens when system calls fail.
 *
 * This program defines the system calls that src/base/file.c makes for writing, so that they can be
 * recorded and made to fail; they do their work through syscall(). */
#include "base/file.h"

#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the system calls ------------------------------------------------------------------- */

static struct {
    bool on;
    char log[1024];   /* one letter a call: o open, w write, s fsync, S fsync of a directory, ... */
    int calls;        /* so far */
    int fail_at;      /* the call that fails, from 1; 0: none */
    bool forever;     /* and all after it */
    int number;       /* errno of the failure; 0: a short write instead */
    size_t write_max; /* bytes that one write takes; 0: any */
} shim;

static void shim_start(int fail_at, int number, bool forever) {
    memset(&shim, 0, sizeof shim);
    shim.on = true;
    shim.fail_at = fail_at;
    shim.number = number;
    shim.forever = forever;
}

/* Records a call; true: it fails, errno is set. */
static bool shim_call(char letter) {
    if (!shim.on) {
        return false;
    }
    if (shim.calls < (int)sizeof shim.log - 1) {
        shim.log[shim.calls] = letter;
    }
    shim.calls++;
    bool hit = shim.forever ? shim.calls >= shim.fail_at : shim.calls == shim.fail_at;
    if (shim.fail_at > 0 && hit) {
        errno = shim.number;
        return true;
    }
    return false;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    if (shim_call(flags & O_CREAT ? (flags & O_EXCL ? 'o' : 'c') : 'r')) {
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (shim_call('w')) {
        return -1;
    }
    if (shim.on && shim.write_max && size > shim.write_max) {
        size = shim.write_max;
    }
    return syscall(SYS_write, fd, bytes, size);
}

int fsync(int fd) {
    struct stat about;
    memset(&about, 0, sizeof about);
    fstat(fd, &about);
    if (shim_call(S_ISDIR(about.st_mode) ? 'S' : 's')) {
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int close(int fd) {
    int result = (int)syscall(SYS_close, fd); /* a failing close releases all the same */
    return shim_call('x') ? -1 : result;
}

int rename(const char *from, const char *to) {
    if (shim_call('m')) {
        return -1;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- helpers ---------------------------------------------------------------------------- */

typedef struct place {
    char *directory;
    char path[300];
} place;

static int setup(void **state) {
    place *p = malloc(sizeof *p);
    p->directory = scratch_make();
    snprintf(p->path, sizeof p->path, "%s/file", p->directory);
    *state = p;
    return 0;
}

static int teardown(void **state) {
    memset(&shim, 0, sizeof shim);
    place *p = *state;
    scratch_remove(p->directory);
    free(p);
    return 0;
}

static void expect_content(const char *path, const char *expected) {
    char *bytes;
    size_t size;
    nin_error err = {0};
    assert_int_equal(ninp_file_read(path, 1 << 20, &bytes, &size, &err), NIN_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(bytes, expected);
    free(bytes);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void reads_whole_files(void **state) {
    place *p = *state;
    scratch_write(p->path, "", 0);
    expect_content(p->path, "");
    scratch_write(p->path, "four", 4);
    expect_content(p->path, "four");
    expect_content("/proc/sys/kernel/ostype", "Linux\n"); /* a file whose size is said to be 0 */
}

static void reads_up_to_the_limit(void **state) {
    place *p = *state;
    char *bytes;
    size_t size;
    nin_error err = {0};
    scratch_write(p->path, "four", 4);
    assert_int_equal(ninp_file_read(p->path, 4, &bytes, &size, NULL), NIN_OK);
    free(bytes);
    assert_int_equal(ninp_file_read(p->path, 3, &bytes, &size, &err), NIN_ERROR_DATA);
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_non_null(strstr(err.message, p->path));
    assert_non_null(strstr(err.message, "larger than 3 bytes"));
    assert_int_equal(ninp_file_read("/proc/sys/kernel/ostype", 3, &bytes, &size, NULL),
                     NIN_ERROR_DATA);
}

static nin_status read_status(const char *path) {
    char *bytes;
    size_t size;
    nin_error err = {0};
    nin_status status = ninp_file_read(path, 1 << 20, &bytes, &size, &err);
    assert_int_equal(err.status, status);
    free(bytes);
    return status;
}

static void refuses_what_is_no_file(void **state) {
    place *p = *state;
    char other[400];
    assert_int_equal(read_status(p->path), NIN_ERROR_NO_INPUT);
    assert_int_equal(read_status(p->directory), NIN_ERROR_DATA);
    assert_int_equal(read_status("/dev/null"), NIN_ERROR_DATA);
    snprintf(other, sizeof other, "%s/below", p->path);
    scratch_write(p->path, "x", 1);
    assert_int_equal(read_status(other), NIN_ERROR_NO_INPUT);

    snprintf(other, sizeof other, "%s/fifo", p->directory);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(read_status(other), NIN_ERROR_DATA); /* and does not hang */

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", p->directory);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(read_status(address.sun_path), NIN_ERROR_DATA);
    close(fd);

    snprintf(other, sizeof other, "%s/loop", p->directory);
    assert_int_equal(symlink(other, other), 0);
    assert_int_equal(read_status(other), NIN_ERROR_IO);
}

/* ---- writing ---------------------------------------------------------------------------- */

static void follows_the_protocol(void **state) {
    place *p = *state;
    shim_start(0, 0, false);
    assert_int_equal(ninp_file_replace(p->path, "new", 3, NULL), NIN_OK);
    shim.on = false;
    /* create, write, sync, close, rename, then open, sync and close the directory */
    assert_string_equal(shim.log, "owsxmrSx");
    expect_content(p->path, "new");
    assert_int_equal(scratch_count(p->directory), 1);
}

static void old_content_stays_until_commit(void **state) {
    place *p = *state;
    scratch_write(p->path, "old", 3);
    ninp_file *file;
    assert_int_equal(ninp_file_create(p->path, &file, NULL), NIN_OK);
    assert_int_equal(ninp_file_write(file, "ne", 2, NULL), NIN_OK);
    expect_content(p->path, "old");
    assert_int_equal(scratch_count(p->directory), 2);
    assert_int_equal(ninp_file_write(file, "w", 1, NULL), NIN_OK);
    assert_int_equal(ninp_file_commit(file, NULL), NIN_OK);
    expect_content(p->path, "new");
    assert_int_equal(scratch_count(p->directory), 1);

    assert_int_equal(ninp_file_create(p->path, &file, NULL), NIN_OK);
    assert_int_equal(ninp_file_write(file, "newer", 5, NULL), NIN_OK);
    ninp_file_abandon(file);
    expect_content(p->path, "new");
    assert_int_equal(scratch_count(p->directory), 1);
    ninp_file_abandon(NULL);
}

static void leaves_foreign_temporary_files(void **state) {
    place *p = *state;
    char stale[400];
    snprintf(stale, sizeof stale, "%s.%ld.0.tmp", p->path, (long)getpid());
    scratch_write(stale, "stale", 5);
    assert_int_equal(ninp_file_replace(p->path, "new", 3, NULL), NIN_OK);
    expect_content(p->path, "new");
    expect_content(stale, "stale");
}

static void obeys_the_umask(void **state) {
    place *p = *state;
    mode_t before = umask(027);
    assert_int_equal(ninp_file_replace(p->path, "x", 1, NULL), NIN_OK);
    umask(before);
    struct stat about;
    assert_int_equal(stat(p->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

static void works_in_the_working_directory(void **state) {
    place *p = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(p->directory), 0);
    nin_status status = ninp_file_replace("plain", "x", 1, NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, NIN_OK);
    assert_int_equal(scratch_count(p->directory), 1);
}

static void short_writes_are_continued(void **state) {
    place *p = *state;
    char text[1001];
    memset(text, 'a', 1000);
    text[1000] = '\0';
    shim_start(0, 0, false);
    shim.write_max = 7;
    assert_int_equal(ninp_file_replace(p->path, text, 1000, NULL), NIN_OK);
    shim.on = false;
    assert_true(shim.calls > 1000 / 7);
    expect_content(p->path, text);
}

/* Every call fails in turn, once or from then on, with every error: no success is reported that is
 * none, the old or the new content is there, whole, and nothing is left behind. */
static void every_call_may_fail(void **state) {
    static const int numbers[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE};
    static const char protocol[] = "owsxmrSx";
    place *p = *state;
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        for (int forever = 0; forever < 2; forever++) {
            /* The last close, of the directory, has nothing to lose and may fail. */
            for (int at = 1; at < (int)sizeof protocol - 1; at++) {
                nin_error err = {0};
                scratch_write(p->path, "old", 3);
                shim_start(at, numbers[n], forever == 1);
                nin_status status = ninp_file_replace(p->path, "new", 3, &err);
                shim.on = false;
                assert_int_equal(shim.log[at - 1], protocol[at - 1]);
                assert_int_equal(status, NIN_ERROR_IO);
                assert_non_null(strstr(err.message, p->directory));
                assert_non_null(strstr(err.message, strerror(numbers[n])));
                bool renamed = strchr(shim.log, 'r') != NULL;
                expect_content(p->path, renamed ? "new" : "old");
                assert_int_equal(scratch_count(p->directory), 1);
            }
        }
    }
}

static void interrupted_calls_are_repeated(void **state) {
    place *p = *state;
    for (int at = 1; at <= 8; at++) {
        if (at == 5) { /* rename is never interrupted */
            continue;
        }
        scratch_write(p->path, "old", 3);
        shim_start(at, EINTR, false);
        assert_int_equal(ninp_file_replace(p->path, "new", 3, NULL), NIN_OK);
        shim.on = false;
        expect_content(p->path, "new");
        assert_int_equal(scratch_count(p->directory), 1);
    }
}

static void a_missing_directory_is_named(void **state) {
    place *p = *state;
    char path[400];
    snprintf(path, sizeof path, "%s/none/file", p->directory);
    nin_error err = {0};
    ninp_file *file;
    assert_int_equal(ninp_file_create(path, &file, &err), NIN_ERROR_IO);
    assert_null(file);
    assert_non_null(strstr(err.message, path));
}

/* ---- directories and paths -------------------------------------------------------------- */

static void makes_directories(void **state) {
    place *p = *state;
    char path[400];
    snprintf(path, sizeof path, "%s//a/b///c//", p->directory);
    assert_int_equal(ninp_directory_make(path, NULL), NIN_OK);
    assert_int_equal(ninp_directory_make(path, NULL), NIN_OK);
    struct stat about;
    snprintf(path, sizeof path, "%s/a/b/c", p->directory);
    assert_int_equal(stat(path, &about), 0);
    assert_true(S_ISDIR(about.st_mode));
    assert_int_equal(ninp_directory_make("/", NULL), NIN_OK);
    assert_int_equal(ninp_directory_make(".", NULL), NIN_OK);

    scratch_write(p->path, "x", 1);
    nin_error err = {0};
    assert_int_equal(ninp_directory_make(p->path, &err), NIN_ERROR_IO);
    assert_non_null(strstr(err.message, p->path));
    snprintf(path, sizeof path, "%s/below", p->path);
    assert_int_equal(ninp_directory_make(path, NULL), NIN_ERROR_IO);
    assert_int_equal(ninp_directory_make("", NULL), NIN_ERROR_IO);
}

static void expect_join(const char *directory, const char *name, const char *expected) {
    char *joined = ninp_path_join(directory, name);
    assert_string_equal(joined, expected);
    free(joined);
}

static void joins_paths(void **state) {
    (void)state;
    expect_join("a", "b", "a/b");
    expect_join("a/", "b", "a/b");
    expect_join("/", "b", "/b");
    expect_join("", "b", "b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_whole_files, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(follows_the_protocol, setup, teardown),
        cmocka_unit_test_setup_teardown(old_content_stays_until_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_foreign_temporary_files, setup, teardown),
        cmocka_unit_test_setup_teardown(obeys_the_umask, setup, teardown),
        cmocka_unit_test_setup_teardown(works_in_the_working_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(short_writes_are_continued, setup, teardown),
        cmocka_unit_test_setup_teardown(every_call_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupted_calls_are_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_directory_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(makes_directories, setup, teardown),
        cmocka_unit_test(joins_paths),
    };
    return cmocka_run_group_tests_name("base_file", tests, NULL, NULL);
}

/* Downloads from a server on this machine (tests/support/range_server.py). */
#include "data/fetch.h"

#include "base/file.h"
#include "data/checksum.h"
#include "support/idx_set.h"
#include "support/scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The server and what it serves: four files of a made-up set, and what this set is said to be. */
static struct {
    char *directory; /* served */
    char log[300];
    char url[100]; /* http://127.0.0.1:PORT */
    pid_t pid;
    int input; /* its end ends the server */
    ninp_known known;
    char sums[NINP_KNOWN_FILES][65];
} server;

static const char *const names[NINP_KNOWN_FILES] = {"a.gz", "b.gz", "c.gz", "d.gz"};

/* Where one test's files go. */
typedef struct place {
    char *root;
    char directory[300]; /* root/set: made by the fetch */
} place;

/* ---- the server ------------------------------------------------------------------------- */

static void describe(int i, const idx_bytes *content) {
    unsigned char digest[32];
    assert_int_equal(EVP_Digest(content->bytes, content->size, digest, NULL, EVP_sha256(), NULL),
                     1);
    for (size_t k = 0; k < sizeof digest; k++) {
        snprintf(&server.sums[i][2 * k], 3, "%02x", digest[k]);
    }
    server.known.files[i] =
        (ninp_known_file){.name = names[i], .bytes = content->size, .sha256 = server.sums[i]};
}

static void launch(void) {
    int input[2];
    int output[2];
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(output), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        close(input[1]);
        close(output[0]);
        execlp("python3", "python3", "tests/support/range_server.py", server.directory, server.log,
               (char *)NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    server.input = input[1];
    FILE *stream = fdopen(output[0], "r");
    char port[20];
    assert_non_null(fgets(port, sizeof port, stream));
    assert_int_equal(fclose(stream), 0);
    snprintf(server.url, sizeof server.url, "http://127.0.0.1:%ld", strtol(port, NULL, 10));
}

static int start_server(void **state) {
    (void)state;
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        unsetenv(proxies[i]);
    }
    server.directory = scratch_make();
    snprintf(server.log, sizeof server.log, "%s/log", server.directory);
    server.known.about.name = "set";
    for (int i = 0; i < NINP_KNOWN_FILES; i++) {
        idx_bytes content = idx_make_images((uint32_t)(20 + 7 * i), 9, 9); /* hardly shrinks */
        describe(i, &content);
        idx_write(server.directory, names[i], idx_compress(content));
    }
    launch();
    return 0;
}

static int stop_server(void **state) {
    (void)state;
    close(server.input);
    waitpid(server.pid, NULL, 0);
    scratch_remove(server.directory);
    return 0;
}

static int setup(void **state) {
    place *p = malloc(sizeof *p);
    p->root = scratch_make();
    snprintf(p->directory, sizeof p->directory, "%s/set", p->root);
    unlink(server.log); /* of the test before; the first finds none */
    *state = p;
    return 0;
}

static int teardown(void **state) {
    place *p = *state;
    scratch_remove(p->root);
    free(p);
    return 0;
}

/* ---- helpers ---------------------------------------------------------------------------- */

static nin_status fetch(const place *p, const char *way, nin_fetch_progress progress, void *context,
                        nin_error *err) {
    char url[300];
    snprintf(url, sizeof url, "%s/%s/", server.url, way);
    return ninp_fetch(&server.known, p->directory, url, progress, context, err);
}

static void fetch_well(const place *p, const char *way) {
    nin_error err = {0};
    if (fetch(p, way, NULL, NULL, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    for (int i = 0; i < NINP_KNOWN_FILES; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", p->directory, names[i]);
        assert_int_equal(
            ninp_checksum_check(path, server.known.files[i].bytes, server.sums[i], NULL), NIN_OK);
    }
    assert_int_equal(scratch_count(p->directory), NINP_KNOWN_FILES); /* and nothing else */
}

static void expect_failure(const place *p, const char *way, nin_status status, const char *reason) {
    nin_error err = {0};
    assert_int_equal(fetch(p, way, NULL, NULL, &err), status);
    if (!strstr(err.message, reason)) {
        fail_msg("\"%s\" expected in \"%s\"", reason, err.message);
    }
}

/* The server's log, release with free; "" where nothing was asked. */
static char *read_log(void) {
    char *text;
    size_t size;
    if (ninp_file_read(server.log, 1 << 20, &text, &size, NULL) != NIN_OK) {
        text = calloc(1, 1);
    }
    return text;
}

static int count_lines(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) {
        count++;
    }
    return count;
}

static void expect_log(const char *part, int times) {
    char *log = read_log();
    if (count_lines(log, part) != times) {
        fail_msg("\"%s\" expected %d times in:\n%s", part, times, log);
    }
    free(log);
}

/* The first file's length on the server. */
static size_t length_of_first(void) {
    char path[400];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", server.directory, names[0]);
    assert_int_equal(stat(path, &about), 0);
    return (size_t)about.st_size;
}

/* Writes the first file or its .part: `size` bytes of what the server has, one of them changed
 * where `wrong`. */
static void prepare_first(const place *p, const char *suffix, size_t size, bool wrong) {
    char path[400];
    char *bytes;
    size_t length;
    snprintf(path, sizeof path, "%s/%s", server.directory, names[0]);
    assert_int_equal(ninp_file_read(path, 1 << 20, &bytes, &length, NULL), NIN_OK);
    assert_true(size <= length);
    bytes[size / 2] = (char)(bytes[size / 2] ^ (wrong ? 1 : 0));
    assert_int_equal(ninp_directory_make(p->directory, NULL), NIN_OK);
    snprintf(path, sizeof path, "%s/%s%s", p->directory, names[0], suffix);
    scratch_write(path, bytes, size);
    free(bytes);
}

/* ---- fetching --------------------------------------------------------------------------- */

static void files_arrive(void **state) {
    fetch_well(*state, "plain");
    expect_log("/plain/", 4);
    fetch_well(*state, "plain"); /* they are there and right */
    expect_log("/plain/", 4);
    fetch_well(*state, "status-404");
}

static void redirects_are_followed(void **state) {
    fetch_well(*state, "redirect");
    expect_log("/plain/", 4);
}

static void damaged_files_are_replaced(void **state) {
    prepare_first(*state, "", length_of_first(), true);
    fetch_well(*state, "plain");
    prepare_first(*state, "", 100, false);
    fetch_well(*state, "plain");
    expect_log("a.gz -", 2);
    expect_log("b.gz", 1);
}

/* ---- going on --------------------------------------------------------------------------- */

static void cut_connections_are_taken_up(void **state) {
    fetch_well(*state, "cut");
    expect_log("/cut/a.gz -", 1);
    expect_log("/cut/a.gz bytes=700-", 1);
    expect_log("/cut/d.gz -", 1);
    expect_log("/cut/d.gz bytes=700-", 1);
    expect_log("/cut/d.gz bytes=1400-", 1);
}

typedef struct watch {
    uint64_t stop_at; /* bytes of the first file; 0: never */
    uint64_t last, total;
    int calls;
} watch;

static bool on_progress(const char *file, uint64_t done, uint64_t total, void *context) {
    watch *w = context;
    w->calls++;
    w->last = done;
    w->total = total;
    assert_string_equal(file, names[0]);
    return w->stop_at == 0 || done < w->stop_at;
}

static void a_stopped_fetch_goes_on(void **state) {
    const place *p = *state;
    watch w = {.stop_at = 1};
    nin_error err = {0};
    assert_int_equal(fetch(p, "cut", on_progress, &w, &err), NIN_ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "stopped after"));
    assert_non_null(strstr(err.message, "a.gz"));
    assert_int_equal(w.total, length_of_first());
    char path[400];
    struct stat about;
    snprintf(path, sizeof path, "%s/a.gz", p->directory);
    assert_int_not_equal(stat(path, &about), 0);
    snprintf(path, sizeof path, "%s/a.gz.part", p->directory);
    assert_int_equal(stat(path, &about), 0);
    assert_in_range(about.st_size, 1, length_of_first() - 1);

    char line[100];
    snprintf(line, sizeof line, "/plain/a.gz bytes=%ld-", (long)about.st_size);
    fetch_well(p, "plain");
    expect_log(line, 1);
}

static void progress_counts_what_was_there(void **state) {
    const place *p = *state;
    size_t length = length_of_first();
    prepare_first(p, ".part", length - 10, false);
    watch w = {.stop_at = length};
    assert_int_equal(fetch(p, "plain", on_progress, &w, NULL), NIN_ERROR_UNAVAILABLE);
    assert_int_equal(w.last, length);
    assert_int_equal(w.total, length);
}

static void servers_without_ranges_start_again(void **state) {
    prepare_first(*state, ".part", 500, false);
    fetch_well(*state, "norange");
    expect_log("/norange/a.gz bytes=500-", 1);
    expect_log("/norange/a.gz -", 1);
}

static void a_complete_part_is_enough(void **state) {
    prepare_first(*state, ".part", length_of_first(), false);
    fetch_well(*state, "plain");
    expect_log("/plain/a.gz", 1); /* answered by 416 */
}

/* What was left by a fetch of another version, or damaged since. */
static void a_wrong_part_is_fetched_again(void **state) {
    const size_t sizes[] = {300, length_of_first() - 1, length_of_first()};
    const place *p = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/a.gz", p->directory);
        unlink(path);
        prepare_first(p, ".part", sizes[i], true);
        fetch_well(p, "plain");
    }
    expect_log("/plain/a.gz -", 3);
    expect_log("/plain/a.gz bytes=300-", 1);
}

static void an_endless_part_is_thrown_away(void **state) {
    const place *p = *state;
    char path[400];
    uint8_t *bytes = calloc(1 << 20, 1);
    assert_int_equal(ninp_directory_make(p->directory, NULL), NIN_OK);
    snprintf(path, sizeof path, "%s/a.gz.part", p->directory);
    scratch_write(path, bytes, 1 << 20);
    free(bytes);
    fetch_well(p, "plain");
    expect_log("/plain/a.gz -", 1);
}

/* ---- failing ---------------------------------------------------------------------------- */

static void wrong_content_is_refused(void **state) {
    const place *p = *state;
    char right = server.sums[0][5];
    server.sums[0][5] = right == '0' ? '1' : '0';
    expect_failure(p, "plain", NIN_ERROR_DATA, "its SHA-256 is");
    server.sums[0][5] = right;
    assert_int_equal(scratch_count(p->directory), 0);
    expect_log("a.gz", 1); /* once: it did not go on from an older part */

    server.known.files[0].bytes--;
    expect_failure(p, "plain", NIN_ERROR_DATA, "the content goes on");
    server.known.files[0].bytes += 2;
    expect_failure(p, "plain", NIN_ERROR_DATA, "the content ends");
    server.known.files[0].bytes--;
    assert_int_equal(scratch_count(p->directory), 0);
}

static void endless_answers_are_cut_off(void **state) {
    expect_failure(*state, "endless", NIN_ERROR_DATA, "sends more than the file has");
}

static void refusals_are_told(void **state) {
    const place *p = *state;
    expect_failure(p, "status-404", NIN_ERROR_UNAVAILABLE, "a.gz: the server answers 404");
    expect_failure(p, "status-500", NIN_ERROR_UNAVAILABLE, "the server answers 500");
    expect_failure(p, "loop", NIN_ERROR_UNAVAILABLE, "redirect");
    expect_failure(p, "to-file", NIN_ERROR_UNAVAILABLE, "rotocol");
    expect_failure(p, "silent", NIN_ERROR_UNAVAILABLE, "the connection broke, 0 bytes are kept");
    assert_int_equal(scratch_count(p->directory), 0); /* no empty part is left */
    nin_error err = {0};
    char url[400];
    snprintf(url, sizeof url, "file://%s", server.directory);
    assert_int_equal(ninp_fetch(&server.known, p->directory, url, NULL, NULL, &err),
                     NIN_ERROR_UNAVAILABLE);
    prepare_first(p, ".part", 500, false); /* what is there already outlives a refusal */
    expect_failure(p, "status-404", NIN_ERROR_UNAVAILABLE, "the server answers 404");
    fetch_well(p, "plain");
    expect_log("/plain/a.gz bytes=500-", 1);
}

static void unreachable_servers_are_told(void **state) {
    const place *p = *state;
    /* A port that nobody listens at: one that was free a moment ago. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    nin_error err = {0};
    assert_int_equal(ninp_fetch(&server.known, p->directory, url, NULL, NULL, &err),
                     NIN_ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, url));
}

static void places_that_cannot_be_written_are_told(void **state) {
    const place *p = *state;
    scratch_write(p->directory, "x", 1); /* a file where the directory should be */
    expect_failure(p, "plain", NIN_ERROR_IO, p->directory);
    assert_int_equal(unlink(p->directory), 0);
    char part[400];
    snprintf(part, sizeof part, "%s/a.gz.part", p->directory);
    assert_int_equal(ninp_directory_make(part, NULL), NIN_OK);
    expect_failure(p, "plain", NIN_ERROR_IO, part);
}

static void the_public_function_knows_its_sets(void **state) {
    const place *p = *state;
    nin_error err = {0};
    assert_int_equal(nin_dataset_fetch("drawn", p->root, server.url, NULL, NULL, &err),
                     NIN_ERROR_ARGUMENT);
    assert_int_equal(nin_dataset_fetch("none", p->root, server.url, NULL, NULL, NULL),
                     NIN_ERROR_ARGUMENT);
    char url[300];
    snprintf(url, sizeof url, "%s/status-404", server.url);
    err = (nin_error){0};
    assert_int_equal(nin_dataset_fetch("fashion-mnist", p->root, url, NULL, NULL, &err),
                     NIN_ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "status-404/train-images-idx3-ubyte.gz"));
    char directory[400];
    struct stat about;
    snprintf(directory, sizeof directory, "%s/fashion-mnist", p->root);
    assert_int_equal(stat(directory, &about), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(redirects_are_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_files_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_connections_are_taken_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_fetch_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(progress_counts_what_was_there, setup, teardown),
        cmocka_unit_test_setup_teardown(servers_without_ranges_start_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_complete_part_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_part_is_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_part_is_thrown_away, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_content_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_answers_are_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(unreachable_servers_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(places_that_cannot_be_written_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_public_function_knows_its_sets, setup, teardown),
    };
    return cmocka_run_group_tests_name("data_fetch", tests, start_server, stop_server);
}

/* Runs that are killed, and disks that fail: whatever happens, what is in the run directory is
 * whole, and the run goes on to the same bits.
 *
 * This program stands between the library and write, fsync and rename. As `test_train_crash --train
 * DIRECTORY CALL` it trains in that directory with a checkpoint after every step and kills itself
 * at the given one of those calls. */
#include "support/scratch.h"
#include "support/small_run.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"

/* ---- between the library and the kernel -------------------------------------------------- */

static struct {
    long calls;      /* so far */
    long kill_at;    /* the process ends at this call: odd ones before they do their work, even ones
                        after half of it (write) or all of it; -1: never */
    long fail_from;  /* calls from here on fail; -1: none */
    long fail_until; /* but not from here on */
    int error;       /* what errno says then */
} faults = {.kill_at = -1, .fail_from = -1};

static bool begin_call(void) {
    long call = ++faults.calls;
    if (call == faults.kill_at && call % 2) {
        raise(SIGKILL);
    }
    if (faults.fail_from >= 0 && call >= faults.fail_from && call < faults.fail_until) {
        errno = faults.error;
        return false;
    }
    return true;
}

static void end_call(void) {
    if (faults.calls == faults.kill_at) {
        raise(SIGKILL);
    }
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (fd <= 2) {
        return (ssize_t)syscall(SYS_write, fd, bytes, size);
    }
    if (!begin_call()) {
        return -1;
    }
    bool half = faults.calls == faults.kill_at;
    ssize_t done = (ssize_t)syscall(SYS_write, fd, bytes, half ? size / 2 : size);
    end_call();
    return done;
}

int fsync(int fd) {
    if (!begin_call()) {
        return -1;
    }
    /* Half of the test's time would go into waiting for the disk; a kill does not lose its cache.
     */
    (void)fd;
    end_call();
    return 0;
}

int rename(const char *from, const char *to) {
    if (!begin_call()) {
        return -1;
    }
    int result = (int)syscall(SYS_rename, from, to);
    end_call();
    return result;
}

/* ---- the child --------------------------------------------------------------------------- */

/* Seconds between checkpoints. */
#define EVERY_STEP 1e-9

static bool has_state(const char *directory) {
    return access(small_run_path(directory, "state"), F_OK) == 0;
}

/* Starts or goes on. */
static int train_to_the_end(const char *directory, double checkpoint_seconds) {
    small_run run = small_run_open();
    run.options.checkpoint_seconds = checkpoint_seconds;
    nin_error err = {0};
    faults.calls = 0;
    nin_status status =
        small_run_train(&run, directory, has_state(directory), NULL, NULL, NULL, &err);
    small_run_close(&run);
    if (status != NIN_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}

/* Starts this program again, so that no threads are lost in a fork. */
static pid_t start_child(const char *directory, long kill_at) {
    char call[24];
    snprintf(call, sizeof call, "%ld", kill_at);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_train_crash", "--train", directory, call, (char *)NULL);
        _exit(127);
    }
    return child;
}

/* True when the child was killed, false when it trained to the end. */
static bool was_killed(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* ---- the tests --------------------------------------------------------------------------- */

static char *whole; /* directory of the uninterrupted run */
static long all_calls;

static int make_whole(void **state) {
    (void)state;
    whole = scratch_make();
    assert_int_equal(train_to_the_end(whole, EVERY_STEP), 0);
    all_calls = faults.calls;
    assert_true(all_calls > 200);
    return 0;
}

static int remove_whole(void **state) {
    (void)state;
    scratch_remove(whole);
    return 0;
}

static uint64_t seed = 1; /* or that of --seed */

static ninp_random start_random(void) {
    print_message("seed %llu\n", (unsigned long long)seed);
    return ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
}

/* A run that is killed again and again, inside the calls that save it, each time a little later. */
static void test_killed_while_saving(void **state) {
    (void)state;
    enum { KILLS = 20 };
    ninp_random random = start_random();
    char *directory = scratch_make();
    int kills = 0;
    uint32_t reach = (uint32_t)(3 * all_calls / KILLS);
    while (kills < KILLS) {
        long call = 1 + (long)ninp_random_below(&random, reach);
        if (!was_killed(start_child(directory, call))) {
            small_run_expect_same(directory, whole);
            scratch_remove(directory);
            directory = scratch_make();
            continue;
        }
        kills++;
        small_run_expect_whole(directory);
    }
    assert_false(was_killed(start_child(directory, -1)));
    small_run_expect_same(directory, whole);
    assert_int_equal(scratch_count(directory), 4); /* no temporary file is left */
    scratch_remove(directory);
}

/* Kills from outside at any moment, loading, computing and evaluating included. */
static void test_killed_at_any_moment(void **state) {
    (void)state;
    enum { KILLS = 10, LONGEST_WAIT = 100000 /* microseconds */ };
    ninp_random random = start_random();
    for (int kills = 0; kills < KILLS; kills++) {
        char *directory = scratch_make();
        pid_t child = start_child(directory, -1);
        struct timespec wait = {.tv_nsec = 1000L * ninp_random_below(&random, LONGEST_WAIT)};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        (void)was_killed(child); /* or it was faster */
        small_run_expect_whole(directory);
        assert_int_equal(train_to_the_end(directory, 0), 0);
        small_run_expect_same(directory, whole);
        assert_int_equal(scratch_count(directory), 4);
        scratch_remove(directory);
    }
}

/* One run whose calls from `first` to `last` fail; then another one that finishes it. */
static bool fail_and_finish(const small_run *run, long first, long last, int error) {
    char *directory = scratch_make();
    nin_error err = {0};
    faults.calls = 0;
    faults.fail_from = first;
    faults.fail_until = last;
    faults.error = error;
    nin_status status = small_run_train(run, directory, false, NULL, NULL, NULL, &err);
    bool failed = faults.calls >= first;
    faults.fail_from = -1;
    if (failed) {
        assert_int_equal(status, NIN_ERROR_IO);
        if (!strstr(err.message, directory) || !strstr(err.message, strerror(error))) {
            fail_msg("call %ld: message: %s", first, err.message);
        }
        small_run_expect_whole(directory);
        /* Where no state was saved yet the directory must still be free for a new start. */
        size_t files = scratch_count(directory);
        assert_true(has_state(directory) || files == 0);
        assert_int_equal(train_to_the_end(directory, 0), 0);
    }
    assert_int_equal(scratch_count(directory), 4); /* no temporary file is left */
    small_run_expect_same(directory, whole);
    scratch_remove(directory);
    return failed;
}

/* Each call in turn fails once, or for good, until a run gets through. */
static void test_every_call_fails(void **state) {
    (void)state;
    small_run run = small_run_open();
    long first = 1;
    while (fail_and_finish(&run, first, first + 1, ENOSPC)) {
        first++;
    }
    print_message("%ld calls\n", first - 1);
    assert_true(first > 20);
    for (long call = 1; call < first; call += 3) {
        assert_true(fail_and_finish(&run, call, 1000000, EIO));
    }
    small_run_close(&run);
}

/* A limit on the size of files makes the kernel itself refuse. */
static void test_file_size_limit(void **state) {
    (void)state;
    char *directory = scratch_make();
    small_run run = small_run_open();
    run.options.max_steps = 9;
    assert_int_equal(small_run_train(&run, directory, false, NULL, NULL, NULL, NULL), NIN_OK);
    char before[2][SMALL_RUN_DIGEST];
    char after[2][SMALL_RUN_DIGEST];
    small_run_digest(directory, "state", before[0]);
    small_run_digest(directory, "last.safetensors", before[1]);

    struct rlimit usual;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    struct rlimit little = {.rlim_cur = 10000, .rlim_max = usual.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    run.options.max_steps = 12;
    nin_error err = {0};
    nin_status status = small_run_train(&run, directory, true, NULL, NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);

    assert_int_equal(status, NIN_ERROR_IO);
    assert_non_null(strstr(err.message, "last.safetensors: cannot write: File too large"));
    small_run_digest(directory, "state", after[0]);
    small_run_digest(directory, "last.safetensors", after[1]);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(train_to_the_end(directory, 0), 0);
    small_run_expect_same(directory, whole);
    small_run_close(&run);
    scratch_remove(directory);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--train") == 0) {
        faults.kill_at = strtol(argv[3], NULL, 10);
        return train_to_the_end(argv[2], EVERY_STEP);
    }
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        seed = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_while_saving),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_every_call_fails),
        cmocka_unit_test(test_file_size_limit),
    };
    return cmocka_run_group_tests(tests, make_whole, remove_whole);
}

/* The run directory: what is refused because it would not be the same run, and what damaged,
 * hostile and leftover files do. */
#include "support/scratch.h"
#include "support/small_run.h"
#include "train/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *whole;     /* directory of the uninterrupted run */
static char *directory; /* of the test */

static int make_whole(void **state) {
    (void)state;
    whole = scratch_make();
    small_run run = small_run_open();
    small_run_whole(&run, whole);
    small_run_close(&run);
    return 0;
}

static int remove_whole(void **state) {
    (void)state;
    scratch_remove(whole);
    return 0;
}

static int make_directory(void **state) {
    (void)state;
    directory = scratch_make();
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    scratch_remove(directory);
    return 0;
}

static void expect_failure(const small_run *run, bool resume, nin_status expected,
                           const char *message) {
    nin_error err = {0};
    nin_status status = small_run_train(run, directory, resume, NULL, NULL, NULL, &err);
    assert_int_equal(status, expected);
    if (!strstr(err.message, message)) {
        fail_msg("message: %s; expected: %s", err.message, message);
    }
}

static void test_refusals(void **state) {
    (void)state;
    small_run run = small_run_open();
    expect_failure(&run, true, NIN_ERROR_NO_INPUT, "state: cannot open: No such file");
    run.options.max_steps = 10;
    assert_int_equal(small_run_train(&run, directory, false, NULL, NULL, NULL, NULL), NIN_OK);
    expect_failure(&run, false, NIN_ERROR_ARGUMENT,
                   "holds a run already (state); resume it or choose another directory");

    const nin_train_options right = run.options;
    run.options.batch = 32;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT, "another batch: 16, not 32");
    run.options = right;
    run.options.seed = 6;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT,
                   "state: the run was made with another seed: \"5\", not \"6\"");
    run.options = right;
    run.options.lr = 0.06F;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT,
                   "the run was made with another lr: 0.05, not 0.06");
    run.options = right;
    run.options.schedule = NIN_SCHEDULE_COSINE;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT,
                   "another schedule: \"one-cycle\", not \"cosine\"");
    run.options = right;
    run.options.session.isa = "none";
    expect_failure(&run, true, NIN_ERROR_ARGUMENT, "another isa: ");
    run.options.session.isa = "auto";
    run.options.session.device = "cuda"; /* it may go on elsewhere, but that has to be there */
    run.options.session.plugins = "/nowhere";
    expect_failure(&run, true, NIN_ERROR_UNAVAILABLE, "/nowhere/libnin-cuda.so: ");
    run.options = right;
    nin_dataset *test = run.test;
    run.test = run.train;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT, "another test data: ");
    run.test = test;
    run.options.lr = -1;
    expect_failure(&run, true, NIN_ERROR_ARGUMENT, "lr -1 is not within");
    run.options = right;
    small_run_finish(&run, directory, whole);
    small_run_close(&run);
}

/* It could not be saved after an epoch of work, so the run does not begin. */
static void test_class_name_that_is_not_utf8(void **state) {
    (void)state;
    small_run run = small_run_open();
    nin_model model = small_run_model();
    model.class_names = calloc(10, sizeof *model.class_names);
    for (size_t i = 0; i < 10; i++) {
        model.class_names[i] = strdup(i == 7 ? "\xff" : "name");
    }
    nin_error err = {0};
    const nin_train_task task = {.model = &model,
                                 .train = run.train,
                                 .test = run.test,
                                 .options = &run.options,
                                 .directory = directory};
    assert_int_equal(nin_train(&task, NULL, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, "a class name: not UTF-8");
    assert_int_equal(scratch_count(directory), 0);
    nin_model_free(&model);
    small_run_close(&run);
}

static void test_damaged_files(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.max_steps = 10;
    assert_int_equal(small_run_train(&run, directory, false, NULL, NULL, NULL, NULL), NIN_OK);
    const char *log = small_run_path(directory, "log.jsonl");
    assert_int_equal(truncate(log, 100), 0);
    expect_failure(&run, true, NIN_ERROR_DATA, "log.jsonl: ");
    FILE *file = fopen(small_run_path(directory, "state"), "r+b");
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    fputc(byte ^ 1, file);
    fclose(file);
    expect_failure(&run, true, NIN_ERROR_DATA, ": damaged: ");
    small_run_close(&run);
}

/* Whole files with right digests whose numbers make no sense. */
static void test_hostile_states(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.max_steps = 10;
    assert_int_equal(small_run_train(&run, directory, false, NULL, NULL, NULL, NULL), NIN_OK);
    const char *path = small_run_path(directory, "state");
    ninp_safetensors *file;
    ninp_run_state right;
    assert_int_equal(ninp_run_state_open(path, &right, &file, NULL), NIN_OK);
    nin_model model = small_run_model();
    const size_t count = nin_net_parameter_count(model.net);
    const ninp_run_array momentum = {"momentum", calloc(count, sizeof(float)), count};
    assert_int_equal(ninp_run_state_read(file, model.net, &momentum, 1, NULL), NIN_OK);
    ninp_safetensors_close(file);
    const struct {
        int epoch, batch;
        uint64_t step, log_bytes;
        const char *message;
    } cases[] = {
        {1, 3, 11, 0, "epoch 1, batch 3, step 11: no place in a run of 3 epochs with 7 batches"},
        {4, 0, 28, 0, "no place in a run"},
        {3, 1, 22, 0, "no place in a run"},
        {0, 10, 10, 0, "no place in a run"},
        {-1, 7, 0, 0, "no place in a run"},
        {1, -1, 6, 0, "no place in a run"},
        {1, -2, 5, 0, "batch is missing or not a number that can stand there"},
        {1, 3, UINT64_MAX, 0, "step is missing or not a number that can stand there"},
        {1, 3, 10, INT64_MAX, "9223372036854775807 bytes belong to the run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ninp_run_state wrong = right;
        wrong.at.epoch = cases[i].epoch;
        wrong.at.batch = cases[i].batch;
        wrong.at.step = cases[i].step;
        wrong.at.log_bytes = cases[i].log_bytes;
        assert_int_equal(ninp_run_state_save(path, &wrong, &model, &momentum, 1, NULL), NIN_OK);
        expect_failure(&run, true, NIN_ERROR_DATA, cases[i].message);
    }
    assert_int_equal(ninp_run_state_save(path, &right, &model, &momentum, 1, NULL), NIN_OK);
    small_run_finish(&run, directory, whole);
    free(momentum.values);
    nin_model_free(&model);
    ninp_run_state_free(&right);
    small_run_close(&run);
}

/* A second run in the same directory while the first one goes on. */
static bool train_inside(nin_event event, const nin_progress *progress, void *context) {
    (void)progress;
    if (event == NIN_EVENT_STEP) {
        expect_failure(context, true, NIN_ERROR_ARGUMENT, "another process is training there");
    }
    return true;
}

static void test_one_at_a_time(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.max_steps = 2;
    assert_int_equal(small_run_train(&run, directory, false, train_inside, &run, NULL, NULL),
                     NIN_OK);
    small_run_finish(&run, directory, whole);
    small_run_close(&run);
}

/* What a killed process left goes; what merely looks like it stays. */
static void test_removes_temporaries(void **state) {
    (void)state;
    const char *const gone[] = {"state.123.0.tmp", "last.safetensors.77.12.tmp",
                                "best.safetensors.1.0.tmp"};
    const char *const kept[] = {"state.tmp.txt", "mine.1.0.tmp", "state.old.0.tmp", "statetmp"};
    for (size_t i = 0; i < 3; i++) {
        scratch_write(small_run_path(directory, gone[i]), "x", 1);
    }
    for (size_t i = 0; i < 4; i++) {
        scratch_write(small_run_path(directory, kept[i]), "x", 1);
    }
    small_run run = small_run_open();
    small_run_whole(&run, directory);
    assert_int_equal(scratch_count(directory), 4 + 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(access(small_run_path(directory, kept[i]), F_OK), 0);
    }
    small_run_close(&run);
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_refusals),      IN_DIRECTORY(test_class_name_that_is_not_utf8),
        IN_DIRECTORY(test_damaged_files), IN_DIRECTORY(test_hostile_states),
        IN_DIRECTORY(test_one_at_a_time), IN_DIRECTORY(test_removes_temporaries),
    };
    return cmocka_run_group_tests(tests, make_whole, remove_whole);
}

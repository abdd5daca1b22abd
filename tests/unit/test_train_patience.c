/* Runs that stop early because the test accuracy does not grow any more. */
#include "support/scratch.h"
#include "support/small_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *directory;

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

static nin_train_result train(const small_run *run, bool resume) {
    nin_train_result result;
    nin_error err = {0};
    if (small_run_train(run, directory, resume, NULL, NULL, &result, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    assert_false(result.stopped);
    return result;
}

/* The last line of the log. */
static const char *read_last_line(void) {
    static char line[1000];
    FILE *file = fopen(small_run_path(directory, "log.jsonl"), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
    }
    fclose(file);
    return line;
}

/* With a learning rate of 0, and batch norm frozen, nothing gets better after the first epoch. */
static small_run open_hopeless(void) {
    small_run run = small_run_open();
    run.options.lr = 0;
    run.options.freeze = "1.*";
    run.options.epochs = 9;
    return run;
}

static void test_stops_and_says_so(void **state) {
    (void)state;
    small_run run = open_hopeless();
    run.options.patience = 3;
    nin_train_result result = train(&run, false);
    assert_true(result.out_of_patience && !result.finished);
    assert_int_equal(result.best_epoch, 0);
    assert_int_equal(result.last.epoch, 3);
    char expected[200];
    snprintf(expected, sizeof expected,
             "{\"stopped\":\"patience\",\"step\":28,\"epochs\":4,\"best_epoch\":1,"
             "\"best_acc\":%.7g}\n",
             result.best_accuracy);
    assert_string_equal(read_last_line(), expected);

    /* It stays stopped, and says so once only. */
    result = train(&run, true);
    assert_true(result.out_of_patience && !result.finished);
    assert_int_equal(result.last.step, 28);
    assert_string_equal(read_last_line(), expected);
    small_run_close(&run);
}

static void test_goes_on_with_more_patience(void **state) {
    (void)state;
    small_run run = open_hopeless();
    run.options.patience = 1;
    assert_int_equal(train(&run, false).last.epoch, 1);
    run.options.patience = 4;
    nin_train_result result = train(&run, true);
    assert_true(result.out_of_patience);
    assert_int_equal(result.last.epoch, 4);
    run.options.patience = 0;
    result = train(&run, true);
    assert_true(result.finished && !result.out_of_patience);
    small_run_close(&run);
}

/* The last epoch ends a run by itself. */
static void test_is_not_needed(void **state) {
    (void)state;
    small_run run = open_hopeless();
    run.options.epochs = 3;
    run.options.patience = 2;
    const nin_train_result result = train(&run, false);
    assert_true(result.finished && !result.out_of_patience);
    assert_null(strstr(read_last_line(), "stopped"));
    small_run_close(&run);
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_stops_and_says_so),
        IN_DIRECTORY(test_goes_on_with_more_patience),
        IN_DIRECTORY(test_is_not_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

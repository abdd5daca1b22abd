/* Whole runs: they learn, give the same bits whatever the threads and interruptions, tell and log
 * what they do, and stop at values that are not finite. */
#include "support/scratch.h"
#include "support/small_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

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

static void empty_directory(void) {
    scratch_remove(directory);
    directory = scratch_make();
}

/* ---- it learns --------------------------------------------------------------------------- */

static const char lenet[] = "input 1x28x28\n"
                            "conv2d 6 kernel=5 padding=2\n"
                            "relu\n"
                            "max_pool kernel=2 stride=2\n"
                            "conv2d 16 kernel=5\n"
                            "relu\n"
                            "max_pool kernel=2 stride=2\n"
                            "flatten\n"
                            "linear 120\n"
                            "relu\n"
                            "linear 84\n"
                            "relu\n"
                            "linear classes\n";

static nin_dataset *drawn(nin_split split, size_t count) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = split;
    options.drawn_count = count;
    nin_dataset *dataset;
    assert_int_equal(nin_dataset_open("drawn", &options, &dataset, NULL), NIN_OK);
    return dataset;
}

static void expect_evaluation(const nin_dataset *test, double accuracy) {
    nin_model best;
    nin_error err = {0};
    small_run_expect_ok(
        nin_model_load(small_run_path(directory, "best.safetensors"), false, &best, &err), &err);
    nin_session_options options = nin_session_options_defaults();
    options.batch = 64;
    nin_session *session;
    small_run_expect_ok(nin_session_create(best.net, &options, &session, &err), &err);
    nin_evaluation evaluation;
    const nin_evaluation_task task = {.dataset = test, .preprocess = &best.preprocess};
    small_run_expect_ok(nin_evaluate(session, &task, &evaluation, &err), &err);
    assert_true(evaluation.accuracy == accuracy);
    nin_evaluation_free(&evaluation);
    nin_session_free(session);
    nin_model_free(&best);
}

/* LeNet with ReLU on drawn shapes: chance is 0.1. */
static void test_learns(void **state) {
    (void)state;
    nin_dataset *train = drawn(NIN_SPLIT_TRAIN, 1500);
    nin_dataset *test = drawn(NIN_SPLIT_TEST, 500);
    nin_model model = {.preprocess = nin_preprocess_plain(1, 28, 28)};
    assert_int_equal(nin_net_parse(lenet, strlen(lenet), "lenet", NULL, &model.net, NULL), NIN_OK);
    nin_train_options options = nin_train_options_defaults();
    options.epochs = 5;
    options.batch = 20;
    options.lr = 0.03F;
    options.momentum = 0.9F;
    options.schedule = NIN_SCHEDULE_COSINE;
    options.session.threads = 1;
    nin_train_result result;
    nin_error err = {0};
    const nin_train_task task = {
        .model = &model, .train = train, .test = test, .options = &options, .directory = directory};
    small_run_expect_ok(nin_train(&task, &result, &err), &err);
    print_message("test accuracy %.3f, loss %.3f\n", result.best_accuracy, result.last.train_loss);
    assert_true(result.finished);
    assert_true(result.best_accuracy > 0.6);
    assert_true(result.last.train_loss < 1.2);
    expect_evaluation(test, result.best_accuracy);
    nin_model_free(&model);
    nin_dataset_free(train);
    nin_dataset_free(test);
}

/* With a learning rate of 0 all epochs are equally good: the first one stays the best. */
static void test_first_of_equals(void **state) {
    (void)state;
    nin_dataset *train = drawn(NIN_SPLIT_TRAIN, 30);
    nin_dataset *test = drawn(NIN_SPLIT_TEST, 30);
    nin_model model = {.preprocess = nin_preprocess_plain(1, 28, 28)};
    assert_int_equal(nin_net_parse(lenet, strlen(lenet), "lenet", NULL, &model.net, NULL), NIN_OK);
    nin_train_options options = nin_train_options_defaults();
    options.epochs = 3;
    options.lr = 0;
    options.session.threads = 1;
    nin_train_result result;
    nin_error err = {0};
    const nin_train_task task = {
        .model = &model, .train = train, .test = test, .options = &options, .directory = directory};
    small_run_expect_ok(nin_train(&task, &result, &err), &err);
    assert_int_equal(result.best_epoch, 0);
    assert_true(result.best_accuracy == result.last.test_accuracy);
    nin_model_free(&model);
    nin_dataset_free(train);
    nin_dataset_free(test);
}

/* ---- the same bits ----------------------------------------------------------------------- */

static void test_threads(void **state) {
    (void)state;
    const int counts[] = {2, 3, 4, 8};
    small_run run = small_run_open();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        run.options.session.threads = counts[i];
        small_run_whole(&run, directory);
        small_run_expect_same(directory, whole);
        empty_directory();
    }
    small_run_close(&run);
}

static void test_resume_after_every_step(void **state) {
    (void)state;
    small_run run = small_run_open();
    for (uint64_t steps = 1; steps <= SMALL_RUN_STEPS; steps++) {
        nin_train_result result;
        nin_error err = {0};
        run.options.max_steps = steps;
        small_run_expect_ok(small_run_train(&run, directory, false, NULL, NULL, &result, &err),
                            &err);
        assert_int_equal(result.last.step, steps);
        assert_int_equal(result.finished, steps == SMALL_RUN_STEPS);
        assert_false(result.stopped);
        run.options.session.threads = steps % 5 == 0 ? 3 : 1;
        small_run_finish(&run, directory, whole);
        empty_directory();
    }
    small_run_close(&run);
}

/* Stops at the n-th event of a kind. */
typedef struct stopper {
    nin_event event;
    int countdown;
    bool used;
} stopper;

static bool stop_at(nin_event event, const nin_progress *progress, void *context) {
    (void)progress;
    stopper *when = context;
    if (event == when->event && when->countdown-- == 0) {
        when->used = true;
        return false;
    }
    return true;
}

static void test_stop_by_callback(void **state) {
    (void)state;
    const stopper stops[] = {
        {NIN_EVENT_STEP, 0, false},    {NIN_EVENT_STEP, 6, false},  {NIN_EVENT_STEP, 9, false},
        {NIN_EVENT_STEP, 20, false},   {NIN_EVENT_POINT, 2, false}, {NIN_EVENT_TESTING, 0, false},
        {NIN_EVENT_TESTING, 5, false}, {NIN_EVENT_EPOCH, 1, false}, {NIN_EVENT_SAVED, 0, false}};
    small_run run = small_run_open();
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        stopper when = stops[i];
        nin_train_result result;
        nin_error err = {0};
        small_run_expect_ok(small_run_train(&run, directory, false, stop_at, &when, &result, &err),
                            &err);
        assert_true(when.used && result.stopped && !result.finished);
        small_run_expect_whole(directory);
        assert_int_equal(access(small_run_path(directory, "last.safetensors"), F_OK), 0);
        small_run_finish(&run, directory, whole);
        empty_directory();
    }
    small_run_close(&run);
}

/* With a checkpoint after every step the run is the same, too. */
static void test_checkpoints(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.checkpoint_seconds = 1e-9;
    small_run_whole(&run, directory);
    small_run_expect_same(directory, whole);
    small_run_close(&run);
}

/* ---- what it tells ----------------------------------------------------------------------- */

typedef struct counts {
    int events[NIN_EVENT_RESTART + 1];
    uint64_t last_step;
    bool wrong;
} counts;

static bool count_events(nin_event event, const nin_progress *progress, void *context) {
    counts *seen = context;
    seen->events[event]++;
    seen->wrong = seen->wrong || !progress->algorithms || !progress->algorithms[0];
    if (event == NIN_EVENT_STEP) {
        seen->wrong = seen->wrong || progress->step != seen->last_step + 1;
        seen->last_step = progress->step;
        int batch = (int)((progress->step - 1) % SMALL_RUN_BATCHES);
        int epoch = (int)((progress->step - 1) / SMALL_RUN_BATCHES);
        seen->wrong = seen->wrong || progress->batch_index != batch || progress->epoch != epoch ||
                      !isnan(progress->test_accuracy) || !isfinite(progress->batch_loss);
    }
    if (event == NIN_EVENT_EPOCH) {
        seen->wrong = seen->wrong || progress->batch_index != SMALL_RUN_BATCHES - 1 ||
                      progress->epoch_position != progress->epoch + 1 ||
                      isnan(progress->test_accuracy) || isnan(progress->train_loss);
    }
    seen->wrong = seen->wrong || progress->batches < 1 || progress->steps != SMALL_RUN_STEPS;
    return true;
}

/* 7 batches an epoch: 7 / 5 = 1, so every batch is a point by the lecture's rule; with 2 points the
 * interval is 3, and the last batch is one as well. 60 test pictures are 4 batches of 16. */
static void test_events(void **state) {
    (void)state;
    small_run run = small_run_open();
    for (int points = 0; points <= 2; points += 2) {
        run.options.points_per_epoch = points;
        counts seen = {0};
        nin_train_result result;
        nin_error err = {0};
        small_run_expect_ok(
            small_run_train(&run, directory, false, count_events, &seen, &result, &err), &err);
        assert_false(seen.wrong);
        assert_int_equal(seen.events[NIN_EVENT_BEGIN], 1);
        assert_int_equal(seen.events[NIN_EVENT_STEP], SMALL_RUN_STEPS);
        assert_int_equal(seen.events[NIN_EVENT_POINT], SMALL_RUN_EPOCHS * (points ? 3 : 7));
        assert_int_equal(seen.events[NIN_EVENT_TESTING], SMALL_RUN_EPOCHS * 4);
        assert_int_equal(seen.events[NIN_EVENT_EPOCH], SMALL_RUN_EPOCHS);
        assert_int_equal(seen.events[NIN_EVENT_SAVED], SMALL_RUN_EPOCHS);
        assert_int_equal(result.last.step, SMALL_RUN_STEPS);
        assert_int_equal(result.last.epoch, SMALL_RUN_EPOCHS - 1);
        assert_true(result.last.examples_per_second > 0);
        assert_true(fabs(result.last.examples_per_second * result.last.step_seconds - 300) < 1e-6);
        assert_true(result.last.wall_seconds > result.last.step_seconds);
        empty_directory();
    }
    small_run_close(&run);
}

static void test_log(void **state) {
    (void)state;
    FILE *file = fopen(small_run_path(whole, "log.jsonl"), "r");
    assert_non_null(file);
    char line[1000];
    int lines = 0;
    int epochs = 0;
    while (fgets(line, sizeof line, file)) {
        json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_int_equal(json_object_size(json), 9);
        assert_true(json_is_integer(json_object_get(json, "step")));
        assert_true(json_is_number(json_object_get(json, "epoch")));
        assert_true(json_is_number(json_object_get(json, "loss")));
        assert_true(json_is_number(json_object_get(json, "train_acc")));
        assert_true(json_is_number(json_object_get(json, "lr")));
        assert_true(json_is_number(json_object_get(json, "examples_per_s")));
        assert_true(json_is_number(json_object_get(json, "seconds")));
        const json_t *accuracy = json_object_get(json, "test_acc");
        assert_true(json_is_number(accuracy) || json_is_null(accuracy));
        assert_int_equal(json_is_number(json_object_get(json, "test_loss")),
                         json_is_number(accuracy));
        lines++;
        epochs += json_is_number(accuracy);
        json_decref(json);
    }
    fclose(file);
    assert_int_equal(lines, SMALL_RUN_STEPS + SMALL_RUN_EPOCHS);
    assert_int_equal(epochs, SMALL_RUN_EPOCHS);
}

/* A finished run has nothing left to do, and says again how it ended. */
static void test_resume_finished(void **state) {
    (void)state;
    small_run run = small_run_open();
    nin_train_result first;
    nin_train_result again;
    nin_error err = {0};
    small_run_expect_ok(small_run_train(&run, directory, false, NULL, NULL, &first, &err), &err);
    counts seen = {0};
    small_run_expect_ok(small_run_train(&run, directory, true, count_events, &seen, &again, &err),
                        &err);
    const counts none = {.events[NIN_EVENT_BEGIN] = 1};
    assert_memory_equal(&seen, &none, sizeof none);
    assert_true(again.finished);
    assert_true(again.last.train_loss == first.last.train_loss);
    assert_true(again.last.train_accuracy == first.last.train_accuracy);
    assert_true(again.last.test_accuracy == first.last.test_accuracy);
    assert_true(again.last.examples_per_second == first.last.examples_per_second);
    assert_true(again.best_accuracy == first.best_accuracy);
    assert_int_equal(again.best_epoch, first.best_epoch);
    small_run_expect_same(directory, whole);
    small_run_close(&run);
}

static void test_without_test_data(void **state) {
    (void)state;
    small_run run = small_run_open();
    nin_dataset *test = run.test;
    run.test = NULL;
    nin_train_result result;
    nin_error err = {0};
    small_run_expect_ok(small_run_train(&run, directory, false, NULL, NULL, &result, &err), &err);
    assert_true(result.finished && isnan(result.best_accuracy) && result.best_epoch == -1);
    assert_int_not_equal(access(small_run_path(directory, "best.safetensors"), F_OK), 0);
    char hex[SMALL_RUN_DIGEST];
    char expected[SMALL_RUN_DIGEST];
    small_run_digest(directory, "last.safetensors", hex);
    small_run_digest(whole, "last.safetensors", expected);
    assert_string_equal(hex, expected); /* evaluation leaves no trace in the weights */
    run.test = test;
    small_run_close(&run);
}

/* ---- values that are not finite ---------------------------------------------------------- */

typedef struct poison {
    nin_model model;
    uint64_t step;
    size_t tensor;
    float value;
    bool all;           /* values of the tensor, not one */
    uint64_t max_steps; /* of the run; 0: all */
} poison;

static bool plant(nin_event event, const nin_progress *progress, void *context) {
    poison *what = context;
    if (event == NIN_EVENT_STEP && progress->step == what->step) {
        nin_tensor tensor = nin_net_tensor(what->model.net, what->tensor);
        for (size_t i = what->all ? 0 : 3; i < (what->all ? tensor.count : 4); i++) {
            tensor.values[i] = what->value;
        }
    }
    return true;
}

static void check_poison(poison *what, const char *message) {
    small_run run = small_run_open();
    run.options.max_steps = what->max_steps;
    what->model = small_run_model();
    nin_error err = {0};
    const nin_train_task task = {.model = &what->model,
                                 .train = run.train,
                                 .test = run.test,
                                 .options = &run.options,
                                 .directory = directory,
                                 .callback = plant,
                                 .context = what};
    nin_status status = nin_train(&task, NULL, &err);
    nin_model_free(&what->model);
    assert_int_equal(status, NIN_ERROR_NOT_FINITE);
    if (!strstr(err.message, message)) {
        fail_msg("message: %s; expected: %s", err.message, message);
    }
    small_run_expect_whole(directory);
    small_run_finish(&run, directory, whole); /* from the last good checkpoint */
    small_run_close(&run);
    empty_directory();
}

static void test_not_finite(void **state) {
    (void)state;
    poison weight = {.step = 9, .tensor = 4, .value = NAN};
    check_poison(&weight, "step 10: the loss is nan; weights 6.weight: value 3 is nan");
    poison bias = {.step = 10, .tensor = 7, .value = INFINITY};
    check_poison(&bias, "weights 8.bias: value 3 is inf");
    poison before_save = {.step = 7, .tensor = 0, .value = NAN};
    check_poison(&before_save, "step 7: weights 0.weight: value 3 is nan");
    poison at_the_end = {.step = 10, .tensor = 2, .value = INFINITY, .max_steps = 10};
    check_poison(&at_the_end, "step 10: weights 1.weight: value 3 is inf");
    /* Finite weights whose products are not. */
    poison large = {.step = 3, .tensor = 4, .value = 3e38F, .all = true};
    check_poison(&large, "; gradient of 0.weight: value 0 is nan");
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_learns),           IN_DIRECTORY(test_first_of_equals),
        IN_DIRECTORY(test_threads),          IN_DIRECTORY(test_resume_after_every_step),
        IN_DIRECTORY(test_stop_by_callback), IN_DIRECTORY(test_checkpoints),
        IN_DIRECTORY(test_events),           IN_DIRECTORY(test_log),
        IN_DIRECTORY(test_resume_finished),  IN_DIRECTORY(test_without_test_data),
        IN_DIRECTORY(test_not_finite),
    };
    return cmocka_run_group_tests(tests, make_whole, remove_whole);
}

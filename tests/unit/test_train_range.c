/* The learning rate range test: its rates, its smoothing, its end and what it suggests. */
#include "support/small_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nin_lr_range_options gentle = {.from = 1e-4F, .to = 0.1F, .steps = 40};

/* The small run with 50 steps an epoch and a net whose loss falls. */
static small_run open_run(void) {
    small_run run = small_run_open();
    run.options.batch = 2;
    run.options.momentum = 0;
    run.options.nesterov = false;
    return run;
}

static nin_status measure(const small_run *run, const nin_lr_range_options *options,
                          nin_train_callback callback, void *context, nin_lr_range *out,
                          nin_error *err) {
    nin_model model = small_run_model();
    const nin_train_task task = {.model = &model,
                                 .train = run->train,
                                 .options = &run->options,
                                 .callback = callback,
                                 .context = context};
    nin_status status = nin_lr_range_measure(&task, options, out, err);
    nin_model_free(&model);
    return status;
}

static nin_lr_range measure_well(const small_run *run, const nin_lr_range_options *options) {
    nin_lr_range range;
    nin_error err = {0};
    if (measure(run, options, NULL, NULL, &range, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return range;
}

/* sum of 0.98^(i - j) loss_j over that of 0.98^(i - j), j from 0 to i */
static double smooth(const nin_lr_range *range, size_t i) {
    double sum = 0;
    double weights = 0;
    for (size_t j = 0; j <= i; j++) {
        const double weight = pow(0.98, (double)(i - j));
        sum += weight * range->points[j].loss;
        weights += weight;
    }
    return sum / weights;
}

static void test_rates_and_smoothing(void **state) {
    (void)state;
    small_run run = open_run();
    nin_lr_range range = measure_well(&run, &gentle);
    assert_int_equal(range.count, 40);
    assert_false(range.diverged || range.stopped);
    for (size_t i = 0; i < range.count; i++) {
        const double lr = 1e-4 * pow(1000, (double)i / 39);
        assert_true(fabs((double)range.points[i].lr - lr) < 1e-6 * lr);
        assert_true(fabs(range.points[i].smoothed - smooth(&range, i)) < 1e-12);
    }
    nin_lr_range_free(&range);
    assert_null(range.points);
    small_run_close(&run);
}

/* Of the steps from the tenth part on, without the last five. */
static void test_suggestion(void **state) {
    (void)state;
    small_run run = open_run();
    nin_lr_range range = measure_well(&run, &gentle);
    float expected = NAN;
    double steepest = 0;
    for (size_t i = 4; i <= 33; i++) {
        const double change = range.points[i + 1].smoothed - range.points[i].smoothed;
        if (change < steepest) {
            steepest = change;
            expected = range.points[i].lr;
        }
    }
    assert_true(range.suggestion == expected && expected > 1e-4F);
    nin_lr_range_free(&range);

    /* Too few steps for a suggestion. */
    nin_lr_range_options few = gentle;
    few.steps = 6;
    range = measure_well(&run, &few);
    assert_int_equal(range.count, 6);
    assert_true(isnan(range.suggestion));
    nin_lr_range_free(&range);
    small_run_close(&run);
}

/* It ends when the loss has left its least value far behind, and at values that are not finite. */
static void test_divergence(void **state) {
    (void)state;
    small_run run = open_run();
    run.options.clip_norm = 0;
    const nin_lr_range_options wild = {.from = 1e-3F, .to = 1e5F, .steps = 50};
    nin_lr_range range = measure_well(&run, &wild);
    assert_true(range.diverged && range.count < 50);
    double best = (double)INFINITY;
    for (size_t i = 0; i < range.count; i++) {
        assert_true(i + 1 == range.count || range.points[i].smoothed <= 4 * best);
        best = fmin(best, range.points[i].smoothed);
    }
    assert_true(range.points[range.count - 1].smoothed > 4 * best);
    nin_lr_range_free(&range);

    const nin_lr_range_options mad = {.from = 1e30F, .to = 3e38F, .steps = 50};
    range = measure_well(&run, &mad);
    assert_true(range.diverged && range.count < 10);
    nin_lr_range_free(&range);
    small_run_close(&run);
}

/* An epoch has 50 steps; every optimizer can be tested; averages and patience do not matter. */
static void test_length_and_options(void **state) {
    (void)state;
    small_run run = open_run();
    run.options.optimizer = NIN_OPTIMIZER_ADAMW;
    run.options.ema = 0.9F;
    run.options.patience = 3;
    nin_lr_range_options options = gentle;
    options.steps = 1000;
    nin_lr_range range = measure_well(&run, &options);
    assert_int_equal(range.count, 50);
    assert_true(range.points[49].lr == options.to);
    nin_lr_range_free(&range);
    run.options.accumulate = 5;
    range = measure_well(&run, &options);
    assert_int_equal(range.count, 10);
    nin_lr_range_free(&range);
    small_run_close(&run);
}

static void test_threads(void **state) {
    (void)state;
    small_run run = open_run();
    nin_lr_range one = measure_well(&run, &gentle);
    run.options.session.threads = 3;
    nin_lr_range three = measure_well(&run, &gentle);
    assert_int_equal(one.count, three.count);
    assert_memory_equal(one.points, three.points, one.count * sizeof *one.points);
    nin_lr_range_free(&one);
    nin_lr_range_free(&three);
    small_run_close(&run);
}

static bool stop_after_seven(nin_event event, const nin_progress *progress, void *context) {
    int *calls = context;
    assert_int_equal(event, NIN_EVENT_STEP);
    assert_int_equal(progress->step, ++*calls);
    assert_int_equal(progress->steps, 40);
    assert_true(progress->lr > 0 && isfinite(progress->train_loss));
    return *calls < 7;
}

static void test_callback(void **state) {
    (void)state;
    small_run run = open_run();
    int calls = 0;
    nin_lr_range range;
    assert_int_equal(measure(&run, &gentle, stop_after_seven, &calls, &range, NULL), NIN_OK);
    assert_true(range.stopped);
    assert_int_equal(range.count, 7);
    nin_lr_range_free(&range);
    small_run_close(&run);
}

static void expect_refused(const small_run *run, nin_lr_range_options options,
                           const char *message) {
    nin_lr_range range;
    nin_error err = {0};
    assert_int_equal(measure(run, &options, NULL, NULL, &range, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, message);
    assert_null(range.points);
}

static void test_refused(void **state) {
    (void)state;
    small_run run = open_run();
#define ORDER ": the first has to be above 0 and below the second"
    expect_refused(&run, (nin_lr_range_options){1, 1, 10}, "learning rates from 1 to 1" ORDER);
    expect_refused(&run, (nin_lr_range_options){0, 1, 10}, "learning rates from 0 to 1" ORDER);
    expect_refused(&run, (nin_lr_range_options){1, INFINITY, 10},
                   "learning rates from 1 to inf" ORDER);
#undef ORDER
    expect_refused(&run, (nin_lr_range_options){1, 2, 1}, "1 steps: a range test takes at least 2");
    run.options.batch = 100;
    expect_refused(&run, gentle, "an epoch has a single step: too few for a range test");
    run.options.lr = -1;
    expect_refused(&run, gentle, "lr -1 is not within 0 to 1e+06");
    small_run_close(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_and_smoothing),
        cmocka_unit_test(test_suggestion),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_length_and_options),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_callback),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

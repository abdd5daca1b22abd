/* Learning rates against PyTorch's schedulers (tests/golden/train.py), warm-up, and the checks of
 * options and recipes. */
#include "train/options.h"

#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nin_train_options options_of(nin_schedule schedule, float final_factor) {
    nin_train_options options = nin_train_options_defaults();
    options.lr = 0.4F;
    options.schedule = schedule;
    options.final_factor = final_factor;
    options.step_epochs = 2;
    return options;
}

static void check(const char *name, const nin_train_options *options, int batches) {
    golden *file = golden_open("tests/golden/train.safetensors");
    size_t steps;
    const float *expected = golden_values(file, name, &steps);
    for (size_t step = 0; step < steps; step++) {
        float lr = nin_schedule_lr(options, step, steps, batches);
        if (fabs((double)lr - (double)expected[step]) > 1e-7) {
            fail_msg("%s: step %zu: %.9g, PyTorch has %.9g", name, step, (double)lr,
                     (double)expected[step]);
        }
    }
    golden_close(file);
}

static void test_one_cycle(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_SCHEDULE_ONE_CYCLE, 0);
    check("schedule.one_cycle", &options, 10);
    check("schedule.one_cycle_short", &options, 2);
    options.final_factor = 0.01F;
    check("schedule.one_cycle_final", &options, 37);
}

static void test_cosine(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_SCHEDULE_COSINE, 0.1F);
    check("schedule.cosine", &options, 10);
}

static void test_step(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_SCHEDULE_STEP, 0);
    check("schedule.step", &options, 12);
}

static void test_constant_and_warm_up(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_SCHEDULE_CONSTANT, 0);
    assert_true(nin_schedule_lr(&options, 0, 100, 10) == 0.4F);
    assert_true(nin_schedule_lr(&options, 99, 100, 10) == 0.4F);
    options.warmup_steps = 4;
    assert_true(nin_schedule_lr(&options, 0, 100, 10) == 0.1F);
    assert_true(nin_schedule_lr(&options, 1, 100, 10) == 0.2F);
    assert_true(nin_schedule_lr(&options, 3, 100, 10) == 0.4F);
    assert_true(nin_schedule_lr(&options, 4, 100, 10) == 0.4F);
}

/* Short runs have a rate for every step, too. */
static void test_always_finite(void **state) {
    (void)state;
    for (int schedule = NIN_SCHEDULE_CONSTANT; schedule <= NIN_SCHEDULE_ONE_CYCLE; schedule++) {
        nin_train_options options = options_of((nin_schedule)schedule, 0);
        for (uint64_t steps = 1; steps < 30; steps++) {
            for (uint64_t step = 0; step < steps; step++) {
                float lr = nin_schedule_lr(&options, step, steps, 1);
                assert_true(lr >= 0 && lr <= 0.4F);
            }
        }
    }
}

static void expect_refused(const nin_train_options *options, const char *message) {
    nin_error err = {0};
    assert_int_equal(ninp_train_options_check(options, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, message);
}

static void test_options(void **state) {
    (void)state;
    nin_train_options options = nin_train_options_defaults();
    assert_int_equal(options.epochs, 10);
    assert_int_equal(options.batch, 128);
    assert_true(options.lr == 0.1F && options.momentum == 0 && options.weight_decay == 0);
    assert_int_equal(ninp_train_options_check(&options, NULL), NIN_OK);
    options.lr = NAN;
    expect_refused(&options, "lr nan is not within 0 to 1e+06");
    options.lr = -1;
    expect_refused(&options, "lr -1 is not within 0 to 1e+06");
    options = nin_train_options_defaults();
    options.batch = 0;
    expect_refused(&options, "batch 0 is not within 1 to 1e+06");
    options = nin_train_options_defaults();
    options.label_smoothing = 1;
    expect_refused(&options, "label_smoothing 1 is not within 0 to below 1");
    options = nin_train_options_defaults();
    options.nesterov = true;
    expect_refused(&options, "nesterov needs a momentum above 0");
    options = nin_train_options_defaults();
    options.schedule = NIN_SCHEDULE_STEP;
    expect_refused(&options, "schedule step needs step_epochs of at least 1");
}

static void test_recipes(void **state) {
    (void)state;
    const char *text;
    size_t count = 0;
    bool lecture = false;
    for (const char *name; (name = nin_recipe(count, &text)) != NULL; count++) {
        assert_non_null(strstr(text, "model = "));
        lecture = lecture || strcmp(name, "lecture") == 0;
    }
    assert_true(lecture);
    assert_null(nin_recipe(count, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cycle),     cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_step),          cmocka_unit_test(test_constant_and_warm_up),
        cmocka_unit_test(test_always_finite), cmocka_unit_test(test_options),
        cmocka_unit_test(test_recipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whole runs with optimizers, averaged weights, several batches a step, and tensors that are scaled
 * or frozen: they can be resumed anywhere, and do what they say. */
#include "support/scratch.h"
#include "support/small_run.h"
#include "train/average.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *whole, *directory;

static int make_directories(void **state) {
    (void)state;
    whole = scratch_make();
    directory = scratch_make();
    return 0;
}

static int remove_directories(void **state) {
    (void)state;
    scratch_remove(whole);
    scratch_remove(directory);
    return 0;
}

static void empty(char **which) {
    scratch_remove(*which);
    *which = scratch_make();
}

static nin_model load(const char *in, const char *name) {
    nin_model model;
    nin_error err = {0};
    small_run_expect_ok(nin_model_load(small_run_path(in, name), false, &model, &err), &err);
    return model;
}

/* ---- resuming ---------------------------------------------------------------------------- */

/* Stops after every step, on other numbers of threads, and goes on to the same bits. */
static void check_resume(const nin_train_options *options, uint64_t all_steps) {
    small_run run = small_run_open();
    run.options = *options;
    small_run_whole(&run, whole);
    for (uint64_t steps = 1; steps < all_steps; steps++) {
        nin_train_result result;
        nin_error err = {0};
        run.options.max_steps = steps;
        run.options.session.threads = steps % 3 == 0 ? 4 : 1;
        small_run_expect_ok(small_run_train(&run, directory, false, NULL, NULL, &result, &err),
                            &err);
        assert_int_equal(result.last.step, steps);
        run.options.session.threads = steps % 3 == 1 ? 2 : 1;
        small_run_finish(&run, directory, whole);
        empty(&directory);
    }
    small_run_close(&run);
    empty(&whole);
}

static nin_train_options small_options(void) {
    small_run run = small_run_open();
    small_run_close(&run);
    return run.options;
}

static void test_resume(void **state) {
    (void)state;
    nin_train_options adam = small_options();
    adam.optimizer = NIN_OPTIMIZER_ADAM;
    adam.momentum = 0;
    adam.nesterov = false;
    adam.lr = 0.005F;
    check_resume(&adam, SMALL_RUN_STEPS);

    nin_train_options averaged = small_options();
    averaged.ema = 0.9F;
    check_resume(&averaged, SMALL_RUN_STEPS);

    /* 7 batches are 3 steps of 2, and one of 1. */
    nin_train_options everything = adam;
    everything.optimizer = NIN_OPTIMIZER_ADAMW;
    everything.ema = 0.8F;
    everything.accumulate = 2;
    everything.lr_scale = "bias=2,last=0.1";
    everything.decay_scale = "6.*=0";
    everything.freeze = "0.*";
    check_resume(&everything, 4 * (uint64_t)SMALL_RUN_EPOCHS);
}

typedef struct other_option {
    const char *key;
    nin_train_options options;
} other_option;

/* Everything that the weights depend on belongs to a run. */
static void test_resume_otherwise(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.momentum = 0;
    run.options.nesterov = false;
    run.options.max_steps = 2;
    nin_error err = {0};
    small_run_expect_ok(small_run_train(&run, directory, false, NULL, NULL, NULL, &err), &err);
    other_option cases[] = {
        {"optimizer", run.options}, {"beta1", run.options},       {"beta2", run.options},
        {"epsilon", run.options},   {"accumulate", run.options},  {"ema", run.options},
        {"lr_scale", run.options},  {"decay_scale", run.options}, {"freeze", run.options}};
    cases[0].options.optimizer = NIN_OPTIMIZER_ADAM;
    cases[1].options.beta1 = 0.8F;
    cases[2].options.beta2 = 0.9F;
    cases[3].options.epsilon = 1e-7F;
    cases[4].options.accumulate = 2;
    cases[5].options.ema = 0.9F;
    cases[6].options.lr_scale = "last=0.1";
    cases[7].options.decay_scale = "last=0.1";
    cases[8].options.freeze = "0.*";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run.options = cases[i].options;
        char message[100];
        snprintf(message, sizeof message, "the run was made with another %s: ", cases[i].key);
        nin_error other = {0};
        assert_int_equal(small_run_train(&run, directory, true, NULL, NULL, NULL, &other),
                         NIN_ERROR_ARGUMENT);
        if (!strstr(other.message, message)) {
            fail_msg("%s: %s", cases[i].key, other.message);
        }
    }
    small_run_close(&run);
}

/* ---- averaged weights -------------------------------------------------------------------- */

/* Follows a run and averages in float64. */
typedef struct follower {
    nin_model model;
    float decay;
    size_t count; /* of all values: those of every tensor, one behind another */
    double *average;
} follower;

static void each_value(const follower *with,
                       void (*use)(double *average, double value, double rest), double rest) {
    size_t at = 0;
    for (size_t i = 0; i < nin_net_tensor_count(with->model.net); i++) {
        const nin_tensor tensor = nin_net_tensor(with->model.net, i);
        for (size_t j = 0; j < tensor.count; j++) {
            use(&with->average[at++], (double)tensor.values[j], rest);
        }
    }
}

static void mix(double *average, double value, double rest) {
    *average += rest * (value - *average);
}

static bool follow(nin_event event, const nin_progress *progress, void *context) {
    follower *with = context;
    if (event == NIN_EVENT_STEP) {
        each_value(with, mix, 1 - (double)ninp_average_decay(with->decay, progress->step));
    }
    return true;
}

static void expect_near(double *average, double value, double rest) {
    (void)rest;
    assert_true(fabs(*average - value) <= 1e-6 * (1 + fabs(value)));
}

/* last.safetensors and, in the end, the model hold the averages of weights and of running
 * statistics alike; the accuracy that is told is theirs. */
static void test_average_is_the_outcome(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.ema = 0.7F;
    follower with = {.model = small_run_model(), .decay = 0.7F};
    with.count = nin_net_parameter_count(with.model.net);
    for (size_t i = 0; i < nin_net_tensor_count(with.model.net); i++) {
        const nin_tensor tensor = nin_net_tensor(with.model.net, i);
        with.count += tensor.trainable ? 0 : tensor.count;
    }
    with.average = calloc(with.count, sizeof *with.average);
    nin_init_options init = run.options.init;
    init.seed = run.options.seed;
    nin_net_initialize(with.model.net, &init);
    each_value(&with, mix, 1); /* the average starts as the weights */
    const nin_train_task task = {.model = &with.model,
                                 .train = run.train,
                                 .test = run.test,
                                 .options = &run.options,
                                 .directory = directory,
                                 .callback = follow,
                                 .context = &with};
    nin_train_result result;
    nin_error err = {0};
    small_run_expect_ok(nin_train(&task, &result, &err), &err);
    each_value(&with, expect_near, 0);

    nin_model last = load(directory, "last.safetensors");
    for (size_t i = 0; i < nin_net_tensor_count(last.net); i++) {
        const nin_tensor tensor = nin_net_tensor(last.net, i);
        assert_memory_equal(tensor.values, nin_net_tensor(with.model.net, i).values,
                            tensor.count * sizeof *tensor.values);
    }
    nin_session_options options = nin_session_options_defaults();
    options.batch = 16;
    nin_session *session;
    nin_evaluation evaluation;
    small_run_expect_ok(nin_session_create(last.net, &options, &session, &err), &err);
    const nin_evaluation_task evaluated = {.dataset = run.test, .preprocess = &last.preprocess};
    small_run_expect_ok(nin_evaluate(session, &evaluated, &evaluation, &err), &err);
    assert_true(evaluation.loss == result.last.test_loss);
    nin_evaluation_free(&evaluation);
    nin_session_free(session);
    nin_model_free(&last);
    nin_model_free(&with.model);
    free(with.average);
    small_run_close(&run);
}

/* ---- several batches a step -------------------------------------------------------------- */

static const char plain_net[] = "input 1x14x14\n"
                                "conv2d 8 kernel=3 padding=1\n"
                                "relu\n"
                                "max_pool kernel=2 stride=2\n"
                                "flatten\n"
                                "linear classes\n";

static nin_model train_plain(const small_run *run) {
    nin_model model = {.preprocess = nin_preprocess_plain(1, 14, 14)};
    nin_error err = {0};
    small_run_expect_ok(
        nin_net_parse(plain_net, strlen(plain_net), "plain", NULL, &model.net, &err), &err);
    const nin_train_task task = {
        .model = &model, .train = run->train, .options = &run->options, .directory = directory};
    small_run_expect_ok(nin_train(&task, NULL, &err), &err);
    empty(&directory);
    return model;
}

/* 100 pictures: 3 steps of 2 x 16 and one of 4 are those of batches of 32, whatever the optimizer
 * and with clipping; the reference engine computes in float64. */
static void test_accumulate(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.session.device = "reference";
    run.options.augmentation = (nin_augmentation){0}; /* pictures are mixed within a batch */
    run.options.epochs = 1;
    for (int i = 0; i < 2; i++) {
        run.options.optimizer = i ? NIN_OPTIMIZER_ADAM : NIN_OPTIMIZER_SGD;
        run.options.momentum = i ? 0 : 0.9F;
        run.options.nesterov = i == 0;
        run.options.clip_norm = 0.5F;
        run.options.batch = 32;
        run.options.accumulate = 1;
        nin_model one = train_plain(&run);
        run.options.batch = 16;
        run.options.accumulate = 2;
        nin_model several = train_plain(&run);
        for (size_t j = 0; j < nin_net_tensor_count(one.net); j++) {
            const nin_tensor a = nin_net_tensor(one.net, j);
            const nin_tensor b = nin_net_tensor(several.net, j);
            for (size_t k = 0; k < a.count; k++) {
                const double difference = fabs((double)a.values[k] - (double)b.values[k]);
                if (!(difference <= 2e-6 * (1 + fabs((double)a.values[k])))) {
                    fail_msg("%s[%zu]: %.9g, with two batches a step %.9g", a.name, k,
                             (double)a.values[k], (double)b.values[k]);
                }
            }
        }
        nin_model_free(&one);
        nin_model_free(&several);
    }
    small_run_close(&run);
}

static bool count_steps(nin_event event, const nin_progress *progress, void *context) {
    int *steps = context;
    if (event == NIN_EVENT_STEP) {
        assert_int_equal(progress->batches, 3);
        assert_int_equal(progress->batch_index, *steps % 3);
        ++*steps;
    }
    return true;
}

/* 7 batches, 3 a step: 3 steps an epoch, the last of one batch; every picture counts once. */
static void test_steps_of_several_batches(void **state) {
    (void)state;
    small_run run = small_run_open();
    run.options.accumulate = 3;
    int steps = 0;
    nin_train_result result;
    nin_error err = {0};
    small_run_expect_ok(small_run_train(&run, directory, false, count_steps, &steps, &result, &err),
                        &err);
    assert_int_equal(steps, 3 * SMALL_RUN_EPOCHS);
    assert_int_equal(result.last.steps, 3 * SMALL_RUN_EPOCHS);
    assert_true(fabs(result.last.examples_per_second * result.last.step_seconds - 300) < 1e-6);
    small_run_close(&run);
}

/* ---- frozen tensors ---------------------------------------------------------------------- */

static nin_model train_frozen(small_run *run, const char *freeze, const char *device) {
    nin_model model = small_run_model();
    run->options.freeze = freeze;
    run->options.session.device = device;
    run->options.epochs = 1;
    const nin_train_task task = {
        .model = &model, .train = run->train, .options = &run->options, .directory = directory};
    nin_error err = {0};
    small_run_expect_ok(nin_train(&task, NULL, &err), &err);
    empty(&directory);
    return model;
}

static void expect_near_tensor(const nin_tensor *a, const nin_tensor *b) {
    for (size_t i = 0; i < a->count; i++) {
        const double difference = fabs((double)a->values[i] - (double)b->values[i]);
        if (!(difference <= 2e-5 * (1 + fabs((double)b->values[i])))) {
            fail_msg("%s[%zu]: %.9g on the CPU, %.9g by the reference", a->name, i,
                     (double)a->values[i], (double)b->values[i]);
        }
    }
}

/* Frozen tensors keep their bits, as do the running statistics of a frozen batch norm; what lies
 * behind moves, and in the same way on both engines. The net: convolution 0, batch norm 1, linear
 * layers 6 and 8. */
static void test_freeze(void **state) {
    (void)state;
    static const struct {
        const char *freeze, *fixed[7];
    } cases[] = {
        {"0.*,1.*",
         {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}},
        {"1.*", {"1.weight", "1.bias", "1.running_mean", "1.running_var"}},
        {"1.weight,8.bias", {"1.weight", "8.bias"}},
    };
    small_run run = small_run_open();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        nin_model start = small_run_model();
        nin_init_options init = run.options.init;
        init.seed = run.options.seed;
        nin_net_initialize(start.net, &init);
        nin_model cpu = train_frozen(&run, cases[c].freeze, "cpu");
        nin_model reference = train_frozen(&run, cases[c].freeze, "reference");
        for (size_t i = 0; i < nin_net_tensor_count(cpu.net); i++) {
            const nin_tensor before = nin_net_tensor(start.net, i);
            const nin_tensor after = nin_net_tensor(cpu.net, i);
            const nin_tensor exact = nin_net_tensor(reference.net, i);
            bool fixed = false;
            for (const char *const *name = cases[c].fixed; *name; name++) {
                fixed = fixed || strcmp(*name, after.name) == 0;
            }
            const size_t bytes = after.count * sizeof *after.values;
            assert_int_equal(memcmp(after.values, before.values, bytes) == 0, fixed);
            expect_near_tensor(&after, &exact);
        }
        nin_model_free(&start);
        nin_model_free(&cpu);
        nin_model_free(&reference);
    }
    small_run_close(&run);
}

static void expect_refused(nin_train_options *options, const char *message) {
    small_run run = small_run_open();
    run.options = *options;
    nin_model model = small_run_model();
    const nin_train_task task = {
        .model = &model, .train = run.train, .options = &run.options, .directory = "nowhere"};
    nin_error err = {0};
    assert_int_equal(nin_train_check(&task, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, message);
    nin_model_free(&model);
    small_run_close(&run);
}

static void test_refused(void **state) {
    (void)state;
#define NAMES "there are 0.weight, 0.bias, 1.weight, 1.bias, 6.weight, 6.bias, 8.weight, 8.bias"
    nin_train_options options = small_options();
    options.freeze = "0.*,9.weight";
    expect_refused(&options, "freeze: '9.weight' fits no tensor; " NAMES);
    options.freeze = "1.running_mean";
    expect_refused(&options, "freeze: '1.running_mean' fits no tensor; " NAMES);
    options.freeze = ",";
    expect_refused(&options, "freeze: '' fits no tensor; " NAMES);
    options.freeze = NULL;
    options.lr_scale = "bias=2,lst=0.1";
    expect_refused(&options, "lr_scale: 'lst' fits no tensor; " NAMES);
    static const char *const malformed[] = {"bias",    "bias=",   "=2",
                                            "bias=2x", "bias=-1", "bias=nan"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char message[200];
        snprintf(message, sizeof message,
                 "lr_scale '%s': not a list of PATTERN=X with X from 0 to 1e+06", malformed[i]);
        options.lr_scale = malformed[i];
        expect_refused(&options, message);
    }
    options.lr_scale = NULL;
    options.optimizer = NIN_OPTIMIZER_ADAMW;
    expect_refused(&options, "momentum 0.9 is for optimizer sgd; adam and adamw have beta1");
    options = small_options();
    options.patience = 1;
    expect_refused(&options, "patience needs test data");
}

int main(void) {
#define IN_DIRECTORIES(test) \
    cmocka_unit_test_setup_teardown(test, make_directories, remove_directories)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORIES(test_resume),
        IN_DIRECTORIES(test_resume_otherwise),
        IN_DIRECTORIES(test_average_is_the_outcome),
        IN_DIRECTORIES(test_accumulate),
        IN_DIRECTORIES(test_steps_of_several_batches),
        IN_DIRECTORIES(test_freeze),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

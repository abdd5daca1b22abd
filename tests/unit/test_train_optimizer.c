/* Updates against PyTorch's SGD, Adam, AdamW, clip_grad_norm_ and AveragedModel
 * (tests/golden/train.py), and the same bits for any number of threads. */
#include "train/average.h"
#include "train/optimizer/norm.h"
#include "train/optimizer/optimizer.h"

#include "base/random.h"
#include "support/golden.h"
#include "support/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 10 };

static const char small_net[] =
    "input 3x4x4\nclasses 3\nconv2d 2 kernel=3\nflatten\nlinear classes\n";

typedef struct setting {
    const char *name;
    nin_train_options options;
} setting;

#define SCALED .lr_scale = "bias=2,last=0.1", .decay_scale = "0.weight=0.5"
#define BETAS .beta1 = 0.9F, .beta2 = 0.999F, .epsilon = 1e-8F
#define ADAM .optimizer = NIN_OPTIMIZER_ADAM
#define ADAMW .optimizer = NIN_OPTIMIZER_ADAMW

/* As in train.py. */
static const setting settings[] = {
    {"sgd.plain", {.lr = 0.1F}},
    {"sgd.momentum", {.lr = 0.1F, .momentum = 0.9F}},
    {"sgd.nesterov", {.lr = 0.1F, .momentum = 0.9F, .nesterov = true}},
    {"sgd.decay", {.lr = 0.1F, .weight_decay = 0.01F}},
    {"sgd.decay_all", {.lr = 0.1F, .momentum = 0.9F, .weight_decay = 0.01F, .decay_all = true}},
    {"sgd.everything",
     {.lr = 0.05F, .momentum = 0.8F, .nesterov = true, .weight_decay = 0.05F, .clip_norm = 2}},
    {"sgd.clip", {.lr = 0.1F, .clip_norm = 1.5F}},
    {"sgd.clip_idle", {.lr = 0.1F, .clip_norm = 1000}},
    {"sgd.scaled", {.lr = 0.1F, .momentum = 0.9F, .weight_decay = 0.05F, SCALED}},
    {"adam.plain", {ADAM, .lr = 0.01F, BETAS}},
    {"adam.decay", {ADAM, .lr = 0.01F, BETAS, .weight_decay = 0.1F}},
    {"adam.betas",
     {ADAM, .lr = 0.05F, .beta1 = 0.8F, .beta2 = 0.95F, .epsilon = 1e-3F, .clip_norm = 2}},
    {"adamw.plain", {ADAMW, .lr = 0.01F, BETAS}},
    {"adamw.decay", {ADAMW, .lr = 0.01F, BETAS, .weight_decay = 0.1F}},
    {"adamw.decay_all", {ADAMW, .lr = 0.05F, BETAS, .weight_decay = 0.5F, .decay_all = true}},
    {"adamw.scaled", {ADAMW, .lr = 0.05F, BETAS, .weight_decay = 0.5F, SCALED}},
};

static ninp_tensor_rule *rules_of(const nin_train_options *options, const nin_net *net) {
    ninp_tensor_rule *rules;
    nin_error err = {0};
    if (ninp_tensor_rules_create(options, net, &rules, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return rules;
}

/* Zeroed slots, as many as the optimizer has. */
static void make_slots(const nin_train_options *options, size_t count,
                       float *slots[NINP_OPTIMIZER_SLOTS]) {
    const size_t used = ninp_optimizer_of(options)->slot_count(options);
    for (size_t i = 0; i < NINP_OPTIMIZER_SLOTS; i++) {
        slots[i] = i < used ? calloc(count, sizeof *slots[i]) : NULL;
    }
}

static void free_slots(float *slots[NINP_OPTIMIZER_SLOTS]) {
    for (size_t i = 0; i < NINP_OPTIMIZER_SLOTS; i++) {
        free(slots[i]);
    }
}

static void check_update(const setting *how, golden *file, nin_net *net) {
    const nin_train_options *options = &how->options;
    size_t count;
    const float *start = golden_values(file, "update.start", &count);
    assert_int_equal(count, nin_net_parameter_count(net));
    size_t all;
    const float *gradients = golden_values(file, "update.gradients", &all);
    const float *expected = golden_values(file, how->name, &all);
    assert_int_equal(all, STEPS * count);
    float *values = nin_net_tensor(net, 0).values;
    memcpy(values, start, count * sizeof *values);
    ninp_tensor_rule *rules = rules_of(options, net);
    float *slots[NINP_OPTIMIZER_SLOTS];
    make_slots(options, count, slots);
    for (size_t i = 0; i < STEPS; i++) {
        const float *gradient = gradients + i * count;
        double norm = sqrt(ninp_sum_of_squares(gradient, count, 1));
        const ninp_optimizer_step step = {.options = options,
                                          .rules = rules,
                                          .lr = options->lr,
                                          .scale = ninp_clip_scale(norm, options->clip_norm),
                                          .number = i + 1,
                                          .threads = 1};
        ninp_optimizer_update(&step, net, gradient, slots);
        expect_close(how->name, values, expected + i * count, count, 5e-7);
    }
    free_slots(slots);
    free(rules);
}

static void test_updates(void **state) {
    (void)state;
    golden *file = golden_open("tests/golden/train.safetensors");
    nin_net *net = test_net_parse(small_net, 0);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        check_update(&settings[i], file, net);
    }
    nin_net_free(net);
    golden_close(file);
}

/* Of the weights that plain SGD went through. */
static void test_average(void **state) {
    (void)state;
    golden *file = golden_open("tests/golden/train.safetensors");
    size_t count;
    const float *start = golden_values(file, "update.start", &count);
    size_t all;
    const float *weights = golden_values(file, "sgd.plain", &all);
    const float *expected = golden_values(file, "average", &all);
    assert_int_equal(all, STEPS * count);
    float *average = malloc(count * sizeof *average);
    memcpy(average, start, count * sizeof *average);
    for (size_t i = 0; i < STEPS; i++) {
        ninp_average_update(average, weights + i * count, count, ninp_average_decay(0.4F, i + 1),
                            1);
        expect_close("average", average, expected + i * count, count, 5e-7);
    }
    assert_true(ninp_average_decay(0.999F, 1) == (float)(2.0 / 11));
    assert_true(ninp_average_decay(0.999F, UINT64_MAX) == 0.999F);
    free(average);
    golden_close(file);
}

/* What is frozen keeps its bits; the rest moves as if nothing were. */
static void test_frozen(void **state) {
    (void)state;
    nin_net *net = test_net_parse(small_net, 3);
    nin_net *free_net = test_net_parse(small_net, 3);
    size_t count = nin_net_parameter_count(net);
    float *gradient = malloc(count * sizeof *gradient);
    float *before = malloc(count * sizeof *before);
    for (size_t i = 0; i < count; i++) {
        gradient[i] = 1 + (float)i;
    }
    float *values = nin_net_tensor(net, 0).values;
    memcpy(before, values, count * sizeof *before);
    nin_train_options options = {ADAMW, BETAS, .weight_decay = 0.1F};
    for (int frozen = 1; frozen >= 0; frozen--) {
        options.freeze = frozen ? "0.*" : NULL;
        nin_net *which = frozen ? net : free_net;
        ninp_tensor_rule *rules = rules_of(&options, which);
        float *slots[NINP_OPTIMIZER_SLOTS];
        make_slots(&options, count, slots);
        const ninp_optimizer_step step = {
            .options = &options, .rules = rules, .lr = 0.1F, .scale = 1, .number = 1, .threads = 1};
        ninp_optimizer_update(&step, which, gradient, slots);
        free_slots(slots);
        free(rules);
    }
    size_t fixed = nin_net_tensor(net, 0).count + nin_net_tensor(net, 1).count;
    const float *moved = nin_net_tensor(free_net, 0).values;
    assert_memory_equal(values, before, fixed * sizeof *values);
    assert_memory_equal(values + fixed, moved + fixed, (count - fixed) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        assert_true(moved[i] != before[i]);
    }
    free(before);
    free(gradient);
    nin_net_free(free_net);
    nin_net_free(net);
}

static void fill(float *values, size_t count, uint64_t seed) {
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        values[i] = ninp_random_float(&random) - 0.5F;
    }
}

/* Large enough for several chunks, with an odd rest. */
static const char large_net[] = "input 1x9x37\nclasses 331\nflatten\nlinear classes\n";

static void check_threads(const setting *how) {
    nin_net *net = test_net_parse(large_net, 0);
    const nin_train_options *options = &how->options;
    size_t count = nin_net_parameter_count(net);
    assert_true(count > 100000);
    size_t bytes = count * sizeof(float);
    float *values = nin_net_tensor(net, 0).values;
    float *gradient = malloc(bytes);
    float *average = malloc(bytes);
    float *expected = malloc(4 * bytes);
    ninp_tensor_rule *rules = rules_of(options, net);
    float *slots[NINP_OPTIMIZER_SLOTS];
    make_slots(options, count, slots);
    const float *results[4] = {values, average, slots[0], slots[1]};
    fill(gradient, count, 1);
    double squares = ninp_sum_of_squares(gradient, count, 1);
    for (int threads = 1; threads <= 8; threads++) {
        fill(values, count, 2);
        fill(average, count, 4);
        for (size_t i = 0; i < NINP_OPTIMIZER_SLOTS && slots[i]; i++) {
            memset(slots[i], 0, bytes);
        }
        const ninp_optimizer_step step = {.options = options,
                                          .rules = rules,
                                          .lr = 0.1F,
                                          .scale = 0.5F,
                                          .number = 3,
                                          .threads = threads};
        assert_true(ninp_sum_of_squares(gradient, count, threads) == squares);
        ninp_optimizer_update(&step, net, gradient, slots);
        ninp_average_update(average, values, count, 0.9F, threads);
        for (size_t i = 0; i < 4 && results[i]; i++) {
            if (threads == 1) {
                memcpy(expected + i * count, results[i], bytes);
            }
            assert_memory_equal(results[i], expected + i * count, bytes);
        }
    }
    free_slots(slots);
    free(rules);
    free(expected);
    free(average);
    free(gradient);
    nin_net_free(net);
}

static void test_threads(void **state) {
    (void)state;
    const setting cases[] = {
        {"sgd", {.momentum = 0.9F, .nesterov = true, .weight_decay = 0.01F}},
        {"adam", {ADAM, BETAS, .weight_decay = 0.01F}},
        {"adamw", {ADAMW, BETAS, .weight_decay = 0.01F}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_threads(&cases[i]);
    }
}

static void test_sum_of_squares(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    float values[COUNT];
    for (size_t count = 0; count < COUNT; count++) {
        values[count] = (float)count;
        double n = (double)count;
        double expected = n * (n + 1) * (2 * n + 1) / 6; /* exact in float64 */
        assert_true(ninp_sum_of_squares(values, count + 1, 2) == expected);
    }
    assert_true(ninp_sum_of_squares(values, 0, 1) == 0);
    values[COUNT - 1] = 3e38F; /* its square is no float32 */
    assert_true(isfinite(ninp_sum_of_squares(values, COUNT, 1)));
    values[7] = INFINITY;
    assert_true(isinf(ninp_sum_of_squares(values, COUNT, 1)));
    values[501] = NAN;
    assert_true(isnan(ninp_sum_of_squares(values, COUNT, 1)));
}

static void test_clip_scale(void **state) {
    (void)state;
    assert_true(ninp_clip_scale(100, 0) == 1);
    assert_true(ninp_clip_scale(1, 2) == 1);
    assert_true(ninp_clip_scale(0, 2) == 1);
    assert_true(fabs((double)ninp_clip_scale(8, 2) - 0.25) < 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_updates),        cmocka_unit_test(test_average),
        cmocka_unit_test(test_frozen),         cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sum_of_squares), cmocka_unit_test(test_clip_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Updates against PyTorch's SGD and clip_grad_norm_ (tests/golden/train.py), and the same bits for
 * any number of threads. */
#include "train/sgd.h"

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

enum { STEPS = 5 };

static const char small_net[] =
    "input 3x4x4\nclasses 3\nconv2d 2 kernel=3\nflatten\nlinear classes\n";

typedef struct setting {
    const char *name;
    float lr, momentum;
    bool nesterov;
    float weight_decay;
    bool decay_all;
    float clip_norm;
} setting;

static const setting settings[] = {
    {"sgd.plain", 0.1F, 0, false, 0, false, 0},
    {"sgd.momentum", 0.1F, 0.9F, false, 0, false, 0},
    {"sgd.nesterov", 0.1F, 0.9F, true, 0, false, 0},
    {"sgd.decay", 0.1F, 0, false, 0.01F, false, 0},
    {"sgd.decay_all", 0.1F, 0.9F, false, 0.01F, true, 0},
    {"sgd.everything", 0.05F, 0.8F, true, 0.05F, false, 2},
    {"sgd.clip", 0.1F, 0, false, 0, false, 1.5F},
    {"sgd.clip_idle", 0.1F, 0, false, 0, false, 1000},
};

static void check_update(const setting *how, golden *file, nin_net *net) {
    size_t count;
    const float *start = golden_values(file, "sgd.start", &count);
    assert_int_equal(count, nin_net_parameter_count(net));
    size_t all;
    const float *gradients = golden_values(file, "sgd.gradients", &all);
    const float *expected = golden_values(file, how->name, &all);
    assert_int_equal(all, STEPS * count);
    float *values = nin_net_tensor(net, 0).values;
    memcpy(values, start, count * sizeof *values);
    float *momentum = calloc(count, sizeof *momentum);
    for (size_t step = 0; step < STEPS; step++) {
        const float *gradient = gradients + step * count;
        double norm = sqrt(ninp_sum_of_squares(gradient, count, 1));
        const ninp_sgd sgd = {.lr = how->lr,
                              .momentum = how->momentum,
                              .weight_decay = how->weight_decay,
                              .nesterov = how->nesterov,
                              .decay_all = how->decay_all,
                              .scale = ninp_clip_scale(norm, how->clip_norm),
                              .threads = 1};
        ninp_sgd_update(&sgd, net, gradient, how->momentum > 0 ? momentum : NULL);
        expect_close(how->name, values, expected + step * count, count, 5e-7);
    }
    free(momentum);
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

static void fill(float *values, size_t count, uint64_t seed) {
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        values[i] = ninp_random_float(&random) - 0.5F;
    }
}

/* Large enough for several chunks, with an odd rest. */
static const char large_net[] = "input 1x9x37\nclasses 331\nflatten\nlinear classes\n";

static void test_threads(void **state) {
    (void)state;
    nin_net *net = test_net_parse(large_net, 0);
    size_t count = nin_net_parameter_count(net);
    assert_true(count > 100000);
    size_t bytes = count * sizeof(float);
    float *values = nin_net_tensor(net, 0).values;
    float *gradient = malloc(bytes);
    float *momentum = malloc(bytes);
    float *expected = malloc(2 * bytes);
    fill(gradient, count, 1);
    double squares = ninp_sum_of_squares(gradient, count, 1);
    for (int threads = 1; threads <= 8; threads++) {
        fill(values, count, 2);
        fill(momentum, count, 3);
        const ninp_sgd sgd = {.lr = 0.1F,
                              .momentum = 0.9F,
                              .nesterov = true,
                              .weight_decay = 0.01F,
                              .scale = 0.5F,
                              .threads = threads};
        assert_true(ninp_sum_of_squares(gradient, count, threads) == squares);
        ninp_sgd_update(&sgd, net, gradient, momentum);
        if (threads == 1) {
            memcpy(expected, values, bytes);
            memcpy(expected + count, momentum, bytes);
        }
        assert_memory_equal(values, expected, bytes);
        assert_memory_equal(momentum, expected + count, bytes);
    }
    free(expected);
    free(momentum);
    free(gradient);
    nin_net_free(net);
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
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sum_of_squares),
        cmocka_unit_test(test_clip_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Batch norm on every instruction set against the layer in float64. */
#include "support/cpu_case.h"

#include "support/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_batch_norm, ninp_running_norm;

static const uint64_t seed = 59;

#define EACH_ISA(kernels)        \
    size_t next_ = 0;            \
    const ninp_kernels *kernels; \
    while ((kernels = usable_kernels(&next_)) != NULL)

/* The layer, and the step with its tensors and gradients in float. */
typedef struct norm_case {
    layer_case layer;
    cpu_case cpu;
    float *tensors[4], *gradients[2];
    bool training; /* the layer itself is one in evaluation where the step is fixed */
} norm_case;

static void open_norm(norm_case *norm, const ninp_step *model, const ninp_kernels *kernels,
                      int count, bool training, int threads) {
    norm->training = training;
    layer_case_open(&norm->layer, "batch_norm epsilon=1e-5 momentum=0.1", model->input, count,
                    training && !model->fixed);
    ninp_step step = *model;
    step.work = NINP_WORK_BATCH_NORM;
    step.output = step.input;
    step.epsilon = 1e-5;
    step.momentum = 0.1;
    ninp_cpu_config config = {
        .kernels = kernels, .threads = threads, .batch = count, .training = training};
    cpu_case_open(&norm->cpu, training ? &ninp_batch_norm : &ninp_running_norm, &step, &config,
                  count % 2 ? GUARD_AFTER : GUARD_BEFORE);
    size_t channels = (size_t)step.input.channels;
    for (int i = 0; i < 4; i++) {
        norm->tensors[i] = guard_alloc(channels * sizeof(float), GUARD_AFTER);
        norm->cpu.run.tensors[i] = norm->tensors[i];
    }
    for (int i = 0; i < 2; i++) {
        norm->gradients[i] = guard_alloc(channels * sizeof(float), GUARD_AFTER);
        norm->cpu.run.tensor_gradients[i] = norm->gradients[i];
    }
}

static void close_norm(norm_case *norm) {
    layer_case_close(&norm->layer);
    cpu_case_close(&norm->cpu);
    for (int i = 0; i < 4; i++) {
        guard_free(norm->tensors[i]);
    }
    guard_free(norm->gradients[0]);
    guard_free(norm->gradients[1]);
}

/* Channels with means up to `distance` deviations from 0. */
static void draw_norm(norm_case *norm, uint32_t part, double distance) {
    layer_case *layer = &norm->layer;
    const ninp_step *step = &norm->cpu.step;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, part, 0);
    layer_case_draw(layer, &random);
    size_t pixels = (size_t)step->input.height * (size_t)step->input.width;
    for (size_t i = 0; i < layer->x_count; i++) {
        size_t channel = i / pixels % (size_t)step->input.channels;
        layer->x[i] += distance * sin(1.0 + (double)channel);
    }
    activate_values(step->input_activation, layer->x, layer->x_count);
    round_to_float(layer->x, layer->x_count);
    round_to_float(layer->dy, layer->y_count);
    for (int t = 0; t < 4; t++) {
        round_to_float(layer->run.tensors[t], layer->tensor_sizes[t]);
        for (size_t c = 0; c < layer->tensor_sizes[t]; c++) {
            norm->tensors[t][c] = (float)layer->run.tensors[t][c];
        }
    }
    block_plain(layer->x, layer->run.count, step->input, 777.0F, norm->cpu.x);
    block_plain(layer->dy, layer->run.count, step->input, 555.0F, norm->cpu.dy);
}

/* Largest |value - expected| over the largest |expected|. */
static double worst_error(const double *values, const double *expected, size_t count) {
    double size = 0.0;
    double error = 0.0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs(values[i] - expected[i]);
        size = fabs(expected[i]) > size ? fabs(expected[i]) : size;
        error = difference > error || isnan(difference) ? difference : error;
    }
    return size > 0.0 ? error / size : error;
}

static void compare_blocked(const norm_case *norm, const char *what, const float *blocked,
                            const double *expected, double bound) {
    size_t count = norm->layer.x_count;
    double *plain = malloc(count * sizeof *plain);
    assert_non_null(plain);
    unblock_plain(blocked, norm->layer.run.count, norm->cpu.step.input, plain);
    double error = worst_error(plain, expected, count);
    if (!(error <= bound)) {
        fail_msg("seed %llu: %s: error of %s is %g, more than %g", (unsigned long long)seed,
                 norm->cpu.run.kernels->isa, what, error, bound);
    }
    free(plain);
}

static void compare_channels(const norm_case *norm, const char *what, const float *values,
                             const double *expected, double bound) {
    size_t channels = (size_t)norm->cpu.step.input.channels;
    double *wide = malloc(channels * sizeof *wide);
    assert_non_null(wide);
    for (size_t c = 0; c < channels; c++) {
        wide[c] = (double)values[c];
    }
    double error = worst_error(wide, expected, channels);
    if (!(error <= bound)) {
        fail_msg("seed %llu: %s: error of %s is %g, more than %g", (unsigned long long)seed,
                 norm->cpu.run.kernels->isa, what, error, bound);
    }
    free(wide);
}

static void run_both(norm_case *norm) {
    layer_case *layer = &norm->layer;
    const ninp_step *step = &norm->cpu.step;
    layer_case_forward(layer);
    cpu_case_forward(&norm->cpu);
    if (norm->training) {
        layer_case_backward(layer);
        cpu_case_backward(&norm->cpu);
        for (size_t i = 0; i < layer->x_count; i++) {
            layer->run.dx[i] *= activation_derivative(step->input_activation, layer->x[i]);
        }
    }
    for (size_t i = 0; i < layer->y_count; i++) {
        layer->run.y[i] = activation_value(step->activation, layer->run.y[i]);
    }
}

/* Sums of up to 64 roundings, divided by deviations that may be small: 64 * 2^-24 of the largest
 * value, and what a mean far from 0 costs: its own rounding to float, `distance` * 2^-24. */
static void compare_both(const norm_case *norm, double distance) {
    const layer_case *layer = &norm->layer;
    double bound = (64.0 + 8.0 * distance) * 0x1p-24;
    compare_blocked(norm, "y", norm->cpu.run.y, layer->run.y, bound);
    compare_channels(norm, "running mean", norm->tensors[2], layer->run.tensors[2], bound);
    compare_channels(norm, "running variance", norm->tensors[3], layer->run.tensors[3], bound);
    if (norm->training) {
        compare_blocked(norm, "dx", norm->cpu.dx, layer->run.dx, bound);
        compare_channels(norm, "dscale", norm->gradients[0], layer->run.gradients[0], bound);
        compare_channels(norm, "dshift", norm->gradients[1], layer->run.gradients[1], bound);
    }
}

static void test_batch_norm(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
        for (int i = 0; i < 120; i++) {
            ninp_step step = {.input = {.channels = draw_int(&random, 1, 40),
                                        .height = draw_int(&random, 3, 13),
                                        .width = draw_int(&random, 3, 13)},
                              .activation = (ninp_activation)(i % 3),
                              .input_activation = (ninp_activation)(i / 3 % 3),
                              .fixed = i % 5 == 0};
            norm_case norm;
            bool training = i % 4 != 3;
            double distance = step.input_activation == NINP_ACTIVATION_NONE && i % 2 ? 50.0 : 0.0;
            open_norm(&norm, &step, kernels, 1 + i % 5, training, 1);
            draw_norm(&norm, (uint32_t)i, distance);
            run_both(&norm);
            compare_both(&norm, distance);
            close_norm(&norm);
        }
    }
}

/* Means a thousand times the deviation: sums of squares alone would lose everything here. */
static void test_distant_means(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.input = {.channels = 18, .height = 40, .width = 37}};
        norm_case norm;
        open_norm(&norm, &step, kernels, 3, true, 1);
        draw_norm(&norm, 900, 1000.0);
        run_both(&norm);
        compare_both(&norm, 1000.0);
        close_norm(&norm);
    }
}

/* Means so far away that their own rounding to float is felt: the variance is right all the same.
 */
static void test_far_means(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.input = {.channels = 18, .height = 20, .width = 17}};
        norm_case norm;
        open_norm(&norm, &step, kernels, 3, true, 1);
        draw_norm(&norm, 904, 1e6);
        run_both(&norm);
        compare_channels(&norm, "running variance", norm.tensors[3], norm.layer.run.tensors[3],
                         64.0 * 0x1p-24);
        compare_channels(&norm, "running mean", norm.tensors[2], norm.layer.run.tensors[2],
                         2.0 * 0x1p-24);
        close_norm(&norm);
    }
}

/* A channel that does not vary gives its shift, and no gradient that is not finite. */
static void test_constant_channel(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.input = {.channels = 3, .height = 5, .width = 4}};
        norm_case norm;
        open_norm(&norm, &step, kernels, 2, true, 1);
        draw_norm(&norm, 901, 0.0);
        size_t floats = ninp_blocked_count(step.input);
        for (size_t i = 1; i < 2 * floats; i += 16) {
            norm.cpu.x[i] = 0.1F;
        }
        cpu_case_forward(&norm.cpu);
        cpu_case_backward(&norm.cpu);
        for (size_t i = 1; i < 2 * floats; i += 16) {
            assert_true(fabsf(norm.cpu.run.y[i] - norm.tensors[1][1]) < 1e-4F);
            assert_true(isfinite(norm.cpu.dx[i]));
        }
        close_norm(&norm);
    }
}

/* NaN fills its channel and no other. */
static void test_nan(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.input = {.channels = 20, .height = 3, .width = 3},
                          .activation = NINP_ACTIVATION_RELU};
        norm_case norm;
        open_norm(&norm, &step, kernels, 2, true, 1);
        draw_norm(&norm, 902, 0.0);
        norm.cpu.x[5] = NAN;
        cpu_case_forward(&norm.cpu);
        size_t floats = ninp_blocked_count(step.input);
        size_t block = ninp_block_floats(step.input);
        for (size_t i = 0; i < 2 * floats; i++) {
            bool spoilt = i % floats < block && i % 16 == 5;
            assert_int_equal(isnan(norm.cpu.run.y[i]) != 0, spoilt);
        }
        assert_true(isnan(norm.tensors[2][5]) && !isnan(norm.tensors[2][6]));
        close_norm(&norm);
    }
}

/* The same bits for any number of threads. */
static void test_threads(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.input = {.channels = 37, .height = 9, .width = 8}};
        norm_case one;
        open_norm(&one, &step, kernels, 5, true, 1);
        draw_norm(&one, 903, 3.0);
        cpu_case_forward(&one.cpu);
        cpu_case_backward(&one.cpu);
        for (int threads = 2; threads <= 5; threads++) {
            norm_case other;
            open_norm(&other, &step, kernels, 5, true, threads);
            draw_norm(&other, 903, 3.0);
            cpu_case_forward(&other.cpu);
            cpu_case_backward(&other.cpu);
            size_t bytes = 5 * ninp_blocked_count(step.input) * sizeof(float);
            assert_memory_equal(other.cpu.run.y, one.cpu.run.y, bytes);
            assert_memory_equal(other.cpu.dx, one.cpu.dx, bytes);
            for (int i = 0; i < 2; i++) {
                assert_memory_equal(other.gradients[i], one.gradients[i], 37 * sizeof(float));
                assert_memory_equal(other.tensors[2 + i], one.tensors[2 + i], 37 * sizeof(float));
            }
            close_norm(&other);
        }
        close_norm(&one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_norm), cmocka_unit_test(test_distant_means),
        cmocka_unit_test(test_far_means),  cmocka_unit_test(test_constant_channel),
        cmocka_unit_test(test_nan),        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

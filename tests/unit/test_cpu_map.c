/* Layout, activations, sums and dropout on every instruction set, against plain loops and the
 * layers in float64. */
#include "support/cpu_case.h"

#include "support/guard.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_dropout, ninp_flatten, ninp_activation_alone;

static const uint64_t seed = 47;

static ninp_random start(uint32_t part) {
    return ninp_random_start(seed, NINP_RANDOM_TEST, part, 0);
}

#define EACH_ISA(kernels)        \
    size_t next_ = 0;            \
    const ninp_kernels *kernels; \
    while ((kernels = usable_kernels(&next_)) != NULL)

/* Plain memory of any alignment; blocks at both sides of a guard page. */
static void test_block_and_unblock(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = start(1);
        for (int i = 0; i < 120; i++) {
            nin_shape shape = {.channels = i < 40 ? i + 1 : draw_int(&random, 1, 70),
                               .height = 1,
                               .width = draw_int(&random, 1, 50)};
            size_t values = ninp_shape_count(shape);
            size_t blocked_values = ninp_blocked_count(shape);
            guard_side side = i % 2 ? GUARD_AFTER : GUARD_BEFORE;
            float *plain = guard_alloc(values * sizeof *plain, GUARD_AFTER);
            float *blocked = guard_alloc(blocked_values * sizeof *blocked, side);
            double *exact = malloc(values * sizeof *exact);
            float *expected = malloc(blocked_values * sizeof *expected);
            assert_non_null(exact);
            assert_non_null(expected);
            for (size_t v = 0; v < values; v++) {
                plain[v] = (float)v + 0.5F;
                exact[v] = (double)plain[v];
            }
            block_plain(exact, 1, shape, 0.0F, expected);
            memset(blocked, 0xAA, blocked_values * sizeof *blocked);
            kernels->map->block(shape.channels, (size_t)shape.width, plain, blocked);
            assert_memory_equal(blocked, expected, blocked_values * sizeof *blocked);
            memset(plain, 0, values * sizeof *plain);
            kernels->map->unblock(shape.channels, (size_t)shape.width, blocked, plain);
            for (size_t v = 0; v < values; v++) {
                assert_true(plain[v] == (float)v + 0.5F);
            }
            guard_free(plain);
            guard_free(blocked);
            free(exact);
            free(expected);
        }
    }
}

static bool same_float(float a, double b) {
    return isnan(b) ? isnan(a) : a == (float)b;
}

static void test_relu(void **state) {
    (void)state;
    static const float special[16] = {NAN,      INFINITY, -INFINITY, 0.0F,   -0.0F, FLT_MIN,
                                      -FLT_MIN, 1.0F,     -1.0F,     -NAN,   3.5F,  -3.5F,
                                      FLT_MAX,  -FLT_MAX, 1e-45F,    -1e-45F};
    EACH_ISA(kernels) {
        float *x = guard_alloc(sizeof special, GUARD_AFTER);
        float *y = guard_alloc(sizeof special, GUARD_AFTER);
        float *dx = guard_alloc(sizeof special, GUARD_BEFORE);
        float *dy = guard_alloc(sizeof special, GUARD_BEFORE);
        memcpy(x, special, sizeof special);
        kernels->map->activate(NINP_ACTIVATION_RELU, 16, x, y);
        for (int i = 0; i < 16; i++) {
            dy[i] = (float)(i + 1);
            assert_true(
                same_float(y[i], activation_value(NINP_ACTIVATION_RELU, (double)special[i])));
        }
        kernels->map->derive(NINP_ACTIVATION_RELU, 16, y, dy, dx);
        for (int i = 0; i < 16; i++) {
            assert_true(dx[i] == (y[i] <= 0.0F ? 0.0F : dy[i]));
        }
        kernels->map->derive(NINP_ACTIVATION_NONE, 16, y, dy, dx);
        assert_memory_equal(dx, dy, sizeof special);
        kernels->map->activate(NINP_ACTIVATION_NONE, 16, x, y);
        assert_memory_equal(y, x, sizeof special);
        guard_free(x);
        guard_free(y);
        guard_free(dx);
        guard_free(dy);
    }
}

/* Largest error of sigmoid in units of the last place of the true value. */
static double sigmoid_error(const ninp_kernels *kernels, const float x[16], bool in_place) {
    _Alignas(64) float from[16];
    _Alignas(64) float to[16];
    memcpy(from, x, sizeof from);
    float *y = in_place ? from : to;
    kernels->map->activate(NINP_ACTIVATION_SIGMOID, 16, from, y);
    double worst = 0.0;
    for (int i = 0; i < 16; i++) {
        double exact = 1.0 / (1.0 + exp(-(double)x[i]));
        int exponent;
        frexp(exact, &exponent);
        double unit = ldexp(1.0, exponent - 24 > -149 ? exponent - 24 : -149);
        double error = fabs((double)y[i] - exact) / unit;
        worst = error > worst ? error : worst;
    }
    return worst;
}

static void test_sigmoid(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        double worst = 0.0;
        for (int i = -110 * 512; i < 110 * 512; i += 16) {
            float x[16];
            for (int lane = 0; lane < 16; lane++) {
                x[lane] = (float)(i + lane) / 512.0F + 1e-4F * (float)lane;
            }
            double error = sigmoid_error(kernels, x, i % 32 == 0);
            worst = error > worst ? error : worst;
        }
        if (worst > 2.5) {
            fail_msg("%s: sigmoid is %g units in the last place away", kernels->isa, worst);
        }
        _Alignas(64) float ends[16] = {NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 1e30F, -1e30F};
        kernels->map->activate(NINP_ACTIVATION_SIGMOID, 16, ends, ends);
        assert_true(isnan(ends[0]));
        const float expected[] = {1.0F, 0.0F, 0.5F, 0.5F, 1.0F, 0.0F};
        assert_memory_equal(ends + 1, expected, sizeof expected);
    }
}

static void test_sigmoid_derivative(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = start(2);
        _Alignas(64) float y[64], dy[64], dx[64];
        for (int i = 0; i < 64; i++) {
            y[i] = (float)ninp_random_double(&random);
            dy[i] = (float)draw_double(&random, -3.0, 3.0);
        }
        y[7] = NAN;
        kernels->map->derive(NINP_ACTIVATION_SIGMOID, 64, y, dy, dx);
        assert_true(isnan(dx[7]));
        for (int i = 0; i < 64; i++) {
            double exact = (double)dy[i] * ((double)y[i] * (1.0 - (double)y[i]));
            assert_true(i == 7 || fabs((double)dx[i] - exact) <= 4.0 * 0x1p-24 * fabs(exact));
        }
    }
}

/* Every length and alignment, up to the guard page. */
static void test_add(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        for (size_t count = 1; count < 70; count++) {
            float *x = guard_alloc(count * sizeof *x, GUARD_AFTER);
            float *y = guard_alloc(count * sizeof *y, count % 2 ? GUARD_AFTER : GUARD_BEFORE);
            for (size_t i = 0; i < count; i++) {
                x[i] = (float)i;
                y[i] = 100.0F;
            }
            kernels->map->add(count, x, y);
            for (size_t i = 0; i < count; i++) {
                assert_true(y[i] == 100.0F + (float)i);
            }
            guard_free(x);
            guard_free(y);
        }
    }
}

/* |sum - exact| <= (64 / 2 + 2) roundings of the float part, then one at the end. */
static void test_bias_sums(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = start(3);
        for (size_t pixels = 1; pixels < 400; pixels += pixels < 140 ? 1 : 61) {
            float *dy =
                guard_alloc(pixels * 16 * sizeof *dy, pixels % 2 ? GUARD_AFTER : GUARD_BEFORE);
            float sums[16];
            double exact[16];
            double sizes[16] = {0.0};
            for (int lane = 0; lane < 16; lane++) {
                sums[lane] = (float)lane;
                exact[lane] = lane;
            }
            for (size_t i = 0; i < pixels * 16; i++) {
                dy[i] = (float)draw_double(&random, -1.0, 3.0);
                exact[i % 16] += (double)dy[i];
                sizes[i % 16] += fabs((double)dy[i]);
            }
            kernels->map->bias_sums(pixels, dy, sums);
            for (int lane = 0; lane < 16; lane++) {
                double bound = 34.0 * 0x1p-24 * sizes[lane] + 2.0 * 0x1p-24 * fabs(exact[lane]);
                assert_true(fabs((double)sums[lane] - exact[lane]) <= bound);
            }
            guard_free(dy);
        }
    }
}

/* The vectorised generator gives the very bits of the plain one. */
static void test_dropout_mask(void **state) {
    (void)state;
    static const double probabilities[] = {0.0, 0.1, 0.5, 0.75, 1.0};
    EACH_ISA(kernels) {
        for (size_t count = 16; count < 900; count += 16) {
            ninp_dropout_key key = {
                .seed = seed << 33 | count, .step = count * 0x10001, .layer = (int)count % 7};
            double probability = probabilities[count / 16 % 5];
            int image = (int)(count % 129);
            uint8_t expected[912];
            uint8_t *keep = guard_alloc(count, count % 32 ? GUARD_AFTER : GUARD_BEFORE);
            ninp_dropout_mask(&key, image, probability, 0, count, expected);
            kernels->map->dropout_mask(&key, image, probability, count, keep);
            assert_memory_equal(keep, expected, count);
            guard_free(keep);
        }
    }
}

static nin_shape draw_shape(ninp_random *random) {
    return (nin_shape){.channels = draw_int(random, 1, 50),
                       .height = draw_int(random, 1, 7),
                       .width = draw_int(random, 1, 7)};
}

/* Runs the layer in float64 and the step on the CPU, and compares to `tolerance` of the value. */
static void check_step(const char *line, const ninp_step *model,
                       const ninp_cpu_algorithm *algorithm, const ninp_kernels *kernels, int count,
                       double tolerance) {
    layer_case layer;
    layer_case_open(&layer, line, model->input, count, true);
    ninp_random random = start(4);
    layer_case_draw(&layer, &random);
    activate_values(model->input_activation, layer.x, layer.x_count);
    round_to_float(layer.x, layer.x_count);
    round_to_float(layer.dy, layer.y_count);
    layer.run.seed = seed;
    layer.run.step = 0x100000000 + (uint64_t)model->number;
    layer.run.number = model->number;
    layer_case_forward(&layer);
    layer_case_backward(&layer);
    ninp_step step = *model;
    step.output = layer.run.output;
    for (int side = GUARD_AFTER; side <= (int)GUARD_BEFORE; side++) {
        cpu_case cpu;
        ninp_cpu_config config = {
            .kernels = kernels, .threads = 1, .batch = count, .training = true};
        cpu_case_open(&cpu, algorithm, &step, &config, (guard_side)side);
        cpu.run.seed = layer.run.seed;
        cpu.run.number = layer.run.step;
        block_plain(layer.x, count, step.input, 777.0F, cpu.x);
        block_plain(layer.dy, count, step.output, 555.0F, cpu.dy);
        cpu_case_forward(&cpu);
        cpu_case_backward(&cpu);
        double *y = malloc(layer.y_count * sizeof *y);
        double *dx = malloc(layer.x_count * sizeof *dx);
        assert_non_null(y);
        assert_non_null(dx);
        unblock_plain(cpu.run.y, count, step.output, y);
        unblock_plain(cpu.dx, count, step.input, dx);
        for (size_t i = 0; i < layer.y_count; i++) {
            assert_true(fabs(y[i] - layer.run.y[i]) <= tolerance * fabs(layer.run.y[i]));
        }
        for (size_t i = 0; i < layer.x_count; i++) {
            double expected =
                layer.run.dx[i] * activation_derivative(step.input_activation, layer.x[i]);
            bool rounds = step.input_activation == NINP_ACTIVATION_SIGMOID;
            double bound = (tolerance + (rounds ? 4.0 * 0x1p-24 : 0.0)) * fabs(expected);
            assert_true(fabs(dx[i] - expected) <= bound);
        }
        free(y);
        free(dx);
        cpu_case_close(&cpu);
    }
    layer_case_close(&layer);
}

static void test_flatten_step(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = start(5);
        for (int i = 0; i < 60; i++) {
            ninp_step step = {.work = NINP_WORK_FLATTEN,
                              .input = draw_shape(&random),
                              .input_activation = (ninp_activation)(i % 3),
                              .input_gradient = true};
            check_step("flatten", &step, &ninp_flatten, kernels, 1 + i % 3, 0.0);
        }
    }
}

/* With probability 0.5 the factor is exactly 2; otherwise it and the product round. */
static void test_dropout_step(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_random random = start(6);
        for (int i = 0; i < 60; i++) {
            ninp_step step = {.work = NINP_WORK_DROPOUT,
                              .input = draw_shape(&random),
                              .dropout = i % 2 ? 0.5 : 0.3,
                              .number = i,
                              .input_activation = (ninp_activation)(i % 3),
                              .input_gradient = true};
            step.input.flat = i % 5 == 0;
            if (step.input.flat) {
                step.input.height = step.input.width = 1;
            }
            check_step(i % 2 ? "dropout 0.5" : "dropout 0.3", &step, &ninp_dropout, kernels,
                       1 + i % 4, i % 2 ? 0.0 : 2.0 * 0x1p-24);
        }
    }
}

static void test_dropout_in_evaluation(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.work = NINP_WORK_DROPOUT,
                          .input = {.channels = 20, .height = 3, .width = 2},
                          .output = {.channels = 20, .height = 3, .width = 2},
                          .dropout = 0.9};
        cpu_case cpu;
        ninp_cpu_config config = {.kernels = kernels, .threads = 1, .batch = 2};
        cpu_case_open(&cpu, &ninp_dropout, &step, &config, GUARD_AFTER);
        size_t values = 2 * ninp_blocked_count(step.input);
        for (size_t i = 0; i < values; i++) {
            cpu.x[i] = (float)i;
        }
        cpu_case_forward(&cpu);
        assert_memory_equal(cpu.run.y, cpu.x, values * sizeof *cpu.x);
        cpu_case_close(&cpu);
    }
}

/* An activation alone: its backward pass applies the derivative of the one before it only. */
static void test_activation_step(void **state) {
    (void)state;
    EACH_ISA(kernels) {
        ninp_step step = {.work = NINP_WORK_ACTIVATION,
                          .input = {.channels = 19, .height = 3, .width = 5},
                          .output = {.channels = 19, .height = 3, .width = 5},
                          .activation = NINP_ACTIVATION_RELU,
                          .input_activation = NINP_ACTIVATION_SIGMOID,
                          .input_gradient = true};
        cpu_case cpu;
        ninp_cpu_config config = {.kernels = kernels, .threads = 1, .batch = 2, .training = true};
        cpu_case_open(&cpu, &ninp_activation_alone, &step, &config, GUARD_AFTER);
        ninp_random random = start(7);
        size_t values = 2 * ninp_blocked_count(step.input);
        for (size_t i = 0; i < values; i++) {
            cpu.x[i] = (float)draw_double(&random, 0.0, 1.0);
            cpu.dy[i] = (float)draw_double(&random, -1.0, 1.0);
        }
        cpu.x[3] = -2.0F;
        cpu_case_forward(&cpu);
        cpu_case_backward(&cpu);
        for (size_t i = 0; i < values; i++) {
            double slope = (double)cpu.x[i] * (1.0 - (double)cpu.x[i]);
            double expected = (double)cpu.dy[i] * slope;
            assert_true(cpu.run.y[i] == (cpu.x[i] < 0.0F ? 0.0F : cpu.x[i]));
            assert_true(fabs((double)cpu.dx[i] - expected) <= 4.0 * 0x1p-24 * fabs(expected));
        }
        cpu_case_close(&cpu);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_and_unblock),
        cmocka_unit_test(test_relu),
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_sigmoid_derivative),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_bias_sums),
        cmocka_unit_test(test_dropout_mask),
        cmocka_unit_test(test_flatten_step),
        cmocka_unit_test(test_dropout_step),
        cmocka_unit_test(test_dropout_in_evaluation),
        cmocka_unit_test(test_activation_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

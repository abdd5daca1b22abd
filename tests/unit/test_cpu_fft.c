/* The Fourier convolution on every instruction set against the layer in float64. */
#include "support/weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_fft;

enum { CASES = 60 / TEST_SHARE };
static const uint64_t seed = 29;

static double *make_doubles(size_t count) {
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

/* Euclidean norms of `planes` planes. */
static double *plane_norms(size_t planes, size_t values, const double *from) {
    double *norms = make_doubles(planes);
    for (size_t i = 0; i < planes * values; i++) {
        norms[i / values] += from[i] * from[i];
    }
    for (size_t i = 0; i < planes; i++) {
        norms[i] = sqrt(norms[i]);
    }
    return norms;
}

static double product_sum(size_t count, const double *a, size_t a_stride, const double *b,
                          size_t b_stride) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i * a_stride] * b[i * b_stride];
    }
    return sum;
}

/* The error of a transform is spread over all its values: what bounds it is not the sum of |a b| of
 * one result but that of the norms of whole planes and filters, which are the factors' transforms'
 * too (Cauchy and Schwarz). Roundings: of three transforms in two dimensions, some for each number
 * that a size is divided by, of a complex product, and of the sum of products. */
static double rounding(size_t products, double size) {
    return 1.001 * ((double)products + 100.0) * 0x1p-24 * size;
}

/* For every value of the results: how far it may be from the exact one. */
typedef struct bounds {
    double *y, *dx, *weight, *bias;
} bounds;

static void fill(size_t count, double bound, double *values) {
    for (size_t i = 0; i < count; i++) {
        values[i] = bound;
    }
}

static bounds bounds_of(const weighted_case *weighted) {
    const layer_case *layer = &weighted->layer;
    const size_t n = (size_t)layer->run.count;
    const size_t c = (size_t)weighted->step.input.channels;
    const size_t k = (size_t)weighted->step.unpooled.channels;
    const size_t pixels = layer->x_count / n / c;
    const size_t outputs = layer->y_count / n / k;
    const size_t taps = layer->tensor_sizes[0] / k / c;
    double *x = plane_norms(n * c, pixels, layer->x);
    double *dy = plane_norms(n * k, outputs, layer->dy);
    double *w = plane_norms(k * c, taps, layer->run.tensors[0]);
    bounds b = {make_doubles(layer->y_count), make_doubles(layer->x_count),
                make_doubles(layer->tensor_sizes[0]), make_doubles(k)};
    for (size_t i = 0; i < n * k; i++) {
        const double size = product_sum(c, x + i / k * c, 1, w + i % k * c, 1);
        const double bias = fabs(layer->run.tensors[1][i % k]);
        const double slack =
            weighted->step.activation == NINP_ACTIVATION_SIGMOID ? 8.0 * 0x1p-24 : 0.0;
        fill(outputs, rounding(c, size + bias) + slack, b.y + i * outputs);
    }
    for (size_t i = 0; i < n * c; i++) {
        const double size = product_sum(k, dy + i / c * k, 1, w + i % c, c);
        fill(pixels, rounding(k, size), b.dx + i * pixels);
    }
    for (size_t i = 0; i < layer->x_count; i++) {
        b.dx[i] *= activation_derivative(weighted->step.input_activation, layer->x[i]);
    }
    for (size_t i = 0; i < k * c; i++) {
        const double size = product_sum(n, x + i % c, c, dy + i / c, k);
        fill(taps, rounding(n, size), b.weight + i * taps);
    }
    for (size_t i = 0; i < k; i++) {
        b.bias[i] = rounding(n, weighted->size.run.gradients[1][i]);
    }
    free(x);
    free(dy);
    free(w);
    return b;
}

static void free_bounds(bounds *b) {
    free(b->y);
    free(b->dx);
    free(b->weight);
    free(b->bias);
}

static double relative_error(size_t count, const double *values, const double *expected) {
    double error = 0.0;
    double size = 0.0;
    for (size_t i = 0; i < count; i++) {
        error += (values[i] - expected[i]) * (values[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return size > 0.0 ? sqrt(error / size) : sqrt(error);
}

/* Each value within its bound, and all of them together as close as float32 sums are. */
static void compare(const weighted_case *weighted, const weighted_setup *setup, const char *what,
                    size_t count, const double *values, const double *expected,
                    const double *bound) {
    size_t worst = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i] - expected[i]) <= bound[i])) {
            worst = i + 1;
        }
    }
    const double error = relative_error(count, values, expected);
    if (worst > 0 || !(error <= 1e-6)) {
        const size_t i = worst > 0 ? worst - 1 : 0;
        const nin_shape shape = weighted->step.input;
        fail_msg("%s%s%s of %d x %d x %d x %d on %s, %d threads: relative error "
                 "%.3g; %s[%zu] is "
                 "%.9g, expected %.9g within %.3g",
                 weighted->line, weighted->step.pooled ? ", " : "", weighted->pool_line,
                 weighted->layer.run.count, shape.channels, shape.height, shape.width,
                 setup->kernels->isa, setup->threads, error, what, i, values[i], expected[i],
                 bound[i]);
    }
}

static void check(const weighted_case *weighted, const weighted_setup *setup) {
    const layer_case *layer = &weighted->layer;
    const weighted_results results = weighted_case_run(weighted, setup);
    bounds b = bounds_of(weighted);
    if (!weighted->step.pooled) {
        compare(weighted, setup, "y", results.y_count, results.y, layer->run.y, b.y);
    }
    if (layer->run.training) {
        compare(weighted, setup, "dx", results.dx_count, results.dx, layer->run.dx, b.dx);
        compare(weighted, setup, "dW", results.weight_count, results.weight,
                layer->run.gradients[0], b.weight);
        compare(weighted, setup, "db", results.bias_count, results.bias, layer->run.gradients[1],
                b.bias);
    }
    free_bounds(&b);
    weighted_results freed = results;
    weighted_results_free(&freed);
}

static void check_everywhere(const weighted_case *weighted, int threads, guard_side side) {
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    for (size_t i = 0; i < kernel_count; i++) {
        const weighted_setup setup = {&ninp_conv_fft, kernels[i], threads, side};
        const char *refusal = weighted_case_refusal(weighted, &setup);
        if (refusal) {
            fail_msg("%s: %s", weighted->line, refusal);
        }
        check(weighted, &setup);
    }
}

static void open_case(weighted_case *weighted, ninp_random *random, nin_shape input, int count,
                      bool training) {
    weighted_case_open(weighted, input, count, training);
    weighted_case_draw(weighted, random, false);
    weighted_case_reference(weighted);
}

/* Sides up to the largest frame, all kernels, any padding, channels that do not fill their blocks,
 * batches of 1 to 17. */
static void draw_case(weighted_case *weighted, ninp_random *random, bool training) {
    const int kernel =
        3 + 2 * (draw_int(random, 0, 2) ? draw_int(random, 0, 1) : draw_int(random, 2, 4));
    const int padding = draw_int(random, 0, 1) ? kernel / 2 : draw_int(random, 0, kernel - 1);
    const int least = kernel > 2 * padding ? kernel - 2 * padding : 1;
    const int most = draw_int(random, 0, 3) ? 13 : 36 - padding;
    const nin_shape input = {.channels = draw_int(random, 1, draw_int(random, 0, 3) ? 20 : 70),
                             .height = draw_int(random, least, least > most ? least : most),
                             .width = draw_int(random, least, least > 14 ? least : 14)};
    const int count = draw_int(random, 1, draw_int(random, 0, 5) ? 3 : 17);
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d padding=%d",
             draw_int(random, 1, draw_int(random, 0, 3) ? 20 : 70), kernel, padding);
    weighted->step.activation = (ninp_activation)draw_int(random, 0, 2);
    weighted->step.input_activation = (ninp_activation)draw_int(random, 0, 2);
    weighted->step.input_gradient = draw_int(random, 0, 7) > 0;
    open_case(weighted, random, input, count, training);
}

static void test_shapes(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {0};
        draw_case(&weighted, &random, i % 6 != 0);
        check_everywhere(&weighted, draw_int(&random, 1, 3), i % 2 ? GUARD_AFTER : GUARD_BEFORE);
        weighted_case_close(&weighted);
    }
}

/* So many pictures that they are several groups, and so many blocks that they are several chunks.
 */
static void test_parts(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    static const struct {
        const char *line;
        nin_shape input;
        int count;
    } cases[] = {{"conv2d 5 kernel=3 padding=1", {.channels = 3, .height = 7, .width = 5}, 135},
                 {"conv2d 70 kernel=5 padding=2", {.channels = 150, .height = 16, .width = 3}, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weighted_case weighted = {.step = {.input_gradient = true}};
        snprintf(weighted.line, sizeof weighted.line, "%s", cases[i].line);
        open_case(&weighted, &random, cases[i].input, cases[i].count, true);
        check_everywhere(&weighted, 2, GUARD_AFTER);
        weighted_case_close(&weighted);
    }
}

/* Windows do not overlap, so that no two pixels of one are alike by accident only. */
static void test_pooled(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    weighted_case weighted = {
        .line = "conv2d 20 kernel=5 padding=2",
        .pool_line = "max_pool kernel=2 stride=2",
        .step = {.activation = NINP_ACTIVATION_SIGMOID, .input_gradient = true}};
    open_case(&weighted, &random, (nin_shape){.channels = 18, .height = 9, .width = 12}, 3, true);
    check_everywhere(&weighted, 2, GUARD_AFTER);
    const weighted_setup setup = {&ninp_conv_fft, ninp_kernels_find("auto"), 1, GUARD_AFTER};
    weighted_results results = weighted_case_run(&weighted, &setup);
    assert_true(relative_error(results.y_count, results.y, weighted.pool.run.y) <= 1e-6);
    weighted_results_free(&results);
    weighted_case_close(&weighted);
}

static void test_threads(void **state) {
    (void)state;
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
    weighted_case weighted = {.line = "conv2d 50 kernel=5 padding=2",
                              .pool_line = "max_pool kernel=3 stride=2",
                              .step = {.activation = NINP_ACTIVATION_RELU, .input_gradient = true}};
    open_case(&weighted, &random, (nin_shape){.channels = 37, .height = 13, .width = 11}, 9, true);
    for (size_t i = 0; i < kernel_count; i++) {
        weighted_case_check_threads(&weighted, &ninp_conv_fft, kernels[i]);
    }
    weighted_case_close(&weighted);
}

/* A NaN spoils all of its picture's results and gradients, all taps of its channel, and no more. */
static void test_not_a_number(void **state) {
    (void)state;
    enum { CHANNELS = 18, FILTERS = 20, SIDE = 12, PIXELS = SIDE * SIDE, TAPS = 25 };
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 5, 0);
    weighted_case weighted = {.line = "conv2d 20 kernel=5 padding=2",
                              .step = {.input_gradient = true}};
    open_case(&weighted, &random, (nin_shape){.channels = CHANNELS, .height = SIDE, .width = SIDE},
              4, true);
    weighted.layer.x[(1 * CHANNELS + 5) * PIXELS + 100] = (double)NAN;
    weighted.layer.dy[(2 * FILTERS + 7) * PIXELS + 30] = (double)NAN;
    for (size_t k = 0; k < kernel_count; k++) {
        const weighted_setup setup = {&ninp_conv_fft, kernels[k], 2, GUARD_AFTER};
        weighted_results results = weighted_case_run(&weighted, &setup);
        for (size_t i = 0; i < results.y_count; i++) {
            assert_int_equal(isnan(results.y[i]) != 0, i / PIXELS / FILTERS == 1);
        }
        for (size_t i = 0; i < results.dx_count; i++) {
            assert_int_equal(isnan(results.dx[i]) != 0, i / PIXELS / CHANNELS == 2);
        }
        for (size_t i = 0; i < results.weight_count; i++) {
            const bool spoilt = i / TAPS % CHANNELS == 5 || i / TAPS / CHANNELS == 7;
            assert_int_equal(isnan(results.weight[i]) != 0, spoilt);
        }
        for (size_t i = 0; i < results.bias_count; i++) {
            assert_int_equal(isnan(results.bias[i]) != 0, i == 7);
        }
        weighted_results_free(&results);
    }
    weighted_case_close(&weighted);
}

/* Errors as src/cpu/conv/fft.c states them. */
static void test_accuracy(void **state) {
    (void)state;
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 6, 0);
    weighted_case weighted = {.line = "conv2d 48 kernel=5 padding=2",
                              .step = {.input_gradient = true}};
    open_case(&weighted, &random, (nin_shape){.channels = 64, .height = 26, .width = 26}, 3, true);
    const ninp_layer_run *run = &weighted.layer.run;
    for (size_t k = 0; k < kernel_count; k++) {
        const weighted_setup setup = {&ninp_conv_fft, kernels[k], 2, GUARD_AFTER};
        weighted_results results = weighted_case_run(&weighted, &setup);
        const double y = relative_error(results.y_count, results.y, run->y);
        const double dx = relative_error(results.dx_count, results.dx, run->dx);
        const double weight =
            relative_error(results.weight_count, results.weight, run->gradients[0]);
        print_message("%s: y %.1e, dx %.1e, dW %.1e\n", kernels[k]->isa, y, dx, weight);
        assert_true(y <= 3e-7 && dx <= 3e-7 && weight <= 3e-7);
        weighted_results_free(&results);
    }
    weighted_case_close(&weighted);
}

/* A corner that is a thousand times as bright spreads its error over the picture: far from it,
 * error in relation to the results there. */
static void test_bright_corner(void **state) {
    (void)state;
    enum { SIDE = 26, CORNER = 4, FAR = 8 };
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 7, 0);
    weighted_case weighted = {.line = "conv2d 16 kernel=5 padding=2"};
    weighted_case_open(&weighted, (nin_shape){.channels = 16, .height = SIDE, .width = SIDE}, 1,
                       false);
    weighted_case_draw(&weighted, &random, false);
    for (size_t i = 0; i < weighted.layer.x_count; i++) {
        if (i / SIDE % SIDE < CORNER && i % SIDE < CORNER) {
            weighted.layer.x[i] *= 1000.0;
        }
    }
    round_to_float(weighted.layer.x, weighted.layer.x_count);
    weighted_case_reference(&weighted);
    for (size_t k = 0; k < kernel_count; k++) {
        const weighted_setup setup = {&ninp_conv_fft, kernels[k], 1, GUARD_AFTER};
        weighted_results results = weighted_case_run(&weighted, &setup);
        double error = 0.0;
        double size = 0.0;
        for (size_t i = 0; i < results.y_count; i++) {
            if (i / SIDE % SIDE >= FAR && i % SIDE >= FAR) {
                const double expected = weighted.layer.run.y[i];
                error += (results.y[i] - expected) * (results.y[i] - expected);
                size += expected * expected;
            }
        }
        print_message("%s: %.1e far from the corner\n", kernels[k]->isa, sqrt(error / size));
        assert_true(sqrt(error / size) <= 4e-5);
        weighted_results_free(&results);
    }
    weighted_case_close(&weighted);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *line, *reason;
        int size;
    } cases[] = {
        {"conv2d 4 kernel=5 stride=2", "its stride is not 1", 20},
        {"conv2d 4 kernel=4", "its kernel is not odd and 3 to 11", 20},
        {"conv2d 4 kernel=1", "its kernel is not odd and 3 to 11", 20},
        {"conv2d 4 kernel=13", "its kernel is not odd and 3 to 11", 20},
        {"conv2d 4 kernel=3 padding=3", "its padding is not smaller than its kernel", 20},
        {"conv2d 4 kernel=5 padding=2", NULL, 34},
        {"conv2d 4 kernel=5 padding=2", "its pictures are too large for a transform at once", 35},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weighted_case weighted = {0};
        snprintf(weighted.line, sizeof weighted.line, "%s", cases[i].line);
        weighted_case_open(
            &weighted, (nin_shape){.channels = 3, .height = cases[i].size, .width = cases[i].size},
            1, false);
        const weighted_setup setup = {&ninp_conv_fft, ninp_kernels_find("generic"), 1, GUARD_AFTER};
        const char *refusal = weighted_case_refusal(&weighted, &setup);
        if (cases[i].reason) {
            assert_string_equal(refusal, cases[i].reason);
        } else {
            assert_null(refusal);
        }
        weighted_case_close(&weighted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_pooled),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_not_a_number),  cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_bright_corner), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The backward pass of every kind of layer against central differences of its forward pass. */
#include "support/layer_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHAPES = 24 };
static const uint64_t seed = 20240607;

/* About 1e-6, and exact in binary. */
#define STEP 0x1p-20

/* d(sum of dy * y) / d(*value): differences are taken output by output, so that those that do not
 * change add no rounding error. */
static double numeric_gradient(layer_case *layer, double *value) {
    double kept = *value;
    double *above = malloc(layer->y_count * sizeof *above);
    assert_non_null(above);
    *value = kept + STEP;
    double high = *value;
    layer_case_forward(layer);
    memcpy(above, layer->run.y, layer->y_count * sizeof *above);
    *value = kept - STEP;
    double low = *value;
    layer_case_forward(layer);
    double sum = 0.0;
    for (size_t i = 0; i < layer->y_count; i++) {
        sum += layer->dy[i] * (above[i] - layer->run.y[i]);
    }
    *value = kept;
    free(above);
    return sum / (high - low);
}

static void compare(layer_case *layer, const char *line, const char *what, double *values,
                    const double *gradient, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double numeric = numeric_gradient(layer, &values[i]);
        if (!(fabs(numeric - gradient[i]) <= 1e-6 * (1.0 + fabs(gradient[i])))) {
            fail_msg("seed %llu: %s: gradient of %s[%zu] is %.12g, numerically %.12g",
                     (unsigned long long)seed, line, what, i, gradient[i], numeric);
        }
    }
}

/* Keeps inputs at least 1e-3 from where a layer has no derivative: 0 for ReLU, ties for maxima. */
static void avoid_kinks(layer_case *layer, ninp_random *random) {
    if (strcmp(layer->type->word, "relu") == 0) {
        for (size_t i = 0; i < layer->x_count; i++) {
            layer->x[i] += layer->x[i] < 0.0 ? -1e-3 : 1e-3;
        }
    } else if (strcmp(layer->type->word, "max_pool") == 0) {
        for (size_t i = 0; i < layer->x_count; i++) {
            size_t j = ninp_random_below(random, (uint32_t)i + 1);
            layer->x[i] = layer->x[j];
            layer->x[j] = 0.01 * (double)i - 1.0;
        }
    }
}

static void check(const char *line, nin_shape input, int count, bool training,
                  ninp_random *random) {
    layer_case layer;
    layer_case_open(&layer, line, input, count, training);
    layer.run.seed = seed;
    layer.run.step = 3;
    layer.run.number = 2;
    layer_case_draw(&layer, random);
    avoid_kinks(&layer, random);
    layer_case_forward(&layer);
    layer_case_backward(&layer);
    compare(&layer, line, "x", layer.x, layer.run.dx, layer.x_count);
    for (int t = 0; t < layer.tensor_count; t++) {
        if (layer.specs[t].trainable) {
            compare(&layer, line, layer.specs[t].suffix, layer.run.tensors[t],
                    layer.run.gradients[t], layer.tensor_sizes[t]);
        }
    }
    layer_case_close(&layer);
}

static nin_shape draw_picture(ninp_random *random, int least_side) {
    return (nin_shape){.channels = draw_int(random, 1, 3),
                       .height = draw_int(random, least_side, 7),
                       .width = draw_int(random, least_side, 7)};
}

/* The first shapes are batch 1. */
static int batch_of(int i) {
    return 1 + i % 3;
}

static void test_conv2d(void **state) {
    ninp_random *random = *state;
    for (int i = 0; i < SHAPES; i++) {
        int kernel = draw_int(random, 1, 4);
        int padding = draw_int(random, 0, 3);
        char line[100];
        snprintf(line, sizeof line, "conv2d %d kernel=%d stride=%d padding=%d",
                 draw_int(random, 1, 3), kernel, draw_int(random, 1, 3), padding);
        check(line, draw_picture(random, kernel), batch_of(i), true, random);
    }
}

static void test_pools(void **state) {
    static const char *const ends[] = {"", " ceil_mode"};
    static const char *const counts[] = {"", " count_include_pad=false"};
    ninp_random *random = *state;
    for (int i = 0; i < SHAPES; i++) {
        int kernel = draw_int(random, 1, 4);
        int stride = draw_int(random, 1, 4);
        int padding = draw_int(random, 0, kernel / 2);
        char line[100];
        snprintf(line, sizeof line, "max_pool kernel=%d stride=%d padding=%d%s", kernel, stride,
                 padding, ends[i / 2 % 2]);
        check(line, draw_picture(random, kernel), batch_of(i), true, random);
        snprintf(line, sizeof line, "avg_pool kernel=%d stride=%d padding=%d%s%s", kernel, stride,
                 padding, ends[i / 2 % 2], counts[i % 2]);
        check(line, draw_picture(random, kernel), batch_of(i), true, random);
        snprintf(line, sizeof line, "adaptive_avg_pool %dx%d", draw_int(random, 1, 8),
                 draw_int(random, 1, 8));
        check(line, draw_picture(random, 1), batch_of(i), true, random);
        check("global_avg_pool", draw_picture(random, 1), batch_of(i), true, random);
    }
}

static void test_value_by_value(void **state) {
    ninp_random *random = *state;
    for (int i = 0; i < SHAPES; i++) {
        nin_shape shape = draw_picture(random, 1);
        check("relu", shape, batch_of(i), true, random);
        check("sigmoid", shape, batch_of(i), true, random);
        check("flatten", shape, batch_of(i), true, random);
        check("dropout 0.3", shape, batch_of(i), true, random);
        check("dropout 0.3", shape, batch_of(i), false, random);
    }
}

static void test_linear(void **state) {
    ninp_random *random = *state;
    for (int i = 0; i < SHAPES; i++) {
        char line[100];
        snprintf(line, sizeof line, "linear %d", draw_int(random, 1, 9));
        nin_shape input = {
            .channels = draw_int(random, 1, 20), .height = 1, .width = 1, .flat = true};
        check(line, input, batch_of(i), true, random);
    }
}

/* At least six values a channel: of two, training makes 1 and -1, whatever they were. */
static void test_batch_norm(void **state) {
    ninp_random *random = *state;
    for (int i = 0; i < SHAPES; i++) {
        nin_shape input = draw_picture(random, 3);
        check("batch_norm", input, batch_of(i), true, random);
        check("batch_norm epsilon=1e-2", input, batch_of(i), false, random);
    }
}

static int start_random(void **state) {
    static ninp_random random;
    random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    *state = &random;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_conv2d, start_random),
        cmocka_unit_test_setup(test_pools, start_random),
        cmocka_unit_test_setup(test_value_by_value, start_random),
        cmocka_unit_test_setup(test_linear, start_random),
        cmocka_unit_test_setup(test_batch_norm, start_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

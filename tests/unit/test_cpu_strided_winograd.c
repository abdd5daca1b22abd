/* Winograd's convolution of strided first layers on every instruction set against the layer in
 * float64. Errors are held to the bounds of the convolution of phases that it is computed by: the
 * test takes pictures and filters apart by itself. */
#include "cpu/conv/winograd.h"
#include "support/weighted_case.h"
#include "support/winograd_bounds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_strided_winograd4, ninp_conv_strided_winograd6;

enum { CASES = 60 / TEST_SHARE, TAPS = 3 };
static const uint64_t seed = 23;

/* Errors in relation to results, by root mean squares: what src/cpu/conv/winograd.c states. */
static const struct strided_form {
    const ninp_cpu_algorithm *algorithm;
    int outputs;
    double error;
} forms[] = {{&ninp_conv_strided_winograd4, 4, 2e-6}, {&ninp_conv_strided_winograd6, 6, 5e-6}};
enum { FORMS = sizeof forms / sizeof *forms };

static const ninp_winograd_form *form_of(const ninp_kernels *kernels, int number) {
    const ninp_winograd_form *form = ninp_winograd_form_of(kernels, forms[number].outputs, TAPS);
    assert_non_null(form);
    return form;
}

static void open_case(weighted_case *weighted, ninp_conv_options conv, nin_shape input, int count,
                      bool training) {
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d stride=%d padding=%d",
             conv.width, conv.kernel, conv.stride, conv.padding);
    weighted_case_open(weighted, input, count, training);
}

/* Where value (row, column) of a plane is among the phases: the phase, counted from that of channel
 * 0, and the place in it. */
typedef struct phase_place {
    int phase, row, column;
} phase_place;

static phase_place place_of(int stride, int channel, int row, int column) {
    return (phase_place){(channel * stride + row % stride) * stride + column % stride, row / stride,
                         column / stride};
}

/* Where the filters' value `index` is in the filters of the phases. */
static size_t phased_weight(const weighted_case *weighted, size_t index) {
    const ninp_conv_options conv = weighted->step.conv;
    const int channels = weighted->step.input.channels;
    const int taps = conv.kernel * conv.kernel;
    const int tap = (int)index % taps;
    const phase_place place =
        place_of(conv.stride, (int)index / taps % channels, tap / conv.kernel, tap % conv.kernel);
    const int phases = channels * conv.stride * conv.stride;
    const int filter = (int)index / taps / channels;
    return (size_t)(((filter * phases + place.phase) * TAPS + place.row) * TAPS + place.column);
}

static void copy_pictures(const weighted_case *from, weighted_case *to) {
    const nin_shape in = from->step.input;
    const nin_shape phase = to->step.input;
    const ninp_conv_options conv = from->step.conv;
    for (size_t i = 0; i < from->layer.x_count; i++) {
        const int plane = in.height * in.width;
        const int pixel = (int)i % plane;
        const phase_place place =
            place_of(conv.stride, (int)i / plane % in.channels, pixel / in.width + conv.padding,
                     pixel % in.width + conv.padding);
        const int picture = (int)i / plane / in.channels;
        if (place.row < phase.height && place.column < phase.width) {
            to->layer.x[((picture * phase.channels + place.phase) * phase.height + place.row) *
                            phase.width +
                        place.column] = from->layer.x[i];
        }
    }
}

/* The same convolution with stride 1 over phases, with all of its values. */
static void open_phases(const weighted_case *from, weighted_case *to) {
    const ninp_step *step = &from->step;
    const nin_shape phase = {.channels =
                                 step->input.channels * step->conv.stride * step->conv.stride,
                             .height = step->unpooled.height - 1 + TAPS,
                             .width = step->unpooled.width - 1 + TAPS};
    to->step.activation = step->activation;
    open_case(to, (ninp_conv_options){.width = step->conv.width, .kernel = TAPS, .stride = 1},
              phase, from->layer.run.count, true);
    memset(to->layer.x, 0, to->layer.x_count * sizeof(double));
    memset(to->layer.run.tensors[0], 0, to->layer.tensor_sizes[0] * sizeof(double));
    copy_pictures(from, to);
    for (size_t i = 0; i < from->layer.tensor_sizes[0]; i++) {
        to->layer.run.tensors[0][phased_weight(from, i)] = from->layer.run.tensors[0][i];
    }
    memcpy(to->layer.run.tensors[1], from->layer.run.tensors[1],
           from->layer.tensor_sizes[1] * sizeof(double));
    memcpy(to->layer.dy, from->layer.dy, from->layer.y_count * sizeof(double));
    weighted_case_reference(to);
}

/* One of the results of a run. */
typedef struct result {
    const char *what;
    size_t count;
    const double *values, *expected, *bounds;
    double error; /* at most, by root mean squares; 0: any */
} result;

/* Within the bounds where these are finite; what is not finite in float64 is not finite here. */
static bool is_right(double value, double expected, double bound) {
    return !isfinite(expected) ? !isfinite(value)
                               : !isfinite(bound) || fabs(value - expected) <= bound;
}

static void check_result(const weighted_setup *setup, const char *line, const result *r) {
    double error = 0.0;
    double size = 0.0;
    for (size_t i = 0; i < r->count; i++) {
        if (!is_right(r->values[i], r->expected[i], r->bounds[i])) {
            fail_msg("%s %s on %s, %d threads: %s[%zu] is %.9g, expected %.9g within %.3g",
                     setup->algorithm->name, line, setup->kernels->isa, setup->threads, r->what, i,
                     r->values[i], r->expected[i], r->bounds[i]);
        }
        error += (r->values[i] - r->expected[i]) * (r->values[i] - r->expected[i]);
        size += r->expected[i] * r->expected[i];
    }
    if (r->error > 0.0 && size > 0.0 && !(sqrt(error / size) <= r->error)) {
        fail_msg("%s %s on %s: %s has an error of %.2g, more than %.1g", setup->algorithm->name,
                 line, setup->kernels->isa, r->what, sqrt(error / size), r->error);
    }
}

/* The phases' bounds of the filters' values. */
static double *weight_bounds(const weighted_case *weighted, const winograd_bounds *bounds) {
    const size_t count = weighted->layer.tensor_sizes[0];
    double *found = malloc(count * sizeof *found);
    assert_non_null(found);
    for (size_t i = 0; i < count; i++) {
        found[i] = bounds->weight[phased_weight(weighted, i)];
    }
    return found;
}

/* Every value within its bound and, unless `times` is 0, all within `times` the stated error. */
static void check(const weighted_case *weighted, const weighted_case *phased,
                  const weighted_setup *setup, int number, double times) {
    assert_null(weighted_case_refusal(weighted, setup));
    weighted_results results = weighted_case_run(weighted, setup);
    winograd_bounds bounds = winograd_bounds_of(phased, form_of(setup->kernels, number));
    double *of_weights = weight_bounds(weighted, &bounds);
    const ninp_layer_run *run = &weighted->layer.run;
    const double error = times * forms[number].error;
    const result list[] = {
        {"y", results.y_count, results.y, run->y, bounds.y, error},
        {"dW", results.weight_count, results.weight, run->gradients[0], of_weights, error},
        {"db", results.bias_count, results.bias, run->gradients[1], bounds.bias, times * 1e-6}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        check_result(setup, weighted->line, &list[i]);
    }
    free(of_weights);
    winograd_bounds_free(&bounds);
    weighted_results_free(&results);
}

static void check_everywhere(weighted_case *weighted, int number, double times) {
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t count = list_kernels(kernels);
    weighted_case_reference(weighted);
    weighted_case phased = {0};
    open_phases(weighted, &phased);
    for (size_t i = 0; i < count; i++) {
        const weighted_setup setup = {forms[number].algorithm, kernels[i], 1 + (int)i % 3,
                                      weighted->layer.run.count % 2 ? GUARD_AFTER : GUARD_BEFORE};
        check(weighted, &phased, &setup, number, times);
    }
    weighted_case_close(&phased);
}

/* Kernels whose share of the stride is three taps; odd sizes, any padding. */
static void draw_case(weighted_case *weighted, ninp_random *random, bool training) {
    const int stride = draw_int(random, 0, 1) ? 4 : 2;
    const int kernel = 2 * stride + draw_int(random, 1, stride);
    const ninp_conv_options conv = {.width = draw_int(random, 1, 70),
                                    .kernel = kernel,
                                    .stride = stride,
                                    .padding = draw_int(random, 0, kernel + 1)};
    const int least = kernel > 2 * conv.padding ? kernel - 2 * conv.padding : 1;
    const nin_shape input = {.channels = draw_int(random, 1, 4),
                             .height = draw_int(random, least, least + 40),
                             .width = draw_int(random, least, least + 60)};
    weighted->step.activation = (ninp_activation)draw_int(random, 0, 2);
    open_case(weighted, conv, input, draw_int(random, 1, 3), training);
    weighted_case_draw(weighted, random, false);
}

/* Few products leave rounding errors that are large in relation to them: hence 10 times. */
static void test_shapes(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {0};
        draw_case(&weighted, &random, i % 5 != 0);
        check_everywhere(&weighted, i % FORMS, 10.0);
        weighted_case_close(&weighted);
    }
}

/* The lecture's first layer, on a smaller picture. */
static const ninp_conv_options lecture = {.width = 96, .kernel = 11, .stride = 4};

static void test_accuracy(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    for (int number = 0; number < FORMS; number++) {
        weighted_case weighted = {0};
        open_case(&weighted, lecture, (nin_shape){.channels = 1, .height = 99, .width = 103}, 3,
                  true);
        weighted_case_draw(&weighted, &random, false);
        check_everywhere(&weighted, number, 1.0);
        weighted_case_close(&weighted);
    }
}

/* A NaN spoils what float64 says it does, and no more than the tiles that read it. */
static void test_not_finite(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    for (int number = 0; number < FORMS; number++) {
        weighted_case weighted = {0};
        open_case(&weighted, lecture, (nin_shape){.channels = 1, .height = 139, .width = 71}, 2,
                  false);
        weighted_case_draw(&weighted, &random, false);
        weighted.layer.x[60 * 71 + 35] = (double)NAN;
        check_everywhere(&weighted, number, 0.0);
        const weighted_setup setup = {forms[number].algorithm, ninp_kernels_find("generic"), 1,
                                      GUARD_AFTER};
        weighted_results results = weighted_case_run(&weighted, &setup);
        assert_true(isfinite(results.y[0]));
        weighted_results_free(&results);
        weighted_case_close(&weighted);
    }
}

static void test_threads(void **state) {
    (void)state;
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
    weighted_case weighted = {.step = {.activation = NINP_ACTIVATION_RELU}};
    open_case(&weighted, lecture, (nin_shape){.channels = 3, .height = 150, .width = 90}, 1, true);
    weighted_case_draw(&weighted, &random, false);
    for (size_t i = 0; i < count; i++) {
        for (int number = 0; number < FORMS; number++) {
            weighted_case_check_threads(&weighted, forms[number].algorithm, kernels[i]);
        }
    }
    weighted_case_close(&weighted);
}

static void test_refusals(void **state) {
    (void)state;
    const ninp_cpu_algorithm *algorithm = &ninp_conv_strided_winograd6;
    ninp_cpu_config config = {
        .kernels = ninp_kernels_find("generic"), .threads = 1, .batch = 1, .first = true};
    ninp_step step = {.work = NINP_WORK_CONV,
                      .input = {.channels = 3, .height = 30, .width = 30},
                      .conv = lecture};
    assert_null(algorithm->refuse(&step, &config));
    step.conv.kernel = 13;
    assert_string_equal(algorithm->refuse(&step, &config),
                        "there is no Winograd form for its kernel divided by its stride");
    step.conv.stride = 5;
    assert_string_equal(algorithm->refuse(&step, &config), "its stride is not 2 or 4");
    step.input_gradient = true;
    assert_string_equal(algorithm->refuse(&step, &config), "it is not the first layer");
    step.input.channels = 5;
    assert_string_equal(algorithm->refuse(&step, &config), "its input has more than 4 channels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

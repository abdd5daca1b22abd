/* Direct convolutions on every instruction set against the layers in float64. */
#include "support/weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_pointwise, ninp_conv_few_channels, ninp_conv_direct,
    ninp_conv_direct_batch;

enum { CASES = 120 / TEST_SHARE };
static const uint64_t seed = 47;

static const ninp_cpu_algorithm *const algorithms[] = {
    &ninp_conv_pointwise, &ninp_conv_few_channels, &ninp_conv_direct, &ninp_conv_direct_batch};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static const ninp_kernels *usable[MOST_KERNELS];
static size_t usable_count;

static int find_usable(void **state) {
    (void)state;
    usable_count = list_kernels(usable);
    return 0;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Shapes that algorithm `number` computes: odd sizes, kernels larger than the picture where padding
 * allows it, padding larger than the kernel, strides larger than both. */
static void draw_shape(weighted_case *weighted, int number, ninp_random *random, nin_shape *input,
                       int *count) {
    const bool pointwise = number == 0;
    const bool first = number == 1;
    *input = (nin_shape){.channels = draw_int(random, 1, first ? 4 : 70),
                         .height = draw_int(random, 1, 13),
                         .width = draw_int(random, 1, draw_int(random, 0, 5) ? 13 : 40)};
    const int padding = pointwise ? 0 : draw_int(random, 0, draw_int(random, 0, 5) ? 3 : 7);
    const int largest = smaller(input->height, input->width) + 2 * padding;
    const int kernel = pointwise ? 1 : draw_int(random, 1, smaller(largest, 7));
    *count = draw_int(random, 1, draw_int(random, 0, 3) ? 3 : 17);
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d stride=%d padding=%d",
             draw_int(random, 1, 70), kernel, pointwise ? 1 : draw_int(random, 1, 4), padding);
    weighted->step.input_gradient = !first;
}

/* The same case on every instruction set. */
static void check_everywhere(weighted_case *weighted, int number, int threads, guard_side side,
                             bool exact) {
    weighted_case_reference(weighted);
    for (size_t i = 0; i < usable_count; i++) {
        const weighted_setup setup = {algorithms[number], usable[i], threads, side};
        assert_null(weighted_case_refusal(weighted, &setup));
        weighted_case_check(weighted, &setup, exact);
    }
}

static void test_shapes(void **state) {
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    for (int i = 0; i < CASES; i++) {
        const int number = i % ALGORITHMS;
        weighted_case weighted = {0};
        nin_shape input;
        int count;
        draw_shape(&weighted, number, &random, &input, &count);
        weighted.step.activation = (ninp_activation)draw_int(&random, 0, 2);
        weighted.step.input_activation =
            number == 1 ? NINP_ACTIVATION_NONE : (ninp_activation)draw_int(&random, 0, 2);
        weighted_case_open(&weighted, input, count, i % 7 != 0);
        weighted_case_draw(&weighted, &random, false);
        check_everywhere(&weighted, number, draw_int(&random, 1, 3),
                         i / ALGORITHMS % 2 ? GUARD_AFTER : GUARD_BEFORE, false);
        weighted_case_close(&weighted);
    }
}

/* With a max-pool behind: whole numbers, so that no rounding decides which value of a window is the
 * largest, or whether ReLU lets it through. */
static void test_pooled(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    for (int i = 0; i < CASES / 2; i++) {
        const int number = i % ALGORITHMS;
        const int kernel = draw_int(&random, 1, 3);
        weighted_case weighted = {0};
        nin_shape input;
        int count;
        do {
            draw_shape(&weighted, number, &random, &input, &count);
            input.height += 8;
            input.width += 8;
        } while (strstr(weighted.line, "stride=4") || strstr(weighted.line, "stride=3"));
        snprintf(weighted.pool_line, sizeof weighted.pool_line,
                 "max_pool kernel=%d stride=%d padding=%d%s", kernel, draw_int(&random, 1, 3),
                 draw_int(&random, 0, kernel / 2), draw_int(&random, 0, 1) ? " ceil_mode" : "");
        weighted.step.activation =
            draw_int(&random, 0, 1) ? NINP_ACTIVATION_RELU : NINP_ACTIVATION_NONE;
        weighted.step.input_activation =
            draw_int(&random, 0, 1) && number != 1 ? NINP_ACTIVATION_RELU : NINP_ACTIVATION_NONE;
        weighted_case_open(&weighted, input, count, i % 5 != 0);
        weighted_case_draw(&weighted, &random, true);
        check_everywhere(&weighted, number, draw_int(&random, 1, 3),
                         i / ALGORITHMS % 2 ? GUARD_AFTER : GUARD_BEFORE, true);
        weighted_case_close(&weighted);
    }
}

/* NaN and infinities come out where the layer in float64 has them, and nowhere else. Backward that
 * holds without padding only: its zeros times NaN are NaN. */
static void check_not_finite(int number, const char *line, bool training) {
    weighted_case weighted = {
        .step = {.activation = NINP_ACTIVATION_RELU, .input_gradient = number != 1}};
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    const nin_shape input = {.channels = number == 1 ? 3 : 19, .height = 9, .width = 8};
    snprintf(weighted.line, sizeof weighted.line, "%s", number == 0 ? "conv2d 21 kernel=1" : line);
    weighted_case_open(&weighted, input, 2, training);
    weighted_case_draw(&weighted, &random, false);
    weighted.layer.x[5] = (double)NAN;
    weighted.layer.x[8 * 8 + 7] = (double)INFINITY;
    weighted.layer.dy[20] = (double)NAN;
    weighted.layer.dy[11] = -(double)INFINITY;
    check_everywhere(&weighted, number, 1, GUARD_AFTER, false);
    weighted_case_close(&weighted);
}

static void test_not_finite(void **state) {
    (void)state;
    for (int number = 0; number < ALGORITHMS; number++) {
        check_not_finite(number, "conv2d 21 kernel=3 stride=2", true);
        check_not_finite(number, "conv2d 21 kernel=3 stride=2 padding=1", false);
    }
}

/* The whole batch at once: as many bits alike on any number of threads. */
static void test_threads(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
    weighted_case weighted = {.line = "conv2d 90 kernel=3 padding=1",
                              .step = {.input_gradient = true}};
    weighted_case_open(&weighted, (nin_shape){.channels = 70, .height = 4, .width = 3}, 13, true);
    weighted_case_draw(&weighted, &random, false);
    for (size_t i = 0; i < usable_count; i++) {
        weighted_case_check_threads(&weighted, &ninp_conv_direct_batch, usable[i]);
    }
    weighted_case_close(&weighted);
}

static void test_refusals(void **state) {
    (void)state;
    const ninp_cpu_config config = {
        .kernels = ninp_kernels_find("generic"), .threads = 1, .batch = 1, .first = true};
    ninp_step step = {.work = NINP_WORK_CONV,
                      .input = {.channels = 5, .height = 8, .width = 8},
                      .conv = {.width = 4, .kernel = 2, .stride = 1}};
    assert_string_equal(ninp_conv_pointwise.refuse(&step, &config), "its kernel is not 1 x 1");
    step.conv.kernel = 1;
    assert_null(ninp_conv_pointwise.refuse(&step, &config));
    step.conv.stride = 2;
    assert_string_equal(ninp_conv_pointwise.refuse(&step, &config), "its stride is not 1");
    step.conv.stride = 1;
    step.conv.padding = 1;
    assert_string_equal(ninp_conv_pointwise.refuse(&step, &config), "its padding is not 0");
    assert_string_equal(ninp_conv_few_channels.refuse(&step, &config),
                        "its input has more than 4 channels");
    step.input.channels = 4;
    assert_null(ninp_conv_few_channels.refuse(&step, &config));
    step.input_gradient = true;
    assert_string_equal(ninp_conv_few_channels.refuse(&step, &config), "it is not the first layer");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_pooled),
                                       cmocka_unit_test(test_not_finite),
                                       cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, find_usable, NULL);
}

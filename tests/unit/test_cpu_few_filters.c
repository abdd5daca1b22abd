/* Convolution of plain pictures with few filters on every instruction set against the layer in
 * float64. */
#include "support/weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_few_filters;

enum { CASES = 64 };
static const uint64_t seed = 59;

static const ninp_kernels *usable[MOST_KERNELS];
static size_t usable_count;

static int find_usable(void **state) {
    (void)state;
    usable_count = list_kernels(usable);
    return 0;
}

static void check_everywhere(weighted_case *weighted, int threads, guard_side side, bool exact) {
    weighted_case_reference(weighted);
    for (size_t i = 0; i < usable_count; i++) {
        const weighted_setup setup = {&ninp_conv_few_filters, usable[i], threads, side};
        assert_null(weighted_case_refusal(weighted, &setup));
        weighted_case_check(weighted, &setup, exact);
    }
}

/* Every number of filters; rows of less than a vector, of several, and more than a band holds. */
static nin_shape draw_shape(weighted_case *weighted, int number, ninp_random *random) {
    static const int widths[] = {13, 40, 70, 900};
    const nin_shape input = {.channels = draw_int(random, 1, 4),
                             .height = draw_int(random, 1, number % 4 == 2 ? 60 : 13),
                             .width = draw_int(random, 1, widths[number % 4])};
    const int padding = draw_int(random, 0, 3);
    const int least = input.height < input.width ? input.height : input.width;
    const int largest = least + 2 * padding;
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d padding=%d",
             number % NINP_PLANES_FILTERS + 1, draw_int(random, 1, largest < 7 ? largest : 7),
             padding);
    return input;
}

static void test_shapes(void **state) {
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {.step = {.activation = (ninp_activation)draw_int(&random, 0, 2)}};
        const nin_shape input = draw_shape(&weighted, i / 2, &random);
        weighted_case_open(&weighted, input, draw_int(&random, 1, 3), i % 5 != 0);
        weighted_case_draw(&weighted, &random, false);
        check_everywhere(&weighted, draw_int(&random, 1, 3), i % 2 ? GUARD_AFTER : GUARD_BEFORE,
                         false);
        weighted_case_close(&weighted);
    }
}

/* With a max-pool behind: whole numbers, so that no rounding decides which value is the largest. */
static void test_pooled(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    for (int i = 0; i < CASES / 4; i++) {
        weighted_case weighted = {
            .step = {.activation = i % 2 ? NINP_ACTIVATION_RELU : NINP_ACTIVATION_NONE},
            .pool_line = "max_pool kernel=2 stride=2"};
        nin_shape input = draw_shape(&weighted, i, &random);
        input.height += 8;
        input.width += 8;
        weighted_case_open(&weighted, input, 2, true);
        weighted_case_draw(&weighted, &random, true);
        check_everywhere(&weighted, 2, i % 2 ? GUARD_AFTER : GUARD_BEFORE, true);
        weighted_case_close(&weighted);
    }
}

/* NaN and infinities come out where the layer in float64 has them, and nowhere else: what lies
 * behind the last result of a row, which vectors read too, does not come in. */
static void test_not_finite(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    weighted_case weighted = {.line = "conv2d 5 kernel=3",
                              .step = {.activation = NINP_ACTIVATION_RELU}};
    weighted_case_open(&weighted, (nin_shape){.channels = 2, .height = 6, .width = 21}, 2, true);
    weighted_case_draw(&weighted, &random, false);
    weighted.layer.x[20] = (double)NAN;
    weighted.layer.x[21 * 3 + 19] = (double)INFINITY;
    weighted.layer.dy[11] = -(double)INFINITY;
    check_everywhere(&weighted, 1, GUARD_AFTER, false);
    weighted_case_close(&weighted);
}

static void test_refusals(void **state) {
    (void)state;
    const ninp_cpu_config config = {
        .kernels = ninp_kernels_find("generic"), .threads = 1, .batch = 1, .first = true};
    ninp_step step = {.work = NINP_WORK_CONV,
                      .input = {.channels = 1, .height = 8, .width = 8},
                      .unpooled = {.channels = 9},
                      .conv = {.width = 9, .kernel = 2, .stride = 2}};
    assert_string_equal(ninp_conv_few_filters.refuse(&step, &config), "its stride is not 1");
    step.conv.stride = 1;
    assert_string_equal(ninp_conv_few_filters.refuse(&step, &config), "it has more than 8 filters");
    step.unpooled.channels = 8;
    assert_null(ninp_conv_few_filters.refuse(&step, &config));
    step.input_gradient = true;
    assert_string_equal(ninp_conv_few_filters.refuse(&step, &config), "it is not the first layer");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_pooled),
                                       cmocka_unit_test(test_not_finite),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, find_usable, NULL);
}

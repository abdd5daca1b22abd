/* Fully-connected layers on every instruction set against the layer in float64. */
#include "support/weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_linear, ninp_linear_in_place;

enum { CASES = 60 / TEST_SHARE };
static const uint64_t seed = 53;

static void open_linear(weighted_case *weighted, int features, int width, int count,
                        bool training) {
    const nin_shape input = {.channels = features, .height = 1, .width = 1, .flat = true};
    snprintf(weighted->line, sizeof weighted->line, "linear %d", width);
    weighted_case_open(weighted, input, count, training);
}

static const ninp_kernels *usable[8];
static int usable_count;

static int find_usable(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        usable[usable_count++] = kernels;
    }
    return 0;
}

/* The same case on every instruction set. */
static void check_everywhere(weighted_case *weighted, const ninp_cpu_algorithm *algorithm,
                             int threads, guard_side side) {
    weighted_case_reference(weighted);
    for (int i = 0; i < usable_count; i++) {
        const weighted_setup setup = {algorithm, usable[i], threads, side};
        weighted_case_check(weighted, &setup, false);
    }
}

static void test_shapes(void **state) {
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {
            .step = {.activation = (ninp_activation)draw_int(&random, 0, 2),
                     .input_activation = (ninp_activation)draw_int(&random, 0, 2),
                     .input_gradient = i % 4 != 0}};
        const int features = draw_int(&random, 1, i % 6 ? 70 : 700);
        const int width = draw_int(&random, 1, i % 5 ? 70 : 300);
        open_linear(&weighted, features, width, draw_int(&random, 1, i % 7 ? 17 : 150), i % 3 != 0);
        weighted_case_draw(&weighted, &random, false);
        check_everywhere(&weighted, &ninp_linear, draw_int(&random, 1, 3),
                         i % 2 ? GUARD_AFTER : GUARD_BEFORE);
        weighted_case_close(&weighted);
    }
}

/* Panels that are whole, cut at the end and smaller than one. */
static void test_in_place(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {
            .step = {.activation = (ninp_activation)draw_int(&random, 0, 2),
                     .input_activation = (ninp_activation)draw_int(&random, 0, 2),
                     .input_gradient = i % 4 != 0}};
        const int features = 16 * draw_int(&random, 1, i % 6 ? 20 : 200);
        const int width = draw_int(&random, 1, i % 5 ? 70 : 300);
        open_linear(&weighted, features, width, draw_int(&random, 1, 17), true);
        weighted_case_draw(&weighted, &random, false);
        check_everywhere(&weighted, &ninp_linear_in_place, draw_int(&random, 1, 3),
                         i % 2 ? GUARD_AFTER : GUARD_BEFORE);
        weighted_case_close(&weighted);
    }
}

static void test_refusals(void **state) {
    (void)state;
    const ninp_step whole = {.work = NINP_WORK_LINEAR, .input = {.channels = 32}};
    const ninp_step part = {.work = NINP_WORK_LINEAR, .input = {.channels = 33}};
    const ninp_cpu_config training = {.training = true};
    const ninp_cpu_config evaluation = {.training = false};
    assert_null(ninp_linear_in_place.refuse(&whole, &training));
    assert_non_null(ninp_linear_in_place.refuse(&whole, &evaluation));
    assert_non_null(ninp_linear_in_place.refuse(&part, &training));
}

static void test_not_finite(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    weighted_case weighted = {.step = {.input_gradient = true}};
    open_linear(&weighted, 37, 21, 3, true);
    weighted_case_draw(&weighted, &random, false);
    weighted.layer.x[40] = (double)NAN;
    weighted.layer.x[80] = (double)INFINITY;
    weighted.layer.dy[7] = -(double)INFINITY;
    weighted.layer.dy[50] = (double)NAN;
    check_everywhere(&weighted, &ninp_linear, 1, GUARD_AFTER);
    weighted_case_close(&weighted);
}

/* As many bits alike on any number of threads. */
static void test_threads(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    weighted_case weighted = {.step = {.input_gradient = true}};
    open_linear(&weighted, 2080, 200, 33, true);
    weighted_case_draw(&weighted, &random, false);
    for (int i = 0; i < usable_count; i++) {
        weighted_case_check_threads(&weighted, &ninp_linear, usable[i]);
        weighted_case_check_threads(&weighted, &ninp_linear_in_place, usable[i]);
    }
    weighted_case_close(&weighted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, find_usable, NULL);
}

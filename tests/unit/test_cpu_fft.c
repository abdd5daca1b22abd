/* The Fourier convolution on every instruction set against the layer in float64. Its error is
 * spread over a whole picture, so it is bounded in relation to the size of all results, not of
 * each. */
#include "support/weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_fft;

enum { CASES = 60 };
static const uint64_t seed = 29;

/* Root mean square of the error over that of the results, and the largest error over the same. */
static void check_errors(const char *what, const double *values, const double *expected,
                         size_t count) {
    double errors = 0;
    double sizes = 0;
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double error = fabs(values[i] - expected[i]);
        errors += error * error;
        sizes += expected[i] * expected[i];
        largest = fmax(largest, error);
    }
    const double size = sqrt(sizes / (double)(count ? count : 1));
    if (!(sqrt(errors) <= 1e-6 * sqrt(sizes) + 1e-12 && largest <= 1e-5 * size + 1e-12)) {
        fail_msg("%s: error %.3g rms, %.3g at most, of results of %.3g", what,
                 sqrt(errors / (double)(count ? count : 1)), largest, size);
    }
}

static void check_everywhere(const weighted_case *weighted, int threads, guard_side side) {
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        const weighted_setup setup = {&ninp_conv_fft, kernels, threads, side};
        const char *refusal = weighted_case_refusal(weighted, &setup);
        if (refusal) {
            fail_msg("%s: %s", weighted->line, refusal);
        }
        weighted_results results = weighted_case_run(weighted, &setup);
        const ninp_layer_run *run = &weighted->layer.run;
        check_errors("y", results.y, run->y, results.y_count);
        if (results.dx) {
            check_errors("dx", results.dx, run->dx, results.dx_count);
        }
        if (results.weight) {
            check_errors("dW", results.weight, run->gradients[0], results.weight_count);
            check_errors("db", results.bias, run->gradients[1], results.bias_count);
        }
        weighted_results_free(&results);
    }
}

/* Odd sizes, kernels 3 to 7, any padding that is smaller than the kernel, several groups. */
static void draw_shape(weighted_case *weighted, ninp_random *random, nin_shape *input, int *count) {
    const int kernel = 3 + 2 * draw_int(random, 0, 2);
    *input = (nin_shape){.channels = draw_int(random, 1, 40),
                         .height = draw_int(random, kernel, 18),
                         .width = draw_int(random, kernel, 26)};
    *count = draw_int(random, 0, 9) ? draw_int(random, 1, 7) : 35;
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d padding=%d",
             draw_int(random, 1, 70), kernel, draw_int(random, 0, kernel - 1));
    weighted->step.input_gradient = draw_int(random, 0, 4) > 0;
}

static void test_shapes(void **state) {
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {0};
        nin_shape input;
        int count;
        draw_shape(&weighted, &random, &input, &count);
        /* No ReLU: with one, an error this small may still move a value over its edge. */
        weighted.step.activation = i % 3 ? NINP_ACTIVATION_NONE : NINP_ACTIVATION_SIGMOID;
        weighted.step.input_activation = (ninp_activation)draw_int(&random, 0, 2);
        weighted_case_open(&weighted, input, count, i % 5 != 0);
        weighted_case_draw(&weighted, &random, false);
        weighted_case_reference(&weighted);
        check_everywhere(&weighted, draw_int(&random, 1, 3), i % 2 ? GUARD_AFTER : GUARD_BEFORE);
        weighted_case_close(&weighted);
    }
}

static void test_threads(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    weighted_case weighted = {.line = "conv2d 50 kernel=5 padding=2",
                              .pool_line = "max_pool kernel=3 stride=2",
                              .step = {.activation = NINP_ACTIVATION_RELU, .input_gradient = true}};
    weighted_case_open(&weighted, (nin_shape){.channels = 37, .height = 13, .width = 11}, 9, true);
    weighted_case_draw(&weighted, &random, false);
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        weighted_case_check_threads(&weighted, &ninp_conv_fft, kernels);
    }
    weighted_case_close(&weighted);
}

/* A NaN spoils all of its picture and nothing of the others. */
static void test_not_a_number(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    weighted_case weighted = {.line = "conv2d 20 kernel=5 padding=2"};
    weighted_case_open(&weighted, (nin_shape){.channels = 18, .height = 12, .width = 14}, 3, false);
    weighted_case_draw(&weighted, &random, false);
    const size_t picture = 18 * 12 * 14;
    weighted.layer.x[picture + 100] = (double)NAN;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        const weighted_setup setup = {&ninp_conv_fft, kernels, 2, GUARD_AFTER};
        weighted_results results = weighted_case_run(&weighted, &setup);
        const size_t each = results.y_count / 3;
        for (size_t i = 0; i < results.y_count; i++) {
            assert_int_equal(isnan(results.y[i]) != 0, i / each == 1);
        }
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
        {"conv2d 4 kernel=3 padding=3", "its padding is not smaller than its kernel", 20},
        {"conv2d 4 kernel=5 padding=2", "its pictures are too large for a transform at once", 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weighted_case weighted = {0};
        snprintf(weighted.line, sizeof weighted.line, "%s", cases[i].line);
        weighted_case_open(
            &weighted, (nin_shape){.channels = 3, .height = cases[i].size, .width = cases[i].size},
            1, false);
        const weighted_setup setup = {&ninp_conv_fft, ninp_kernels_find("generic"), 1, GUARD_AFTER};
        assert_string_equal(weighted_case_refusal(&weighted, &setup), cases[i].reason);
        weighted_case_close(&weighted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

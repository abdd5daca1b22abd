/* Winograd's convolution on every instruction set against the layer in float64. */
#include "cpu/conv/winograd.h"
#include "support/weighted_case.h"
#include "support/winograd_bounds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_conv_winograd2, ninp_conv_winograd4, ninp_conv_winograd6,
    ninp_conv_direct;

enum { CASES = 80 / TEST_SHARE };
static const uint64_t seed = 11;

/* Errors in relation to results, by root mean squares, for sums of hundreds of products: what
 * src/cpu/conv/winograd.c states. */
static const struct winograd_case {
    const ninp_cpu_algorithm *algorithm;
    int outputs, kernel;
    double y_error, dx_error, weight_error;
} forms[] = {{&ninp_conv_winograd2, 2, 3, 4e-7, 4e-7, 8e-7},
             {&ninp_conv_winograd4, 4, 3, 2e-6, 2e-6, 2e-6},
             {&ninp_conv_winograd6, 6, 3, 5e-6, 5e-6, 5e-6},
             {&ninp_conv_winograd2, 2, 5, 2e-6, 2e-6, 4e-6},
             {&ninp_conv_winograd4, 4, 5, 5e-6, 5e-6, 6e-6}};
enum { FORMS = sizeof forms / sizeof *forms };

static const ninp_winograd_form *form_of(const ninp_kernels *kernels, int number) {
    const ninp_winograd_form *form =
        ninp_winograd_form_of(kernels, forms[number].outputs, forms[number].kernel);
    assert_non_null(form);
    return form;
}

/* One of the four results of a run. */
typedef struct result {
    const char *what;
    size_t count;
    const double *values, *expected, *bounds;
    double error;
} result;

enum { RESULTS = 4 };
static void list_results(const weighted_case *weighted, const weighted_results *results,
                         const winograd_bounds *bounds, int number, result list[RESULTS]) {
    const ninp_layer_run *run = &weighted->layer.run;
    const struct winograd_case *form = &forms[number];
    list[0] = (result){"y", results->y_count, results->y, run->y, bounds->y, form->y_error};
    list[1] = (result){"dx", results->dx_count, results->dx, run->dx, bounds->dx, form->dx_error};
    list[2] = (result){"dW",           results->weight_count, results->weight, run->gradients[0],
                       bounds->weight, form->weight_error};
    list[3] =
        (result){"db", results->bias_count, results->bias, run->gradients[1], bounds->bias, 1e-6};
}

/* Within the bounds where these are finite; what is not finite in float64 is not finite here. */
static void check_bounds(const weighted_case *weighted, const weighted_setup *setup,
                         const result *r) {
    for (size_t i = 0; i < r->count; i++) {
        const bool right =
            !isfinite(r->expected[i])
                ? !isfinite(r->values[i])
                : !isfinite(r->bounds[i]) || fabs(r->values[i] - r->expected[i]) <= r->bounds[i];
        if (!right) {
            const nin_shape shape = weighted->step.input;
            fail_msg("%s %s of %d x %d x %d x %d on %s, %d threads: %s[%zu] is %.9g, expected "
                     "%.9g within %.3g",
                     setup->algorithm->name, weighted->line, weighted->layer.run.count,
                     shape.channels, shape.height, shape.width, setup->kernels->isa, setup->threads,
                     r->what, i, r->values[i], r->expected[i], r->bounds[i]);
        }
    }
}

static double relative_error(const result *r) {
    double error = 0.0;
    double size = 0.0;
    for (size_t i = 0; i < r->count; i++) {
        error += (r->values[i] - r->expected[i]) * (r->values[i] - r->expected[i]);
        size += r->expected[i] * r->expected[i];
    }
    return size > 0.0 ? sqrt(error / size) : 0.0;
}

static void check_error(const weighted_case *weighted, const weighted_setup *setup, const result *r,
                        double times) {
    const double error = relative_error(r);
    if (!(error <= times * r->error)) {
        fail_msg("%s %s on %s: %s has an error of %.2g, more than %g times %.1g",
                 setup->algorithm->name, weighted->line, setup->kernels->isa, r->what, error, times,
                 r->error);
    }
}

/* Every value within its bound and, unless `times` is 0, all together within `times` the stated
 * error. */
static void check(const weighted_case *weighted, const weighted_setup *setup, int number,
                  double times) {
    assert_null(weighted_case_refusal(weighted, setup));
    weighted_results results = weighted_case_run(weighted, setup);
    winograd_bounds bounds = winograd_bounds_of(weighted, form_of(setup->kernels, number));
    result list[RESULTS];
    list_results(weighted, &results, &bounds, number, list);
    for (int i = 0; i < RESULTS; i++) {
        check_bounds(weighted, setup, &list[i]);
        if (times > 0.0) {
            check_error(weighted, setup, &list[i], times);
        }
    }
    winograd_bounds_free(&bounds);
    weighted_results_free(&results);
}

static void check_everywhere(const weighted_case *weighted, int number, double times) {
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t count = list_kernels(kernels);
    for (size_t i = 0; i < count; i++) {
        const weighted_setup setup = {forms[number].algorithm, kernels[i], 1 + (int)i % 3,
                                      weighted->layer.run.count % 2 ? GUARD_AFTER : GUARD_BEFORE};
        check(weighted, &setup, number, times);
    }
}

static void open_case(weighted_case *weighted, int number, int filters, int padding,
                      nin_shape input, int count, bool training) {
    snprintf(weighted->line, sizeof weighted->line, "conv2d %d kernel=%d padding=%d", filters,
             forms[number].kernel, padding);
    weighted_case_open(weighted, input, count, training);
}

/* Odd sizes, any padding, channels that do not fill their blocks, batches of 1 to 17. */
static void draw_case(weighted_case *weighted, int number, ninp_random *random, bool training) {
    const int kernel = forms[number].kernel;
    const int padding = draw_int(random, 0, kernel - 1);
    const int least = kernel > 2 * padding ? kernel - 2 * padding : 1;
    const nin_shape input = {.channels = draw_int(random, 1, draw_int(random, 0, 3) ? 20 : 70),
                             .height = draw_int(random, least, 13),
                             .width = draw_int(random, least, draw_int(random, 0, 5) ? 11 : 30)};
    const int count = draw_int(random, 1, draw_int(random, 0, 5) ? 3 : 17);
    weighted->step.activation = (ninp_activation)draw_int(random, 0, 2);
    weighted->step.input_activation = (ninp_activation)draw_int(random, 0, 2);
    weighted->step.input_gradient = draw_int(random, 0, 7) > 0;
    open_case(weighted, number, draw_int(random, 1, draw_int(random, 0, 3) ? 20 : 70), padding,
              input, count, training);
    weighted_case_draw(weighted, random, false);
}

/* Few products leave rounding errors that are large in relation to them: hence 10 times. */
static void test_shapes(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < CASES; i++) {
        weighted_case weighted = {0};
        draw_case(&weighted, i % FORMS, &random, i % 6 != 0);
        weighted_case_reference(&weighted);
        check_everywhere(&weighted, i % FORMS, 10.0);
        weighted_case_close(&weighted);
    }
}

/* So many tiles that a group is a band of a picture. */
static void open_bands(weighted_case *weighted, int number, ninp_random *random) {
    const ninp_winograd_form *form = form_of(ninp_kernels_find("generic"), number);
    const int rows = 2100 / (form->size * form->size) + 1;
    weighted->step.activation = NINP_ACTIVATION_RELU;
    weighted->step.input_activation = NINP_ACTIVATION_RELU;
    weighted->step.input_gradient = true;
    open_case(weighted, number, 3, 1,
              (nin_shape){.channels = 2,
                          .height = rows * form->outputs - 1,
                          .width = 65 * form->outputs + 1},
              2, true);
    weighted_case_draw(weighted, random, false);
    const ninp_winograd_plan plan = ninp_winograd_plan_of(&weighted->step, form, 2, true);
    assert_true(ninp_winograd_has_bands(&plan));
}

/* Rounding errors of the weights' gradient grow with the number of tiles: hence 20 times. */
static void test_bands(void **state) {
    (void)state;
    if (TEST_SHARE > 1) {
        return; /* large, and no matter of the kernels */
    }
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
    for (int number = 0; number < FORMS; number++) {
        weighted_case weighted = {0};
        open_bands(&weighted, number, &random);
        weighted_case_reference(&weighted);
        check_everywhere(&weighted, number, 20.0);
        weighted_case_close(&weighted);
    }
}

/* So many pictures that there are several groups. */
static void test_groups(void **state) {
    (void)state;
    if (TEST_SHARE > 1) {
        return; /* large, and no matter of the kernels */
    }
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 7, 0);
    for (int number = 0; number < FORMS; number++) {
        weighted_case weighted = {.step = {.input_gradient = true}};
        const int count = 601;
        open_case(&weighted, number, 2, 1, (nin_shape){.channels = 3, .height = 8, .width = 7},
                  count, true);
        weighted_case_draw(&weighted, &random, false);
        weighted_case_reference(&weighted);
        const ninp_winograd_plan plan = ninp_winograd_plan_of(
            &weighted.step, form_of(ninp_kernels_find("generic"), number), count, true);
        assert_true(ninp_winograd_group_count(&plan, count) > 1);
        check_everywhere(&weighted, number, 20.0);
        weighted_case_close(&weighted);
    }
}

static void test_accuracy(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
    for (int number = 0; number < FORMS; number++) {
        weighted_case weighted = {.step = {.input_gradient = true}};
        open_case(&weighted, number, 48, forms[number].kernel / 2,
                  (nin_shape){.channels = 64, .height = 24, .width = 24}, 3, true);
        weighted_case_draw(&weighted, &random, false);
        weighted_case_reference(&weighted);
        check_everywhere(&weighted, number, 1.0);
        weighted_case_close(&weighted);
    }
}

/* A not finite value spoils what float64 says it does, and no more than the tiles that read it. */
static void test_not_finite(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
    for (int number = 0; number < FORMS; number++) {
        for (int inside_dy = 0; inside_dy < 2; inside_dy++) {
            weighted_case weighted = {.step = {.input_gradient = true}};
            open_case(&weighted, number, 19, forms[number].kernel / 2,
                      (nin_shape){.channels = 18, .height = 15, .width = 14}, 2, true);
            weighted_case_draw(&weighted, &random, false);
            const size_t pixel = 7 * 14 + 8;
            double *values = inside_dy ? weighted.layer.dy : weighted.layer.x;
            values[3 * 15 * 14 + pixel] = (double)(inside_dy ? -INFINITY : NAN);
            weighted_case_reference(&weighted);
            check_everywhere(&weighted, number, 0.0);
            /* The check means something: there are values of both kinds. */
            winograd_bounds bounds =
                winograd_bounds_of(&weighted, form_of(ninp_kernels_find("generic"), number));
            const double *reached = inside_dy ? bounds.dx : bounds.y;
            const double here = reached[pixel];
            assert_true(!isfinite(here));
            assert_true(isfinite(reached[0]) && isfinite(bounds.weight[0]));
            winograd_bounds_free(&bounds);
            weighted_case_close(&weighted);
        }
    }
}

static void assert_equal_values(const double *a, const double *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_true(a[i] == b[i]);
    }
}

static void copy_case(const weighted_case *from, weighted_case *to) {
    memcpy(to->layer.x, from->layer.x, from->layer.x_count * sizeof(double));
    for (int i = 0; i < from->layer.tensor_count; i++) {
        memcpy(to->layer.run.tensors[i], from->layer.run.tensors[i],
               from->layer.tensor_sizes[i] * sizeof(double));
    }
}

/* The step with a pool gives the bits of the step without one, and of pooling its result. The
 * pool's gradients are whole numbers: sums of them are exact. */
static void check_pooled(weighted_case *pooled, const weighted_setup *setup) {
    layer_case *pool = &pooled->pool;
    weighted_case plain = {.step = pooled->step};
    memcpy(plain.line, pooled->line, sizeof plain.line);
    weighted_case_open(&plain, pooled->step.input, pooled->layer.run.count, true);
    copy_case(pooled, &plain);
    weighted_results before = weighted_case_run(&plain, setup);
    memcpy(pool->x, before.y, before.y_count * sizeof(double));
    layer_case_forward(pool);
    layer_case_backward(pool);
    for (size_t i = 0; i < before.y_count; i++) {
        plain.layer.dy[i] =
            pool->run.dx[i] * activation_derivative(pooled->step.activation, before.y[i]);
    }
    weighted_results after = weighted_case_run(&plain, setup);
    weighted_results results = weighted_case_run(pooled, setup);
    assert_equal_values(results.y, pool->run.y, results.y_count);
    assert_equal_values(results.dx, after.dx, results.dx_count);
    assert_equal_values(results.weight, after.weight, results.weight_count);
    assert_equal_values(results.bias, after.bias, results.bias_count);
    weighted_results_free(&before);
    weighted_results_free(&after);
    weighted_results_free(&results);
    weighted_case_close(&plain);
}

static void test_pooled(void **state) {
    (void)state;
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 5, 0);
    for (int i = 0; i < 4 * FORMS; i++) {
        const int number = i % FORMS;
        weighted_case weighted = {
            .step = {.activation = i % 3 ? NINP_ACTIVATION_RELU : NINP_ACTIVATION_NONE,
                     .input_gradient = true}};
        snprintf(weighted.pool_line, sizeof weighted.pool_line, "max_pool kernel=%d stride=2",
                 2 + i % 2);
        if (i < 2) {
            open_bands(&weighted, number, &random);
        } else {
            open_case(&weighted, number, draw_int(&random, 1, 40), draw_int(&random, 1, 2),
                      (nin_shape){.channels = draw_int(&random, 1, 40),
                                  .height = draw_int(&random, 6, 15),
                                  .width = draw_int(&random, 6, 15)},
                      draw_int(&random, 1, 5), true);
            weighted_case_draw(&weighted, &random, false);
        }
        for (size_t j = 0; j < weighted.pool.y_count; j++) {
            weighted.pool.dy[j] = draw_int(&random, -6, 6);
        }
        for (size_t k = 0; k < kernel_count; k++) {
            const weighted_setup setup = {forms[number].algorithm, kernels[k], 2, GUARD_AFTER};
            check_pooled(&weighted, &setup);
        }
        weighted_case_close(&weighted);
    }
}

static void check_threads(const weighted_case *weighted, int number, const ninp_kernels *kernels) {
    weighted_setup setup = {forms[number].algorithm, kernels, 1, GUARD_AFTER};
    weighted_results one = weighted_case_run(weighted, &setup);
    for (setup.threads = 2; setup.threads <= 8; setup.threads += 3) {
        weighted_results many = weighted_case_run(weighted, &setup);
        assert_memory_equal(one.y, many.y, one.y_count * sizeof *one.y);
        assert_memory_equal(one.dx, many.dx, one.dx_count * sizeof *one.dx);
        assert_memory_equal(one.weight, many.weight, one.weight_count * sizeof *one.weight);
        assert_memory_equal(one.bias, many.bias, one.bias_count * sizeof *one.bias);
        weighted_results_free(&many);
    }
    weighted_results_free(&one);
}

static void test_threads(void **state) {
    (void)state;
    const ninp_kernels *kernels[MOST_KERNELS];
    const size_t kernel_count = list_kernels(kernels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 6, 0);
    for (int i = 0; i <= FORMS; i++) {
        const int number = i % FORMS;
        weighted_case weighted = {.step = {.input_gradient = true}};
        if (i == FORMS) {
            open_bands(&weighted, number, &random);
        } else {
            open_case(&weighted, number, 90, 1,
                      (nin_shape){.channels = 70, .height = 17, .width = 16}, 13, true);
            weighted_case_draw(&weighted, &random, false);
        }
        for (size_t k = 0; k < kernel_count; k++) {
            check_threads(&weighted, number, kernels[k]);
        }
        weighted_case_close(&weighted);
    }
}

static void test_refusals(void **state) {
    (void)state;
    const ninp_cpu_config config = {
        .kernels = ninp_kernels_find("generic"), .threads = 1, .batch = 1};
    ninp_step step = {.work = NINP_WORK_CONV,
                      .input = {.channels = 5, .height = 8, .width = 8},
                      .conv = {.width = 4, .kernel = 5, .stride = 1, .padding = 4}};
    assert_null(ninp_conv_winograd4.refuse(&step, &config));
    assert_string_equal(ninp_conv_winograd6.refuse(&step, &config),
                        "there is no such Winograd form for its kernel");
    step.conv.padding = 5;
    assert_string_equal(ninp_conv_winograd4.refuse(&step, &config),
                        "its padding is not smaller than its kernel");
    step.conv.padding = 1;
    step.conv.stride = 2;
    assert_string_equal(ninp_conv_winograd4.refuse(&step, &config), "its stride is not 1");
    step.conv.stride = 1;
    step.conv.kernel = 3;
    assert_null(ninp_conv_winograd6.refuse(&step, &config));
    step.conv.kernel = 4;
    assert_string_equal(ninp_conv_winograd2.refuse(&step, &config),
                        "there is no such Winograd form for its kernel");
}

static double cost(const ninp_cpu_algorithm *algorithm, nin_shape input, ninp_conv_options conv,
                   int batch) {
    const ninp_cpu_config config = {
        .kernels = ninp_kernels_find("generic"), .threads = 1, .batch = batch, .training = true};
    const int grows = 2 * conv.padding - conv.kernel + 1;
    const nin_shape output = {
        .channels = conv.width, .height = input.height + grows, .width = input.width + grows};
    const ninp_step step = {.work = NINP_WORK_CONV,
                            .input = input,
                            .output = output,
                            .unpooled = output,
                            .conv = conv,
                            .input_gradient = true};
    return algorithm->cost(&step, &config);
}

/* Orders that measurements leave no doubt about. */
static void test_costs(void **state) {
    (void)state;
    const ninp_conv_options five = {.width = 256, .kernel = 5, .stride = 1, .padding = 2};
    const ninp_conv_options three = {.width = 384, .kernel = 3, .stride = 1, .padding = 1};
    const nin_shape large = {.channels = 96, .height = 26, .width = 26};
    const nin_shape middle = {.channels = 256, .height = 12, .width = 12};
    const nin_shape small = {.channels = 256, .height = 3, .width = 3};
    assert_true(cost(&ninp_conv_winograd4, large, five, 64) <
                0.7 * cost(&ninp_conv_winograd2, large, five, 64));
    assert_true(cost(&ninp_conv_winograd4, large, five, 64) <
                0.4 * cost(&ninp_conv_direct, large, five, 64));
    assert_true(cost(&ninp_conv_winograd4, middle, three, 64) <
                0.8 * cost(&ninp_conv_winograd2, middle, three, 64));
    assert_true(cost(&ninp_conv_winograd6, middle, three, 1) >
                1.5 * cost(&ninp_conv_winograd4, middle, three, 1));
    assert_true(cost(&ninp_conv_winograd6, small, three, 64) >
                1.5 * cost(&ninp_conv_winograd4, small, three, 64));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),     cmocka_unit_test(test_bands),
        cmocka_unit_test(test_groups),     cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_pooled),
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_costs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pooling on every instruction set against the layers in float64. */
#include "support/cpu_case.h"

#include "support/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const ninp_cpu_algorithm ninp_max_pool, ninp_max_pool_search, ninp_avg_pool;

enum { CASES = 250 / TEST_SHARE };
static const uint64_t seed = 31;

/* One pool in float64 and as a step of the engine. */
typedef struct pool_case {
    layer_case layer;
    ninp_step step;
    char line[120];
} pool_case;

static void open_pool(pool_case *pool, nin_shape input, int count,
                      ninp_activation input_activation) {
    layer_case_open(&pool->layer, pool->line, input, count, true);
    const ninp_layer_type *type = pool->layer.type;
    pool->step = (ninp_step){
        .work = type == &ninp_layer_max_pool ? NINP_WORK_MAX_POOL : NINP_WORK_AVG_POOL,
        .input = input,
        .output = pool->layer.run.output,
        .adaptive = type == &ninp_layer_adaptive_avg_pool || type == &ninp_layer_global_avg_pool,
        .input_activation = input_activation,
        .input_gradient = true,
    };
    if (!pool->step.adaptive) {
        pool->step.pool = pool->layer.options.pool;
    }
}

/* Inputs that the activation before could have given, with many ties. Gradients are small whole
 * numbers, so that sums of them are exact in any order. */
static void draw_values(pool_case *pool, ninp_random *random) {
    layer_case *layer = &pool->layer;
    for (size_t i = 0; i < layer->x_count; i++) {
        layer->x[i] = draw_int(random, -20, 20) / 8.0;
    }
    activate_values(pool->step.input_activation, layer->x, layer->x_count);
    round_to_float(layer->x, layer->x_count);
    for (size_t i = 0; i < layer->y_count; i++) {
        layer->dy[i] = draw_int(random, -100, 100);
    }
}

/* The layer's own gradient times the derivative at x, as the engine defines dx. */
static void run_reference(pool_case *pool) {
    layer_case *layer = &pool->layer;
    layer_case_forward(layer);
    layer_case_backward(layer);
    for (size_t i = 0; i < layer->x_count; i++) {
        layer->run.dx[i] *= activation_derivative(pool->step.input_activation, layer->x[i]);
    }
}

/* Both results of the CPU, plain. */
typedef struct plain_results {
    double *y, *dx;
} plain_results;

static plain_results run_cpu(const pool_case *pool, const ninp_cpu_algorithm *algorithm,
                             const ninp_kernels *kernels, guard_side side) {
    const layer_case *layer = &pool->layer;
    int count = layer->run.count;
    cpu_case cpu;
    ninp_cpu_config config = {.kernels = kernels, .threads = 1, .batch = count, .training = true};
    cpu_case_open(&cpu, algorithm, &pool->step, &config, side);
    block_plain(layer->x, count, layer->run.input, 777.0F, cpu.x);
    block_plain(layer->dy, count, layer->run.output, 555.0F, cpu.dy);
    cpu_case_forward(&cpu);
    cpu_case_backward(&cpu);
    plain_results results = {malloc(layer->y_count * sizeof(double)),
                             malloc(layer->x_count * sizeof(double))};
    assert_non_null(results.y);
    assert_non_null(results.dx);
    unblock_plain(cpu.run.y, count, layer->run.output, results.y);
    unblock_plain(cpu.dx, count, layer->run.input, results.dx);
    cpu_case_close(&cpu);
    return results;
}

/* |value - expected| <= tolerance * (size where given, else |expected|) */
static void compare(const char *line, const char *what, const double *values,
                    const double *expected, size_t count, double tolerance, double size) {
    for (size_t i = 0; i < count; i++) {
        double bound = tolerance * (size > 0.0 ? size : fabs(expected[i]));
        if (!(fabs(values[i] - expected[i]) <= bound)) {
            fail_msg("seed %llu: %s: %s[%zu] is %.9g, expected %.9g", (unsigned long long)seed,
                     line, what, i, values[i], expected[i]);
        }
    }
}

/* Maxima and sums of whole numbers are exact; sigmoid's derivative rounds three times, and the sum
 * of up to kernel^2 products once each. */
static void check_max(pool_case *pool, const ninp_kernels *kernels,
                      const ninp_cpu_algorithm *algorithm, guard_side side) {
    bool exact = pool->step.input_activation != NINP_ACTIVATION_SIGMOID;
    double kernel = pool->step.pool.kernel;
    plain_results results = run_cpu(pool, algorithm, kernels, side);
    compare(pool->line, "y", results.y, pool->layer.run.y, pool->layer.y_count, 0.0, 0.0);
    compare(pool->line, "dx", results.dx, pool->layer.run.dx, pool->layer.x_count,
            exact ? 0.0 : (3.0 + kernel * kernel) * 0x1p-24, 100.0 * kernel * kernel);
    free(results.y);
    free(results.dx);
}

static nin_shape draw_shape(ninp_random *random, int least_side) {
    return (nin_shape){.channels = draw_int(random, 1, 40),
                       .height = draw_int(random, least_side, least_side + 9),
                       .width = draw_int(random, least_side, least_side + 9)};
}

static void draw_max_line(pool_case *pool, ninp_random *random, int kernel) {
    snprintf(pool->line, sizeof pool->line, "max_pool kernel=%d stride=%d padding=%d%s", kernel,
             draw_int(random, 1, 4), draw_int(random, 0, kernel / 2),
             draw_int(random, 0, 1) ? " ceil_mode" : "");
}

static void test_max_pool(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
        for (int i = 0; i < CASES; i++) {
            pool_case pool;
            int kernel = draw_int(&random, 1, i % 10 ? 4 : 16);
            draw_max_line(&pool, &random, kernel);
            open_pool(&pool, draw_shape(&random, kernel), 1 + i % 3, (ninp_activation)(i % 3));
            draw_values(&pool, &random);
            run_reference(&pool);
            guard_side side = i % 2 ? GUARD_AFTER : GUARD_BEFORE;
            check_max(&pool, kernels, &ninp_max_pool, side);
            check_max(&pool, kernels, &ninp_max_pool_search, side);
            layer_case_close(&pool.layer);
        }
    }
}

/* Positions in a window of 17 x 17 do not fit in a byte. */
static void test_large_kernel(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
        pool_case pool;
        draw_max_line(&pool, &random, 20);
        open_pool(&pool, draw_shape(&random, 20), 2, NINP_ACTIVATION_RELU);
        ninp_cpu_config config = {.kernels = kernels, .batch = 2, .training = true};
        assert_non_null(ninp_max_pool.refuse(&pool.step, &config));
        config.training = false;
        assert_null(ninp_max_pool.refuse(&pool.step, &config));
        draw_values(&pool, &random);
        run_reference(&pool);
        check_max(&pool, kernels, &ninp_max_pool_search, GUARD_AFTER);
        layer_case_close(&pool.layer);
    }
}

/* NaN wins, and takes the gradient. */
static void test_max_pool_nan(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        pool_case pool = {.line = "max_pool kernel=3 stride=2 padding=1"};
        open_pool(&pool, (nin_shape){.channels = 17, .height = 6, .width = 7}, 1,
                  NINP_ACTIVATION_NONE);
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
        draw_values(&pool, &random);
        for (size_t i = 0; i < pool.layer.x_count; i += 5) {
            pool.layer.x[i] = i % 3 ? (double)NAN : -(double)INFINITY;
        }
        run_reference(&pool);
        plain_results results = run_cpu(&pool, &ninp_max_pool, kernels, GUARD_AFTER);
        int nans = 0;
        for (size_t i = 0; i < pool.layer.y_count; i++) {
            nans += isnan(pool.layer.run.y[i]) != 0;
            assert_true(isnan(pool.layer.run.y[i]) ? isnan(results.y[i])
                                                   : results.y[i] == pool.layer.run.y[i]);
        }
        assert_true(nans > 10);
        compare(pool.line, "dx", results.dx, pool.layer.run.dx, pool.layer.x_count, 0.0, 0.0);
        free(results.y);
        free(results.dx);
        layer_case_close(&pool.layer);
    }
}

static void draw_average(pool_case *pool, ninp_random *random, int i) {
    int kernel = draw_int(random, 1, 5);
    nin_shape input = draw_shape(random, kernel);
    if (i % 4 == 0) {
        snprintf(pool->line, sizeof pool->line, "adaptive_avg_pool %dx%d", draw_int(random, 1, 9),
                 draw_int(random, 1, 9));
    } else if (i % 4 == 1) {
        snprintf(pool->line, sizeof pool->line, "global_avg_pool");
    } else {
        snprintf(pool->line, sizeof pool->line, "avg_pool kernel=%d stride=%d padding=%d%s%s",
                 kernel, draw_int(random, 1, 4), draw_int(random, 0, kernel / 2),
                 draw_int(random, 0, 1) ? " ceil_mode" : "",
                 draw_int(random, 0, 1) ? " count_include_pad=false" : "");
    }
    open_pool(pool, input, 1 + i % 3, (ninp_activation)(i / 4 % 3));
    draw_values(pool, random);
}

/* y: at most 14 * 14 additions and a division, of values up to 2.5. dx: a division a window, at
 * most 9 * 9 additions, and the derivative's three roundings, of gradients up to 100. */
static void test_average_pool(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 4, 0);
        for (int i = 0; i < CASES; i++) {
            pool_case pool;
            draw_average(&pool, &random, i);
            run_reference(&pool);
            plain_results results =
                run_cpu(&pool, &ninp_avg_pool, kernels, i % 2 ? GUARD_AFTER : GUARD_BEFORE);
            nin_shape input = pool.step.input;
            double places = (double)pool.step.output.height * pool.step.output.width;
            compare(pool.line, "y", results.y, pool.layer.run.y, pool.layer.y_count,
                    2.0 * (input.height + input.width) * 0x1p-24, 2.5);
            compare(pool.line, "dx", results.dx, pool.layer.run.dx, pool.layer.x_count,
                    2.0 * (places + 4.0) * 0x1p-24, 100.0);
            free(results.y);
            free(results.dx);
            layer_case_close(&pool.layer);
        }
    }
}

/* A strip of rows gives what the whole gives: fused convolution pools strips. */
static void test_strips(void **state) {
    (void)state;
    const ninp_pool_geometry geometry = {.height = 13,
                                         .width = 9,
                                         .out_height = 7,
                                         .out_width = 5,
                                         .kernel = 3,
                                         .stride = 2,
                                         .padding = 1};
    enum { IN = 13 * 9 * 16, OUT = 7 * 5 * 16, IN_ROW = 9 * 16, OUT_ROW = 5 * 16 };
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        static _Alignas(64) float x[IN], whole[OUT], dx[IN];
        static uint8_t index[OUT];
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 5, 0);
        for (int i = 0; i < IN; i++) {
            x[i] = (float)draw_int(&random, -9, 9);
        }
        const ninp_pool_kernels *pool = kernels->pool;
        pool->max_forward(&geometry, (ninp_pool_rows){0, 7}, 0, x, whole, index);
        /* Output rows 2 and 3 need input rows 3 to 7. */
        float *strip = guard_alloc(5 * IN_ROW * sizeof *strip, GUARD_AFTER);
        float *rows = guard_alloc(2 * OUT_ROW * sizeof *rows, GUARD_BEFORE);
        uint8_t *positions = guard_alloc(2 * OUT_ROW, GUARD_AFTER);
        memcpy(strip, x + 3 * IN_ROW, 5 * IN_ROW * sizeof *strip);
        pool->max_forward(&geometry, (ninp_pool_rows){2, 2}, 3, strip, rows, positions);
        assert_memory_equal(rows, whole + 2 * OUT_ROW, 2 * OUT_ROW * sizeof *rows);
        assert_memory_equal(positions, index + 2 * OUT_ROW, 2 * OUT_ROW);
        pool->max_forward(&geometry, (ninp_pool_rows){2, 2}, 3, strip, rows, NULL);
        assert_memory_equal(rows, whole + 2 * OUT_ROW, 2 * OUT_ROW * sizeof *rows);
        pool->max_backward(&geometry, (ninp_pool_rows){0, 13}, NINP_ACTIVATION_NONE, whole, whole,
                           index, dx);
        pool->max_backward(&geometry, (ninp_pool_rows){4, 5}, NINP_ACTIVATION_NONE, whole, whole,
                           index, strip);
        assert_memory_equal(strip, dx + 4 * IN_ROW, 5 * IN_ROW * sizeof *strip);
        guard_free(strip);
        guard_free(rows);
        guard_free(positions);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_pool),     cmocka_unit_test(test_large_kernel),
        cmocka_unit_test(test_max_pool_nan), cmocka_unit_test(test_average_pool),
        cmocka_unit_test(test_strips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Matrix products on every instruction set against plain loops in float64, all arrays between guard
 * pages. */
#include "support/cpu_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = 150 / TEST_SHARE, MOST_PLACES = 5, MOST_CHUNKS = 40 };
static const uint64_t seed = 59;

/* Sizes and strides of a product, and its arrays. */
typedef struct product_case {
    ninp_gemm_product p;
    size_t a_floats, b_floats, c_floats;
    ptrdiff_t places[MOST_PLACES], b_places[MOST_PLACES];
    float *a, *b, *c, *bias, *mask, *start; /* start: c before the product */
} product_case;

static int draw_depth(ninp_random *random, int width) {
    return width * draw_int(random, 0, draw_int(random, 0, 9) ? 5 : MOST_CHUNKS) +
           draw_int(random, 0, 1) * draw_int(random, 0, width - 1);
}

/* A: chunks apart by their width or more, rows by whole pixels or by any number of floats. */
static void draw_left(product_case *test, ninp_random *random) {
    ninp_gemm_left *a = &test->p.a;
    const bool one_row = draw_int(random, 0, 9) == 0;
    a->lines = one_row ? 1 : draw_int(random, 1, 4);
    a->length = one_row ? 1 : draw_int(random, 1, draw_int(random, 0, 9) ? 40 : 700);
    test->p.alone = one_row && draw_int(random, 0, 1);
    a->width = draw_int(random, 0, 2) ? 16 : draw_int(random, 1, 40);
    a->depth = draw_depth(random, a->width);
    a->row_stride = draw_int(random, 0, 2) ? 16 : draw_int(random, 1, 40);
    a->line_stride = a->row_stride * a->length + draw_int(random, 0, 20);
    a->chunk_stride = draw_int(random, 0, 300);
    if (draw_int(random, 0, 1)) {
        a->place_count = draw_int(random, 1, MOST_PLACES);
        a->places = test->places;
        for (int i = 0; i < a->place_count; i++) {
            test->places[i] = draw_int(random, 0, 200);
        }
    }
}

static int chunk_count(const ninp_gemm_left *a) {
    return (a->depth + a->width - 1) / a->width;
}
static ptrdiff_t place_of(const ninp_gemm_left *a, int chunk) {
    return a->places ? chunk / a->place_count * a->chunk_stride + a->places[chunk % a->place_count]
                     : chunk * a->chunk_stride;
}
static ptrdiff_t b_place_of(const ninp_gemm_product *p, int chunk) {
    return p->b_places ? chunk / p->a.place_count * p->b_chunk_stride +
                             p->b_places[chunk % p->a.place_count]
                       : (ptrdiff_t)chunk * p->a.width * 16;
}

/* Element (m, k) of A, (k, n) of B, (m, n) of C. */
static ptrdiff_t a_index(const ninp_gemm_left *a, int m, int k) {
    return m / a->length * a->line_stride + m % a->length * a->row_stride +
           place_of(a, k / a->width) + k % a->width;
}
static ptrdiff_t b_index(const ninp_gemm_product *p, int k, int n) {
    return n / 16 * p->b_block_stride + b_place_of(p, k / p->a.width) + k % p->a.width * 16 +
           n % 16;
}
static ptrdiff_t c_index(const ninp_gemm_product *p, int m, int n) {
    return m / p->a.length * p->c_layout.line_stride + m % p->a.length * p->c_layout.row_stride +
           n / 16 * p->c_layout.block_stride + n % 16;
}

/* B: chunks in another order than A's, apart by their size or more. */
static void draw_right(product_case *test, ninp_random *random) {
    ninp_gemm_product *p = &test->p;
    const ptrdiff_t chunk = (ptrdiff_t)p->a.width * 16;
    p->blocks = draw_int(random, 1, 7);
    if (p->a.places) {
        p->b_places = test->b_places;
        p->b_chunk_stride = chunk * (p->a.place_count + draw_int(random, 0, 2));
        for (int i = 0; i < p->a.place_count; i++) {
            test->b_places[i] = chunk * (p->a.place_count - 1 - i);
        }
    }
    p->b_block_stride = 16 * draw_int(random, 0, 3);
    for (int i = 0; i < chunk_count(&p->a); i++) {
        const ptrdiff_t end = b_place_of(p, i) + chunk;
        p->b_block_stride = p->b_block_stride > end ? p->b_block_stride : end;
    }
}

static void draw_layout(product_case *test, ninp_random *random) {
    ninp_gemm_product *p = &test->p;
    ninp_gemm_layout *layout = &p->c_layout;
    layout->row_stride = 16 * draw_int(random, 1, draw_int(random, 0, 1) ? 3 : 1);
    layout->line_stride = layout->row_stride * p->a.length + 16 * draw_int(random, 0, 2);
    layout->block_stride = layout->line_stride * p->a.lines + 16 * draw_int(random, 0, 2);
}

static size_t larger(size_t a, ptrdiff_t b) {
    return (size_t)b > a ? (size_t)b : a;
}

static void measure(product_case *test) {
    const ninp_gemm_product *p = &test->p;
    const int rows = p->a.lines * p->a.length;
    test->a_floats = 1;
    test->b_floats = 16;
    for (int k = 0; k < p->a.depth; k++) {
        test->a_floats = larger(test->a_floats, a_index(&p->a, rows - 1, k) + 1);
        test->b_floats = larger(test->b_floats, b_index(p, k, p->blocks * 16 - 1) + 1);
    }
    test->c_floats = (size_t)c_index(p, rows - 1, p->blocks * 16 - 1) + 1;
}

static float *draw_floats(ninp_random *random, size_t count, guard_side side) {
    float *values = guard_alloc(count * sizeof *values, side);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)draw_double(random, -1.0, 1.0);
    }
    return values;
}

static void open_case(product_case *test, ninp_random *random, guard_side side) {
    memset(test, 0, sizeof *test);
    draw_left(test, random);
    draw_right(test, random);
    draw_layout(test, random);
    measure(test);
    ninp_gemm_product *p = &test->p;
    const size_t lanes = (size_t)p->blocks * 16;
    test->a = draw_floats(random, test->a_floats, side);
    test->b = draw_floats(random, test->b_floats, side);
    test->c = draw_floats(random, test->c_floats, side);
    test->bias = draw_floats(random, lanes, side);
    test->mask = draw_floats(random, test->c_floats, side);
    test->start = guard_alloc(test->c_floats * sizeof *test->start, side);
    memcpy(test->start, test->c, test->c_floats * sizeof *test->c);
    p->a.values = test->a;
    p->b = test->b;
    p->c = test->c;
    p->bias = test->bias;
    p->mask = test->mask;
    p->start = (ninp_gemm_start)draw_int(random, 0, 2);
    p->finish = (ninp_gemm_finish)draw_int(random, 0, 2);
    p->activation = (ninp_activation)draw_int(random, 0, 2);
}

static void close_case(product_case *test) {
    float *const arrays[] = {test->a, test->b, test->c, test->bias, test->mask, test->start};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        guard_free(arrays[i]);
    }
}

static void check_value(const char *isa, const char *what, double value, double expected,
                        double bound) {
    if (!(fabs(value - expected) <= bound)) {
        fail_msg("seed %llu: %s on %s: %.9g, expected %.9g within %.3g", (unsigned long long)seed,
                 what, isa, value, expected, bound);
    }
}

/* |error| <= (2 K + 8) 2^-24 sum |a b|, K the length of the sum. */
static double sum_bound(int length, double size) {
    return (2.0 * length + 8.0) * 0x1p-24 * size;
}

static void check_product(const product_case *test, const char *isa) {
    const ninp_gemm_product *p = &test->p;
    for (int m = 0; m < p->a.lines * p->a.length; m++) {
        for (int n = 0; n < p->blocks * 16; n++) {
            const ptrdiff_t place = c_index(p, m, n);
            double sum = p->start == NINP_GEMM_ADD    ? (double)test->start[place]
                         : p->start == NINP_GEMM_BIAS ? (double)test->bias[n]
                                                      : 0.0;
            double size = fabs(sum);
            for (int k = 0; k < p->a.depth; k++) {
                const double product =
                    (double)test->a[a_index(&p->a, m, k)] * (double)test->b[b_index(p, k, n)];
                sum += product;
                size += fabs(product);
            }
            if (p->finish == NINP_GEMM_ACTIVATE) {
                sum = activation_value(p->activation, sum);
                size += 1.0; /* sigmoid itself rounds */
            } else if (p->finish == NINP_GEMM_DERIVE) {
                sum *= activation_derivative(p->activation, (double)test->mask[place]);
            }
            check_value(isa, "product", (double)test->c[place], sum, sum_bound(p->a.depth, size));
        }
    }
}

/* Rows and blocks that are not C's keep their values. */
static void check_between(const product_case *test) {
    const ninp_gemm_product *p = &test->p;
    for (int m = 0; m < p->a.lines * p->a.length; m++) {
        for (int n = 0; n < p->blocks * 16; n++) {
            test->c[c_index(p, m, n)] = test->start[c_index(p, m, n)];
        }
    }
    assert_memory_equal(test->c, test->start, test->c_floats * sizeof *test->c);
}

static void test_multiply(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    print_message("seed %llu\n", (unsigned long long)seed);
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
        for (int i = 0; i < CASES; i++) {
            product_case test;
            open_case(&test, &random, i % 2 ? GUARD_AFTER : GUARD_BEFORE);
            kernels->gemm->multiply(&test.p);
            check_product(&test, kernels->isa);
            check_between(&test);
            close_case(&test);
        }
    }
}

static void check_gradient(const product_case *test, const float *b, bool add, const char *isa) {
    const ninp_gemm_product *p = &test->p;
    const int rows = p->a.lines * p->a.length;
    for (int k = 0; k < p->a.depth; k++) {
        for (int n = 0; n < p->blocks * 16; n++) {
            double sum = add ? (double)test->b[b_index(p, k, n)] : 0.0;
            double size = fabs(sum);
            for (int m = 0; m < rows; m++) {
                const double product =
                    (double)test->a[a_index(&p->a, m, k)] * (double)test->c[c_index(p, m, n)];
                sum += product;
                size += fabs(product);
            }
            check_value(isa, "gradient", (double)b[b_index(p, k, n)], sum, sum_bound(rows, size));
        }
    }
}

static void test_gradient(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 2, 0);
        for (int i = 0; i < CASES; i++) {
            product_case test;
            const guard_side side = i % 2 ? GUARD_AFTER : GUARD_BEFORE;
            open_case(&test, &random, side);
            float *b = guard_alloc(test.b_floats * sizeof *b, side);
            memcpy(b, test.b, test.b_floats * sizeof *b);
            const ninp_gemm_gradient gradient = {.a = test.p.a,
                                                 .c = test.c,
                                                 .c_layout = test.p.c_layout,
                                                 .blocks = test.p.blocks,
                                                 .b = b,
                                                 .b_block_stride = test.p.b_block_stride,
                                                 .b_chunk_stride = test.p.b_chunk_stride,
                                                 .b_places = test.p.b_places,
                                                 .add = i % 3 != 0};
            kernels->gemm->gradient(&gradient);
            check_gradient(&test, b, gradient.add, kernels->isa);
            for (int k = 0; k < test.p.a.depth; k++) {
                for (int n = 0; n < test.p.blocks * 16; n++) {
                    b[b_index(&test.p, k, n)] = test.b[b_index(&test.p, k, n)];
                }
            }
            assert_memory_equal(b, test.b, test.b_floats * sizeof *b);
            guard_free(b);
            close_case(&test);
        }
    }
}

/* t[k / 16][n][k % 16] = b[n / 16][k][n % 16], and zeros past k_count. */
static void test_transpose(void **state) {
    (void)state;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 3, 0);
        for (int i = 0; i < 60; i++) {
            const int ns = draw_int(&random, 1, 60);
            const int ks = draw_int(&random, 1, 60);
            const size_t b_floats = (size_t)((ns + 15) / 16 * ks * 16);
            const size_t t_floats = (size_t)((ks + 15) / 16 * ns * 16);
            const guard_side side = i % 2 ? GUARD_AFTER : GUARD_BEFORE;
            float *b = draw_floats(&random, b_floats, side);
            float *t = draw_floats(&random, t_floats, side);
            kernels->gemm->transpose(ns, ks, b, (ptrdiff_t)ks * 16, t, (ptrdiff_t)ns * 16);
            for (int j = 0; j < (int)t_floats; j++) {
                const int n = j / 16 % ns;
                const int k = j / 16 / ns * 16 + j % 16;
                const float expected = k < ks ? b[(n / 16 * ks + k) * 16 + n % 16] : 0.0F;
                assert_true(t[j] == expected);
            }
            guard_free(b);
            guard_free(t);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_multiply),
                                       cmocka_unit_test(test_gradient),
                                       cmocka_unit_test(test_transpose)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

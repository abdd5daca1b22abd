/* Random numbers by counter. */
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random123's known answers for philox4x32-10 (kat_vectors): counter, key, result. Blocks, streams
 * and seeds map to counter words {block, low of b, purpose ^ high of b << 8, a} and key {seed}. */
static void blocks_are_philox(void **state) {
    (void)state;
    static const struct {
        ninp_stream stream;
        uint32_t block;
        uint32_t expected[4];
    } known[] = {
        {{.seed = 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{.seed = UINT64_MAX, .purpose = UINT32_MAX, .a = UINT32_MAX, .b = UINT32_MAX},
         UINT32_MAX,
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{.seed = 0x299f31d0a4093822, .purpose = 0x13198a2e, .a = 0x03707344, .b = 0x85a308d3},
         0x243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t words[4];
        ninp_random_block(&known[i].stream, known[i].block, words);
        assert_memory_equal(words, known[i].expected, sizeof words);
    }
}

static int compare_words(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* The first words of streams that differ in one property only. Of 6 x 60 words of 32 bits two are
 * equal by chance once in 66,000 seeds. */
static void streams_differ(void **state) {
    (void)state;
    uint32_t words[6 * 60];
    size_t count = 0;
    for (uint32_t i = 1; i <= 60; i++) {
        const ninp_stream streams[6] = {
            {.seed = i, .purpose = 200},
            {.seed = (uint64_t)i << 32, .purpose = 200},
            {.seed = 9, .purpose = i},
            {.seed = 9, .purpose = 200, .a = i},
            {.seed = 9, .purpose = 200, .b = i},
            {.seed = 9, .purpose = 200, .b = (uint64_t)i << 32},
        };
        for (int k = 0; k < 6; k++) {
            uint32_t block[4];
            ninp_random_block(&streams[k], 0, block);
            words[count++] = block[0];
        }
    }
    qsort(words, count, sizeof words[0], compare_words);
    for (size_t i = 1; i < count; i++) {
        assert_int_not_equal(words[i], words[i - 1]);
    }
}

static void words_walk_the_blocks(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(5, NINP_RANDOM_TEST, 6, 7);
    const ninp_stream stream = {.seed = 5, .purpose = NINP_RANDOM_TEST, .a = 6, .b = 7};
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t expected[4];
        ninp_random_block(&stream, block, expected);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(ninp_random_word(&random), expected[i]);
        }
    }
}

/* Mean and variance of n uniform numbers lie within five standard errors. */
static void floats_are_uniform(void **state) {
    (void)state;
    enum { N = 100000 };
    ninp_random random = ninp_random_start(1, NINP_RANDOM_TEST, 0, 0);
    double sums[2] = {0, 0};
    double squares[2] = {0, 0};
    for (int i = 0; i < N; i++) {
        double values[2] = {(double)ninp_random_float(&random), ninp_random_double(&random)};
        for (int k = 0; k < 2; k++) {
            assert_true(values[k] >= 0.0 && values[k] < 1.0);
            sums[k] += values[k] - 0.5;
            squares[k] += (values[k] - 0.5) * (values[k] - 0.5);
        }
    }
    for (int k = 0; k < 2; k++) {
        assert_true(fabs(sums[k] / N) < 5 * sqrt(1.0 / 12 / N));
        assert_true(fabs(squares[k] / N - 1.0 / 12) < 5 * sqrt(1.0 / 180 / N));
    }
}

static void normal_numbers_are_normal(void **state) {
    (void)state;
    enum { N = 100000 };
    ninp_random random = ninp_random_start(2, NINP_RANDOM_TEST, 0, 0);
    double sum = 0;
    double square = 0;
    double beyond = 0;
    for (int i = 0; i < N; i++) {
        double value = ninp_random_normal(&random);
        assert_true(isfinite(value));
        sum += value;
        square += value * value;
        beyond += fabs(value) > 1.959964;
    }
    assert_true(fabs(sum / N) < 5 * sqrt(1.0 / N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(beyond / N - 0.05) < 5 * sqrt(0.05 * 0.95 / N));
}

/* Bounds that do not divide 2^32 show a bias of the plain multiplication most at 3 / 4 of it. */
static void bounded_numbers_are_even(void **state) {
    (void)state;
    enum { N = 90000 };
    static const uint32_t bounds[] = {1, 2, 3, 10, 0xc0000000};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        ninp_random random = ninp_random_start(3, NINP_RANDOM_TEST, (uint32_t)i, 0);
        uint32_t parts = bounds[i] < 3 ? bounds[i] : 3;
        int counts[3] = {0, 0, 0};
        for (int k = 0; k < N; k++) {
            uint32_t value = ninp_random_below(&random, bounds[i]);
            assert_true(value < bounds[i]);
            counts[(uint64_t)value * parts / bounds[i]]++;
        }
        for (uint32_t part = 0; part < parts && bounds[i] != 10; part++) {
            double expected = (double)N / parts;
            assert_true(fabs(counts[part] - expected) < 5 * sqrt(expected));
        }
    }
}

/* Distribution functions of Beta(alpha, alpha) that have a closed form. */
static double arcsine(double x) {
    return 2 / 3.14159265358979323846 * asin(sqrt(x));
}

static double uniform(double x) {
    return x;
}

static double smooth_step(double x) {
    return x * x * (3 - 2 * x);
}

static double smoother_step(double x) {
    return x * x * x * (10 - 15 * x + 6 * x * x);
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Kolmogorov's distance of n numbers from their distribution is over 2.3 / sqrt(n) once in 20,000
 * seeds. */
static void beta_numbers_are_beta(void **state) {
    (void)state;
    enum { N = 20000 };
    static double values[N];
    static const struct {
        double alpha;
        double (*distribution)(double x);
    } cases[] = {{0.5, arcsine}, {1, uniform}, {2, smooth_step}, {3, smoother_step}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        ninp_random random = ninp_random_start(4, NINP_RANDOM_TEST, (uint32_t)k, 0);
        for (int i = 0; i < N; i++) {
            values[i] = ninp_random_beta(&random, cases[k].alpha);
            assert_true(values[i] >= 0 && values[i] <= 1);
        }
        qsort(values, N, sizeof values[0], compare_doubles);
        double farthest = 0;
        for (int i = 0; i < N; i++) {
            double at = cases[k].distribution(values[i]);
            farthest = fmax(farthest, fmax(fabs(at - (double)i / N), fabs(at - (i + 1.0) / N)));
        }
        assert_true(farthest < 2.3 / sqrt(N));
    }
}

/* Down to the smallest alpha, where the numbers are 0 or 1, and up to large ones, where they are
 * 1/2: the variance is 1 / (8 alpha + 4). */
static void beta_numbers_have_their_variance(void **state) {
    (void)state;
    enum { N = 20000 };
    static const double alphas[] = {1e-30, 0.001, 0.1, 0.2, 0.4, 10, 1000};
    for (size_t k = 0; k < sizeof alphas / sizeof alphas[0]; k++) {
        ninp_random random = ninp_random_start(5, NINP_RANDOM_TEST, (uint32_t)k, 0);
        const double variance = 1 / (8 * alphas[k] + 4);
        double sum = 0;
        double square = 0;
        for (int i = 0; i < N; i++) {
            double value = ninp_random_beta(&random, alphas[k]) - 0.5;
            assert_true(fabs(value) <= 0.5);
            sum += value;
            square += value * value;
        }
        assert_true(fabs(sum / N) < 5 * sqrt(variance / N));
        assert_true(fabs(square / N / variance - 1) < 5 * sqrt(2.0 / N));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_philox),
        cmocka_unit_test(streams_differ),
        cmocka_unit_test(words_walk_the_blocks),
        cmocka_unit_test(floats_are_uniform),
        cmocka_unit_test(normal_numbers_are_normal),
        cmocka_unit_test(bounded_numbers_are_even),
        cmocka_unit_test(beta_numbers_are_beta),
        cmocka_unit_test(beta_numbers_have_their_variance),
    };
    return cmocka_run_group_tests_name("base_random", tests, NULL, NULL);
}

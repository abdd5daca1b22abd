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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_philox),         cmocka_unit_test(streams_differ),
        cmocka_unit_test(words_walk_the_blocks),     cmocka_unit_test(floats_are_uniform),
        cmocka_unit_test(normal_numbers_are_normal), cmocka_unit_test(bounded_numbers_are_even),
    };
    return cmocka_run_group_tests_name("base_random", tests, NULL, NULL);
}

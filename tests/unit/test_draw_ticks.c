/* Ranges and tick marks. */
#include "base/random.h"
#include "draw/ticks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The labels of the ticks with a space behind each. */
static const char *labels_of(const ninp_ticks *ticks, char line[512]) {
    size_t used = 0;
    line[0] = '\0';
    for (int i = 0; i < ticks->count; i++) {
        char label[NINP_TICK_LABEL_BYTES];
        ninp_tick_label(ticks, i, "-", label);
        used += (size_t)snprintf(line + used, 512 - used, "%s ", label);
    }
    return line;
}

static void expect_labels(double low, double high, int most, bool whole, const char *expected) {
    char line[512];
    ninp_ticks ticks = ninp_ticks_choose((ninp_range){low, high}, most, whole);
    assert_string_equal(labels_of(&ticks, line), expected);
}

static void steps_are_nice_and_labels_exact(void **state) {
    (void)state;
    expect_labels(0, 1, 6, false, "0.0 0.2 0.4 0.6 0.8 1.0 ");
    expect_labels(0, 1, 5, false, "0.0 0.5 1.0 ");
    expect_labels(0.05, 2.5, 7, false, "0.5 1.0 1.5 2.0 2.5 ");
    expect_labels(-0.3, 0.3, 7, false, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3 ");
    expect_labels(0.4991, 0.5016, 6, false, "0.4995 0.5000 0.5005 0.5010 0.5015 ");
    expect_labels(0, 300, 4, false, "0 100 200 300 ");
    expect_labels(999, 1001.5, 3, false, "999 1000 1001 ");
}

static void long_axes_have_powers_of_ten(void **state) {
    (void)state;
    expect_labels(0, 1.5e6, 4, false, "0 5e5 1e6 1.5e6 ");
    expect_labels(-2e300, 2e300, 3, false, "-2e300 0 2e300 ");
    expect_labels(0, 2.1e-9, 3, false, "0 1e-9 2e-9 ");
    expect_labels(1000000, 1000000.003, 4, false, "1e6 1.000000001e6 1.000000002e6 1.000000003e6 ");
}

static void epochs_have_whole_numbers(void **state) {
    (void)state;
    expect_labels(1, 2, 9, true, "1 2 ");
    expect_labels(1, 3, 9, true, "1 2 3 ");
    expect_labels(1, 10, 9, true, "2 4 6 8 10 ");
    expect_labels(1, 100, 9, true, "20 40 60 80 100 ");
}

static double width_of(void *unit, const char *label) {
    return *(double *)unit * (double)strlen(label);
}

static void labels_get_room(void **state) {
    (void)state;
    char line[512];
    double unit = 1;
    ninp_ticks ticks = ninp_ticks_fit((ninp_range){1, 3}, 9, 100, 2, width_of, &unit);
    assert_string_equal(labels_of(&ticks, line), "1 2 3 "); /* whole, as the range's ends are */
    ticks = ninp_ticks_fit((ninp_range){1, 3.5}, 9, 100, 2, width_of, &unit);
    assert_string_equal(labels_of(&ticks, line), "1.0 1.5 2.0 2.5 3.0 3.5 ");
    unit = 8; /* labels of 24 and a gap of 2 do not go into steps of 20 */
    ticks = ninp_ticks_fit((ninp_range){1, 3.5}, 9, 100, 2, width_of, &unit);
    assert_string_equal(labels_of(&ticks, line), "1 2 3 ");
    unit = 1000; /* no room at all: two remain */
    ticks = ninp_ticks_fit((ninp_range){0, 10}, 9, 100, 2, width_of, &unit);
    assert_true(ticks.count >= 1 && ticks.count <= 2);
}

static void minus_is_the_callers(void **state) {
    (void)state;
    char label[NINP_TICK_LABEL_BYTES];
    ninp_ticks ticks = {-3, 1, 5, -1};
    assert_string_equal(ninp_tick_label(&ticks, 0, "\u2212", label), "\u2212"
                                                                     "1.5");
    assert_true(ninp_tick_value(&ticks, 0) == -1.5);
}

/* Any range: at most `most` marks, all inside, at multiples of 1, 2 or 5, as fine as allowed, and
 * each label is the decimal of its value. */
static void any_range_has_ticks(void **state) {
    (void)state;
    const uint64_t seed = 20240501;
    print_message("seed %llu\n", (unsigned long long)seed);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 3000; i++) {
        double middle =
            ninp_random_normal(&random) * pow(10, (int)ninp_random_below(&random, 40) - 20);
        double size = pow(10, (int)ninp_random_below(&random, 8) - 7) * ninp_random_double(&random);
        ninp_range range = {middle - fabs(middle) * size, middle + fabs(middle) * size};
        int most = 2 + (int)ninp_random_below(&random, 10);
        range = ninp_range_widen(range.low, range.high, 0);
        ninp_ticks ticks = ninp_ticks_choose(range, most, false);
        assert_true(ticks.count >= 1 && ticks.count <= most);
        assert_true(ticks.mantissa == 1 || ticks.mantissa == 2 || ticks.mantissa == 5);
        double slack = 1e-5 * (range.high - range.low);
        for (int t = 0; t < ticks.count; t++) {
            double value = ninp_tick_value(&ticks, t);
            assert_true(value >= range.low - slack && value <= range.high + slack);
            char label[NINP_TICK_LABEL_BYTES];
            double read = strtod(ninp_tick_label(&ticks, t, "-", label), NULL);
            assert_true(fabs(read - value) <= 4e-16 * fabs(value));
        }
        double step = ticks.mantissa * pow(10, ticks.exponent);
        double finer = step / (ticks.mantissa == 5 ? 2.5 : 2);
        assert_true(floor((range.high + slack) / finer) - ceil((range.low - slack) / finer) + 1 >
                    most);
    }
}

static void narrow_ranges_are_widened(void **state) {
    (void)state;
    ninp_range range = ninp_range_widen(2, 4, 0.5);
    assert_true(range.low == 2 && range.high == 4);
    range = ninp_range_widen(3, 3, 0.5);
    assert_true(range.low == 2.5 && range.high == 3.5);
    range = ninp_range_widen(100, 100, 0.5);
    assert_true(range.low == 95 && range.high == 105);
    range = ninp_range_widen(0, 0, 0);
    assert_true(range.low == -0.05 && range.high == 0.05);
    range = ninp_range_widen(1, 1 + 1e-15, 0); /* too narrow for ticks */
    assert_true(range.high - range.low > 0.09);
    range = ninp_range_widen(-NINP_DRAW_LARGEST, NINP_DRAW_LARGEST, 0);
    assert_true(ninp_range_place(range, 0) == 0.5);
    range = ninp_range_widen(0, 1e-310, 0);
    assert_true(range.high - range.low > 0.09);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_nice_and_labels_exact),
        cmocka_unit_test(long_axes_have_powers_of_ten),
        cmocka_unit_test(epochs_have_whole_numbers),
        cmocka_unit_test(labels_get_room),
        cmocka_unit_test(minus_is_the_callers),
        cmocka_unit_test(any_range_has_ticks),
        cmocka_unit_test(narrow_ranges_are_widened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

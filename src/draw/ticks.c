#include "draw/ticks.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A range narrower than this part of its numbers has no room for distinct ticks in a double. */
static const double NARROWEST = 1e-12;
/* Ticks this close to an end, in steps, count as on it. */
static const double SLACK = 1e-6;

double ninp_range_place(ninp_range range, double value) {
    return (value - range.low) / (range.high - range.low);
}

ninp_range ninp_range_widen(double low, double high, double least) {
    double size = fmax(fabs(low), fabs(high));
    if (high - low > fmax(NARROWEST * size, 1 / NINP_DRAW_LARGEST)) {
        return (ninp_range){low, high};
    }
    double middle = low + (high - low) / 2;
    double margin = fmax(0.05 * size, least);
    if (margin < 1 / NINP_DRAW_LARGEST) {
        margin = 0.05;
    }
    return (ninp_range){middle - margin, middle + margin};
}

/* n * 10^exponent, correctly rounded for the small exponents that plots have. */
static double decimal_value(double n, int exponent) {
    return exponent < 0 ? n / pow(10, -exponent) : n * pow(10, exponent);
}

static ninp_ticks ticks_at(ninp_range range, int mantissa, int exponent) {
    double step = decimal_value(mantissa, exponent);
    double first = ceil(range.low / step - SLACK);
    double last = floor(range.high / step + SLACK);
    return (ninp_ticks){(int64_t)first, (int)(last - first) + 1, mantissa, exponent};
}

ninp_ticks ninp_ticks_choose(ninp_range range, int most, bool whole) {
    static const int mantissas[] = {1, 2, 5};
    assert(most >= 2);
    int exponent = (int)floor(log10((range.high - range.low) / (most + 1)));
    if (whole && exponent < 0) {
        exponent = 0;
    }
    for (;; exponent++) {
        for (int i = 0; i < 3; i++) {
            ninp_ticks ticks = ticks_at(range, mantissas[i], exponent);
            if (ticks.count <= most) {
                return ticks;
            }
        }
    }
}

double ninp_ticks_widest(const ninp_ticks *ticks, const char *minus, ninp_width_of width_of,
                         void *context) {
    double widest = 0;
    for (int i = 0; i < ticks->count; i++) {
        char label[NINP_TICK_LABEL_BYTES];
        widest = fmax(widest, width_of(context, ninp_tick_label(ticks, i, minus, label)));
    }
    return widest;
}

ninp_ticks ninp_ticks_fit(ninp_range range, int most, double length, double gap,
                          ninp_width_of width_of, void *context) {
    bool whole = range.low == floor(range.low) && range.high == floor(range.high);
    ninp_ticks ticks = ninp_ticks_choose(range, most, whole);
    while (ticks.count > 2 && most > 2) {
        double step = decimal_value(ticks.mantissa, ticks.exponent);
        double space = step / (range.high - range.low) * length;
        if (ninp_ticks_widest(&ticks, "-", width_of, context) + gap <= space) {
            break;
        }
        ticks = ninp_ticks_choose(range, --most, whole);
    }
    return ticks;
}

double ninp_tick_value(const ninp_ticks *ticks, int index) {
    return decimal_value((double)((ticks->first + index) * ticks->mantissa), ticks->exponent);
}

/* The digits of n / 10^decimals, n >= 0. */
static void write_decimal(char *to, size_t size, int64_t n, int decimals) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%0*" PRId64, decimals + 1, n);
    int whole = length - decimals;
    snprintf(to, size, "%.*s%s%s", whole, digits, decimals ? "." : "", digits + whole);
}

/* n * 10^exponent, n > 0, as d.ddd e X. */
static void write_scientific(char *to, size_t size, int64_t n, int exponent) {
    while (n % 10 == 0) {
        n /= 10;
        exponent++;
    }
    int decimals = 0;
    for (int64_t rest = n; rest >= 10; rest /= 10) {
        decimals++;
    }
    char mantissa[32];
    write_decimal(mantissa, sizeof mantissa, n, decimals);
    snprintf(to, size, "%se%d", mantissa, exponent + decimals);
}

/* Labels of an axis are plain where none needs more than six digits before or after the point. */
static bool is_plain(const ninp_ticks *ticks) {
    enum { DIGITS = 6 };
    double low = ninp_tick_value(ticks, 0);
    double high = ninp_tick_value(ticks, ticks->count - 1);
    return ticks->exponent >= -DIGITS && fmax(fabs(low), fabs(high)) < pow(10, DIGITS);
}

const char *ninp_tick_label(const ninp_ticks *ticks, int index, const char *minus,
                            char label[NINP_TICK_LABEL_BYTES]) {
    int64_t signed_n = (ticks->first + index) * ticks->mantissa;
    int64_t n = llabs(signed_n);
    int exponent = ticks->exponent;
    char number[40];
    if (!is_plain(ticks) && n > 0) {
        write_scientific(number, sizeof number, n, exponent);
    } else if (!is_plain(ticks)) {
        write_decimal(number, sizeof number, 0, 0);
    } else {
        for (; exponent > 0; exponent--) {
            n *= 10;
        }
        write_decimal(number, sizeof number, n, -exponent);
    }
    snprintf(label, NINP_TICK_LABEL_BYTES, "%s%s", signed_n < 0 ? minus : "", number);
    return label;
}

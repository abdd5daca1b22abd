/* Axis ranges and their tick marks. */
#ifndef NINP_DRAW_TICKS_H
#define NINP_DRAW_TICKS_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers beyond this in size are not drawn; sums and differences of those that are stay finite. */
#define NINP_DRAW_LARGEST 1e300

/* low < high, both within NINP_DRAW_LARGEST. */
typedef struct ninp_range {
    double low, high;
} ninp_range;

/* Where a value lies: 0 at low, 1 at high. */
double ninp_range_place(ninp_range range, double value);

/* [low, high] if it is wide enough to have distinct ticks (relative to its numbers), otherwise
 * widened about its middle by the larger of `least` and 5 % of its numbers (0.05 if both are 0). */
ninp_range ninp_range_widen(double low, double high, double least);

/* Marks at n * mantissa * 10^exponent for n = first ... first + count - 1. */
typedef struct ninp_ticks {
    int64_t first;
    int count;
    int mantissa; /* 1, 2 or 5 */
    int exponent;
} ninp_ticks;

/* The finest marks that are at most `most` (>= 2) in number. `whole`: at whole numbers only. */
ninp_ticks ninp_ticks_choose(ninp_range range, int most, bool whole);

/* Tells the width of a label, in the unit of the axis's length. */
typedef double (*ninp_width_of)(void *context, const char *label);

/* Width of the widest label of the marks. */
double ninp_ticks_widest(const ninp_ticks *ticks, const char *minus, ninp_width_of width_of,
                         void *context);

/* The finest marks, at most `most`, whose labels stand at least `gap` apart on an axis of `length`.
 * Whole numbers only where the range itself goes from a whole number to another, as that of epochs
 * does. */
ninp_ticks ninp_ticks_fit(ninp_range range, int most, double length, double gap,
                          ninp_width_of width_of, void *context);

double ninp_tick_value(const ninp_ticks *ticks, int index);

enum { NINP_TICK_LABEL_BYTES = 48 };

/* The label of a mark: exact decimal digits with a point whatever the locale ("0.25", "40"), or a
 * power of ten where the axis is long ("1.5e7"). `minus` is the sign to use. Returns `label`. */
const char *ninp_tick_label(const ninp_ticks *ticks, int index, const char *minus,
                            char label[NINP_TICK_LABEL_BYTES]);

#endif

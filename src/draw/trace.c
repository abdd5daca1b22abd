#include "draw/trace.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Grows to hold what it is shown. */
typedef struct extent {
    double low, high; /* low > high: nothing yet */
} extent;

static const extent NOTHING = {HUGE_VAL, -HUGE_VAL};

static void extent_add(extent *seen, double value) {
    seen->low = fmin(seen->low, value);
    seen->high = fmax(seen->high, value);
}

static bool is_drawable(double value) {
    return fabs(value) <= NINP_DRAW_LARGEST; /* false for NaN */
}

static bool curve_has_point(const nin_curve *curve, size_t i) {
    return is_drawable(curve->x[i]) && is_drawable(curve->y[i]);
}

static ninp_range choose_x_range(const nin_plot *plot) {
    if (is_drawable(plot->x_min) && is_drawable(plot->x_max) && plot->x_min < plot->x_max) {
        return ninp_range_widen(plot->x_min, plot->x_max, 0.5);
    }
    extent seen = NOTHING;
    for (size_t c = 0; c < plot->curve_count; c++) {
        const nin_curve *curve = &plot->curves[c];
        for (size_t i = 0; i < curve->count; i++) {
            if (curve_has_point(curve, i)) {
                extent_add(&seen, curve->x[i]);
            }
        }
    }
    if (seen.low > seen.high) {
        return (ninp_range){0, 1};
    }
    return ninp_range_widen(seen.low, seen.high, 0.5);
}

static ninp_range choose_y_range(const ninp_view *view) {
    extent seen = NOTHING;
    for (size_t c = 0; c < view->count; c++) {
        for (size_t i = 0; i < view->traces[c].count; i++) {
            extent_add(&seen, view->traces[c].points[i].y);
        }
    }
    if (seen.low > seen.high) {
        return (ninp_range){0, 1};
    }
    ninp_range range = ninp_range_widen(seen.low, seen.high, 0);
    double margin = 0.05 * (range.high - range.low);
    return (ninp_range){range.low - margin, range.high + margin};
}

static bool is_inside(ninp_range range, ninp_point point) {
    return point.x >= range.low && point.x <= range.high;
}

/* The point of the line a-b at x, which lies between theirs. */
static ninp_point point_at(ninp_point a, ninp_point b, double x) {
    double part = (x - a.x) / (b.x - a.x);
    return (ninp_point){x, a.y + (b.y - a.y) * part, false};
}

static ninp_point clip_end(ninp_range range, ninp_point end, ninp_point other) {
    if (end.x < range.low) {
        return point_at(end, other, range.low);
    }
    if (end.x > range.high) {
        return point_at(end, other, range.high);
    }
    return end;
}

static void trace_add(ninp_trace *trace, ninp_point point, bool start) {
    point.start = start;
    trace->points[trace->count++] = point;
}

/* Adds what is seen of the line from `last` (already added if inside) to `point`. */
static void trace_add_line(ninp_trace *trace, ninp_range range, ninp_point last, ninp_point point) {
    if (fmax(last.x, point.x) < range.low || fmin(last.x, point.x) > range.high) {
        return;
    }
    ninp_point from = clip_end(range, last, point);
    ninp_point to = clip_end(range, point, last);
    if (!is_inside(range, last)) {
        trace_add(trace, from, true);
    }
    if (from.x != to.x || from.y != to.y) {
        trace_add(trace, to, false);
    }
}

/* The column of a page, finer than any is drawn, that a point lies in. */
static int column_of(ninp_range range, ninp_point point) {
    enum { COLUMNS = 2000 };
    return (int)(ninp_range_place(range, point.x) * COLUMNS);
}

/* Of a line's points in one column, keeps the first, the lowest, the highest and the last, which
 * draw the same: M4 (Jugel, Jerzak, Hackenbroich and Markl, "M4: A Visualization-Oriented Time
 * Series Data Aggregation", VLDB 2014, section 4). Without it a line of a point a step, hundreds of
 * thousands of them, takes a minute to stroke. */
static void trace_thin(ninp_trace *trace, ninp_range range) {
    ninp_point *points = trace->points;
    size_t kept = 0;
    for (size_t first = 0, next; first < trace->count; first = next) {
        size_t low = first;
        size_t high = first;
        int column = column_of(range, points[first]);
        for (next = first + 1;
             next < trace->count && !points[next].start && column_of(range, points[next]) == column;
             next++) {
            low = points[next].y < points[low].y ? next : low;
            high = points[next].y > points[high].y ? next : high;
        }
        size_t order[] = {first, low < high ? low : high, low < high ? high : low, next - 1};
        for (size_t i = 0; i < 4; i++) {
            if (i == 0 || order[i] != order[i - 1]) {
                points[kept++] = points[order[i]];
            }
        }
    }
    trace->count = kept;
}

static nin_status trace_make(const nin_curve *curve, ninp_range range, ninp_trace *trace,
                             nin_error *err) {
    size_t capacity; /* a line adds at most its two ends */
    if (!ninp_mul(curve->count, 2, &capacity) ||
        !(trace->points = ninp_calloc(capacity, sizeof *trace->points))) {
        return ninp_fail_memory(err, capacity * sizeof *trace->points, "the points of a curve");
    }
    bool have_last = false;
    ninp_point last = {0, 0, false};
    for (size_t i = 0; i < curve->count; i++) {
        if (!curve_has_point(curve, i)) {
            continue;
        }
        ninp_point point = {curve->x[i], curve->y[i], false};
        if (have_last) {
            trace_add_line(trace, range, last, point);
        } else if (is_inside(range, point)) {
            trace_add(trace, point, true);
        }
        last = point;
        have_last = true;
    }
    trace_thin(trace, range);
    return NIN_OK;
}

static nin_status check_plot(const nin_plot *plot, nin_error *err) {
    if (plot->curve_count > 0 && !plot->curves) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "plot: %zu curves promised, none given",
                         plot->curve_count);
    }
    for (size_t c = 0; c < plot->curve_count; c++) {
        const nin_curve *curve = &plot->curves[c];
        if (curve->count > 0 && (!curve->x || !curve->y)) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "plot: curve %zu: %zu points promised, none given", c, curve->count);
        }
    }
    return NIN_OK;
}

nin_status ninp_view_make(const nin_plot *plot, ninp_view *view, nin_error *err) {
    assert(plot && view);
    *view = (ninp_view){0};
    nin_status status = check_plot(plot, err);
    if (status != NIN_OK) {
        return status;
    }
    view->traces = ninp_calloc(plot->curve_count, sizeof *view->traces);
    if (!view->traces) {
        return ninp_fail_memory(err, plot->curve_count * sizeof *view->traces, "the curves");
    }
    view->count = plot->curve_count;
    view->x = choose_x_range(plot);
    for (size_t c = 0; c < view->count; c++) {
        status = trace_make(&plot->curves[c], view->x, &view->traces[c], err);
        if (status != NIN_OK) {
            ninp_view_free(view);
            return status;
        }
    }
    view->y = choose_y_range(view);
    return NIN_OK;
}

void ninp_view_free(ninp_view *view) {
    for (size_t c = 0; c < view->count; c++) {
        free(view->traces[c].points);
    }
    free(view->traces);
    *view = (ninp_view){0};
}

bool ninp_trace_is_lonely(const ninp_trace *trace, size_t i) {
    return trace->points[i].start && (i + 1 == trace->count || trace->points[i + 1].start);
}

/* What a plot shows of its curves. */
#include "base/random.h"
#include "draw/trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The view of a plot with one curve. */
static ninp_view view_of(const double *x, const double *y, size_t count, double x_min,
                         double x_max) {
    const nin_curve curve = {"curve", x, y, count, NIN_LINE_SOLID};
    const nin_plot plot = {.x_min = x_min, .x_max = x_max, .curves = &curve, .curve_count = 1};
    ninp_view view;
    nin_error err = {0};
    assert_int_equal(ninp_view_make(&plot, &view, &err), NIN_OK);
    return view;
}

static void expect_trace(const ninp_view *view, const ninp_point *points, size_t count) {
    const ninp_trace *trace = &view->traces[0];
    assert_int_equal(trace->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(trace->points[i].x == points[i].x);
        assert_true(trace->points[i].y == points[i].y);
        assert_int_equal(trace->points[i].start, points[i].start);
    }
}

static void points_that_are_not_finite_are_left_out(void **state) {
    (void)state;
    const double x[] = {(double)NAN, 1, 2, 3, 4, 5, HUGE_VAL, 6};
    const double y[] = {9, 1, (double)NAN, HUGE_VAL, -HUGE_VAL, 1e301, 9, 3};
    ninp_view view = view_of(x, y, 8, 0, 0);
    const ninp_point expected[] = {{1, 1, true}, {6, 3, false}};
    expect_trace(&view, expected, 2);
    assert_true(view.x.low == 1 && view.x.high == 6);
    assert_true(fabs(view.y.low - 0.9) < 1e-12 && fabs(view.y.high - 3.1) < 1e-12);
    ninp_view_free(&view);
}

static void lines_end_at_the_range(void **state) {
    (void)state;
    const double x[] = {0, 2, 4, 8, 12, 6};
    const double y[] = {0, 20, 40, 80, 120, 60};
    ninp_view view = view_of(x, y, 6, 1, 10);
    const ninp_point expected[] = {{1, 10, true},  {2, 20, false},   {4, 40, false},
                                   {8, 80, false}, {10, 100, false}, {10, 100, true},
                                   {6, 60, false}};
    expect_trace(&view, expected, 7);
    assert_true(view.x.low == 1 && view.x.high == 10);
    assert_true(view.y.low == 10 - 4.5 && view.y.high == 100 + 4.5); /* of what is seen */
    ninp_view_free(&view);

    const double far_x[] = {-1e300, 1e300}; /* runs through from one end to the other */
    const double far_y[] = {0, 2};
    view = view_of(far_x, far_y, 2, 1, 10);
    const ninp_point through[] = {{1, 1, true}, {10, 1, false}};
    expect_trace(&view, through, 2);
    ninp_view_free(&view);
}

static void points_on_the_border_are_drawn_once(void **state) {
    (void)state;
    const double x[] = {0, 1, 0, 5, 10, 11};
    const double y[] = {0, 1, 0, 5, 10, 11};
    ninp_view view = view_of(x, y, 6, 1, 10);
    const ninp_point expected[] = {{1, 1, true}, {1, 1, true}, {5, 5, false}, {10, 10, false}};
    expect_trace(&view, expected, 4);
    assert_true(ninp_trace_is_lonely(&view.traces[0], 0));
    assert_false(ninp_trace_is_lonely(&view.traces[0], 1));
    assert_false(ninp_trace_is_lonely(&view.traces[0], 3));
    ninp_view_free(&view);
}

static void empty_plots_have_ranges(void **state) {
    (void)state;
    const double nothing[] = {(double)NAN, (double)NAN};
    ninp_view view = view_of(nothing, nothing, 2, 0, 0);
    assert_int_equal(view.traces[0].count, 0);
    assert_true(view.x.low == 0 && view.x.high == 1 && view.y.low == 0 && view.y.high == 1);
    ninp_view_free(&view);

    const nin_plot plot = {.x_min = 1, .x_max = 10};
    assert_int_equal(ninp_view_make(&plot, &view, NULL), NIN_OK);
    assert_int_equal(view.count, 0);
    assert_true(view.x.low == 1 && view.x.high == 10);
    ninp_view_free(&view);
}

static void ranges_without_width_come_from_the_data(void **state) {
    (void)state;
    const double x[] = {0.5, 1};
    const double y[] = {2, 2};
    ninp_view view = view_of(x, y, 2, 1, 1); /* a run of one epoch */
    assert_true(view.x.low == 0.5 && view.x.high == 1);
    assert_true(view.y.low < 2 && view.y.high > 2);
    ninp_view_free(&view);
    view = view_of(x, y, 2, (double)NAN, 3);
    assert_true(view.x.low == 0.5 && view.x.high == 1);
    ninp_view_free(&view);
    view = view_of(x, y, 1, 0, 0);
    assert_true(view.x.low == 0 && view.x.high == 1);
    assert_true(ninp_trace_is_lonely(&view.traces[0], 0));
    ninp_view_free(&view);
}

/* A long noisy line keeps its ends and extremes, and so few points that it is drawn at once. */
static void long_lines_are_thinned(void **state) {
    (void)state;
    enum { COUNT = 300000 };
    static double x[COUNT], y[COUNT];
    ninp_random random = ninp_random_start(7, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        x[i] = i;
        y[i] = ninp_random_double(&random);
    }
    y[1000] = -1;
    y[200000] = 2;
    ninp_view view = view_of(x, y, COUNT, 0, 0);
    const ninp_trace *trace = &view.traces[0];
    assert_in_range(trace->count, 7000, 8004);
    assert_true(trace->points[0].x == 0 && trace->points[0].start);
    assert_true(trace->points[trace->count - 1].x == COUNT - 1);
    int extremes = 0;
    for (size_t i = 1; i < trace->count; i++) {
        const ninp_point *point = &trace->points[i];
        assert_true(point->x > point[-1].x && !point->start);
        assert_true(point->y == y[(int)point->x]);
        extremes += point->y == -1 || point->y == 2;
    }
    assert_int_equal(extremes, 2);
    ninp_view_free(&view);
}

static void missing_arrays_are_refused(void **state) {
    (void)state;
    const double x[] = {1};
    const nin_curve curves[] = {{"a", x, x, 1, NIN_LINE_SOLID}, {"b", x, NULL, 1, NIN_LINE_SOLID}};
    nin_plot plot = {.curves = curves, .curve_count = 2};
    ninp_view view;
    nin_error err = {0};
    assert_int_equal(ninp_view_make(&plot, &view, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, "plot: curve 1: 1 points promised, none given");
    err = (nin_error){0};
    plot.curves = NULL;
    assert_int_equal(ninp_view_make(&plot, &view, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, "plot: 2 curves promised, none given");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_that_are_not_finite_are_left_out),
        cmocka_unit_test(lines_end_at_the_range),
        cmocka_unit_test(points_on_the_border_are_drawn_once),
        cmocka_unit_test(empty_plots_have_ranges),
        cmocka_unit_test(ranges_without_width_come_from_the_data),
        cmocka_unit_test(long_lines_are_thinned),
        cmocka_unit_test(missing_arrays_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

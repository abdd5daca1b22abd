/* Strip charts: where dots lie, and that none hides another. */
#include "draw_page.h"

#include "base/file.h"

#include <math.h>
#include <nin/draw.h>

/* A chart with one panel of `scale` units, two pixels a unit, and dots of this radius. */
enum { SCALE = 300 - 2 * 16, PIXELS = 2 };
static const double RADIUS = 2.3;
enum { RED = 0xff0000, BLUE = 0x0000ff };

static const nin_strip_group groups[] = {{"red", RED}, {"blue", BLUE}};
static const char *const heads[] = {"first", "second"};

static nin_strips chart(const nin_strip_panel *panel) {
    return (nin_strips){.row_heads = heads,
                        .rows = 2,
                        .groups = groups,
                        .group_count = 2,
                        .panels = panel,
                        .panel_count = 1};
}

/* The pixels of a colour: how many, and the means of their places; above `bottom` only, so that the
 * legend is left out. */
typedef struct spot {
    int count;
    double x, y;
} spot;

static spot find(const png_page *page, uint32_t colour, int bottom) {
    spot found = {0};
    for (int y = 0; y < bottom; y++) {
        for (int x = 0; x < page->width; x++) {
            if (page_pixel(page, x, y) == colour) {
                found.count++;
                found.x += x;
                found.y += y;
            }
        }
    }
    found.x /= found.count;
    found.y /= found.count;
    return found;
}

static png_page draw_spread(void **state, const nin_strip_dot *dots, size_t count, double spread) {
    const nin_strip_panel panel = {
        .x_min = 0, .x_max = 10, .dots = dots, .count = count, .spread = spread};
    const nin_strips strips = chart(&panel);
    page_name path = page_path(state, "strips.png");
    nin_error err = {0};
    assert_int_equal(nin_draw_strips(path.chars, &strips, &err), NIN_OK);
    return page_read(path.chars);
}

static png_page draw(void **state, const nin_strip_dot *dots, size_t count) {
    return draw_spread(state, dots, count, 0);
}

static void dots_lie_at_their_values_and_rows(void **state) {
    const int bottom = PIXELS * (12 + 2 * 32);
    const nin_strip_dot dots[] = {{.x = 0, .row = 0, .group = 0}, {.x = 10, .row = 1, .group = 1}};
    png_page page = draw(state, dots, 2);
    spot first = find(&page, RED, bottom);
    spot second = find(&page, BLUE, bottom);
    assert_true(fabs(second.x - first.x - PIXELS * SCALE) < 1);
    assert_true(fabs(second.y - first.y - PIXELS * 32) < 1);
    page_free(&page);
}

/* Pixels at the edge are mixed, so fewer have the very colour. */
static void equal_values_do_not_hide_each_other(void **state) {
    enum { DOTS = 20 };
    nin_strip_dot dots[DOTS];
    for (int i = 0; i < DOTS; i++) {
        dots[i] = (nin_strip_dot){.x = 5, .row = 0, .group = 0};
    }
    png_page one = draw(state, dots, 1);
    png_page all = draw_spread(state, dots, DOTS, 1);
    const int bottom = PIXELS * (12 + 2 * 32);
    double area = acos(-1) * pow(PIXELS * RADIUS, 2);
    int single = find(&one, RED, bottom).count;
    int whole = find(&all, RED, bottom).count;
    assert_in_range(single, (unsigned long)(0.6 * area), (unsigned long)area);
    assert_in_range(whole, (unsigned long)(0.8 * DOTS * single),
                    (unsigned long)(1.2 * DOTS * single));
    page_free(&one);
    page_free(&all);
}

/* Without a spread every dot stands at its value, however many there are. */
static void crowds_stay_at_their_values(void **state) {
    enum { DOTS = 12 };
    nin_strip_dot dots[DOTS];
    for (int i = 0; i < DOTS; i++) {
        dots[i] = (nin_strip_dot){.x = 5, .row = 0, .group = i % 2};
    }
    png_page one = draw(state, dots, 1);
    png_page all = draw(state, dots, DOTS);
    const int bottom = PIXELS * (12 + 2 * 32);
    const double middle = find(&one, RED, bottom).x;
    for (int y = 0; y < bottom; y++) {
        for (int x = 0; x < all.width; x++) {
            const uint32_t colour = page_pixel(&all, x, y);
            if (colour == RED || colour == BLUE) {
                assert_true(fabs(x - middle) <= PIXELS * RADIUS);
            }
        }
    }
    assert_true(find(&all, RED, bottom).count > 2 * find(&one, RED, bottom).count);
    assert_true(find(&all, BLUE, bottom).count > 2 * find(&one, RED, bottom).count);
    page_free(&one);
    page_free(&all);
}

static void dots_off_the_scale_are_left_out(void **state) {
    const nin_strip_dot dots[] = {
        {.x = -1, .group = 0}, {.x = 11, .group = 0}, {.x = (double)NAN, .group = 0}};
    png_page page = draw(state, dots, 3);
    assert_int_equal(find(&page, RED, PIXELS * (12 + 2 * 32)).count, 0);
    page_free(&page);
}

static void the_same_chart_gives_the_same_bytes(void **state) {
    static const char *const names[] = {"a.svg", "b.svg"};
    const nin_strip_dot dot = {.x = 5};
    const nin_strip_panel panel = {.x_label = "x", .x_max = 10, .dots = &dot, .count = 1};
    nin_strips strips = chart(&panel);
    strips.title = "title";
    nin_error err = {0};
    for (size_t i = 0; i < 2; i++) {
        page_name path = page_path(state, names[i]);
        assert_int_equal(nin_draw_strips(path.chars, &strips, &err), NIN_OK);
    }
    char *bytes[2];
    size_t sizes[2];
    for (size_t i = 0; i < 2; i++) {
        page_name path = page_path(state, names[i]);
        assert_int_equal(ninp_file_read(path.chars, 1 << 24, &bytes[i], &sizes[i], &err), NIN_OK);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void what_cannot_be_drawn_is_refused(void **state) {
    const nin_strip_dot wrong_row = {.x = 5, .row = 2};
    const nin_strip_dot wrong_group = {.x = 5, .group = -1};
    const nin_strip_panel panels[] = {{.x_min = 1, .x_max = 1},
                                      {.x_max = (double)INFINITY},
                                      {.x_max = 1, .count = 1},
                                      {.x_max = 1, .dots = &wrong_row, .count = 1},
                                      {.x_max = 1, .dots = &wrong_group, .count = 1}};
    page_name path = page_path(state, "wrong.png");
    for (size_t i = 0; i < sizeof panels / sizeof panels[0]; i++) {
        const nin_strips strips = chart(&panels[i]);
        nin_error err = {0};
        assert_int_equal(nin_draw_strips(path.chars, &strips, &err), NIN_ERROR_ARGUMENT);
    }
    const nin_strip_panel good = {.x_max = 1};
    nin_strips strips = chart(&good);
    nin_error err = {0};
    strips.rows = 0;
    assert_int_equal(nin_draw_strips(path.chars, &strips, &err), NIN_ERROR_ARGUMENT);
    strips.rows = 1;
    path = page_path(state, "wrong.gif");
    assert_int_equal(nin_draw_strips(path.chars, &strips, &err), NIN_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_lie_at_their_values_and_rows),
        cmocka_unit_test(equal_values_do_not_hide_each_other),
        cmocka_unit_test(crowds_stay_at_their_values),
        cmocka_unit_test(dots_off_the_scale_are_left_out),
        cmocka_unit_test(the_same_chart_gives_the_same_bytes),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
    };
    return cmocka_run_group_tests(tests, page_directory_make, page_directory_remove);
}

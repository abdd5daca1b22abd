/* Bar charts: lengths in proportion, on a scale of their own in each panel. */
#include "draw_page.h"

#include <math.h>
#include <nin/draw.h>

/* The longest bar, the height of bars, and pixels a unit. */
enum { LONGEST = 150, BAR = 13, PIXELS = 2, COLOUR = 0x1F78B5 };

static const char *const heads[] = {"a", "b", "c"};

/* The lengths of the bars from the top down, in pixels: runs of the colour, one a bar. */
static int measure(const png_page *page, int lengths[], int most) {
    int count = 0;
    int before = 0;
    for (int y = 0; y < page->height; y++) {
        int run = page_count(page, COLOUR, 0, y, page->width, y + 1);
        if (run > 0 && before == 0) {
            assert_in_range(count, 0, most - 1);
            lengths[count++] = run;
        }
        before = run;
    }
    return count;
}

static nin_status try_to_draw(void **state, const char *name, const nin_bars *bars) {
    page_name path = page_path(state, name);
    nin_error err = {0};
    return nin_draw_bars(path.chars, bars, &err);
}

static png_page draw(void **state, const nin_bars *bars) {
    assert_int_equal(try_to_draw(state, "bars.png", bars), NIN_OK);
    return page_read(page_path(state, "bars.png").chars);
}

static void lengths_are_in_proportion(void **state) {
    const nin_bar first[] = {{100, "100"}, {50, "50"}, {0, "0"}};
    const nin_bar second[] = {{0.25, NULL}, {(double)NAN, "none"}, {1, NULL}};
    const nin_bar_panel panels[] = {{"one", first}, {"two", second}};
    const nin_bars bars = {.row_heads = heads,
                           .rows = 3,
                           .panels = panels,
                           .panel_count = 2,
                           .columns = 1,
                           .title = "title",
                           .note = "note"};
    png_page page = draw(state, &bars);
    int lengths[4] = {0};
    assert_int_equal(measure(&page, lengths, 4), 4);
    const double expected[] = {1, 0.5, 0.25, 1};
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(lengths[i] - PIXELS * LONGEST * expected[i]) <= 2);
    }
    assert_true(page_border_is_white(&page, 8));
    page_free(&page);
}

static void panels_stand_in_columns(void **state) {
    const nin_bar values[] = {{1, "1"}};
    const nin_bar_panel panels[] = {{"one", values}, {"two", values}, {"three", values}};
    nin_bars bars = {.row_heads = heads, .rows = 1, .panels = panels, .panel_count = 3};
    bars.columns = 3;
    png_page wide = draw(state, &bars);
    int lengths[3] = {0};
    assert_int_equal(measure(&wide, lengths, 3), 1);
    assert_true(abs(lengths[0] - 3 * PIXELS * LONGEST) <= 6);
    bars.columns = 2;
    png_page high = draw(state, &bars);
    assert_int_equal(measure(&high, lengths, 3), 2);
    assert_true(high.width < wide.width && high.height > wide.height);
    page_free(&wide);
    page_free(&high);
}

static void what_cannot_be_drawn_is_refused(void **state) {
    const nin_bar good_bar = {1, NULL};
    const nin_bar wrong_values[] = {{-1, NULL}, {(double)INFINITY, NULL}};
    nin_bar_panel panel = {NULL, &good_bar};
    nin_bars bars = {
        .row_heads = heads, .rows = 1, .panels = &panel, .panel_count = 1, .columns = 1};
    assert_int_equal(try_to_draw(state, "good.pdf", &bars), NIN_OK);
    assert_int_equal(try_to_draw(state, "wrong.gif", &bars), NIN_ERROR_ARGUMENT);
    for (size_t i = 0; i < 2; i++) {
        panel.bars = &wrong_values[i];
        assert_int_equal(try_to_draw(state, "wrong.png", &bars), NIN_ERROR_ARGUMENT);
    }
    panel.bars = &good_bar;
    bars.columns = 0;
    assert_int_equal(try_to_draw(state, "wrong.png", &bars), NIN_ERROR_ARGUMENT);
    bars.columns = 1;
    bars.rows = 0;
    assert_int_equal(try_to_draw(state, "wrong.png", &bars), NIN_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_in_proportion),
        cmocka_unit_test(panels_stand_in_columns),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
    };
    return cmocka_run_group_tests(tests, page_directory_make, page_directory_remove);
}

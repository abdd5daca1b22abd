/* Plots as pictures. */
#include "draw_page.h"

#include "base/file.h"
#include "draw/legend.h"

#include <math.h>
#include <nin/draw.h>

enum { WHITE = 0xFFFFFF, BLUE = 0x1F77B4, MAGENTA = 0xBF00BF, GREEN = 0x008000, RED = 0xD62728 };

static const uint32_t colours[] = {BLUE, MAGENTA, GREEN, RED};

static png_page draw(void **state, const nin_plot *plot) {
    page_name path = page_path(state, "plot.png");
    nin_error err = {0};
    assert_int_equal(nin_draw_plot(path.chars, plot, &err), NIN_OK);
    return page_read(path.chars);
}

/* The middle lines of the box of the axes, found as the long dark lines of the page. */
typedef struct axes_box {
    double left, right, top, bottom;
} axes_box;

static bool is_dark(uint32_t pixel) {
    return page_is_near(pixel, 0x262626);
}

static axes_box find_box(const png_page *page) {
    axes_box box = {-1, -1, -1, -1};
    for (int x = 0; x < page->width; x++) {
        int dark = 0;
        for (int y = 0; y < page->height; y++) {
            dark += is_dark(page_pixel(page, x, y));
        }
        if (dark > page->height / 2) {
            box.left = box.left < 0 ? x + 1.5 : box.left; /* the lines are 3 pixels wide */
            box.right = x - 0.5;
        }
    }
    for (int y = 0; y < page->height; y++) {
        int dark = 0;
        for (int x = 0; x < page->width; x++) {
            dark += is_dark(page_pixel(page, x, y));
        }
        if (dark > page->width / 2) {
            box.top = box.top < 0 ? y + 1.5 : box.top;
            box.bottom = y - 0.5;
        }
    }
    assert_true(box.left > 0 && box.right > box.left + page->width * 0.5);
    assert_true(box.top > 0 && box.bottom > box.top + page->height * 0.5);
    return box;
}

/* The pixel at a point of the plot, x and y as parts of their ranges. */
static uint32_t pixel_at(const png_page *page, const axes_box *box, double x, double y) {
    return page_pixel(page, (int)floor(box->left + x * (box->right - box->left)),
                      (int)floor(box->bottom - y * (box->bottom - box->top)));
}

static void curves_are_where_they_must_be(void **state) {
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const double loss[] = {2.3, 1.9, 1.4, 1.0, 0.8, 0.7, 0.65, 0.6, 0.58, 0.56};
    const nin_curve curve = {NULL, x, loss, 10, NIN_LINE_SOLID};
    const nin_plot plot = {
        .x_label = "epoch", .x_min = 1, .x_max = 10, .curves = &curve, .curve_count = 1};
    png_page page = draw(state, &plot);
    assert_int_equal(page.width, 1008);
    assert_int_equal(page.height, 720);
    axes_box box = find_box(&page);
    const double low = 0.56 - 0.05 * (2.3 - 0.56); /* 5 % are left on both sides */
    const double high = 2.3 + 0.05 * (2.3 - 0.56);
    for (int i = 1; i < 9; i++) {
        double y = (loss[i] - low) / (high - low);
        assert_true(page_is_near(pixel_at(&page, &box, (x[i] - 1) / 9, y), BLUE));
        double half = ((loss[i] + loss[i + 1]) / 2 - low) / (high - low);
        assert_true(page_is_near(pixel_at(&page, &box, (x[i] - 0.5) / 9, half), BLUE));
        assert_false(page_is_near(pixel_at(&page, &box, (x[i] - 1) / 9, y + 0.05), BLUE));
    }
    /* 1.5 points are 6 pixels: the last, flat piece is as long as it is */
    int column = (int)(box.left + 8.5 / 9 * (box.right - box.left));
    int thick = page_count(&page, BLUE, column, 0, column + 1, page.height);
    assert_in_range(thick, 4, 7);
    page_free(&page);
}

static void styles_and_colours_follow_the_lecture(void **state) {
    const double x[] = {1, 10};
    const double y[][2] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}};
    const double inked[] = {1, 3.7 / 5.3, 7.4 / 10.6, 1 / 2.65}; /* of matplotlib's dashes */
    nin_curve curves[4];
    for (int i = 0; i < 4; i++) {
        curves[i] = (nin_curve){NULL, x, y[i], 2, (nin_line_style)i};
    }
    const nin_plot plot = {.x_min = 1, .x_max = 10, .curves = curves, .curve_count = 4};
    png_page page = draw(state, &plot);
    axes_box box = find_box(&page);
    for (int i = 0; i < 4; i++) {
        int row = (int)(box.bottom - (0.15 + i) / 3.3 * (box.bottom - box.top));
        int left = (int)box.left + 3;
        int right = (int)box.right - 3;
        double part =
            (double)page_count(&page, colours[i], left, row, right, row + 1) / (right - left);
        assert_true(fabs(part - inked[i]) < 0.04);
    }
    page_free(&page);
}

/* Pixels of the colour of a curve in the four quarters of the box: of the legend's lines. */
static void count_quarters(const png_page *page, const axes_box *box, uint32_t colour,
                           int counts[4]) {
    int middle_x = (int)((box->left + box->right) / 2);
    int middle_y = (int)((box->top + box->bottom) / 2);
    int left = (int)box->left;
    int right = (int)box->right;
    int top = (int)box->top;
    int bottom = (int)box->bottom;
    counts[0] = page_count(page, colour, left, top, middle_x, middle_y);
    counts[1] = page_count(page, colour, middle_x, top, right, middle_y);
    counts[2] = page_count(page, colour, left, middle_y, middle_x, bottom);
    counts[3] = page_count(page, colour, middle_x, middle_y, right, bottom);
}

static void the_legend_names_curves_and_keeps_out_of_their_way(void **state) {
    const double wide[] = {1, 10};
    const double top[] = {1, 1};
    const double short_x[] = {1, 3};
    const double bottom[] = {0, 0};
    nin_curve curves[] = {{"top", wide, top, 2, NIN_LINE_SOLID},
                          {"bottom", short_x, bottom, 2, NIN_LINE_SOLID},
                          {"nothing", NULL, NULL, 0, NIN_LINE_SOLID}};
    nin_plot plot = {.x_min = 1, .x_max = 10, .curves = curves, .curve_count = 3};
    png_page with = draw(state, &plot);
    axes_box box = find_box(&with);
    int counts[4];
    count_quarters(&with, &box, GREEN, counts); /* the lower right is the first free corner */
    assert_int_equal(counts[0] + counts[1] + counts[2], 0);
    assert_in_range(counts[3], 300, 600); /* 26 units long, 2 high, 9 pixels each */
    count_quarters(&with, &box, BLUE, counts);
    assert_int_equal(counts[2], 0);
    assert_in_range(counts[3], 300, 600);
    page_free(&with);

    curves[2].label = "a label longer than there is room for is cut, not drawn smaller";
    png_page cut = draw(state, &plot);
    count_quarters(&cut, &box, GREEN, counts);
    assert_in_range(counts[0] + counts[1] + counts[2] + counts[3], 300, 600);
    page_free(&cut);

    for (int i = 0; i < 3; i++) {
        curves[i].label = NULL;
    }
    png_page without = draw(state, &plot);
    count_quarters(&without, &box, GREEN, counts);
    assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 0);
    page_free(&without);
}

static void covered_length_is_that_inside_the_box(void **state) {
    (void)state;
    const ninp_axes axes = {.area = {0, 0, 100, 100}, .x_range = {0, 100}, .y_range = {0, 100}};
    const ninp_rect rect = {20, 20, 40, 60}; /* y: 20 to 80 both ways round */
    ninp_point across[] = {{0, 50, true}, {100, 50, false}};
    ninp_point slanted[] = {{20, 20, true}, {60, 50, false}};
    ninp_point past[] = {{0, 90, true}, {100, 90, false}, {10, 0, true}, {10, 100, false}};
    ninp_point corner[] = {{0, 60, true}, {40, 100, false}};
    ninp_point dots[] = {{30, 30, true}, {90, 90, true}};
    ninp_point dots_and_line[] = {{50, 50, true}, {0, 0, true}, {100, 0, false}};
    const struct {
        ninp_trace trace;
        double covered;
    } cases[] = {{{across, 2}, 40}, {{slanted, 2}, 50}, {{past, 4}, 0},
                 {{corner, 2}, 0},  {{dots, 2}, 6},     {{dots_and_line, 3}, 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double covered = ninp_legend_covered(&axes, &cases[i].trace, rect);
        assert_true(fabs(covered - cases[i].covered) < 1e-9);
    }
}

static void a_single_point_is_a_dot(void **state) {
    const double x[] = {3};
    const double y[] = {0.8};
    const nin_curve curve = {NULL, x, y, 1, NIN_LINE_DASH_DOT};
    const nin_plot plot = {.x_min = 1, .x_max = 5, .curves = &curve, .curve_count = 1};
    png_page page = draw(state, &plot);
    axes_box box = find_box(&page);
    assert_true(page_is_near(pixel_at(&page, &box, 0.5, 0.5), BLUE));
    int pixels = page_count(&page, BLUE, 0, 0, page.width, page.height);
    assert_in_range(pixels, 200, 280); /* a disc of radius 9: 254 */
    page_free(&page);
}

/* Whatever is plotted, nothing reaches the edge of the page, and the box is there. */
static void nothing_is_cut_off(void **state) {
    const char *tiring = "a label that is longer than any page has room for, with \xFF in it, "
                         "and again: a label that is longer than any page has room for";
    const double x[] = {-1e300, 1, 2, 3, 1e300, (double)NAN};
    const double y[] = {1, -1e300, 1e300, (double)NAN, -HUGE_VAL, 0};
    const double near[] = {1000000.001, 1000000.002, 1000000.003};
    const double epochs[] = {1, 2, 3};
    const nin_curve wild[] = {{tiring, x, y, 6, NIN_LINE_DOTTED}};
    const nin_curve narrow[] = {{"a", near, near, 3, NIN_LINE_SOLID}};
    const nin_curve wide_x[] = {{"a", near, epochs, 3, NIN_LINE_SOLID}};
    const nin_curve one[] = {{"a", epochs, near, 1, NIN_LINE_SOLID}};
    nin_curve many[40];
    for (int i = 0; i < 40; i++) {
        many[i] = (nin_curve){i % 2 ? "even" : tiring, epochs, near, 3, (nin_line_style)(i % 4)};
    }
    const nin_plot plots[] = {{tiring, tiring, tiring, 0, 0, wild, 1},
                              {NULL, NULL, NULL, 1, 3, wild, 1},
                              {NULL, "x", "y", 0, 0, narrow, 1},
                              {tiring, NULL, NULL, 1, 1, one, 1},
                              {"", "", "", 1, 10, NULL, 0},
                              {NULL, "epoch", NULL, 1, 3, many, 40},
                              {NULL, NULL, NULL, 1, 1e300, wild, 1},
                              {NULL, NULL, NULL, -1e300, -1, narrow, 1},
                              {NULL, "x", NULL, 0, 0, wide_x, 1}};
    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        png_page page = draw(state, &plots[i]);
        assert_true(page_border_is_white(&page, 6));
        find_box(&page);
        page_free(&page);
    }
}

static bool contains(const char *bytes, size_t size, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(bytes + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static void every_format_is_written_the_same_twice(void **state) {
    const double x[] = {1, 2, 3};
    const double y[] = {0.5, 0.7, 0.8};
    const nin_curve curve = {"test acc", x, y, 3, NIN_LINE_DASH_DOT};
    const nin_plot plot = {"title", "epoch", "y", 1, 3, &curve, 1};
    const struct {
        const char *name, *start;
    } formats[] = {{"a.svg", "<?xml"}, {"a.PNG", "\x89PNG"}, {"a.pdf", "%PDF"}};
    for (size_t i = 0; i < 3; i++) {
        page_name path = page_path(state, formats[i].name);
        char *bytes[2];
        size_t sizes[2];
        for (int turn = 0; turn < 2; turn++) {
            assert_int_equal(nin_draw_plot(path.chars, &plot, NULL), NIN_OK);
            assert_int_equal(ninp_file_read(path.chars, 1 << 20, &bytes[turn], &sizes[turn], NULL),
                             NIN_OK);
        }
        assert_memory_equal(bytes[0], formats[i].start, strlen(formats[i].start));
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(bytes[0], bytes[1], sizes[0]);
        if (i == 0) { /* 3.5 x 2.5 inches, and letters as outlines */
            assert_true(contains(bytes[0], sizes[0], "width=\"336px\" height=\"240px\""));
            assert_false(contains(bytes[0], sizes[0], "<text"));
        }
        assert_false(contains(bytes[0], sizes[0], "CreationDate"));
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void failures_name_the_file(void **state) {
    const nin_plot plot = {.x_label = "epoch"};
    const char *wrong[] = {"curves.gif", "curves", "directory.png/curves", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        nin_error err = {0};
        assert_int_equal(nin_draw_plot(wrong[i], &plot, &err), NIN_ERROR_ARGUMENT);
        assert_int_equal(strncmp(err.message, wrong[i], strlen(wrong[i])), 0);
        assert_non_null(strstr(err.message, ".png, .svg or .pdf"));
    }
    const char *endings[] = {"missing/curves.svg", "missing/curves.png", "missing/curves.pdf"};
    for (size_t i = 0; i < 3; i++) {
        page_name path = page_path(state, endings[i]);
        nin_error err = {0};
        assert_int_equal(nin_draw_plot(path.chars, &plot, &err), NIN_ERROR_IO);
        assert_non_null(strstr(err.message, path.chars));
    }
    const nin_curve curve = {.count = 3};
    const nin_plot hollow = {.curves = &curve, .curve_count = 1};
    page_name path = page_path(state, "hollow.svg");
    assert_int_equal(nin_draw_plot(path.chars, &hollow, NULL), NIN_ERROR_ARGUMENT);
    assert_int_not_equal(access(path.chars, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_where_they_must_be),
        cmocka_unit_test(styles_and_colours_follow_the_lecture),
        cmocka_unit_test(the_legend_names_curves_and_keeps_out_of_their_way),
        cmocka_unit_test(covered_length_is_that_inside_the_box),
        cmocka_unit_test(a_single_point_is_a_dot),
        cmocka_unit_test(nothing_is_cut_off),
        cmocka_unit_test(every_format_is_written_the_same_twice),
        cmocka_unit_test(failures_name_the_file),
    };
    return cmocka_run_group_tests(tests, page_directory_make, page_directory_remove);
}

/* Plots as text. */
#include <nin/draw.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_text(const nin_plot *plot, int columns, int rows, bool ascii,
                        const char *expected) {
    char *text;
    nin_error err = {0};
    assert_int_equal(nin_draw_text_plot(plot, columns, rows, ascii, &text, &err), NIN_OK);
    assert_string_equal(text, expected);
    nin_text_free(text);
}

static const double epochs[] = {1, 2, 3, 4, 5};
static const double loss[] = {2, 1.2, 0.8, 0.6, 0.5};
static const double accuracy[] = {0.2, 0.5, 0.7, 0.75, 0.8};
static const double rate[] = {0.1, 0.1, (double)NAN, 0.1, 0.1};
static const nin_curve curves[] = {{"train loss", epochs, loss, 5, NIN_LINE_SOLID},
                                   {"train acc", epochs, accuracy, 5, NIN_LINE_DASHED},
                                   {"test acc", NULL, NULL, 0, NIN_LINE_DASH_DOT},
                                   {"lr", epochs, rate, 5, NIN_LINE_DOTTED}};
static const nin_plot plot = {"NiN \u2192 Fashion", "epoch", "l\u00F6ss", 1, 5, curves, 4};

static void braille_shows_styles(void **state) {
    (void)state;
    expect_text(&plot, 40, 16, false,
                "             NiN → Fashion\n"
                "löss\n"
                "2.0 ┤⢄\n"
                "    │ ⠉⠢⣀\n"
                "1.5 ┤    ⠑⠤⡀\n"
                "    │      ⠈⠒⢄⡀\n"
                "1.0 ┤         ⠈⠑⠒⠤⢄⡀\n"
                "    │              ⠈⠉⠒⢤⣤⣀⣀⣀⢀⣀ ⣀⡀⢀⣀ ⡠⠄⠠⠤\n"
                "0.5 ┤        ⣀ ⠤⠄⠐⠒ ⠉⠁     ⠉⠉⠉⠒⠒⠒⠢⠤⠤⠤⢄⣀⣀\n"
                "    │ ⡀⢀⠤ ⠒⠁⠈\n"
                "    │⠋⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐ ⠂⠐\n"
                "    └┬───────┬────────┬────────┬───────┬\n"
                "     1       2        3        4       5\n"
                "                 epoch\n"
                "   ⠤⠤⠤⠤⠤ train loss   ⠤⠄⠠⠤  train acc\n"
                "       ⠤⠤ ⠄⠤ test acc   ⠄⠠ ⠄⠠ lr\n");
}

static void ascii_shows_symbols(void **state) {
    (void)state;
    expect_text(&plot, 40, 16, true,
                "             NiN ? Fashion\n"
                "l?ss\n"
                "2.0 +**\n"
                "    |  ***\n"
                "1.5 +     ***\n"
                "    |        ****\n"
                "1.0 +            ****\n"
                "    |              +++++++++++++++++++++\n"
                "0.5 +     +++++++++        *************\n"
                "    |+++++\n"
                "    |ooooooooooooooooooooooooooooooooooo\n"
                "    ++--------+-------+--------+-------+\n"
                "     1        2       3        4       5\n"
                "                 epoch\n"
                "* train loss   + train acc   x test acc\n"
                "                  o lr\n");
}

static void small_plots_are_drawn(void **state) {
    (void)state;
    const nin_curve one = {"one", epochs, accuracy + 1, 1, NIN_LINE_SOLID};
    nin_plot small = {.curves = &one, .curve_count = 1};
    expect_text(&small, 20, 6, false,
                "     │\n"
                "0.50 ┤       ⠄\n"
                "     │\n"
                "     └┬──────┬─────┬\n"
                "     0.5    1.0  1.5\n"
                "     ⠤⠤⠤⠤⠤ one\n");
    expect_text(&small, 20, 6, true,
                "     |\n"
                "0.50 +       *\n"
                "     |\n"
                "     ++------+-----+\n"
                "     0.5    1.0  1.5\n"
                "       * one\n");
    small.curve_count = 0;
    expect_text(&small, 20, 6, false,
                "1 ┤\n"
                "  │\n"
                "  │\n"
                "0 ┤\n"
                "  └┬───────────────┬\n"
                "   0               1\n");
}

/* Characters of a line of UTF-8. */
static int line_columns(const char *line, const char *end) {
    int columns = 0;
    for (; line < end; line++) {
        columns += (*line & 0xC0) != 0x80;
    }
    return columns;
}

/* At any size: no more than `columns` x `rows`, no space at the end of a line, ASCII if asked. */
static void text_fits(void **state) {
    (void)state;
    for (int columns = 16; columns < 130; columns += 3) {
        for (int rows = 12; rows < 45; rows += 4) {
            for (int ascii = 0; ascii < 2; ascii++) {
                char *text;
                assert_int_equal(nin_draw_text_plot(&plot, columns, rows, ascii, &text, NULL),
                                 NIN_OK);
                int lines = 0;
                for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                    assert_true(line_columns(line, end) <= columns);
                    assert_true(end == line || end[-1] != ' ');
                    lines++;
                }
                assert_int_equal(lines, rows);
                for (const char *at = text; *at && ascii; at++) {
                    assert_true((*at >= ' ' && *at <= '~') || *at == '\n');
                }
                nin_text_free(text);
            }
        }
    }
}

static void wide_labels_leave_room(void **state) {
    (void)state;
    const double near[] = {1000000.001, 1000000.002};
    const double y[] = {1, 2};
    const nin_curve curve = {"a label that is longer than the line", near, y, 2, NIN_LINE_SOLID};
    const nin_plot narrow = {.curves = &curve, .curve_count = 1, .title = "a title that is longer"};
    expect_text(&narrow, 16, 8, true,
                "a title that is~\n"
                "2 +           **\n"
                "  |       ****\n"
                "  |   ****\n"
                "1 +***\n"
                "  ++-----------+\n"
                "   1.000000002e6\n"
                "* a label that ~\n");
}

static void impossible_sizes_are_refused(void **state) {
    (void)state;
    const struct {
        int columns, rows;
        const char *message;
    } cases[] = {
        {40, 9, "text plot: 40 x 9 characters are too few, this plot needs 13 x 10"},
        {15, 40,
         "text plot: 15 x 40 characters: 16 to 10000 columns and 1 to 10000 rows are possible"},
        {40, 0,
         "text plot: 40 x 0 characters: 16 to 10000 columns and 1 to 10000 rows are possible"},
        {40, 10001,
         "text plot: 40 x 10001 characters: 16 to 10000 columns and 1 to 10000 rows are possible"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = (char *)"";
        nin_error err = {0};
        assert_int_equal(
            nin_draw_text_plot(&plot, cases[i].columns, cases[i].rows, false, &text, &err),
            NIN_ERROR_ARGUMENT);
        assert_null(text);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braille_shows_styles),   cmocka_unit_test(ascii_shows_symbols),
        cmocka_unit_test(small_plots_are_drawn),  cmocka_unit_test(text_fits),
        cmocka_unit_test(wide_labels_leave_room), cmocka_unit_test(impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

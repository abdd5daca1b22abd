/* Curves as lines of text. */
#include "base/error.h"
#include "base/text.h"
#include "draw/dots.h"
#include "draw/trace.h"
#include "draw/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_SIDE = 10000, /* in characters */
    LEAST_COLUMNS = 16,
    LEAST_PLOT_COLUMNS = 10,
    LEAST_PLOT_ROWS = 3,
    MOST_TICKS = 9,
    ROWS_PER_TICK = 3,
    TICK_GAP = 3,
    SAMPLE_COLUMNS = 5, /* of a line in the legend, in braille */
    LEGEND_GAP = 3
};

/* The characters that axes are made of. */
typedef struct axis_signs {
    const char *y_tick, *y_axis, *corner, *x_tick, *x_axis;
} axis_signs;

static const axis_signs ascii_signs = {"+", "|", "+", "+", "-"};
static const axis_signs box_signs = {"\u2524", "\u2502", "\u2514", "\u252C", "\u2500"};

typedef struct text_plot {
    const nin_plot *plot;
    int columns, rows;
    bool ascii;
    ninp_view view;
    ninp_ticks x_ticks, y_ticks;
    ninp_dots dots; /* where the curves are */
    int left;       /* columns before them: labels of y, a space, the axis */
    ninp_text out;
} text_plot;

static ninp_label make_label(const text_plot *text, const char *chars, int length) {
    ninp_label label = text->ascii ? ninp_label_make_ascii(chars) : ninp_label_make(chars);
    ninp_label_cut(&label, (size_t)length, text->ascii);
    return label;
}

static void add_times(ninp_text *out, const char *sign, int count) {
    for (int i = 0; i < count; i++) {
        ninp_text_add(out, "%s", sign);
    }
}

static void end_line(ninp_text *out) {
    while (out->length > 0 && out->chars[out->length - 1] == ' ') {
        out->chars[--out->length] = '\0';
    }
    ninp_text_add(out, "\n");
}

static void add_centred_label(text_plot *text, const char *chars) {
    if (ninp_has_text(chars)) {
        ninp_label label = make_label(text, chars, text->columns);
        add_times(&text->out, " ", (text->columns - (int)ninp_label_length(&label)) / 2);
        ninp_text_add(&text->out, "%s", label.chars);
        end_line(&text->out);
    }
}

/* ---- legend ------------------------------------------------------------------------------ */

static int sample_columns(const text_plot *text) {
    return text->ascii ? 1 : SAMPLE_COLUMNS;
}

static ninp_label legend_label(const text_plot *text, size_t curve) {
    return make_label(text, text->plot->curves[curve].label,
                      text->columns - sample_columns(text) - 1);
}

/* Columns of a curve's entry; 0: it has none. */
static int entry_columns(const text_plot *text, size_t curve) {
    if (!text->plot->curves[curve].label) {
        return 0;
    }
    ninp_label label = legend_label(text, curve);
    return sample_columns(text) + 1 + (int)ninp_label_length(&label);
}

/* The entries from curve `first` on that fit in one line: gives the curve behind them and how many
 * columns they take. */
static size_t fill_legend_line(const text_plot *text, size_t first, int *length) {
    *length = 0;
    size_t curve = first;
    for (; curve < text->plot->curve_count; curve++) {
        int entry = entry_columns(text, curve);
        int longer = *length + entry + (*length > 0 ? LEGEND_GAP : 0);
        if (entry > 0 && *length > 0 && longer > text->columns) {
            break;
        }
        *length = entry > 0 ? longer : *length;
    }
    return curve;
}

static int count_legend_lines(const text_plot *text) {
    int lines = 0;
    for (size_t curve = 0; curve < text->plot->curve_count;) {
        int length;
        curve = fill_legend_line(text, curve, &length);
        lines += length > 0 ? 1 : 0;
    }
    return lines;
}

/* A piece of line as the curve is drawn, and its label. */
static void add_entry(text_plot *text, size_t curve) {
    const ninp_view square = {.x = {0, 1}, .y = {0, 1}};
    ninp_point ends[] = {{0, 0.5, true}, {1, 0.5, false}};
    const ninp_trace line = {ends, 2};
    ninp_dots sample;
    if (ninp_dots_make(sample_columns(text), 1, text->ascii, &sample, NULL) != NIN_OK) {
        text->out.failed = true;
        return;
    }
    ninp_dots_draw(&sample, &square, &line, curve, text->plot->curves[curve].style);
    ninp_dots_print_row(&sample, 0, &text->out);
    ninp_dots_free(&sample);
    ninp_label label = legend_label(text, curve);
    ninp_text_add(&text->out, " %s", label.chars);
}

static void add_legend(text_plot *text) {
    for (size_t first = 0; first < text->plot->curve_count;) {
        int length;
        size_t end = fill_legend_line(text, first, &length);
        int gap = (text->columns - length) / 2;
        for (size_t curve = first; curve < end; curve++) {
            if (text->plot->curves[curve].label) {
                add_times(&text->out, " ", gap);
                add_entry(text, curve);
                gap = LEGEND_GAP;
            }
        }
        if (length > 0) {
            end_line(&text->out);
        }
        first = end;
    }
}

/* ---- axes and curves --------------------------------------------------------------------- */

static double label_columns(void *unused, const char *label) {
    (void)unused;
    return (double)strlen(label);
}

/* Divides the space: what the other lines and the labels of y leave is for the curves.
 * NIN_ERROR_ARGUMENT: that is too little. */
static nin_status choose_layout(text_plot *text, nin_error *err) {
    const nin_plot *plot = text->plot;
    int other_rows = 2 + ninp_has_text(plot->title) + ninp_has_text(plot->y_label) +
                     ninp_has_text(plot->x_label) + count_legend_lines(text);
    int plot_rows = text->rows - other_rows;
    int most = plot_rows / ROWS_PER_TICK + 1;
    most = most < 2 ? 2 : most > MOST_TICKS ? MOST_TICKS : most;
    text->y_ticks = ninp_ticks_choose(text->view.y, most, false);
    text->left = (int)ninp_ticks_widest(&text->y_ticks, "-", label_columns, NULL) + 2;
    int plot_columns = text->columns - text->left;
    if (plot_rows < LEAST_PLOT_ROWS || plot_columns < LEAST_PLOT_COLUMNS) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "text plot: %d x %d characters are too few, this plot needs %d x %d",
                         text->columns, text->rows, text->left + LEAST_PLOT_COLUMNS,
                         other_rows + LEAST_PLOT_ROWS);
    }
    text->x_ticks =
        ninp_ticks_fit(text->view.x, MOST_TICKS, plot_columns, TICK_GAP, label_columns, NULL);
    return ninp_dots_make(plot_columns, plot_rows, text->ascii, &text->dots, err);
}

/* The tick of y in a row of characters, or -1. */
static int tick_in_row(const text_plot *text, int row) {
    for (int i = 0; i < text->y_ticks.count; i++) {
        double place = ninp_range_place(text->view.y, ninp_tick_value(&text->y_ticks, i));
        if (ninp_dots_cell_row(&text->dots, ninp_dots_row(&text->dots, place)) == row) {
            return i;
        }
    }
    return -1;
}

static int tick_column(const text_plot *text, int tick) {
    double place = ninp_range_place(text->view.x, ninp_tick_value(&text->x_ticks, tick));
    return ninp_dots_cell_column(&text->dots, ninp_dots_column(&text->dots, place));
}

static void add_curves(text_plot *text, const axis_signs *signs) {
    for (int row = 0; row < text->dots.rows; row++) {
        char label[NINP_TICK_LABEL_BYTES] = "";
        int tick = tick_in_row(text, row);
        if (tick >= 0) {
            ninp_tick_label(&text->y_ticks, tick, "-", label);
        }
        ninp_text_add(&text->out, "%*s %s", text->left - 2, label,
                      tick >= 0 ? signs->y_tick : signs->y_axis);
        ninp_dots_print_row(&text->dots, row, &text->out);
        end_line(&text->out);
    }
}

static void add_x_axis(text_plot *text, const axis_signs *signs) {
    int tick = 0;
    add_times(&text->out, " ", text->left - 1);
    ninp_text_add(&text->out, "%s", signs->corner);
    for (int column = 0; column < text->dots.columns; column++) {
        bool marked = tick < text->x_ticks.count && tick_column(text, tick) == column;
        ninp_text_add(&text->out, "%s", marked ? signs->x_tick : signs->x_axis);
        tick += marked;
    }
    end_line(&text->out);
}

/* Each label has its middle under its tick, but ends within the line; one that does not fit there
 * is left out. */
static void add_x_labels(text_plot *text) {
    int column = 0;
    for (int i = 0; i < text->x_ticks.count; i++) {
        char label[NINP_TICK_LABEL_BYTES];
        int length = (int)strlen(ninp_tick_label(&text->x_ticks, i, "-", label));
        int start = text->left + tick_column(text, i) - (length - 1) / 2;
        start = start + length > text->columns ? text->columns - length : start;
        if (start >= column + (i > 0)) {
            add_times(&text->out, " ", start - column);
            ninp_text_add(&text->out, "%s", label);
            column = start + length;
        }
    }
    end_line(&text->out);
}

static void add_all(text_plot *text) {
    const axis_signs *signs = text->ascii ? &ascii_signs : &box_signs;
    add_centred_label(text, text->plot->title);
    if (ninp_has_text(text->plot->y_label)) {
        ninp_label label = make_label(text, text->plot->y_label, text->columns);
        ninp_text_add(&text->out, "%s", label.chars);
        end_line(&text->out);
    }
    for (size_t c = 0; c < text->view.count; c++) {
        ninp_dots_draw(&text->dots, &text->view, &text->view.traces[c], c,
                       text->plot->curves[c].style);
    }
    add_curves(text, signs);
    add_x_axis(text, signs);
    add_x_labels(text);
    add_centred_label(text, text->plot->x_label);
    add_legend(text);
}

nin_status nin_draw_text_plot(const nin_plot *plot, int columns, int rows, bool ascii, char **text,
                              nin_error *err) {
    assert(plot && text);
    *text = NULL;
    if (columns < LEAST_COLUMNS || columns > LARGEST_SIDE || rows < 1 || rows > LARGEST_SIDE) {
        return ninp_fail(
            err, NIN_ERROR_ARGUMENT,
            "text plot: %d x %d characters: %d to %d columns and 1 to %d rows are possible",
            columns, rows, LEAST_COLUMNS, LARGEST_SIDE, LARGEST_SIDE);
    }
    text_plot drawn = {.plot = plot, .columns = columns, .rows = rows, .ascii = ascii};
    nin_status status = ninp_view_make(plot, &drawn.view, err);
    if (status != NIN_OK) {
        return status;
    }
    status = choose_layout(&drawn, err);
    if (status == NIN_OK) {
        add_all(&drawn);
        size_t size = drawn.out.length;
        *text = ninp_text_take(&drawn.out);
        status = *text ? NIN_OK : ninp_fail_memory(err, size, "a text plot");
    }
    ninp_dots_free(&drawn.dots);
    ninp_view_free(&drawn.view);
    return status;
}

void nin_text_free(char *text) {
    free(text);
}

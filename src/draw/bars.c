/* Bar charts: several quantities of each of several things. */
#include "base/error.h"
#include "draw/canvas.h"
#include "draw/label.h"
#include "draw/ticks.h"
#include "draw/utf8.h"

#include <assert.h>
#include <math.h>
#include <nin/draw.h>

/* All in units of the page, 1/96 inch. */
static const double MARGIN = 14;
static const double TITLE_SIZE = 14;
static const double TITLE_HEIGHT = 30;
static const double TEXT_SIZE = 12;
static const double NOTE_SIZE = 10;
static const double NOTE_HEIGHT = 18;
static const double HEAD_GAP = 8; /* from the row heads to the bars */
static const double WIDEST_HEAD = 200;
static const double PANEL_TITLE_HEIGHT = 22;
static const double BAR_LENGTH = 150; /* of the longest */
static const double BAR_HEIGHT = 13;
static const double ROW_HEIGHT = 20;
static const double TEXT_GAP = 5; /* from a bar to its text */
static const double PANEL_GAP = 26;

enum { PNG_PIXELS = 2, MOST_ROWS = 200, MOST_PANELS = 12 };

typedef struct bars_layout {
    double heads; /* width of the row heads, which stand once a line of panels */
    double text;  /* width of the widest text at a bar */
    double panel_width, panel_height;
    int lines; /* of panels */
    double page_width, page_height;
} bars_layout;

static nin_status check(const nin_bars *bars, nin_error *err) {
    bool right = bars->rows >= 1 && bars->rows <= MOST_ROWS && bars->panel_count >= 1 &&
                 bars->panel_count <= MOST_PANELS && bars->columns >= 1 && bars->row_heads &&
                 bars->panels;
    for (int p = 0; right && p < bars->panel_count; p++) {
        right = bars->panels[p].bars != NULL;
        for (int row = 0; right && row < bars->rows; row++) {
            double value = bars->panels[p].bars[row].value;
            right = isnan(value) || (value >= 0 && value <= NINP_DRAW_LARGEST);
        }
    }
    return right ? NIN_OK
                 : ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "bar chart: %d rows and %d panels in %d columns cannot be drawn, or a "
                             "value is negative or infinite",
                             bars->rows, bars->panel_count, bars->columns);
}

static bars_layout place_all(cairo_t *cairo, const nin_bars *bars) {
    bars_layout layout = {0};
    for (int row = 0; row < bars->rows; row++) {
        layout.heads = fmax(layout.heads, ninp_label_width(cairo, TEXT_SIZE, bars->row_heads[row]));
        for (int p = 0; p < bars->panel_count; p++) {
            layout.text = fmax(layout.text,
                               ninp_label_width(cairo, TEXT_SIZE, bars->panels[p].bars[row].text));
        }
    }
    layout.heads = fmin(ceil(layout.heads), WIDEST_HEAD);
    layout.text = ceil(layout.text);
    layout.panel_width = BAR_LENGTH + TEXT_GAP + layout.text;
    layout.panel_height = PANEL_TITLE_HEIGHT + bars->rows * ROW_HEIGHT;
    int columns = bars->columns < bars->panel_count ? bars->columns : bars->panel_count;
    layout.lines = (bars->panel_count + columns - 1) / columns;
    layout.page_width = 2 * MARGIN + layout.heads + HEAD_GAP +
                        columns * (layout.panel_width + PANEL_GAP) - PANEL_GAP;
    layout.page_height = 2 * MARGIN + (ninp_has_text(bars->title) ? TITLE_HEIGHT : 0) +
                         layout.lines * (layout.panel_height + PANEL_GAP) - PANEL_GAP +
                         (ninp_has_text(bars->note) ? NOTE_HEIGHT : 0);
    return layout;
}

static double largest_value(const nin_bars *bars, const nin_bar_panel *panel) {
    double largest = 0;
    for (int row = 0; row < bars->rows; row++) {
        largest = fmax(largest, panel->bars[row].value); /* a NaN is passed over */
    }
    return largest;
}

static void draw_panel(ninp_canvas *canvas, const nin_bars *bars, const nin_bar_panel *panel,
                       double left, double top) {
    cairo_t *cairo = canvas->cairo;
    const double largest = largest_value(bars, panel);
    const double first = top + PANEL_TITLE_HEIGHT;
    ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0}, left, top + TEXT_SIZE,
                    HUGE_VAL, panel->title);
    for (int row = 0; row < bars->rows; row++) {
        const nin_bar *bar = &panel->bars[row];
        double middle = first + (row + 0.5) * ROW_HEIGHT;
        double length = bar->value > 0 ? bar->value / largest * BAR_LENGTH : 0;
        cairo_set_source_rgb(cairo, 0.12, 0.47, 0.71);
        cairo_rectangle(cairo, left, middle - BAR_HEIGHT / 2, length, BAR_HEIGHT);
        cairo_fill(cairo);
        ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0},
                        left + length + TEXT_GAP, middle + ninp_label_cap_height(TEXT_SIZE) / 2,
                        HUGE_VAL, bar->text);
    }
    double x = ninp_canvas_snap(canvas, left); /* where the bars begin */
    cairo_set_source_rgb(cairo, 0.6, 0.6, 0.6);
    cairo_set_line_width(cairo, 1);
    cairo_move_to(cairo, x, first);
    cairo_line_to(cairo, x, first + bars->rows * ROW_HEIGHT);
    cairo_stroke(cairo);
}

static void draw_all(ninp_canvas *canvas, const nin_bars *bars, const bars_layout *layout) {
    cairo_t *cairo = canvas->cairo;
    const double first = MARGIN + (ninp_has_text(bars->title) ? TITLE_HEIGHT : 0);
    ninp_label_draw(cairo, (ninp_lettering){TITLE_SIZE, NINP_LABEL_INK, 0}, MARGIN,
                    MARGIN + TITLE_SIZE, layout->page_width - 2 * MARGIN, bars->title);
    for (int p = 0; p < bars->panel_count; p++) {
        const int line = p / bars->columns;
        double top = first + line * (layout->panel_height + PANEL_GAP);
        double left = MARGIN + layout->heads + HEAD_GAP +
                      (p % bars->columns) * (layout->panel_width + PANEL_GAP);
        draw_panel(canvas, bars, &bars->panels[p], left, top);
        for (int row = 0; p % bars->columns == 0 && row < bars->rows; row++) {
            double y = top + PANEL_TITLE_HEIGHT + (row + 0.5) * ROW_HEIGHT +
                       ninp_label_cap_height(TEXT_SIZE) / 2;
            ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 1},
                            MARGIN + layout->heads, y, WIDEST_HEAD, bars->row_heads[row]);
        }
    }
    ninp_label_draw(cairo, (ninp_lettering){NOTE_SIZE, 0.4, 0}, MARGIN,
                    layout->page_height - MARGIN + 2, layout->page_width - 2 * MARGIN, bars->note);
}

nin_status nin_draw_bars(const char *path, const nin_bars *bars, nin_error *err) {
    assert(path && bars);
    nin_status status = check(bars, err);
    ninp_canvas canvas;
    if (status == NIN_OK) {
        status = ninp_canvas_open(&canvas, path, 1, 1, 1, err); /* to measure text */
    }
    if (status != NIN_OK) {
        return status;
    }
    const bars_layout layout = place_all(canvas.cairo, bars);
    ninp_canvas_discard(&canvas);
    status =
        ninp_canvas_open(&canvas, path, layout.page_width, layout.page_height, PNG_PIXELS, err);
    if (status != NIN_OK) {
        return status;
    }
    draw_all(&canvas, bars, &layout);
    return ninp_canvas_save(&canvas, path, err);
}

/* Strip charts: how values of several things spread. */
#include "base/error.h"
#include "base/memory.h"
#include "draw/canvas.h"
#include "draw/label.h"
#include "draw/ticks.h"
#include "draw/utf8.h"

#include <assert.h>
#include <math.h>
#include <nin/draw.h>
#include <stdlib.h>

/* All in units of the page, 1/96 inch. */
static const double MARGIN = 12;
static const double TITLE_SIZE = 13;
static const double TITLE_HEIGHT = 26;
static const double TEXT_SIZE = 12;
static const double HEAD_GAP = 12; /* from the row heads to the first panel */
static const double WIDEST_HEAD = 200;
static const double PANEL_WIDTH = 300;
static const double PANEL_GAP = 28;
static const double PANEL_PADDING = 16; /* from the frame to the ends of the scale: dots there are
                                           seen whole, and find room beside each other */
static const double ROW_HEIGHT = 32;
static const double SCALE_HEIGHT = 44; /* ticks and label below a panel */
static const double LEGEND_HEIGHT = 22;
static const double DOT = 2.3;     /* radius */
static const double STEP = 5.2;    /* between dots that would lie on each other */
static const double OUTLINE = 0.4; /* white, so that dots that overlap can be counted */

static const double GRID_GREY = 0.88;

enum { PNG_PIXELS = 2, MOST_ROWS = 200, MOST_PANELS = 8, MOST_GROUPS = 16, MOST_TICKS = 7 };

typedef struct place {
    double x, y;
} place;

static nin_status check(const nin_strips *strips, nin_error *err) {
    bool right = strips->rows >= 1 && strips->rows <= MOST_ROWS && strips->panel_count >= 1 &&
                 strips->panel_count <= MOST_PANELS && strips->group_count >= 1 &&
                 strips->group_count <= MOST_GROUPS && strips->row_heads && strips->panels &&
                 strips->groups;
    for (int p = 0; right && p < strips->panel_count; p++) {
        const nin_strip_panel *panel = &strips->panels[p];
        right = panel->x_min < panel->x_max && panel->spread >= 0 &&
                panel->spread <= panel->x_max - panel->x_min &&
                fabs(panel->x_min) < NINP_DRAW_LARGEST && fabs(panel->x_max) < NINP_DRAW_LARGEST &&
                (panel->dots || panel->count == 0);
        for (size_t i = 0; right && i < panel->count; i++) {
            const nin_strip_dot *dot = &panel->dots[i];
            right = dot->row >= 0 && dot->row < strips->rows && dot->group >= 0 &&
                    dot->group < strips->group_count;
        }
    }
    return right ? NIN_OK
                 : ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "strip chart: %d rows, %d panels and %d groups cannot be drawn, or a "
                             "panel's range or a dot's row or group is wrong",
                             strips->rows, strips->panel_count, strips->group_count);
}

/* ---- dots -------------------------------------------------------------------------------- */

/* Up to STEP, which is enough. */
static double room_at(const place *taken, size_t count, place wanted) {
    double room = STEP;
    for (size_t i = 0; i < count; i++) {
        room = fmin(room, hypot(taken[i].x - wanted.x, taken[i].y - wanted.y));
    }
    return room;
}

/* 0, 1, -1, 2, -2, ... */
static int zigzag(int i) {
    return i % 2 ? (i + 1) / 2 : -i / 2;
}

/* The place nearest to (x, y) that is free, up and down first, then aside by up to `spread`; where
 * there is none, the one with the most room. */
static place find_place(const place *taken, size_t count, place value, double spread) {
    const double fine = 1.3; /* a quarter of STEP */
    const int levels = (int)((ROW_HEIGHT / 2 - DOT - 1) / fine);
    const int columns = (int)(spread / STEP);
    place best = value;
    double most = 0;
    for (int column = 0; column <= 2 * columns; column++) {
        for (int level = 0; level <= 2 * levels; level++) {
            const place tried = {value.x + zigzag(column) * STEP, value.y + zigzag(level) * fine};
            const double room = room_at(taken, count, tried);
            if (room > most + 0.01) {
                best = tried;
                most = room;
            }
        }
    }
    return best;
}

static void draw_dot(cairo_t *cairo, uint32_t colour, place at) {
    cairo_set_source_rgb(cairo, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0,
                         (colour & 255) / 255.0);
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, at.x, at.y, DOT, 0, 2 * acos(-1));
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_set_line_width(cairo, OUTLINE);
    cairo_stroke(cairo);
}

/* `taken` has room for all dots of the panel. Dots of different rows are too far apart to meet. */
static void draw_dots(cairo_t *cairo, const nin_strips *strips, const nin_strip_panel *panel,
                      double left, double top, place *taken) {
    const ninp_range range = {panel->x_min, panel->x_max};
    const double length = PANEL_WIDTH - 2 * PANEL_PADDING;
    const double spread = panel->spread / (range.high - range.low) * length;
    size_t count = 0;
    for (size_t i = 0; i < panel->count; i++) {
        const nin_strip_dot *dot = &panel->dots[i];
        if (!(dot->x >= range.low && dot->x <= range.high)) {
            continue;
        }
        const place value = {left + PANEL_PADDING + ninp_range_place(range, dot->x) * length,
                             top + (dot->row + 0.5) * ROW_HEIGHT};
        taken[count] = find_place(taken, count, value, spread);
        draw_dot(cairo, strips->groups[dot->group].colour, taken[count++]);
    }
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void draw_scale(ninp_canvas *canvas, const nin_strip_panel *panel, double left, double top,
                       double height) {
    cairo_t *cairo = canvas->cairo;
    const ninp_range range = {panel->x_min, panel->x_max};
    const double length = PANEL_WIDTH - 2 * PANEL_PADDING;
    const double low = top + height;
    ninp_ticks ticks = ninp_ticks_choose(range, MOST_TICKS, false);
    for (int i = 0; i < ticks.count; i++) {
        double at =
            left + PANEL_PADDING + ninp_range_place(range, ninp_tick_value(&ticks, i)) * length;
        double x = ninp_canvas_snap(canvas, at);
        cairo_set_source_rgb(cairo, GRID_GREY, GRID_GREY, GRID_GREY);
        cairo_set_dash(cairo, NULL, 0, 0);
        cairo_set_line_width(cairo, 1);
        cairo_move_to(cairo, x, top);
        cairo_line_to(cairo, x, low);
        cairo_stroke(cairo);
        char label[NINP_TICK_LABEL_BYTES];
        ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0.5}, at, low + 16,
                        HUGE_VAL, ninp_tick_label(&ticks, i, "\u2212", label));
    }
    ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0.5}, left + PANEL_WIDTH / 2,
                    low + 34, PANEL_WIDTH, panel->x_label);
}

/* Lines between the rows. */
static void draw_rows(ninp_canvas *canvas, int rows, double left, double top) {
    cairo_t *cairo = canvas->cairo;
    cairo_set_source_rgb(cairo, GRID_GREY, GRID_GREY, GRID_GREY);
    cairo_set_dash(cairo, NULL, 0, 0);
    cairo_set_line_width(cairo, 1);
    for (int row = 0; row <= rows; row++) {
        double y = ninp_canvas_snap(canvas, top + row * ROW_HEIGHT);
        cairo_move_to(cairo, left, y);
        cairo_line_to(cairo, left + PANEL_WIDTH, y);
    }
    cairo_stroke(cairo);
}

static bool has_dots(const nin_strips *strips, int group) {
    for (int p = 0; p < strips->panel_count; p++) {
        for (size_t i = 0; i < strips->panels[p].count; i++) {
            if (strips->panels[p].dots[i].group == group) {
                return true;
            }
        }
    }
    return false;
}

static void draw_legend(cairo_t *cairo, const nin_strips *strips, double left, double baseline) {
    const double half = ninp_label_cap_height(TEXT_SIZE) / 2;
    for (int group = 0; group < strips->group_count; group++) {
        if (has_dots(strips, group)) {
            const nin_strip_group *named = &strips->groups[group];
            draw_dot(cairo, named->colour, (place){left + DOT, baseline - half});
            left += 2 * DOT + 5;
            ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0}, left, baseline,
                            HUGE_VAL, named->label);
            left += ninp_label_width(cairo, TEXT_SIZE, named->label) + 18;
        }
    }
}

static double head_width(cairo_t *cairo, const nin_strips *strips) {
    double widest = 0;
    for (int row = 0; row < strips->rows; row++) {
        widest = fmax(widest, ninp_label_width(cairo, TEXT_SIZE, strips->row_heads[row]));
    }
    return fmin(ceil(widest), WIDEST_HEAD);
}

static void draw_all(ninp_canvas *canvas, const nin_strips *strips, double heads, double width,
                     place *taken) {
    cairo_t *cairo = canvas->cairo;
    const double first = MARGIN + heads + HEAD_GAP;
    const double top = MARGIN + (ninp_has_text(strips->title) ? TITLE_HEIGHT : 0);
    const double height = strips->rows * ROW_HEIGHT;
    ninp_label_draw(cairo, (ninp_lettering){TITLE_SIZE, NINP_LABEL_INK, 0}, MARGIN,
                    MARGIN + TITLE_SIZE, width - 2 * MARGIN, strips->title);
    for (int row = 0; row < strips->rows; row++) {
        double y = top + (row + 0.5) * ROW_HEIGHT + ninp_label_cap_height(TEXT_SIZE) / 2;
        ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 1}, MARGIN + heads, y,
                        WIDEST_HEAD, strips->row_heads[row]);
    }
    for (int p = 0; p < strips->panel_count; p++) {
        double left = first + p * (PANEL_WIDTH + PANEL_GAP);
        draw_scale(canvas, &strips->panels[p], left, top, height);
        draw_rows(canvas, strips->rows, left, top);
        draw_dots(cairo, strips, &strips->panels[p], left, top, taken);
    }
    draw_legend(cairo, strips, first, top + height + SCALE_HEIGHT + TEXT_SIZE);
}

static nin_status draw_page(const char *path, const nin_strips *strips, place *taken,
                            nin_error *err) {
    ninp_canvas canvas;
    nin_status status = ninp_canvas_open(&canvas, path, 1, 1, 1, err); /* to measure text */
    if (status != NIN_OK) {
        return status;
    }
    double heads = head_width(canvas.cairo, strips);
    ninp_canvas_discard(&canvas);
    double width =
        2 * MARGIN + heads + HEAD_GAP + strips->panel_count * (PANEL_WIDTH + PANEL_GAP) - PANEL_GAP;
    double height = 2 * MARGIN + (ninp_has_text(strips->title) ? TITLE_HEIGHT : 0) +
                    strips->rows * ROW_HEIGHT + SCALE_HEIGHT + LEGEND_HEIGHT;
    status = ninp_canvas_open(&canvas, path, width, height, PNG_PIXELS, err);
    if (status == NIN_OK) {
        draw_all(&canvas, strips, heads, width, taken);
        status = ninp_canvas_save(&canvas, path, err);
    }
    return status;
}

nin_status nin_draw_strips(const char *path, const nin_strips *strips, nin_error *err) {
    assert(path && strips);
    nin_status status = check(strips, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t most = 1;
    for (int p = 0; p < strips->panel_count; p++) {
        most = strips->panels[p].count > most ? strips->panels[p].count : most;
    }
    place *taken = ninp_calloc(most, sizeof *taken);
    if (!taken) {
        return ninp_fail_memory(err, most * sizeof *taken, "a strip chart");
    }
    status = draw_page(path, strips, taken, err);
    free(taken);
    return status;
}

#include "draw/legend.h"

#include "draw/label.h"
#include "draw/pen.h"

#include <math.h>

/* Sizes at full size, in units of the page; a legend that does not fit is drawn smaller. */
static const double TEXT_SIZE = 11.5;
static const double LINE_HEIGHT = 16;
static const double HANDLE_LENGTH = 26;
static const double HANDLE_GAP = 7;
static const double PADDING = 5;
static const double CORNER = 3;
/* Between the legend and the box of the axes. */
static const double BORDER_GAP = 6;
/* Of the axes' width, what the labels may take. */
static const double WIDEST_LABEL = 0.6;

typedef struct legend_size {
    ninp_rect rect;
    double scale;       /* of all sizes */
    double label_width; /* at full size */
} legend_size;

/* The part of the line from a to b, 0 ... 1, that lies in [low, high] of one coordinate. */
static void clip_part(double a, double b, double low, double high, double part[2]) {
    if (a == b) {
        if (a < low || a > high) {
            part[1] = part[0]; /* nothing */
        }
        return;
    }
    double enter = (low - a) / (b - a);
    double leave = (high - a) / (b - a);
    part[0] = fmax(part[0], fmin(enter, leave));
    part[1] = fmin(part[1], fmax(enter, leave));
}

static bool is_in(ninp_rect rect, double x, double y) {
    return x >= rect.x && x <= rect.x + rect.width && y >= rect.y && y <= rect.y + rect.height;
}

/* Liang and Barsky's clipping (A New Concept and Method for Line Clipping, ACM TOG 3(1), 1984). */
double ninp_legend_covered(const ninp_axes *axes, const ninp_trace *trace, ninp_rect rect) {
    double covered = 0;
    double last_x = 0;
    double last_y = 0;
    for (size_t i = 0; i < trace->count; i++) {
        double x = ninp_axes_x(axes, trace->points[i].x);
        double y = ninp_axes_y(axes, trace->points[i].y);
        if (ninp_trace_is_lonely(trace, i)) {
            covered += is_in(rect, x, y) ? 2 * NINP_PEN_DOT : 0;
        } else if (!trace->points[i].start) {
            double part[2] = {0, 1};
            clip_part(last_x, x, rect.x, rect.x + rect.width, part);
            clip_part(last_y, y, rect.y, rect.y + rect.height, part);
            covered += fmax(0, part[1] - part[0]) * hypot(x - last_x, y - last_y);
        }
        last_x = x;
        last_y = y;
    }
    return covered;
}

static size_t count_labels(const nin_plot *plot, cairo_t *cairo, double *widest) {
    size_t count = 0;
    *widest = 0;
    for (size_t c = 0; c < plot->curve_count; c++) {
        if (plot->curves[c].label) {
            *widest = fmax(*widest, ninp_label_width(cairo, TEXT_SIZE, plot->curves[c].label));
            count++;
        }
    }
    return count;
}

static legend_size choose_size(cairo_t *cairo, const ninp_axes *axes, const nin_plot *plot) {
    double widest;
    size_t count = count_labels(plot, cairo, &widest);
    double label_width = fmin(widest, WIDEST_LABEL * axes->area.width);
    double width = 2 * PADDING + HANDLE_LENGTH + HANDLE_GAP + label_width;
    double height = 2 * PADDING + LINE_HEIGHT * (double)count;
    double scale = fmin(1, fmin((axes->area.width - 2 * BORDER_GAP) / width,
                                (axes->area.height - 2 * BORDER_GAP) / height));
    return (legend_size){{0, 0, width * scale, count ? height * scale : 0}, scale, label_width};
}

/* Tries the places in matplotlib's order, so that where several cover nothing the first wins. */
static ninp_rect choose_place(const ninp_axes *axes, const ninp_view *view, ninp_rect rect) {
    static const double places[][2] = {{1, 0},   {0, 0},   {0, 1},   {1, 1},    {1, 0.5},
                                       {0, 0.5}, {0.5, 1}, {0.5, 0}, {0.5, 0.5}};
    double least = HUGE_VAL;
    ninp_rect best = rect;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        double free_width = axes->area.width - rect.width - 2 * BORDER_GAP;
        double free_height = axes->area.height - rect.height - 2 * BORDER_GAP;
        rect.x = axes->area.x + BORDER_GAP + places[i][0] * free_width;
        rect.y = axes->area.y + BORDER_GAP + places[i][1] * free_height;
        double covered = 0;
        for (size_t c = 0; c < view->count; c++) {
            covered += ninp_legend_covered(axes, &view->traces[c], rect);
        }
        if (covered < least) {
            least = covered;
            best = rect;
        }
    }
    return best;
}

static void draw_box(cairo_t *cairo, ninp_rect rect, double corner) {
    const double quarter = acos(-1) / 2;
    const double right = rect.x + rect.width;
    const double low = rect.y + rect.height;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, right - corner, rect.y + corner, corner, -quarter, 0);
    cairo_arc(cairo, right - corner, low - corner, corner, 0, quarter);
    cairo_arc(cairo, rect.x + corner, low - corner, corner, quarter, 2 * quarter);
    cairo_arc(cairo, rect.x + corner, rect.y + corner, corner, 2 * quarter, 3 * quarter);
    cairo_close_path(cairo);
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 0.8, 0.8, 0.8);
    cairo_set_line_width(cairo, 1);
    cairo_set_dash(cairo, NULL, 0, 0);
    cairo_stroke(cairo);
}

void ninp_legend_draw(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot,
                      const ninp_view *view) {
    cairo_t *cairo = canvas->cairo;
    legend_size size = choose_size(cairo, axes, plot);
    if (size.rect.height == 0) {
        return;
    }
    ninp_rect rect = choose_place(axes, view, size.rect);
    rect.x = ninp_canvas_snap(canvas, rect.x);
    rect.y = ninp_canvas_snap(canvas, rect.y);
    draw_box(cairo, rect, CORNER * size.scale);

    cairo_save(cairo);
    cairo_translate(cairo, rect.x, rect.y);
    cairo_scale(cairo, size.scale, size.scale);
    double middle = PADDING + LINE_HEIGHT / 2;
    for (size_t c = 0; c < plot->curve_count; c++) {
        if (!plot->curves[c].label) {
            continue;
        }
        ninp_pen_choose(cairo, c, plot->curves[c].style);
        cairo_move_to(cairo, PADDING, middle);
        cairo_line_to(cairo, PADDING + HANDLE_LENGTH, middle);
        cairo_stroke(cairo);
        ninp_label_draw(cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0},
                        PADDING + HANDLE_LENGTH + HANDLE_GAP,
                        middle + ninp_label_cap_height(TEXT_SIZE) / 2, size.label_width,
                        plot->curves[c].label);
        middle += LINE_HEIGHT;
    }
    cairo_restore(cairo);
}

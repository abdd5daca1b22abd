#include "draw/axes.h"

#include "draw/label.h"
#include "draw/utf8.h"

#include <math.h>

#define MINUS "\u2212"

/* All in units of the page, 1/96 inch. */
static const double TEXT_SIZE = 12;
static const double TITLE_SIZE = 13;
static const double TICK_LENGTH = 4;
static const double TICK_GAP = 4;  /* from a tick to its label */
static const double LABEL_GAP = 6; /* from the ticks' labels to the axis's */
static const double PAGE_MARGIN = 6;

enum { MOST_X_TICKS = 9, MOST_Y_TICKS = 7 };

double ninp_axes_x(const ninp_axes *axes, double x) {
    return axes->area.x + ninp_range_place(axes->x_range, x) * axes->area.width;
}

double ninp_axes_y(const ninp_axes *axes, double y) {
    return axes->area.y + (1 - ninp_range_place(axes->y_range, y)) * axes->area.height;
}

static double tick_label_width(void *cairo, const char *label) {
    return ninp_label_width(cairo, TEXT_SIZE, label);
}

static double widest_label(cairo_t *cairo, const ninp_ticks *ticks) {
    return ninp_ticks_widest(ticks, MINUS, tick_label_width, cairo);
}

/* How far a label under the last tick of x reaches beyond the right end of the axis. */
static double right_overhang(const ninp_axes *axes, double label_width) {
    double last = ninp_tick_value(&axes->x_ticks, axes->x_ticks.count - 1);
    double room = (1 - ninp_range_place(axes->x_range, last)) * axes->area.width;
    return fmax(0, label_width / 2 - room);
}

ninp_axes ninp_axes_place(ninp_canvas *canvas, const nin_plot *plot, const ninp_view *view,
                          double width, double height) {
    const double cap = ninp_label_cap_height(TEXT_SIZE);
    const double descent = TEXT_SIZE - cap;
    ninp_axes axes = {
        .page_width = width, .page_height = height, .x_range = view->x, .y_range = view->y};

    double top = PAGE_MARGIN + (ninp_has_text(plot->title) ? TITLE_SIZE + LABEL_GAP : cap / 2);
    double bottom = PAGE_MARGIN + TICK_LENGTH + TICK_GAP + cap;
    bottom += ninp_has_text(plot->x_label) ? LABEL_GAP + cap + descent : 0;
    axes.area.y = top;
    axes.area.height = height - top - bottom;
    axes.y_ticks = ninp_ticks_choose(axes.y_range, MOST_Y_TICKS, false);

    double left = PAGE_MARGIN + widest_label(canvas->cairo, &axes.y_ticks) + TICK_GAP + TICK_LENGTH;
    left += ninp_has_text(plot->y_label) ? TEXT_SIZE + LABEL_GAP : 0;
    axes.area.x = left;
    axes.area.width = width - left - PAGE_MARGIN;
    axes.x_ticks = ninp_ticks_fit(axes.x_range, MOST_X_TICKS, axes.area.width, 1.5 * TEXT_SIZE,
                                  tick_label_width, canvas->cairo);
    axes.area.width -= right_overhang(&axes, widest_label(canvas->cairo, &axes.x_ticks));

    /* the box on whole pixels, as the lines in it */
    double right = ninp_canvas_snap(canvas, axes.area.x + axes.area.width);
    double low = ninp_canvas_snap(canvas, axes.area.y + axes.area.height);
    axes.area.x = ninp_canvas_snap(canvas, axes.area.x);
    axes.area.y = ninp_canvas_snap(canvas, axes.area.y);
    axes.area.width = right - axes.area.x;
    axes.area.height = low - axes.area.y;
    return axes;
}

static void line(cairo_t *cairo, double x0, double y0, double x1, double y1) {
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
}

static double x_tick_place(const ninp_canvas *canvas, const ninp_axes *axes, int index) {
    return ninp_canvas_snap(canvas, ninp_axes_x(axes, ninp_tick_value(&axes->x_ticks, index)));
}

static double y_tick_place(const ninp_canvas *canvas, const ninp_axes *axes, int index) {
    return ninp_canvas_snap(canvas, ninp_axes_y(axes, ninp_tick_value(&axes->y_ticks, index)));
}

static void thin_line(cairo_t *cairo, double grey) {
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_set_line_width(cairo, 1);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_MITER);
    cairo_set_dash(cairo, NULL, 0, 0);
}

void ninp_axes_draw_grid(ninp_canvas *canvas, const ninp_axes *axes) {
    const double light = 0.86;
    const ninp_rect *area = &axes->area;
    cairo_t *cairo = canvas->cairo;
    thin_line(cairo, light);
    for (int i = 0; i < axes->x_ticks.count; i++) {
        double x = x_tick_place(canvas, axes, i);
        line(cairo, x, area->y, x, area->y + area->height);
    }
    for (int i = 0; i < axes->y_ticks.count; i++) {
        double y = y_tick_place(canvas, axes, i);
        line(cairo, area->x, y, area->x + area->width, y);
    }
    cairo_stroke(cairo);
}

static void draw_ticks(ninp_canvas *canvas, const ninp_axes *axes) {
    const ninp_rect *area = &axes->area;
    const double low = area->y + area->height;
    cairo_t *cairo = canvas->cairo;
    for (int i = 0; i < axes->x_ticks.count; i++) {
        double x = x_tick_place(canvas, axes, i);
        line(cairo, x, low, x, low + TICK_LENGTH);
    }
    for (int i = 0; i < axes->y_ticks.count; i++) {
        double y = y_tick_place(canvas, axes, i);
        line(cairo, area->x, y, area->x - TICK_LENGTH, y);
    }
    cairo_stroke(cairo);
}

static void draw_tick_labels(ninp_canvas *canvas, const ninp_axes *axes) {
    const double cap = ninp_label_cap_height(TEXT_SIZE);
    const double below = axes->area.y + axes->area.height + TICK_LENGTH + TICK_GAP + cap;
    const double before = axes->area.x - TICK_LENGTH - TICK_GAP;
    char label[NINP_TICK_LABEL_BYTES];
    for (int i = 0; i < axes->x_ticks.count; i++) {
        ninp_tick_label(&axes->x_ticks, i, MINUS, label);
        double half = tick_label_width(canvas->cairo, label) / 2;
        double x = ninp_axes_x(axes, ninp_tick_value(&axes->x_ticks, i));
        ninp_label_draw(canvas->cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 0.5},
                        fmax(x, PAGE_MARGIN + half), below, HUGE_VAL, label);
    }
    for (int i = 0; i < axes->y_ticks.count; i++) {
        double y = ninp_axes_y(axes, ninp_tick_value(&axes->y_ticks, i)) + cap / 2;
        ninp_label_draw(canvas->cairo, (ninp_lettering){TEXT_SIZE, NINP_LABEL_INK, 1}, before, y,
                        HUGE_VAL, ninp_tick_label(&axes->y_ticks, i, MINUS, label));
    }
}

/* The name of an axis or the title: smaller where it is too long for `width`. */
static ninp_lettering name_lettering(cairo_t *cairo, double size, double width, const char *text) {
    const double smallest = 10;
    return (ninp_lettering){ninp_label_fitting_size(cairo, size, smallest, width, text),
                            NINP_LABEL_INK, 0.5};
}

static void draw_names(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot) {
    const ninp_rect *area = &axes->area;
    const double cap = ninp_label_cap_height(TEXT_SIZE);
    cairo_t *cairo = canvas->cairo;

    double below = area->y + area->height + TICK_LENGTH + TICK_GAP + cap + LABEL_GAP + cap;
    ninp_label_draw(cairo, name_lettering(cairo, TEXT_SIZE, area->width, plot->x_label),
                    area->x + area->width / 2, below, area->width, plot->x_label);

    double middle = area->y + area->height / 2;
    double above = ninp_has_text(plot->title) ? area->y : PAGE_MARGIN;
    double room = 2 * fmin(middle - above, axes->page_height - PAGE_MARGIN - middle);
    ninp_label_draw_upwards(cairo, name_lettering(cairo, TEXT_SIZE, room, plot->y_label),
                            PAGE_MARGIN + cap, middle, room, plot->y_label);

    room = axes->page_width - 2 * PAGE_MARGIN;
    ninp_lettering title = name_lettering(cairo, TITLE_SIZE, room, plot->title);
    bool over_box = ninp_label_width(cairo, title.size, plot->title) <= area->width;
    ninp_label_draw(cairo, title, over_box ? area->x + area->width / 2 : axes->page_width / 2,
                    area->y - LABEL_GAP - 1, room, plot->title);
}

void ninp_axes_draw_frame(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot) {
    const ninp_rect *area = &axes->area;
    thin_line(canvas->cairo, NINP_LABEL_INK);
    cairo_rectangle(canvas->cairo, area->x, area->y, area->width, area->height);
    cairo_stroke(canvas->cairo);
    draw_ticks(canvas, axes);
    draw_tick_labels(canvas, axes);
    draw_names(canvas, axes, plot);
}

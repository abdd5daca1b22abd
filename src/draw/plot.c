/* Curves as a picture, laid out as matplotlib lays out the lecture's figure. */
#include "draw/axes.h"
#include "draw/canvas.h"
#include "draw/legend.h"
#include "draw/pen.h"
#include "draw/trace.h"

#include <assert.h>
#include <math.h>

/* The lecture's 3.5 x 2.5 inches, in units of the page; a PNG has 1008 x 720 pixels. */
static const double WIDTH = 336;
static const double HEIGHT = 240;
enum { PNG_PIXELS = 3 };

static void draw_lines(cairo_t *cairo, const ninp_axes *axes, const ninp_trace *trace) {
    for (size_t i = 0; i < trace->count; i++) {
        double x = ninp_axes_x(axes, trace->points[i].x);
        double y = ninp_axes_y(axes, trace->points[i].y);
        if (trace->points[i].start) {
            cairo_move_to(cairo, x, y);
        } else {
            cairo_line_to(cairo, x, y);
        }
    }
    cairo_stroke(cairo);
}

/* A point that no line leads to or from is drawn as a dot. */
static void draw_dots(cairo_t *cairo, const ninp_axes *axes, const ninp_trace *trace) {
    for (size_t i = 0; i < trace->count; i++) {
        if (ninp_trace_is_lonely(trace, i)) {
            cairo_new_sub_path(cairo);
            cairo_arc(cairo, ninp_axes_x(axes, trace->points[i].x),
                      ninp_axes_y(axes, trace->points[i].y), NINP_PEN_DOT, 0, 2 * acos(-1));
        }
    }
    cairo_fill(cairo);
}

/* Lines end at the box; a dot on the box is seen whole. */
static void draw_curves(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot,
                        const ninp_view *view) {
    const ninp_rect *area = &axes->area;
    cairo_t *cairo = canvas->cairo;
    cairo_save(cairo);
    cairo_rectangle(cairo, area->x, area->y, area->width, area->height);
    cairo_clip(cairo);
    for (size_t c = 0; c < view->count; c++) {
        ninp_pen_choose(cairo, c, plot->curves[c].style);
        draw_lines(cairo, axes, &view->traces[c]);
    }
    cairo_restore(cairo);
    ninp_axes_draw_frame(canvas, axes, plot);
    for (size_t c = 0; c < view->count; c++) {
        ninp_pen_choose(cairo, c, plot->curves[c].style);
        draw_dots(cairo, axes, &view->traces[c]);
    }
}

nin_status nin_draw_plot(const char *path, const nin_plot *plot, nin_error *err) {
    assert(path && plot);
    ninp_view view;
    nin_status status = ninp_view_make(plot, &view, err);
    if (status != NIN_OK) {
        return status;
    }
    ninp_canvas canvas;
    status = ninp_canvas_open(&canvas, path, WIDTH, HEIGHT, PNG_PIXELS, err);
    if (status == NIN_OK) {
        ninp_axes axes = ninp_axes_place(&canvas, plot, &view, WIDTH, HEIGHT);
        ninp_axes_draw_grid(&canvas, &axes);
        draw_curves(&canvas, &axes, plot, &view);
        ninp_legend_draw(&canvas, &axes, plot, &view);
        status = ninp_canvas_save(&canvas, path, err);
    }
    ninp_view_free(&view);
    return status;
}

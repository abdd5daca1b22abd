/* The frame of a plot: where it lies on the page, its grid, ticks and labels. */
#ifndef NINP_DRAW_AXES_H
#define NINP_DRAW_AXES_H

#include "draw/canvas.h"
#include "draw/trace.h"

typedef struct ninp_rect {
    double x, y, width, height; /* x, y: top left corner */
} ninp_rect;

typedef struct ninp_axes {
    double page_width, page_height;
    ninp_rect area; /* inside the box, on the page */
    ninp_range x_range, y_range;
    ninp_ticks x_ticks, y_ticks;
} ninp_axes;

/* Where values lie on the page. */
double ninp_axes_x(const ninp_axes *axes, double x);
double ninp_axes_y(const ninp_axes *axes, double y);

/* Chooses ticks and fits the box into a page of width x height so that all labels have room. */
ninp_axes ninp_axes_place(ninp_canvas *canvas, const nin_plot *plot, const ninp_view *view,
                          double width, double height);

/* What lies under the curves. */
void ninp_axes_draw_grid(ninp_canvas *canvas, const ninp_axes *axes);

/* What lies over them: box, ticks, labels, title. */
void ninp_axes_draw_frame(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot);

#endif

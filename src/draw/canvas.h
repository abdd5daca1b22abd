/* A page that becomes a PNG, SVG or PDF file. */
#ifndef NINP_DRAW_CANVAS_H
#define NINP_DRAW_CANVAS_H

#include "base/text.h"

#include <cairo.h>
#include <nin/base.h>

enum ninp_canvas_format { NINP_CANVAS_PNG, NINP_CANVAS_SVG, NINP_CANVAS_PDF };

/* Drawing is in units of 1/96 inch, the pixel of CSS, from the top left corner. The ground is
 * white. */
typedef struct ninp_canvas {
    cairo_t *cairo;
    cairo_surface_t *surface;
    enum ninp_canvas_format format;
    double pixels;   /* to a unit: what sharp lines are aligned to */
    ninp_text bytes; /* of the file so far; cairo holds its address, so a canvas never moves */
} ninp_canvas;

/* Opens a page of width x height units; a PNG gets `png_pixels` to a unit. The format is that of
 * the ending of `path`. NIN_ERROR_ARGUMENT: another ending, or a page too large for cairo;
 * NIN_ERROR_MEMORY. On failure there is nothing to release. */
nin_status ninp_canvas_open(ninp_canvas *canvas, const char *path, double width, double height,
                            int png_pixels, nin_error *err);

/* Replaces the file by what was drawn, and releases the page whatever happens. The same drawing
 * gives the same bytes. NIN_ERROR_IO, NIN_ERROR_MEMORY. */
nin_status ninp_canvas_save(ninp_canvas *canvas, const char *path, nin_error *err);

/* Releases the page without writing it. */
void ninp_canvas_discard(ninp_canvas *canvas);

/* The nearest place at which the middle of a line of one unit fills whole pixels. */
double ninp_canvas_snap(const ninp_canvas *canvas, double place);

#endif

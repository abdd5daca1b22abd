/* How the curves of a plot look. */
#ifndef NINP_DRAW_PEN_H
#define NINP_DRAW_PEN_H

#include <cairo.h>
#include <nin/draw.h>

/* Width of a curve: matplotlib's 1.5 points, in units of 1/96 inch. */
#define NINP_PEN_WIDTH 2.0

/* Radius of the dot that stands for a point without a line. */
#define NINP_PEN_DOT (1.5 * NINP_PEN_WIDTH)

/* Colour of curve number `index` (blue, magenta, green, red as in the lecture, then others), with
 * width and dashes of its style. */
void ninp_pen_choose(cairo_t *cairo, size_t index, nin_line_style style);

#endif

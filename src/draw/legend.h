/* The box that says which line is which. */
#ifndef NINP_DRAW_LEGEND_H
#define NINP_DRAW_LEGEND_H

#include "draw/axes.h"

/* Draws the legend of the curves that have a label, at that of nine places in the box of the axes
 * where it covers least of the curves. Draws nothing when no curve has a label. */
void ninp_legend_draw(ninp_canvas *canvas, const ninp_axes *axes, const nin_plot *plot,
                      const ninp_view *view);

/* How much a rectangle of the page covers of a trace drawn in the axes: the length of line, with a
 * dot counted as its diameter. */
double ninp_legend_covered(const ninp_axes *axes, const ninp_trace *trace, ninp_rect rect);

#endif

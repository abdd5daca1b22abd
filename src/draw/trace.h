/* What a plot shows: its ranges, and its curves cut to the range of x. */
#ifndef NINP_DRAW_TRACE_H
#define NINP_DRAW_TRACE_H

#include "draw/ticks.h"

#include <nin/draw.h>

typedef struct ninp_point {
    double x, y;
    bool start; /* no line leads here from the point before */
} ninp_point;

/* A curve as lines within the range of x, without points that would not be seen. */
typedef struct ninp_trace {
    ninp_point *points;
    size_t count;
} ninp_trace;

typedef struct ninp_view {
    ninp_range x, y;
    ninp_trace *traces; /* one a curve of the plot */
    size_t count;
} ninp_view;

/* Chooses ranges and cuts the curves. Points that are not finite (or beyond NINP_DRAW_LARGEST) are
 * left out and the line joins their neighbours. The range of y is that of what is seen and 5 % more
 * on each side. NIN_ERROR_ARGUMENT: a curve without its arrays; NIN_ERROR_MEMORY. On failure there
 * is nothing to free. */
nin_status ninp_view_make(const nin_plot *plot, ninp_view *view, nin_error *err);
void ninp_view_free(ninp_view *view);

/* Whether point `i` has a line on neither side. */
bool ninp_trace_is_lonely(const ninp_trace *trace, size_t i);

#endif

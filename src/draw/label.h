/* Lettering on a page. */
#ifndef NINP_DRAW_LABEL_H
#define NINP_DRAW_LABEL_H

#include <cairo.h>

/* Grey of lines and letters. */
#define NINP_LABEL_INK 0.15

typedef struct ninp_lettering {
    double size;  /* of the font, in units of the page */
    double grey;  /* 0 black ... 1 white */
    double align; /* 0: the text begins at the place, 0.5: its middle is there, 1: it ends there */
} ninp_lettering;

/* Width of a text. */
double ninp_label_width(cairo_t *cairo, double size, const char *text);

/* The size, of `largest` down to `smallest`, at which a text comes nearest to fitting `width`. */
double ninp_label_fitting_size(cairo_t *cairo, double largest, double smallest, double width,
                               const char *text);

/* Writes a text (NULL: nothing) with its baseline at (x, y); what is wider than `width` is cut and
 * ends in an ellipsis. */
void ninp_label_draw(cairo_t *cairo, ninp_lettering lettering, double x, double y, double width,
                     const char *text);

/* The same, reading upwards; x is that of the baseline, y the place along it. */
void ninp_label_draw_upwards(cairo_t *cairo, ninp_lettering lettering, double x, double y,
                             double width, const char *text);

/* Height of capitals and digits of a font of this size (of DejaVu Sans: 0.729 em). */
double ninp_label_cap_height(double size);

#endif

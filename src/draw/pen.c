#include "draw/pen.h"

/* The lecture's 'C0', 'm', 'g' of matplotlib, its C3 for 'r', then C1, C5, C9, C7. */
static const unsigned char colours[][3] = {
    {0x1f, 0x77, 0xb4}, {0xbf, 0x00, 0xbf}, {0x00, 0x80, 0x00}, {0xd6, 0x27, 0x28},
    {0xff, 0x7f, 0x0e}, {0x8c, 0x56, 0x4b}, {0x17, 0xbe, 0xcf}, {0x7f, 0x7f, 0x7f},
};
enum { COLOURS = sizeof colours / sizeof colours[0] };

/* matplotlib's dashes, in line widths. */
static void choose_dashes(cairo_t *cairo, nin_line_style style) {
    double dashed[] = {3.7 * NINP_PEN_WIDTH, 1.6 * NINP_PEN_WIDTH};
    double dash_dot[] = {6.4 * NINP_PEN_WIDTH, 1.6 * NINP_PEN_WIDTH, 1 * NINP_PEN_WIDTH,
                         1.6 * NINP_PEN_WIDTH};
    double dotted[] = {1 * NINP_PEN_WIDTH, 1.65 * NINP_PEN_WIDTH};
    switch (style) {
    case NIN_LINE_SOLID: cairo_set_dash(cairo, NULL, 0, 0); break;
    case NIN_LINE_DASHED: cairo_set_dash(cairo, dashed, 2, 0); break;
    case NIN_LINE_DASH_DOT: cairo_set_dash(cairo, dash_dot, 4, 0); break;
    case NIN_LINE_DOTTED: cairo_set_dash(cairo, dotted, 2, 0); break;
    }
}

void ninp_pen_choose(cairo_t *cairo, size_t index, nin_line_style style) {
    const unsigned char *colour = colours[index % COLOURS];
    cairo_set_source_rgb(cairo, colour[0] / 255.0, colour[1] / 255.0, colour[2] / 255.0);
    cairo_set_line_width(cairo, NINP_PEN_WIDTH);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
    choose_dashes(cairo, style);
}

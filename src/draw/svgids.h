/* The same SVG for the same drawing. */
#ifndef NINP_DRAW_SVGIDS_H
#define NINP_DRAW_SVGIDS_H

#include "base/text.h"

/* cairo names groups and pictures of an SVG after a counter of the whole process ("surface7",
 * "image12"), so that the same drawing gives other bytes the second time. Appends `size` bytes of
 * SVG to *out with these names counted from 1 in the order in which they come. */
void ninp_svg_renumber(const char *svg, size_t size, ninp_text *out);

#endif

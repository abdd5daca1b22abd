/* A raster of characters to draw lines in. */
#ifndef NINP_DRAW_DOTS_H
#define NINP_DRAW_DOTS_H

#include "base/text.h"
#include "draw/trace.h"

/* In braille a character has 2 x 4 dots and a line shows its style; in ASCII it has one, and a line
 * is made of the symbol of its curve. */
typedef struct ninp_dots {
    int columns, rows; /* in characters */
    bool ascii;
    int width, height;    /* in dots */
    unsigned char *cells; /* rows x columns: the dots of a braille character, or an ASCII one; 0:
                             empty */
} ninp_dots;

/* An empty raster. NIN_ERROR_MEMORY. */
nin_status ninp_dots_make(int columns, int rows, bool ascii, ninp_dots *dots, nin_error *err);
void ninp_dots_free(ninp_dots *dots);

/* The dot column and row (from the top) of a place from 0 to 1 (left to right, bottom to top). */
int ninp_dots_column(const ninp_dots *dots, double place);
int ninp_dots_row(const ninp_dots *dots, double place);

/* The character row or column that a dot row or column lies in. */
int ninp_dots_cell_column(const ninp_dots *dots, int dot_column);
int ninp_dots_cell_row(const ninp_dots *dots, int dot_row);

/* Draws a trace, as that of curve number `index`; the ranges of the view fill the raster. */
void ninp_dots_draw(ninp_dots *dots, const ninp_view *view, const ninp_trace *trace, size_t index,
                    nin_line_style style);

/* Appends the characters of a row; an empty one is a space. */
void ninp_dots_print_row(const ninp_dots *dots, int row, ninp_text *out);

#endif

#include "draw/dots.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

nin_status ninp_dots_make(int columns, int rows, bool ascii, ninp_dots *dots, nin_error *err) {
    assert(columns > 0 && rows > 0);
    *dots = (ninp_dots){.columns = columns, .rows = rows, .ascii = ascii};
    dots->width = columns * (ascii ? 1 : 2);
    dots->height = rows * (ascii ? 1 : 4);
    dots->cells = ninp_calloc((size_t)rows, (size_t)columns);
    if (!dots->cells) {
        return ninp_fail_memory(err, (size_t)rows * (size_t)columns, "a text plot");
    }
    return NIN_OK;
}

void ninp_dots_free(ninp_dots *dots) {
    free(dots->cells);
    *dots = (ninp_dots){0};
}

static int nearest_dot(double place, int count) {
    return (int)lround(fmin(fmax(place, 0), 1) * (count - 1));
}

int ninp_dots_column(const ninp_dots *dots, double place) {
    return nearest_dot(place, dots->width);
}

int ninp_dots_row(const ninp_dots *dots, double place) {
    return nearest_dot(1 - place, dots->height);
}

int ninp_dots_cell_column(const ninp_dots *dots, int dot_column) {
    return dots->ascii ? dot_column : dot_column / 2;
}

int ninp_dots_cell_row(const ninp_dots *dots, int dot_row) {
    return dots->ascii ? dot_row : dot_row / 4;
}

static void set_dot(ninp_dots *dots, int x, int y, size_t index) {
    static const char symbols[] = "*+xo#@%&";
    static const unsigned char bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int column = ninp_dots_cell_column(dots, x);
    int row = ninp_dots_cell_row(dots, y);
    unsigned char *cell = &dots->cells[row * dots->columns + column];
    if (dots->ascii) {
        *cell = (unsigned char)symbols[index % (sizeof symbols - 1)];
    } else {
        *cell |= bits[(unsigned)y % 4][(unsigned)x % 2];
    }
}

/* A line as it is drawn, dot by dot. */
typedef struct line_pencil {
    ninp_dots *dots;
    size_t index; /* of the curve */
    nin_line_style style;
    int x, y;
    int steps; /* since the line began: its place in the dashes */
} line_pencil;

static bool is_down(const line_pencil *pencil) {
    if (pencil->dots->ascii) {
        return true;
    }
    switch (pencil->style) {
    case NIN_LINE_SOLID: return true;
    case NIN_LINE_DASHED: return pencil->steps % 5 < 3;
    case NIN_LINE_DASH_DOT: return pencil->steps % 8 < 4 || pencil->steps % 8 == 6;
    case NIN_LINE_DOTTED: return pencil->steps % 3 == 0;
    }
    return true;
}

static void touch(const line_pencil *pencil) {
    if (is_down(pencil)) {
        set_dot(pencil->dots, pencil->x, pencil->y, pencil->index);
    }
}

static void begin_line(line_pencil *pencil, int x, int y) {
    pencil->x = x;
    pencil->y = y;
    pencil->steps = 0;
    touch(pencil);
}

/* Bresenham's line (IBM Systems Journal 4(1), 1965), in the form that treats all octants alike. */
static void line_to(line_pencil *pencil, int x, int y) {
    int wide = abs(x - pencil->x);
    int high = abs(y - pencil->y);
    int step_x = x > pencil->x ? 1 : -1;
    int step_y = y > pencil->y ? 1 : -1;
    int error = wide - high;
    while (pencil->x != x || pencil->y != y) {
        int twice = 2 * error;
        if (twice > -high) {
            error -= high;
            pencil->x += step_x;
        }
        if (twice < wide) {
            error += wide;
            pencil->y += step_y;
        }
        pencil->steps++;
        touch(pencil);
    }
}

void ninp_dots_draw(ninp_dots *dots, const ninp_view *view, const ninp_trace *trace, size_t index,
                    nin_line_style style) {
    line_pencil line = {.dots = dots, .index = index, .style = style};
    for (size_t i = 0; i < trace->count; i++) {
        const ninp_point *point = &trace->points[i];
        int x = ninp_dots_column(dots, ninp_range_place(view->x, point->x));
        int y = ninp_dots_row(dots, ninp_range_place(view->y, point->y));
        if (point->start) {
            begin_line(&line, x, y);
        } else {
            line_to(&line, x, y);
        }
    }
}

void ninp_dots_print_row(const ninp_dots *dots, int row, ninp_text *out) {
    const unsigned char *cells = dots->cells + (size_t)row * (size_t)dots->columns;
    for (int column = 0; column < dots->columns; column++) {
        unsigned char cell = cells[column];
        if (cell == 0) {
            ninp_text_add_bytes(out, " ", 1);
        } else if (dots->ascii) {
            ninp_text_add_bytes(out, (const char *)&cell, 1);
        } else { /* U+2800 + cell in UTF-8 */
            char braille[3] = {(char)0xE2, (char)(0xA0 | cell >> 6), (char)(0x80 | (cell & 0x3F))};
            ninp_text_add_bytes(out, braille, sizeof braille);
        }
    }
}

/* Pictures for people: training curves and contact sheets. */
#ifndef NIN_DRAW_H
#define NIN_DRAW_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nin_line_style {
    NIN_LINE_SOLID,
    NIN_LINE_DASHED,
    NIN_LINE_DASH_DOT,
    NIN_LINE_DOTTED
} nin_line_style;

/* One line of a plot: `count` points. Points of which a coordinate is NaN or infinite are left out
 * and the line joins their neighbours. */
typedef struct nin_curve {
    const char *label; /* in the legend: "train loss"; NULL: not in the legend */
    const double *x, *y;
    size_t count;
    nin_line_style style;
} nin_curve;

typedef struct nin_plot {
    const char *title;             /* NULL: none */
    const char *x_label, *y_label; /* NULL: none */
    double x_min, x_max; /* lines are cut off there; unless x_min < x_max: from the data */
    const nin_curve *curves;
    size_t curve_count;
} nin_plot;

/* Draws a plot like the lecture's, 3.5 x 2.5 inches (PNG: 1008 x 720 pixels): white ground, grid,
 * legend where it covers least, lines in the order blue, magenta, green, red. Ticks are whole
 * numbers where x_min and x_max are. The format follows the ending of `path`: .svg, .png, .pdf.
 * The file is replaced atomically; the same plot gives the same bytes. Text may hold any UTF-8.
 * NIN_ERROR_ARGUMENT: another ending, or a curve without its points; NIN_ERROR_IO. */
NIN_API nin_status nin_draw_plot(const char *path, const nin_plot *plot, nin_error *err);

/* Pictures in a grid, with a caption under each and the class names as row heads if given. */
typedef struct nin_sheet_cell {
    const uint8_t *pixels; /* planar channels x height x width */
    const char *caption;   /* NULL: none */
    bool marked;           /* drawn with a red frame: a wrong prediction */
} nin_sheet_cell;

typedef struct nin_sheet {
    int channels, height, width; /* of every picture */
    int columns, rows;
    const nin_sheet_cell *cells;  /* rows x columns; pixels NULL: an empty place */
    const char *const *row_heads; /* rows strings or NULL */
    const char *title;            /* NULL: none */
} nin_sheet;

/* Draws a contact sheet as a PNG, SVG or PDF by the ending of `path`, atomically. Small pictures
 * are enlarged to about 84 pixels by a whole factor without smoothing; words that do not fit their
 * place end in an ellipsis. NIN_ERROR_ARGUMENT: another ending, pictures of other than 1 or 3
 * channels, no pictures, or too many of them for one page; NIN_ERROR_IO. */
NIN_API nin_status nin_draw_sheet(const char *path, const nin_sheet *sheet, nin_error *err);

/* ---- rows of things side by side -------------------------------------------------------- */

typedef struct nin_strip_group {
    const char *label; /* in the legend */
    uint32_t colour;   /* 0xRRGGBB */
} nin_strip_group;

/* A dot of a strip chart. */
typedef struct nin_strip_dot {
    double x;
    int row;   /* 0 ... rows - 1 */
    int group; /* 0 ... group_count - 1 */
} nin_strip_dot;

/* Dots on one scale; those that are not finite or outside of it are left out. */
typedef struct nin_strip_panel {
    const char *x_label; /* NULL: none */
    double x_min, x_max; /* x_min < x_max */
    const nin_strip_dot *dots;
    size_t count;
    double spread; /* equal values may be drawn up to this much of the scale aside, for whole
                      numbers and the like; 0: every dot stands at its value */
} nin_strip_panel;

/* How values spread: a row of dots for each of several things, panels side by side. */
typedef struct nin_strips {
    const char *title;             /* NULL: none */
    const char *const *row_heads;  /* rows strings */
    int rows;                      /* 1 to 200 */
    const nin_strip_group *groups; /* those that have dots get into the legend */
    int group_count;               /* 1 to 16 */
    const nin_strip_panel *panels;
    int panel_count; /* 1 to 8 */
} nin_strips;

/* Draws a strip chart as a PNG, SVG or PDF by the ending of `path`, atomically. Dots that would lie
 * on each other move up and down in their row, then aside by `spread`; where there is no room left,
 * they overlap as little as can be. NIN_ERROR_ARGUMENT: another ending, or numbers
 * outside the ranges above; NIN_ERROR_IO, NIN_ERROR_MEMORY. */
NIN_API nin_status nin_draw_strips(const char *path, const nin_strips *strips, nin_error *err);

/* A bar of a chart; `text` is what stands at its end. value NaN: no bar, only the text. */
typedef struct nin_bar {
    double value;     /* at least 0 */
    const char *text; /* NULL: none */
} nin_bar;

/* Bars of one quantity, one a row, on a scale of their own from 0. */
typedef struct nin_bar_panel {
    const char *title;   /* with the unit; NULL: none */
    const nin_bar *bars; /* rows */
} nin_bar_panel;

/* Several quantities of each of several things. */
typedef struct nin_bars {
    const char *title;            /* NULL: none */
    const char *note;             /* a small line below; NULL: none */
    const char *const *row_heads; /* rows strings */
    int rows;                     /* 1 to 200 */
    const nin_bar_panel *panels;
    int panel_count; /* 1 to 12 */
    int columns;     /* of panels, before the next line of them begins */
} nin_bars;

/* Draws bar charts as a PNG, SVG or PDF by the ending of `path`, atomically. NIN_ERROR_ARGUMENT,
 * NIN_ERROR_IO, NIN_ERROR_MEMORY as nin_draw_strips. */
NIN_API nin_status nin_draw_bars(const char *path, const nin_bars *bars, nin_error *err);

/* Writes a plot as `rows` lines of text of at most `columns` characters into *text (NUL-ended, free
 * with nin_text_free): for a terminal. In UTF-8 curves are braille dots and differ by their style;
 * in ASCII each has a symbol. NIN_ERROR_ARGUMENT: fewer than 16 columns, or too few rows and
 * columns for what the plot has of labels; then *text is NULL. */
NIN_API nin_status nin_draw_text_plot(const nin_plot *plot, int columns, int rows, bool ascii,
                                      char **text, nin_error *err);
NIN_API void nin_text_free(char *text);

#ifdef __cplusplus
}
#endif

#endif

/* Contact sheets: pictures in a grid. */
#include "base/error.h"
#include "draw/canvas.h"
#include "draw/label.h"
#include "draw/utf8.h"

#include <assert.h>
#include <math.h>
#include <nin/draw.h>

/* All in units of the page, which are the pixels of a PNG. */
static const double PICTURE_SIDE = 84; /* what small pictures are enlarged to, about */
static const double MARGIN = 14;
static const double GAP = 10; /* between pictures */
static const double TITLE_SIZE = 15;
static const double TITLE_HEIGHT = 28;
static const double WIDEST_TITLE = 640; /* that the page grows for */
static const double HEAD_SIZE = 12;
static const double HEAD_GAP = 10;
static const double WIDEST_HEAD = 200;
static const double CAPTION_SIZE = 10;
static const double CAPTION_HEIGHT = 15;
static const double FRAME = 3; /* width of a mark, outside the picture */

static const double GREY = 0.4;

enum { LARGEST_SIDE = 16384, LARGEST_GRID = 4096 };

typedef struct sheet_layout {
    int factor; /* of enlargement */
    double picture_width, picture_height;
    double left, top;               /* of the first picture */
    double column_pitch, row_pitch; /* from a picture to the next */
    double page_width, page_height;
} sheet_layout;

static bool is_within(int value, int largest) {
    return value >= 1 && value <= largest;
}

static nin_status check_sheet(const nin_sheet *sheet, nin_error *err) {
    if ((sheet->channels != 1 && sheet->channels != 3) || !is_within(sheet->height, LARGEST_SIDE) ||
        !is_within(sheet->width, LARGEST_SIDE)) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "contact sheet: pictures of %d x %d x %d (channels x height x width) "
                         "cannot be drawn: 1 or 3 channels, sides of 1 to %d",
                         sheet->channels, sheet->height, sheet->width, LARGEST_SIDE);
    }
    if (!is_within(sheet->rows, LARGEST_GRID) || !is_within(sheet->columns, LARGEST_GRID) ||
        !sheet->cells) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "contact sheet: %d rows of %d pictures cannot be drawn: 1 to %d of each",
                         sheet->rows, sheet->columns, LARGEST_GRID);
    }
    return NIN_OK;
}

static bool has_captions(const nin_sheet *sheet) {
    for (int i = 0; i < sheet->rows * sheet->columns; i++) {
        if (sheet->cells[i].caption) {
            return true;
        }
    }
    return false;
}

static double widest_head(cairo_t *cairo, const nin_sheet *sheet) {
    double widest = 0;
    for (int row = 0; sheet->row_heads && row < sheet->rows; row++) {
        widest = fmax(widest, ninp_label_width(cairo, HEAD_SIZE, sheet->row_heads[row]));
    }
    return fmin(ceil(widest), WIDEST_HEAD);
}

/* Whole numbers throughout, so that the pixels of the pictures are pixels of the page. `cairo`
 * measures text. */
static sheet_layout place_all(cairo_t *cairo, const nin_sheet *sheet) {
    sheet_layout layout = {0};
    int side = sheet->width > sheet->height ? sheet->width : sheet->height;
    layout.factor = (int)fmax(1, round(PICTURE_SIDE / side));
    layout.picture_width = sheet->width * layout.factor;
    layout.picture_height = sheet->height * layout.factor;
    layout.column_pitch = layout.picture_width + GAP;
    layout.row_pitch = layout.picture_height + GAP + (has_captions(sheet) ? CAPTION_HEIGHT : 0);

    bool has_title = ninp_has_text(sheet->title);
    double head = widest_head(cairo, sheet);
    layout.left = MARGIN + (head > 0 ? head + HEAD_GAP : 0);
    layout.top = MARGIN + (has_title ? TITLE_HEIGHT : 0);
    layout.page_width = layout.left + sheet->columns * layout.column_pitch - GAP + MARGIN;
    layout.page_height = layout.top + sheet->rows * layout.row_pitch - GAP + MARGIN;
    double title = fmin(ceil(ninp_label_width(cairo, TITLE_SIZE, sheet->title)), WIDEST_TITLE);
    double missing = title + 2 * MARGIN - layout.page_width;
    if (missing > 0) {
        layout.left += floor(missing / 2);
        layout.page_width += missing;
    }
    return layout;
}

/* Measures text on a page of its own: the sheet's page needs the layout first. */
static nin_status choose_layout(const nin_sheet *sheet, const char *path, sheet_layout *layout,
                                nin_error *err) {
    ninp_canvas scratch;
    nin_status status = ninp_canvas_open(&scratch, path, 1, 1, 1, err);
    if (status == NIN_OK) {
        *layout = place_all(scratch.cairo, sheet);
        ninp_canvas_discard(&scratch);
    }
    return status;
}

/* Enlarges by repeating pixels here, as not every viewer of SVG and PDF does without smoothing. */
static void fill_surface(cairo_surface_t *surface, const nin_sheet *sheet, int factor,
                         const uint8_t *pixels) {
    size_t plane = (size_t)sheet->height * (size_t)sheet->width;
    const uint8_t *red = pixels;
    const uint8_t *green = sheet->channels == 3 ? pixels + plane : pixels;
    const uint8_t *blue = sheet->channels == 3 ? pixels + 2 * plane : pixels;
    int stride = cairo_image_surface_get_stride(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    for (int y = 0; y < sheet->height * factor; y++) {
        uint32_t *line = (uint32_t *)(void *)(data + (size_t)y * (size_t)stride);
        size_t from = (size_t)(y / factor) * (size_t)sheet->width;
        for (int x = 0; x < sheet->width * factor; x++) {
            size_t at = from + (size_t)(x / factor);
            line[x] = (uint32_t)red[at] << 16 | (uint32_t)green[at] << 8 | blue[at];
        }
    }
    cairo_surface_mark_dirty(surface);
}

static void draw_picture(cairo_t *cairo, const nin_sheet *sheet, int factor, const uint8_t *pixels,
                         double x, double y) {
    cairo_surface_t *picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, sheet->width * factor,
                                                          sheet->height * factor);
    if (cairo_surface_status(picture) == CAIRO_STATUS_SUCCESS) {
        cairo_surface_flush(picture);
        fill_surface(picture, sheet, factor, pixels);
    }
    cairo_set_source_surface(cairo, picture, x, y); /* passes the picture's failure on */
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(cairo);
    cairo_surface_destroy(picture);
}

/* A frame of `width` round the rectangle. */
static void draw_frame(cairo_t *cairo, double x, double y, double w, double h, double width) {
    cairo_rectangle(cairo, x - width / 2, y - width / 2, w + width, h + width);
    cairo_set_line_width(cairo, width);
    cairo_stroke(cairo);
}

static void draw_cell(cairo_t *cairo, const nin_sheet *sheet, const sheet_layout *layout,
                      const nin_sheet_cell *cell, double x, double y) {
    if (!cell->pixels) {
        return;
    }
    if (cell->marked) {
        cairo_set_source_rgb(cairo, 0.85, 0.1, 0.1);
        draw_frame(cairo, x, y, layout->picture_width, layout->picture_height, FRAME);
    } else {
        cairo_set_source_rgb(cairo, 0.85, 0.85, 0.85); /* the edge of a picture on white */
        draw_frame(cairo, x, y, layout->picture_width, layout->picture_height, 1);
    }
    draw_picture(cairo, sheet, layout->factor, cell->pixels, x, y);
    ninp_label_draw(cairo, (ninp_lettering){CAPTION_SIZE, GREY, 0.5}, x + layout->picture_width / 2,
                    y + layout->picture_height + CAPTION_HEIGHT - 1, layout->column_pitch - 4,
                    cell->caption);
}

static void draw_all(cairo_t *cairo, const nin_sheet *sheet, const sheet_layout *layout) {
    ninp_label_draw(cairo, (ninp_lettering){TITLE_SIZE, NINP_LABEL_INK, 0.5},
                    layout->page_width / 2, MARGIN + TITLE_SIZE - 2,
                    layout->page_width - 2 * MARGIN, sheet->title);
    for (int row = 0; row < sheet->rows; row++) {
        double y = layout->top + row * layout->row_pitch;
        if (sheet->row_heads) {
            double middle = y + (layout->picture_height + ninp_label_cap_height(HEAD_SIZE)) / 2;
            ninp_label_draw(cairo, (ninp_lettering){HEAD_SIZE, NINP_LABEL_INK, 1},
                            layout->left - HEAD_GAP, middle, WIDEST_HEAD, sheet->row_heads[row]);
        }
        for (int column = 0; column < sheet->columns; column++) {
            draw_cell(cairo, sheet, layout, &sheet->cells[row * sheet->columns + column],
                      layout->left + column * layout->column_pitch, y);
        }
    }
}

nin_status nin_draw_sheet(const char *path, const nin_sheet *sheet, nin_error *err) {
    assert(path && sheet);
    nin_status status = check_sheet(sheet, err);
    sheet_layout layout;
    if (status == NIN_OK) {
        status = choose_layout(sheet, path, &layout, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    ninp_canvas canvas;
    status = ninp_canvas_open(&canvas, path, layout.page_width, layout.page_height, 1, err);
    if (status != NIN_OK) {
        return status;
    }
    draw_all(canvas.cairo, sheet, &layout);
    return ninp_canvas_save(&canvas, path, err);
}

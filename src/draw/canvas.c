#include "draw/canvas.h"

#include "base/error.h"
#include "base/file.h"
#include "draw/svgids.h"

#include <assert.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* Of a side of a PNG, in pixels: cairo's own limit. */
static const double LARGEST_SIDE = 32767;
/* Of a PNG, in pixels; each takes four bytes. */
static const double LARGEST_AREA = 128e6;

/* To a unit of the page: what a PDF is measured in. */
static const double POINTS = 72.0 / 96.0;

static bool format_of(const char *path, enum ninp_canvas_format *format) {
    static const char *const endings[] = {
        [NINP_CANVAS_PNG] = ".png", [NINP_CANVAS_SVG] = ".svg", [NINP_CANVAS_PDF] = ".pdf"};
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *ending = strrchr(name, '.');
    for (int i = 0; ending && i < 3; i++) {
        if (strcasecmp(ending, endings[i]) == 0) {
            *format = (enum ninp_canvas_format)i;
            return true;
        }
    }
    return false;
}

static cairo_status_t collect(void *bytes, const unsigned char *data, unsigned int size) {
    ninp_text *text = bytes;
    ninp_text_add_bytes(text, (const char *)data, size);
    return text->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static nin_status fail_cairo(const char *path, cairo_status_t status, nin_error *err) {
    return ninp_fail(err, status == CAIRO_STATUS_NO_MEMORY ? NIN_ERROR_MEMORY : NIN_ERROR_IO,
                     "%s: drawing failed: %s", path, cairo_status_to_string(status));
}

static cairo_surface_t *surface_create(ninp_canvas *canvas, double width, double height) {
    if (canvas->format == NINP_CANVAS_SVG) {
        cairo_surface_t *svg =
            cairo_svg_surface_create_for_stream(collect, &canvas->bytes, width, height);
        cairo_svg_surface_set_document_unit(svg, CAIRO_SVG_UNIT_PX);
        return svg;
    }
    if (canvas->format == NINP_CANVAS_PDF) {
        cairo_surface_t *pdf = cairo_pdf_surface_create_for_stream(collect, &canvas->bytes,
                                                                   width * POINTS, height * POINTS);
        cairo_pdf_surface_set_metadata(pdf, CAIRO_PDF_METADATA_CREATE_DATE, ""); /* no date */
        return pdf;
    }
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * canvas->pixels),
                                      (int)ceil(height * canvas->pixels));
}

/* Sets the unit, the white ground, and text whose widths are the same in every format. */
static void prepare(ninp_canvas *canvas) {
    cairo_t *cairo = canvas->cairo;
    double scale = canvas->format == NINP_CANVAS_PDF ? POINTS : canvas->pixels;
    cairo_scale(cairo, scale, scale);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, canvas->format == NINP_CANVAS_PNG
                                                   ? CAIRO_HINT_STYLE_SLIGHT
                                                   : CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cairo, options);
    cairo_font_options_destroy(options);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
}

nin_status ninp_canvas_open(ninp_canvas *canvas, const char *path, double width, double height,
                            int png_pixels, nin_error *err) {
    assert(path && width > 0 && height > 0 && png_pixels > 0);
    *canvas = (ninp_canvas){0};
    if (!format_of(path, &canvas->format)) {
        return ninp_fail(
            err, NIN_ERROR_ARGUMENT,
            "%s: a drawing is written as .png, .svg or .pdf, by the ending of its name", path);
    }
    canvas->pixels = canvas->format == NINP_CANVAS_PNG ? png_pixels : 1;
    double wide = width * canvas->pixels;
    double high = height * canvas->pixels;
    if (fmax(wide, high) > LARGEST_SIDE || wide * high > LARGEST_AREA) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "%s: a drawing of %.0f x %.0f pixels is too large", path, wide, high);
    }
    canvas->surface = surface_create(canvas, width, height);
    canvas->cairo = cairo_create(canvas->surface);
    prepare(canvas);
    cairo_status_t status = cairo_status(canvas->cairo);
    if (status != CAIRO_STATUS_SUCCESS) {
        ninp_canvas_discard(canvas);
        return fail_cairo(path, status, err);
    }
    return NIN_OK;
}

/* Ends the drawing so that all its bytes are collected. */
static cairo_status_t finish(ninp_canvas *canvas) {
    cairo_status_t status = cairo_status(canvas->cairo);
    if (status == CAIRO_STATUS_SUCCESS && canvas->format == NINP_CANVAS_PNG) {
        cairo_surface_flush(canvas->surface);
        status = cairo_surface_write_to_png_stream(canvas->surface, collect, &canvas->bytes);
    }
    cairo_surface_finish(canvas->surface);
    return status != CAIRO_STATUS_SUCCESS ? status : cairo_surface_status(canvas->surface);
}

nin_status ninp_canvas_save(ninp_canvas *canvas, const char *path, nin_error *err) {
    cairo_status_t drawn = finish(canvas);
    nin_status status = NIN_OK;
    const ninp_text *bytes = &canvas->bytes;
    if (drawn != CAIRO_STATUS_SUCCESS) {
        status = fail_cairo(path, drawn, err);
    } else if (canvas->format == NINP_CANVAS_SVG) {
        ninp_text renumbered = {0};
        ninp_svg_renumber(bytes->chars, bytes->length, &renumbered);
        status = renumbered.failed
                     ? ninp_fail_memory(err, bytes->length, "an SVG")
                     : ninp_file_replace(path, renumbered.chars, renumbered.length, err);
        ninp_text_free(&renumbered);
    } else {
        status = ninp_file_replace(path, bytes->chars, bytes->length, err);
    }
    ninp_canvas_discard(canvas);
    return status;
}

void ninp_canvas_discard(ninp_canvas *canvas) {
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
    ninp_text_free(&canvas->bytes);
    *canvas = (ninp_canvas){0};
}

double ninp_canvas_snap(const ninp_canvas *canvas, double place) {
    /* a line of one unit is `pixels` wide: an odd number has its middle in a pixel's */
    double shift = (int)canvas->pixels % 2 == 1 ? 0.5 : 0;
    return (round(place * canvas->pixels - shift) + shift) / canvas->pixels;
}

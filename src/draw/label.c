#include "draw/label.h"

#include "draw/utf8.h"

#include <math.h>

static double width_of(cairo_t *cairo, const ninp_label *label) {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, label->chars, &extents);
    return extents.x_advance;
}

static void choose_font(cairo_t *cairo, double size) {
    cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
}

double ninp_label_width(cairo_t *cairo, double size, const char *text) {
    ninp_label label = ninp_label_make(text);
    choose_font(cairo, size);
    return width_of(cairo, &label);
}

double ninp_label_fitting_size(cairo_t *cairo, double largest, double smallest, double width,
                               const char *text) {
    double needed = ninp_label_width(cairo, largest, text);
    return needed > width ? fmax(smallest, largest * width / needed) : largest;
}

void ninp_label_draw(cairo_t *cairo, ninp_lettering lettering, double x, double y, double width,
                     const char *text) {
    ninp_label label = ninp_label_make(text);
    choose_font(cairo, lettering.size);
    size_t length = ninp_label_length(&label);
    double needed = width_of(cairo, &label);
    while (needed > width && length > 1) {
        ninp_label_cut(&label, --length, false);
        needed = width_of(cairo, &label);
    }
    cairo_set_source_rgb(cairo, lettering.grey, lettering.grey, lettering.grey);
    cairo_move_to(cairo, x - lettering.align * needed, y);
    cairo_show_text(cairo, label.chars);
}

void ninp_label_draw_upwards(cairo_t *cairo, ninp_lettering lettering, double x, double y,
                             double width, const char *text) {
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, -acos(-1) / 2);
    ninp_label_draw(cairo, lettering, 0, 0, width, text);
    cairo_restore(cairo);
}

double ninp_label_cap_height(double size) {
    return 0.729 * size;
}

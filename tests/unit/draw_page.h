/* For tests of drawings: a directory for files, and PNG files read back through cairo. */
#ifndef NINP_TEST_DRAW_PAGE_H
#define NINP_TEST_DRAW_PAGE_H

#include <cairo.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* *state is the directory's name. */
static inline int page_directory_make(void **state) {
    char name[] = "/tmp/nin-draw-XXXXXX";
    char *made = mkdtemp(name);
    *state = made ? strdup(made) : NULL;
    return *state ? 0 : -1;
}

static inline int page_directory_remove(void **state) {
    DIR *directory = opendir(*state);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    if (directory) {
        closedir(directory);
    }
    int result = rmdir(*state);
    free(*state);
    return result;
}

typedef struct page_name {
    char chars[256];
} page_name;

static inline page_name page_path(void **state, const char *name) {
    page_name path;
    snprintf(path.chars, sizeof path.chars, "%s/%s", (const char *)*state, name);
    return path;
}

typedef struct png_page {
    cairo_surface_t *surface;
    int width, height;
} png_page;

static inline png_page page_read(const char *path) {
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    return (png_page){surface, cairo_image_surface_get_width(surface),
                      cairo_image_surface_get_height(surface)};
}

static inline void page_free(png_page *page) {
    cairo_surface_destroy(page->surface);
}

/* 0xRRGGBB */
static inline uint32_t page_pixel(const png_page *page, int x, int y) {
    assert_true(x >= 0 && x < page->width && y >= 0 && y < page->height);
    const unsigned char *line = cairo_image_surface_get_data(page->surface) +
                                (ptrdiff_t)y * cairo_image_surface_get_stride(page->surface);
    uint32_t pixel;
    memcpy(&pixel, line + 4 * (ptrdiff_t)x, sizeof pixel);
    return pixel & 0xFFFFFF;
}

/* Whether no channel is further than 40 levels away. */
static inline bool page_is_near(uint32_t pixel, uint32_t colour) {
    for (int shift = 0; shift < 24; shift += 8) {
        if (abs((int)(pixel >> shift & 0xFF) - (int)(colour >> shift & 0xFF)) > 40) {
            return false;
        }
    }
    return true;
}

/* Pixels near a colour, x0 <= x < x1, y0 <= y < y1. */
static inline int page_count(const png_page *page, uint32_t colour, int x0, int y0, int x1,
                             int y1) {
    int count = 0;
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            count += page_is_near(page_pixel(page, x, y), colour);
        }
    }
    return count;
}

/* Nothing is drawn on the `width` outermost pixels: nothing was cut off there. */
static inline bool page_border_is_white(const png_page *page, int width) {
    for (int y = 0; y < page->height; y++) {
        for (int x = 0; x < page->width; x++) {
            bool inside =
                x >= width && x < page->width - width && y >= width && y < page->height - width;
            if (!inside && page_pixel(page, x, y) != 0xFFFFFF) {
                return false;
            }
        }
    }
    return true;
}

#endif

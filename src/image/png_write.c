#include "base/error.h"
#include "base/file.h"
#include "image/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

/* All that must survive a longjmp lives here, outside the frame that calls setjmp. */
typedef struct encoder {
    const char *path;
    const nin_image *image;
    ninp_file *file;
    nin_error *err;
    nin_status status;
    png_structp png;
    png_infop info;
} encoder;

static void on_error(png_structp png, png_const_charp message) {
    encoder *e = png_get_error_ptr(png);
    if (e->status == NIN_OK) { /* else write_bytes has said why */
        e->status = ninp_fail(e->err, NIN_ERROR_MEMORY, "%s: cannot encode: %s", e->path, message);
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t size) {
    encoder *e = png_get_io_ptr(png);
    e->status = ninp_file_write(e->file, bytes, size, e->err);
    if (e->status != NIN_OK) {
        png_error(png, "write failed");
    }
}

/* The file is synced once, when it is committed. */
static void flush_nothing(png_structp png) {
    (void)png;
}

static nin_status write_samples(encoder *e) {
    if (setjmp(png_jmpbuf(e->png))) {
        return e->status;
    }
    const nin_image *image = e->image;
    png_set_write_fn(e->png, e, write_bytes, flush_nothing);
    png_set_IHDR(e->png, e->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    size_t stride = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++) {
        png_write_row(e->png, image->pixels + (size_t)y * stride);
    }
    png_write_end(e->png, NULL);
    return NIN_OK;
}

nin_status nin_image_write_png(const char *path, const nin_image *image, nin_error *err) {
    nin_status status = ninp_image_check(image, err);
    if (status != NIN_OK) {
        return status;
    }
    encoder e = {.path = path, .image = image, .err = err};
    status = ninp_file_create(path, &e.file, err);
    if (status != NIN_OK) {
        return status;
    }
    e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e, on_error, on_warning);
    e.info = e.png ? png_create_info_struct(e.png) : NULL;
    status = e.info ? write_samples(&e) : ninp_fail_memory(err, 0, "a PNG encoder");
    png_destroy_write_struct(&e.png, &e.info);
    if (status != NIN_OK) {
        ninp_file_abandon(e.file);
        return status;
    }
    return ninp_file_commit(e.file, err);
}

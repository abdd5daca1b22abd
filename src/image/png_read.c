#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE_SIZE = 8,
    CHUNK_COUNT_LIMIT = 1000,   /* chunks that libpng would keep */
    CHUNK_SIZE_LIMIT = 8 << 20, /* bytes of memory for one */
};

/* All that must survive a longjmp lives here, outside the frame that calls setjmp. */
typedef struct decoder {
    const char *name;
    const uint8_t *bytes;
    size_t size, position;
    nin_error *err;
    bool out_of_memory;
    png_structp png;
    png_infop info;
    int width, height, channels; /* channels of a row as libpng gives it */
    bool palette;
    uint8_t *samples; /* height x width x channels */
    png_bytep *rows;
} decoder;

static void on_error(png_structp png, png_const_charp message) {
    decoder *d = png_get_error_ptr(png);
    if (d->out_of_memory) {
        (void)ninp_fail(d->err, NIN_ERROR_MEMORY, "%s: out of memory while decoding", d->name);
    } else {
        (void)ninp_fail(d->err, NIN_ERROR_DATA, "%s: byte %zu: broken PNG: %s", d->name,
                        d->position, message);
    }
    png_longjmp(png, 1);
}

/* What libpng only warns of leaves the picture whole. */
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    decoder *d = png_get_mem_ptr(png);
    void *block = malloc(size);
    if (!block) {
        d->out_of_memory = true;
    }
    return block;
}

static void release(png_structp png, png_voidp block) {
    (void)png;
    free(block);
}

static void read_bytes(png_structp png, png_bytep out, size_t size) {
    decoder *d = png_get_io_ptr(png);
    if (size > d->size - d->position) {
        d->position = d->size;
        png_error(png, "the file ends too early");
    }
    memcpy(out, d->bytes + d->position, size);
    d->position += size;
}

/* Checks the sizes, asks for 8-bit samples without alpha, and makes room for them. */
static nin_status prepare(decoder *d) {
    png_uint_32 width = png_get_image_width(d->png, d->info);
    png_uint_32 height = png_get_image_height(d->png, d->info);
    if ((uint64_t)width * height > NINP_IMAGE_PIXEL_LIMIT) {
        return ninp_fail(d->err, NIN_ERROR_DATA, "%s: %u x %u pixels are more than the limit of %d",
                         d->name, (unsigned)width, (unsigned)height, NINP_IMAGE_PIXEL_LIMIT);
    }
    png_byte type = png_get_color_type(d->png, d->info);
    d->palette = type == PNG_COLOR_TYPE_PALETTE;
    if (d->palette) {
        png_set_packing(d->png);
    } else if ((type & PNG_COLOR_MASK_COLOR) == 0) {
        png_set_expand_gray_1_2_4_to_8(d->png);
    }
    png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);

    d->width = (int)width;
    d->height = (int)height;
    d->channels = png_get_channels(d->png, d->info);
    size_t stride = (size_t)width * (size_t)d->channels;
    if ((d->channels != 1 && d->channels != 3) || png_get_rowbytes(d->png, d->info) != stride) {
        return ninp_fail(d->err, NIN_ERROR_DATA, "%s: a kind of PNG that is not read", d->name);
    }
    d->samples = ninp_calloc(height, stride);
    d->rows = ninp_calloc(height, sizeof *d->rows);
    if (!d->samples || !d->rows) {
        return ninp_fail_memory(d->err, (size_t)height * stride, "a picture");
    }
    for (png_uint_32 y = 0; y < height; y++) {
        d->rows[y] = d->samples + y * stride;
    }
    return NIN_OK;
}

/* Runs libpng from the signature to the last checksum. Errors arrive here by longjmp. */
static nin_status read_samples(decoder *d) {
    if (setjmp(png_jmpbuf(d->png))) {
        return d->out_of_memory ? NIN_ERROR_MEMORY : NIN_ERROR_DATA;
    }
    png_set_read_fn(d->png, d, read_bytes);
    png_set_user_limits(d->png, NINP_IMAGE_SIDE_LIMIT, NINP_IMAGE_SIDE_LIMIT);
    png_set_chunk_cache_max(d->png, CHUNK_COUNT_LIMIT);
    png_set_chunk_malloc_max(d->png, CHUNK_SIZE_LIMIT);
    png_set_crc_action(d->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    /* Everything that does not change the samples is skipped, so profiles and texts never inflate.
     */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    nin_status status = prepare(d);
    if (status == NIN_OK) {
        png_read_image(d->png, d->rows);
        png_read_end(d->png, NULL);
    }
    return status;
}

/* Looks every sample up in the palette. */
static nin_status apply_palette(const decoder *d, nin_image *image) {
    png_colorp colours = NULL;
    int count = 0;
    png_get_PLTE(d->png, d->info, &colours, &count);
    nin_status status = ninp_image_create(d->width, d->height, 3, image, d->err);
    if (status != NIN_OK) {
        return status;
    }
    size_t area = (size_t)d->width * (size_t)d->height;
    for (size_t i = 0; i < area; i++) {
        int index = d->samples[i];
        if (index >= count) {
            nin_image_free(image);
            return ninp_fail(d->err, NIN_ERROR_DATA,
                             "%s: pixel %zu has colour %d of a palette of %d", d->name, i, index,
                             count);
        }
        image->pixels[i * 3] = colours[index].red;
        image->pixels[i * 3 + 1] = colours[index].green;
        image->pixels[i * 3 + 2] = colours[index].blue;
    }
    return NIN_OK;
}

nin_status nin_image_decode_png(const void *bytes, size_t size, const char *name, nin_image *image,
                                nin_error *err) {
    *image = (nin_image){0};
    if (size < SIGNATURE_SIZE || png_sig_cmp(bytes, 0, SIGNATURE_SIZE) != 0) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: not a PNG file", name);
    }
    if (size > NINP_IMAGE_FILE_LIMIT) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: larger than %zu bytes", name,
                         NINP_IMAGE_FILE_LIMIT);
    }
    decoder d = {.name = name, .bytes = bytes, .size = size, .err = err};
    d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning, &d, allocate,
                                     release);
    d.info = d.png ? png_create_info_struct(d.png) : NULL;
    nin_status status = d.info ? read_samples(&d) : ninp_fail_memory(err, 0, "a PNG decoder");
    if (status == NIN_OK && d.palette) {
        status = apply_palette(&d, image);
    } else if (status == NIN_OK) {
        *image = (nin_image){
            .width = d.width, .height = d.height, .channels = d.channels, .pixels = d.samples};
        d.samples = NULL;
    }
    png_destroy_read_struct(&d.png, &d.info, NULL);
    free(d.samples);
    free(d.rows);
    return status;
}

nin_status nin_image_read_png(const char *path, nin_image *image, nin_error *err) {
    *image = (nin_image){0};
    char *bytes;
    size_t size;
    nin_status status = ninp_file_read(path, NINP_IMAGE_FILE_LIMIT, &bytes, &size, err);
    if (status == NIN_OK) {
        status = nin_image_decode_png(bytes, size, path, image, err);
        free(bytes);
    }
    return status;
}

/* Pictures as bytes: decoding, encoding, and the resize that Pillow does. */
#ifndef NIN_IMAGE_H
#define NIN_IMAGE_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A picture of 8-bit samples, channels interleaved: pixels[(y * width + x) * channels + c].
 * channels is 1 (grey) or 3 (RGB), a side is 1 to 16,384 pixels; functions that are given anything
 * else answer NIN_ERROR_ARGUMENT. Owned by whoever holds it: free with nin_image_free. */
typedef struct nin_image {
    int width, height, channels;
    uint8_t *pixels;
} nin_image;

/* Frees the pixels and sets *image to zeros. NULL is allowed. */
NIN_API void nin_image_free(nin_image *image);

/* Decodes a PNG file into *image: grey or RGB as in the file, a palette becomes RGB, alpha and
 * transparency are left out (as Pillow's convert("L") and convert("RGB") do), 16 bit becomes 8 by
 * taking the high byte. Colour profiles and gamma are not applied; of an APNG the default picture
 * counts. Limits: 64 MiB file, 16,384 pixels a side, 32 million pixels in all. A broken checksum
 * anywhere is an error.
 * NIN_ERROR_NO_INPUT: no such file, NIN_ERROR_DATA: not a PNG or broken, NIN_ERROR_IO. */
NIN_API nin_status nin_image_read_png(const char *path, nin_image *image, nin_error *err);

/* The same from bytes in memory; `name` stands in messages for the file's name. */
NIN_API nin_status nin_image_decode_png(const void *bytes, size_t size, const char *name,
                                        nin_image *image, nin_error *err);

/* Writes *image as a PNG file, replacing `path` atomically. */
NIN_API nin_status nin_image_write_png(const char *path, const nin_image *image, nin_error *err);

/* Converts to 1 or 3 channels with Pillow's integer weights (grey = (19595 R + 38470 G + 7471 B +
 * 32768) >> 16). `to` may not be `from`. */
NIN_API nin_status nin_image_convert(const nin_image *from, int channels, nin_image *to,
                                     nin_error *err);

/* Turns *image into its mirror image, left to right. */
NIN_API nin_status nin_image_mirror(nin_image *image, nin_error *err);

/* Bilinear resize, bit-equal to Pillow's Image.resize((width, height), BILINEAR) for 8-bit
 * pictures: antialiased, horizontal pass first, coefficients in fixed point with 22 bits
 * (Pillow, src/libImaging/Resample.c). Pillow 13 began to take the vertical pass first where the
 * height shrinks a good deal more than the width, and may differ by one level there; earlier
 * releases agree everywhere. `to` receives a new picture. */
NIN_API nin_status nin_image_resize(const nin_image *from, int width, int height, nin_image *to,
                                    nin_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* What the parts of src/image share. */
#ifndef NINP_IMAGE_IMAGE_H
#define NINP_IMAGE_IMAGE_H

#include <nin/image.h>

/* Most pixels a side and in all, and most bytes of a file. */
#define NINP_IMAGE_SIDE_LIMIT 16384
#define NINP_IMAGE_PIXEL_LIMIT 32000000
#define NINP_IMAGE_FILE_LIMIT ((size_t)64 << 20)

/* Gives *image its sizes, which must be right, and zeroed pixels. NIN_ERROR_MEMORY: they do not
 * fit; then *image is zeros. */
nin_status ninp_image_create(int width, int height, int channels, nin_image *image, nin_error *err);

/* NIN_ERROR_ARGUMENT where a side is not within 1..NINP_IMAGE_SIDE_LIMIT. */
nin_status ninp_image_check_size(int width, int height, nin_error *err);
/* The same, or where there are no pixels, or channels are not 1 or 3. */
nin_status ninp_image_check(const nin_image *image, nin_error *err);

/* Between interleaved pixels and planes, channels x height x width bytes. */
void ninp_image_to_planes(const nin_image *image, uint8_t *planes);
void ninp_image_from_planes(const uint8_t *planes, nin_image *image);

/* Pillow's grey of a colour (Convert.c, L24): the ITU-R 601 weights in 16 bits, rounded. */
static inline uint8_t ninp_grey(unsigned red, unsigned green, unsigned blue) {
    return (uint8_t)((red * 19595U + green * 38470U + blue * 7471U + 0x8000U) >> 16);
}

#endif

#include "image/image.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void nin_image_free(nin_image *image) {
    if (image) {
        free(image->pixels);
        *image = (nin_image){0};
    }
}

nin_status ninp_image_create(int width, int height, int channels, nin_image *image,
                             nin_error *err) {
    assert(width >= 1 && height >= 1 && (channels == 1 || channels == 3));
    *image = (nin_image){0};
    size_t bytes;
    if (!ninp_mul((size_t)width, (size_t)height, &bytes) ||
        !ninp_mul(bytes, (size_t)channels, &bytes)) {
        return ninp_fail(err, NIN_ERROR_MEMORY,
                         "a picture of %d x %d pixels does not fit in memory", width, height);
    }
    uint8_t *pixels = ninp_calloc(bytes, 1);
    if (!pixels) {
        return ninp_fail_memory(err, bytes, "a picture");
    }
    *image = (nin_image){.width = width, .height = height, .channels = channels, .pixels = pixels};
    return NIN_OK;
}

nin_status ninp_image_check_size(int width, int height, nin_error *err) {
    if (width < 1 || height < 1 || width > NINP_IMAGE_SIDE_LIMIT ||
        height > NINP_IMAGE_SIDE_LIMIT) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "a picture of %d x %d pixels: a side has 1 to %d",
                         width, height, NINP_IMAGE_SIDE_LIMIT);
    }
    return NIN_OK;
}

nin_status ninp_image_check(const nin_image *image, nin_error *err) {
    if (!image->pixels || (image->channels != 1 && image->channels != 3)) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "a picture needs pixels and 1 or 3 channels");
    }
    return ninp_image_check_size(image->width, image->height, err);
}

void ninp_image_to_planes(const nin_image *image, uint8_t *planes) {
    size_t channels = (size_t)image->channels;
    size_t area = (size_t)image->width * (size_t)image->height;
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < area; i++) {
            planes[c * area + i] = image->pixels[i * channels + c];
        }
    }
}

void ninp_image_from_planes(const uint8_t *planes, nin_image *image) {
    size_t channels = (size_t)image->channels;
    size_t area = (size_t)image->width * (size_t)image->height;
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < area; i++) {
            image->pixels[i * channels + c] = planes[c * area + i];
        }
    }
}

nin_status nin_image_convert(const nin_image *from, int channels, nin_image *to, nin_error *err) {
    assert(from != to);
    *to = (nin_image){0};
    nin_status status = ninp_image_check(from, err);
    if (status != NIN_OK) {
        return status;
    }
    if (channels != 1 && channels != 3) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "a picture has 1 or 3 channels, not %d",
                         channels);
    }
    status = ninp_image_create(from->width, from->height, channels, to, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t area = (size_t)from->width * (size_t)from->height;
    if (from->channels == channels) {
        memcpy(to->pixels, from->pixels, area * (size_t)channels);
    } else if (channels == 1) {
        for (size_t i = 0; i < area; i++) {
            const uint8_t *rgb = from->pixels + i * 3;
            to->pixels[i] = ninp_grey(rgb[0], rgb[1], rgb[2]);
        }
    } else {
        for (size_t i = 0; i < area; i++) {
            memset(to->pixels + i * 3, from->pixels[i], 3);
        }
    }
    return NIN_OK;
}

nin_status nin_image_mirror(nin_image *image, nin_error *err) {
    nin_status status = ninp_image_check(image, err);
    if (status != NIN_OK) {
        return status;
    }
    const size_t channels = (size_t)image->channels;
    const size_t width = (size_t)image->width;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        uint8_t *row = image->pixels + y * width * channels;
        for (size_t left = 0; left < width / 2; left++) {
            uint8_t kept[3];
            uint8_t *one = row + left * channels;
            uint8_t *other = row + (width - 1 - left) * channels;
            memcpy(kept, one, channels);
            memcpy(one, other, channels);
            memcpy(other, kept, channels);
        }
    }
    return NIN_OK;
}

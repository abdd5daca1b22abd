/* Pixel statistics of a data set: a histogram of bytes a channel, so that nothing is rounded before
 * the end. */
#include <nin/data.h>

#include "image/image.h"

#include <assert.h>
#include <math.h>

enum { CHANNELS_LIMIT = 3, BYTE_VALUES = 256 };

/* Two counters a value, because runs of equal pixels would wait for the one they just changed. */
static void count_plane(const uint8_t *plane, size_t area, uint64_t counts[BYTE_VALUES]) {
    uint64_t odd[BYTE_VALUES] = {0};
    size_t i = 0;
    for (; i + 1 < area; i += 2) {
        counts[plane[i]]++;
        odd[plane[i + 1]]++;
    }
    if (i < area) {
        counts[plane[i]]++;
    }
    for (int value = 0; value < BYTE_VALUES; value++) {
        counts[value] += odd[value];
    }
}

static void count_grey(const uint8_t *planes, size_t area, uint64_t counts[BYTE_VALUES]) {
    for (size_t i = 0; i < area; i++) {
        counts[ninp_grey(planes[i], planes[area + i], planes[2 * area + i])]++;
    }
}

nin_pixel_statistics nin_dataset_statistics(const nin_dataset *dataset, int channels) {
    assert(channels == 1 || channels == CHANNELS_LIMIT);
    const nin_dataset_info info = nin_dataset_get_info(dataset);
    const size_t area = (size_t)info.height * (size_t)info.width;
    const int planes = info.channels < channels ? info.channels : channels;
    uint64_t counts[CHANNELS_LIMIT][BYTE_VALUES] = {0};
    for (size_t i = 0; i < info.count; i++) {
        const uint8_t *pixels = nin_dataset_pixels(dataset, i);
        if (info.channels > channels) {
            count_grey(pixels, area, counts[0]);
            continue;
        }
        for (int c = 0; c < planes; c++) {
            count_plane(pixels + (size_t)c * area, area, counts[c]);
        }
    }
    nin_pixel_statistics out = {0};
    const double pixels = (double)info.count * (double)area;
    for (int c = 0; c < channels; c++) {
        const uint64_t *of = counts[c < planes ? c : 0];
        /* Sums of whole numbers below 2^53 and so exact: a set has at most 2^34 pixels. */
        double sum = 0;
        double squares = 0;
        for (int value = 0; value < BYTE_VALUES; value++) {
            sum += (double)of[value] * value;
            squares += (double)of[value] * value * value;
        }
        const double mean = sum / pixels;
        const double variance = squares / pixels - mean * mean;
        out.mean[c] = mean / 255;
        out.std[c] = sqrt(variance > 0 ? variance : 0) / 255;
    }
    return out;
}

/* The 8-bit bilinear resize of Pillow, bit for bit (src/libImaging/Resample.c: precompute_coeffs,
 * normalize_coeffs_8bpc, ImagingResampleHorizontal_8bpc, ImagingResampleVertical_8bpc).
 *
 * An output sample is the weighted mean of the input samples that a triangle reaches, which is as
 * wide as the larger of an input and an output pixel. Weights are fixed point; each axis is a pass
 * of its own, rounded to bytes, and is left out where its size stays. */
#include "image/resize.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/image.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HALF = 1 << (NINP_RESIZE_PRECISION - 1),
    BLOCK = 64 /* columns whose sums stay in registers or the nearest cache */
};

struct ninp_resizer {
    ninp_resize_axis x, y;
};

static void axis_free(ninp_resize_axis *a) {
    free(a->first);
    free(a->count);
    free(a->weights);
}

/* The weights of output sample `o`. The doubles and their order of evaluation are Pillow's: another
 * order rounds differently. `row` is room for `taps` doubles. */
static void axis_weigh(ninp_resize_axis *a, int o, double scale, double support, double *row) {
    double centre = (o + 0.5) * scale;
    double sum = 0.0;
    double inverse = 1.0 / (scale < 1.0 ? 1.0 : scale);
    int first = (int)(centre - support + 0.5);
    first = first < 0 ? 0 : first;
    int end = (int)(centre + support + 0.5);
    end = end > a->in ? a->in : end;
    for (int t = 0; t < end - first; t++) {
        double distance = fabs((t + first - centre + 0.5) * inverse);
        row[t] = distance < 1.0 ? 1.0 - distance : 0.0;
        sum += row[t];
    }
    for (int t = 0; t < end - first; t++) {
        double weight = sum != 0.0 ? row[t] / sum : row[t];
        a->weights[(size_t)o * (size_t)a->taps + (size_t)t] =
            (int32_t)(0.5 + weight * (1 << NINP_RESIZE_PRECISION));
    }
    a->first[o] = first;
    a->count[o] = end - first;
}

static nin_status axis_create(ninp_resize_axis *a, int in, int out, nin_error *err) {
    a->in = in;
    a->out = out;
    double scale = (double)in / out;
    double support = scale < 1.0 ? 1.0 : scale; /* the triangle reaches one pixel */
    a->taps = (int)ceil(support) * 2 + 1;
    size_t weights;
    if (!ninp_mul((size_t)out, (size_t)a->taps, &weights)) {
        return ninp_fail_memory(err, SIZE_MAX, "resize weights");
    }
    a->first = ninp_calloc((size_t)out, sizeof *a->first);
    a->count = ninp_calloc((size_t)out, sizeof *a->count);
    a->weights = ninp_calloc(weights, sizeof *a->weights);
    double *row = ninp_calloc((size_t)a->taps, sizeof *row);
    if (!a->first || !a->count || !a->weights || !row) {
        free(row);
        return ninp_fail_memory(err, weights, "resize weights");
    }
    for (int o = 0; o < out; o++) {
        axis_weigh(a, o, scale, support, row);
    }
    free(row);
    return NIN_OK;
}

nin_status ninp_resizer_create(int in_height, int in_width, int out_height, int out_width,
                               ninp_resizer **out, nin_error *err) {
    assert(ninp_image_check_size(in_width, in_height, NULL) == NIN_OK);
    assert(ninp_image_check_size(out_width, out_height, NULL) == NIN_OK);
    *out = NULL;
    ninp_resizer *resizer = ninp_calloc(1, sizeof *resizer);
    if (!resizer) {
        return ninp_fail_memory(err, sizeof *resizer, "a resizer");
    }
    nin_status status = axis_create(&resizer->x, in_width, out_width, err);
    if (status == NIN_OK) {
        status = axis_create(&resizer->y, in_height, out_height, err);
    }
    size_t scratch;
    if (status == NIN_OK && !ninp_mul((size_t)in_height, (size_t)out_width, &scratch)) {
        status = ninp_fail_memory(err, SIZE_MAX, "resize rows");
    }
    if (status != NIN_OK) {
        ninp_resizer_free(resizer);
        return status;
    }
    *out = resizer;
    return NIN_OK;
}

void ninp_resizer_free(ninp_resizer *resizer) {
    if (resizer) {
        axis_free(&resizer->x);
        axis_free(&resizer->y);
        free(resizer);
    }
}

const ninp_resize_axis *ninp_resizer_x(const ninp_resizer *resizer) {
    return &resizer->x;
}

const ninp_resize_axis *ninp_resizer_y(const ninp_resizer *resizer) {
    return &resizer->y;
}

size_t ninp_resizer_scratch(const ninp_resizer *resizer) {
    return (size_t)resizer->y.in * (size_t)resizer->x.out;
}

/* Weights are not negative, and their sum exceeds 1 by their rounding at most: by less than 2^-8
 * for sides of 16,384, so that 32 bits hold the sum of the products. */
static inline uint8_t clip(int32_t sum) {
    int32_t value = sum >> NINP_RESIZE_PRECISION;
    return (uint8_t)(value > 255 ? 255 : value);
}

static void resize_rows(const ninp_resize_axis *a, int rows, const uint8_t *restrict in,
                        uint8_t *restrict out) {
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < a->out; x++) {
            const uint8_t *source = in + a->first[x];
            const int32_t *weights = a->weights + (size_t)x * (size_t)a->taps;
            int32_t sum = HALF;
            for (int t = 0; t < a->count[x]; t++) {
                sum += weights[t] * source[t];
            }
            out[x] = clip(sum);
        }
        in += a->in;
        out += a->out;
    }
}

static void resize_columns(const ninp_resize_axis *a, int columns, const uint8_t *restrict in,
                           uint8_t *restrict out) {
    size_t width = (size_t)columns;
    for (int y = 0; y < a->out; y++) {
        const uint8_t *source = in + (size_t)a->first[y] * width;
        const int32_t *weights = a->weights + (size_t)y * (size_t)a->taps;
        for (size_t x0 = 0; x0 < width; x0 += BLOCK) {
            size_t n = width - x0 < BLOCK ? width - x0 : BLOCK;
            int32_t sums[BLOCK];
            for (size_t x = 0; x < n; x++) {
                sums[x] = HALF;
            }
            for (int t = 0; t < a->count[y]; t++) {
                const uint8_t *row = source + (size_t)t * width + x0;
                for (size_t x = 0; x < n; x++) {
                    sums[x] += weights[t] * row[x];
                }
            }
            for (size_t x = 0; x < n; x++) {
                out[x0 + x] = clip(sums[x]);
            }
        }
        out += width;
    }
}

void ninp_resizer_run(const ninp_resizer *resizer, const uint8_t *restrict plane,
                      uint8_t *restrict out, uint8_t *restrict scratch) {
    const ninp_resize_axis *x = &resizer->x;
    const ninp_resize_axis *y = &resizer->y;
    if (x->in == x->out && y->in == y->out) {
        memcpy(out, plane, (size_t)x->in * (size_t)y->in);
    } else if (y->in == y->out) {
        resize_rows(x, y->in, plane, out);
    } else if (x->in == x->out) {
        resize_columns(y, x->out, plane, out);
    } else {
        resize_rows(x, y->in, plane, scratch);
        resize_columns(y, x->out, scratch, out);
    }
}

nin_status nin_image_resize(const nin_image *from, int width, int height, nin_image *to,
                            nin_error *err) {
    assert(from != to);
    *to = (nin_image){0};
    nin_status status = ninp_image_check(from, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_image_check_size(width, height, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_image_create(width, height, from->channels, to, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t channels = (size_t)from->channels;
    size_t in_area = (size_t)from->width * (size_t)from->height;
    size_t out_area = (size_t)width * (size_t)height;
    ninp_resizer *resizer;
    status = ninp_resizer_create(from->height, from->width, height, width, &resizer, err);
    if (status != NIN_OK) {
        nin_image_free(to);
        return status;
    }
    uint8_t *in = ninp_calloc(in_area, channels);
    uint8_t *out = ninp_calloc(out_area, channels);
    uint8_t *scratch = ninp_calloc(ninp_resizer_scratch(resizer), 1);
    if (in && out && scratch) {
        ninp_image_to_planes(from, in);
        for (size_t c = 0; c < channels; c++) {
            ninp_resizer_run(resizer, in + c * in_area, out + c * out_area, scratch);
        }
        ninp_image_from_planes(out, to);
    } else {
        status = ninp_fail_memory(err, out_area, "a picture");
        nin_image_free(to);
    }
    free(in);
    free(out);
    free(scratch);
    ninp_resizer_free(resizer);
    return status;
}

/* Transforms of pictures: of rows, then of columns, each a straight line of generated code over 16
 * channels. */
#include "cpu/kernel/isa.h"

#include "fft_codelets.h"

#include "cpu/kernel/fft.h"
#include "cpu/kernel/fft_parts.h"

#include <string.h>

enum { LANES = 16 };

/* Pixel i of a side lies at (first + i) % size. */
static int frame_place(const ninp_fft_length *length, int first, int i) {
    const int place = first + i;
    return place < length->size ? place : place - length->size;
}

enum { ROWS_AHEAD = 6 };

static void fetch_row(const ninp_fft_pictures *pictures, const float *x, int y) {
    y += ROWS_AHEAD;
    if (y >= pictures->height) {
        y -= pictures->height;
        x += pictures->stride;
    }
    x += y * pictures->width * LANES;
    for (int i = 0; i < pictures->width; i++) {
        __builtin_prefetch(x + i * LANES);
    }
}

/* Rows of pixels to rows of pairs. Where the picture starts inside of the frame, rows are turned
 * round by way of `line`. */
static void transform_rows(const ninp_fft_pictures *pictures, const float *x, float *lines,
                           float *line) {
    const ninp_fft_length *horizontal = pictures->frame.horizontal;
    const size_t stride = ninp_fft_line(&pictures->frame);
    const float *start = x;
    for (int y = 0; y < pictures->height; y++, x += pictures->width * LANES) {
        fetch_row(pictures, start, y);
        float *out =
            lines + (size_t)frame_place(pictures->frame.vertical, pictures->top, y) * stride;
        if (pictures->left == 0) {
            horizontal->real(pictures->width, x, LANES, out, NINP_FFT_PAIR);
            continue;
        }
        memset(line, 0, (size_t)horizontal->size * LANES * sizeof *line);
        for (int i = 0; i < pictures->width; i++) {
            ninp_store(line + frame_place(horizontal, pictures->left, i) * LANES,
                       ninp_load(x + i * LANES));
        }
        horizontal->real(horizontal->size, line, LANES, out, NINP_FFT_PAIR);
    }
}

/* Floats of a picture's rows of pairs. */
static size_t lines_floats(const ninp_fft_frame *frame) {
    return (size_t)frame->vertical->size * ninp_fft_line(frame);
}

/* All pictures of a column at a time: they are neighbours in the bins. */
static void pictures_forward(const ninp_fft_pictures *pictures, const float *x, float *bins,
                             size_t bin_stride, float *scratch) {
    const ninp_fft_frame *frame = &pictures->frame;
    const size_t lines = lines_floats(frame);
    float *line = scratch + (size_t)pictures->count * lines;
    int rows = pictures->height;
    if (pictures->top > 0) {
        rows = frame->vertical->size;
        memset(scratch, 0, (size_t)pictures->count * lines * sizeof *scratch);
    }
    for (int i = 0; i < pictures->count; i++) {
        transform_rows(pictures, x + (size_t)i * pictures->stride, scratch + (size_t)i * lines,
                       line);
    }
    for (int column = 0; column < ninp_fft_half(frame->horizontal); column++) {
        ninp_fft_codelet *transform = ninp_fft_is_real_column(frame, column)
                                          ? frame->vertical->real
                                          : frame->vertical->complex;
        for (int i = 0; i < pictures->count; i++) {
            transform(rows, scratch + (size_t)i * lines + column * NINP_FFT_PAIR,
                      ninp_fft_line(frame), bins + i * NINP_FFT_PAIR, bin_stride);
        }
        bins += (size_t)ninp_fft_column_bins(frame, column) * bin_stride;
    }
}

/* Column 0 holds the sums of rows: what is added there is added to every pixel. */
static void add_bias(int rows, size_t stride, const float *bias, float *lines) {
    const ninp_v start = ninp_load(bias);
    for (int y = 0; y < rows; y++) {
        float *sum = lines + (size_t)y * stride;
        ninp_store(sum, ninp_addv(ninp_load(sum), start));
    }
}

/* Rows of pairs to rows of pixels. */
static void invert_rows(const ninp_fft_pictures *pictures, const float *lines, float *y,
                        float *line) {
    const ninp_fft_length *horizontal = pictures->frame.horizontal;
    const size_t stride = ninp_fft_line(&pictures->frame);
    const float *start = y;
    for (int i = 0; i < pictures->height; i++, y += pictures->width * LANES) {
        fetch_row(pictures, start, i);
        const float *in =
            lines + (size_t)frame_place(pictures->frame.vertical, pictures->top, i) * stride;
        if (pictures->left == 0) {
            horizontal->real_inverse(pictures->width, in, NINP_FFT_PAIR, y, LANES);
            continue;
        }
        horizontal->real_inverse(horizontal->size, in, NINP_FFT_PAIR, line, LANES);
        for (int j = 0; j < pictures->width; j++) {
            ninp_store(y + j * LANES,
                       ninp_load(line + frame_place(horizontal, pictures->left, j) * LANES));
        }
    }
}

static void pictures_inverse(const ninp_fft_pictures *pictures, const float *bins,
                             size_t bin_stride, const float *bias, float *y, float *scratch) {
    const ninp_fft_frame *frame = &pictures->frame;
    const size_t lines = lines_floats(frame);
    const int rows = pictures->top > 0 ? frame->vertical->size : pictures->height;
    for (int column = 0; column < ninp_fft_half(frame->horizontal); column++) {
        ninp_fft_codelet *transform = ninp_fft_is_real_column(frame, column)
                                          ? frame->vertical->real_inverse
                                          : frame->vertical->complex_inverse;
        for (int i = 0; i < pictures->count; i++) {
            transform(rows, bins + i * NINP_FFT_PAIR, bin_stride,
                      scratch + (size_t)i * lines + column * NINP_FFT_PAIR, ninp_fft_line(frame));
        }
        bins += (size_t)ninp_fft_column_bins(frame, column) * bin_stride;
    }
    for (int i = 0; i < pictures->count; i++) {
        float *own = scratch + (size_t)i * lines;
        if (bias) {
            add_bias(rows, ninp_fft_line(frame), bias, own);
        }
        invert_rows(pictures, own, y + (size_t)i * pictures->stride,
                    scratch + (size_t)pictures->count * lines);
    }
}

#define LENGTH(n)                                                                                  \
    {.size = (n),                                                                                  \
     .real = ninp_fft_real_##n,                                                                    \
     .complex = ninp_fft_complex_##n,                                                              \
     .complex_inverse = ninp_fft_complex_inverse_##n,                                              \
     .real_inverse = ninp_fft_real_inverse_##n,                                                    \
     .waves = ninp_fft_waves_##n},

static const ninp_fft_length lengths[] = {NINP_FFT_EACH_SIZE(LENGTH)};

const ninp_fft_kernels NINP_FOR_ISA(ninp_fft_kernels) = {
    .lengths = lengths,
    .length_count = sizeof lengths / sizeof *lengths,
    .products = NINP_FFT_PRODUCTS,
    .pictures = pictures_forward,
    .pictures_inverse = pictures_inverse,
    .filters = NINP_FOR_ISA(ninp_fft_filters_forward),
    .gradient_column = NINP_FOR_ISA(ninp_fft_gradient_column),
    .gradient_rows = NINP_FOR_ISA(ninp_fft_gradient_rows),
    .multiply = NINP_FOR_ISA(ninp_fft_multiply),
    .gradient = NINP_FOR_ISA(ninp_fft_multiply_gradient),
};

/* Transforms of pictures: of rows, then of columns, each a straight line of generated code over 16
 * channels. */
#include "cpu/kernel/isa.h"

#include "cpu/kernel/fft.h"
#include "cpu/kernel/fft_parts.h"

#include <string.h>

enum {
    LANES = 16,
    ROWS_AHEAD = 6 /* so far ahead pixels are fetched: codelets visit them in no simple order */
};

/* Pixel i of a side lies at (first + i) % size. */
static int frame_place(const ninp_fft_length *length, int first, int i) {
    const int place = first + i;
    return place < length->size ? place : place - length->size;
}

static void fetch_row(const ninp_fft_picture *picture, const float *row) {
    row += ROWS_AHEAD * picture->width * LANES;
    for (int i = 0; i < picture->width; i++) {
        __builtin_prefetch(row + i * LANES);
    }
}

/* Rows of pixels to rows of pairs. Where the picture starts inside of the frame, rows are turned
 * round by way of `line`. */
static void transform_rows(const ninp_fft_picture *picture, const float *x, float *lines,
                           float *line) {
    const ninp_fft_length *horizontal = picture->frame.horizontal;
    for (int y = 0; y < picture->height; y++, x += picture->width * LANES) {
        float *out = lines + (size_t)frame_place(picture->frame.vertical, picture->top, y) *
                                 ninp_fft_line(&picture->frame);
        fetch_row(picture, x);
        if (picture->left == 0) {
            horizontal->real(picture->width, x, LANES, out, NINP_FFT_PAIR);
            continue;
        }
        memset(line, 0, (size_t)horizontal->size * LANES * sizeof *line);
        for (int i = 0; i < picture->width; i++) {
            ninp_store(line + frame_place(horizontal, picture->left, i) * LANES,
                       ninp_load(x + i * LANES));
        }
        horizontal->real(horizontal->size, line, LANES, out, NINP_FFT_PAIR);
    }
}

static void picture_forward(const ninp_fft_picture *picture, const float *x, float *bins,
                            size_t bin_stride, float *scratch) {
    const ninp_fft_frame *frame = &picture->frame;
    const size_t stride = ninp_fft_line(frame);
    float *line = scratch + (size_t)frame->vertical->size * stride;
    int rows = picture->height;
    if (picture->top > 0) {
        rows = frame->vertical->size;
        memset(scratch, 0, (size_t)rows * stride * sizeof *scratch);
    }
    transform_rows(picture, x, scratch, line);
    for (int column = 0; column < ninp_fft_half(frame->horizontal); column++) {
        const float *in = scratch + column * NINP_FFT_PAIR;
        if (ninp_fft_is_real_column(frame, column)) {
            frame->vertical->real(rows, in, stride, bins, bin_stride);
        } else {
            frame->vertical->complex(rows, in, stride, bins, bin_stride, LANES);
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
static void invert_rows(const ninp_fft_picture *picture, const float *lines, float *y,
                        float *line) {
    const ninp_fft_length *horizontal = picture->frame.horizontal;
    for (int i = 0; i < picture->height; i++, y += picture->width * LANES) {
        const float *in = lines + (size_t)frame_place(picture->frame.vertical, picture->top, i) *
                                      ninp_fft_line(&picture->frame);
        fetch_row(picture, y);
        if (picture->left == 0) {
            horizontal->real_inverse(picture->width, in, NINP_FFT_PAIR, y, LANES);
            continue;
        }
        horizontal->real_inverse(horizontal->size, in, NINP_FFT_PAIR, line, LANES);
        for (int j = 0; j < picture->width; j++) {
            ninp_store(y + j * LANES,
                       ninp_load(line + frame_place(horizontal, picture->left, j) * LANES));
        }
    }
}

static void picture_inverse(const ninp_fft_picture *picture, const float *bins, size_t bin_stride,
                            const float *bias, float *y, float *scratch) {
    const ninp_fft_frame *frame = &picture->frame;
    const size_t stride = ninp_fft_line(frame);
    const int rows = picture->top > 0 ? frame->vertical->size : picture->height;
    for (int column = 0; column < ninp_fft_half(frame->horizontal); column++) {
        float *out = scratch + column * NINP_FFT_PAIR;
        if (ninp_fft_is_real_column(frame, column)) {
            frame->vertical->real_inverse(rows, bins, bin_stride, out, stride);
        } else {
            frame->vertical->complex(frame->vertical->size, bins + LANES, bin_stride, out + LANES,
                                     stride, -LANES);
        }
        bins += (size_t)ninp_fft_column_bins(frame, column) * bin_stride;
    }
    if (bias) {
        add_bias(rows, stride, bias, scratch);
    }
    invert_rows(picture, scratch, y, scratch + (size_t)frame->vertical->size * stride);
}

#define LENGTH(n)                                             \
    {.size = (n),                                             \
     .real = NINP_FOR_ISA(ninp_fft_real_##n),                 \
     .real_inverse = NINP_FOR_ISA(ninp_fft_real_inverse_##n), \
     .complex = NINP_FOR_ISA(ninp_fft_complex_##n),           \
     .waves = NINP_FOR_ISA(ninp_fft_waves_##n)},

static const ninp_fft_length lengths[] = {NINP_FFT_EACH_SIZE(LENGTH)};

const ninp_fft_kernels NINP_FOR_ISA(ninp_fft_kernels) = {
    .lengths = lengths,
    .length_count = sizeof lengths / sizeof *lengths,
    .products = NINP_FFT_PRODUCTS,
    .picture = picture_forward,
    .picture_inverse = picture_inverse,
    .filters = NINP_FOR_ISA(ninp_fft_filters_forward),
    .gradient_column = NINP_FOR_ISA(ninp_fft_gradient_column),
    .gradient_rows = NINP_FOR_ISA(ninp_fft_gradient_rows),
    .multiply = NINP_FOR_ISA(ninp_fft_multiply),
    .gradient = NINP_FOR_ISA(ninp_fft_multiply_gradient),
};

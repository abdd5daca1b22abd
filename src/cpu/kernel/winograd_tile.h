/* Two-dimensional transforms from the one-dimensional ones of a generated winograd_MxR.h, which is
 * included before this file: the body of winograd_MxR.c. The functions are those of winograd.h. */
#ifndef NINP_CPU_KERNEL_WINOGRAD_TILE_H
#define NINP_CPU_KERNEL_WINOGRAD_TILE_H

#include "cpu/kernel/winograd.h"

#include <stdbool.h>
#include <string.h>

enum { M = NINP_TILE_OUTPUTS, R = NINP_TILE_WEIGHTS, N = NINP_TILE_SIZE, LANES = 16 };

typedef void transform(const float *in, size_t in_stride, float *out, size_t out_stride);

/* Pixels that a row of tiles covers from left to right. */
static size_t covered(int tiles) {
    return (size_t)tiles * M + R - 1;
}

static size_t scratch(int tiles) {
    size_t spread = N * covered(tiles);
    size_t gather = (size_t)M * N * (size_t)tiles;
    return LANES * (spread > gather ? spread : gather);
}

/* One column of `side` pixels from `top` on, as `side` vectors. */
NINP_SIMD void copy_column(const ninp_winograd_row *row, int side, const float *pixels,
                           float *column) {
    for (int i = 0; i < side; i++) {
        int y = row->top + i;
        bool inside = y >= 0 && y < row->height;
        ninp_store(column + i * LANES,
                   inside ? ninp_load(pixels + (ptrdiff_t)y * row->width * LANES) : ninp_zero());
    }
}

/* Tiles of side x side pixels to bins. Neighbours share what they overlap of the columns' pass. */
NINP_SIMD void spread(const ninp_winograd_row *row, int side, transform *one_dimension,
                      const float *pixels, float *bins, size_t bin_stride, float *columns) {
    const size_t count = (size_t)row->tiles * M + (size_t)(side - M);
    const bool whole = row->top >= 0 && row->top + side <= row->height;
    for (size_t j = 0; j < count; j++) {
        const ptrdiff_t x = row->left + (ptrdiff_t)j;
        float *out = columns + j * LANES;
        if (x < 0 || x >= row->width) {
            for (size_t i = 0; i < N; i++) {
                ninp_store(out + i * count * LANES, ninp_zero());
            }
        } else if (whole) {
            one_dimension(pixels + ((ptrdiff_t)row->top * row->width + x) * LANES,
                          (size_t)row->width * LANES, out, count * LANES);
        } else {
            _Alignas(64) float column[N * LANES];
            copy_column(row, side, pixels + x * LANES, column);
            one_dimension(column, LANES, out, count * LANES);
        }
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t t = 0; t < (size_t)row->tiles; t++) {
            one_dimension(columns + (i * count + t * M) * LANES, LANES,
                          bins + i * N * bin_stride + t * LANES, bin_stride);
        }
    }
}

static void input(const ninp_winograd_row *row, const float *x, float *bins, size_t bin_stride,
                  float *columns) {
    spread(row, N, ninp_tile_input, x, bins, bin_stride, columns);
}

static void output_gradient(const ninp_winograd_row *row, const float *dy, float *bins,
                            size_t bin_stride, float *columns) {
    spread(row, M, ninp_tile_output_gradient, dy, bins, bin_stride, columns);
}

/* The first pass leaves [M][tile][N]. The bias enters between the passes, at point 1 of the second:
 * there AT has a one for every output. */
static void output(const ninp_winograd_row *row, const float *bins, size_t bin_stride,
                   const float *bias, float *y, float *columns) {
    const size_t tiles = (size_t)row->tiles;
    for (size_t j = 0; j < N; j++) {
        for (size_t t = 0; t < tiles; t++) {
            ninp_tile_output(bins + j * bin_stride + t * LANES, N * bin_stride,
                             columns + (t * N + j) * LANES, tiles * N * LANES);
        }
    }
    const ninp_v start = ninp_load(bias);
    for (int i = 0; i < M && row->top + i < row->height; i++) {
        for (int t = 0; t < row->tiles; t++) {
            float *line = columns + ((size_t)i * tiles + (size_t)t) * N * LANES;
            ninp_store(line + LANES, ninp_addv(start, ninp_load(line + LANES)));
            const int x = row->left + t * M;
            float *out = y + ((ptrdiff_t)(row->top + i) * row->width + x) * LANES;
            if (x + M <= row->width) {
                ninp_tile_output(line, LANES, out, LANES);
            } else {
                ninp_tile_output(line, LANES, line, LANES);
                memcpy(out, line, (size_t)(row->width - x) * LANES * sizeof(float));
            }
        }
    }
}

/* Rows first, so that the overlap of neighbours is added once for all columns. */
static void input_gradient(int tiles, const float *bins, size_t bin_stride, float *sums,
                           float *lines) {
    const size_t count = covered(tiles);
    _Alignas(64) float part[N * LANES];
    for (size_t i = 0; i < N; i++) {
        float *line = lines + i * count * LANES;
        memset(line, 0, (R - 1) * LANES * sizeof(float));
        for (size_t t = 0; t < (size_t)tiles; t++, line += M * LANES) {
            ninp_tile_input_gradient(bins + i * N * bin_stride + t * LANES, bin_stride, part,
                                     LANES);
            for (size_t j = 0; j < N; j++) {
                const ninp_v v = ninp_load(part + j * LANES);
                float *out = line + j * LANES;
                ninp_store(out, j < R - 1 ? ninp_addv(v, ninp_load(out)) : v);
            }
        }
    }
    for (size_t j = 0; j < count; j++) {
        ninp_tile_input_gradient(lines + j * LANES, count * LANES, part, LANES);
        for (size_t i = 0; i < N; i++) {
            const ninp_v v = ninp_load(part + i * LANES);
            float *out = sums + (i * count + j) * LANES;
            ninp_store(out, i < R - 1 ? ninp_addv(v, ninp_load(out)) : v);
        }
    }
}

static void weight(int count, const float *weights, float *bins, size_t bin_stride) {
    _Alignas(64) float columns[N * R * LANES];
    for (int c = 0; c < count; c++, weights += R * R * LANES, bins += LANES) {
        for (size_t j = 0; j < R; j++) {
            ninp_tile_weight(weights + j * LANES, R * LANES, columns + j * LANES, R * LANES);
        }
        for (size_t i = 0; i < N; i++) {
            ninp_tile_weight(columns + i * R * LANES, LANES, bins + i * N * bin_stride, bin_stride);
        }
    }
}

static void weight_gradient(int count, const float *bins, size_t bin_stride, float *gradient) {
    _Alignas(64) float columns[R * N * LANES];
    for (int c = 0; c < count; c++, gradient += R * R * LANES, bins += LANES) {
        for (size_t j = 0; j < N; j++) {
            ninp_tile_weight_gradient(bins + j * bin_stride, N * bin_stride, columns + j * LANES,
                                      N * LANES);
        }
        for (size_t i = 0; i < R; i++) {
            ninp_tile_weight_gradient(columns + i * N * LANES, LANES, gradient + i * R * LANES,
                                      LANES);
        }
    }
}

#define NINP_TILE_FORM                                                                            \
    {                                                                                             \
        .outputs = M, .weights = R, .size = N,                                                    \
        .norms = {.output = NINP_TILE_OUTPUT_NORM,                                                \
                  .input_gradient = NINP_TILE_INPUT_GRADIENT_NORM,                                \
                  .weight_gradient = NINP_TILE_WEIGHT_GRADIENT_NORM},                             \
        .scratch = scratch, .input = input, .output = output, .output_gradient = output_gradient, \
        .input_gradient = input_gradient, .weight = weight, .weight_gradient = weight_gradient    \
    }

#endif

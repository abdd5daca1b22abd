/* Tile transforms of Winograd's convolution with square filters and stride 1, on one channel block.
 *
 * A form F(M, R) makes M x M outputs of an R x R filter from N x N inputs, N = M + R - 1, with N *
 * N products: one a bin. src/cpu/winograd/generate.py says how, and writes the one-dimensional
 * transforms; these functions apply them to a row of tiles: first to columns, then to rows.
 *
 * Bins are [N * N][tile][16] floats with bin_stride floats between two bins; a function's `bins`
 * points to its first tile. Everything is 64-byte aligned, and so is bin_stride.
 *
 * Rounding errors reach all pixels of a tile, and so do NaN and infinities: one in an input makes
 * every output NaN that it influences, and may make others NaN whose tile reads it; no more. */
#ifndef NINP_CPU_KERNEL_WINOGRAD_H
#define NINP_CPU_KERNEL_WINOGRAD_H

#include <stddef.h>

/* A row of tiles over a picture block [height][width][16]. They lie side by side, M pixels apart,
 * the first one's corner at (top, left). What lies outside of the picture counts as zeros and is
 * never written. */
typedef struct ninp_winograd_row {
    int height, width;
    int top, left;
    int tiles;
} ninp_winograd_row;

/* Bounds of the rounding error: the sum of the absolute values that a pass adds up for one result
 * is at most this times the sum, over what is multiplied, of the largest |a| of a tile (or filter)
 * times the largest |b| of the other. */
typedef struct ninp_winograd_norms {
    double output, input_gradient, weight_gradient;
} ninp_winograd_norms;

typedef struct ninp_winograd_form {
    int outputs, weights, size; /* M, R, N */
    ninp_winograd_norms norms;

    /* Floats of the scratch that a row of tiles needs. */
    size_t (*scratch)(int tiles);
    /* Pixels of N x N tiles to bins. */
    void (*input)(const ninp_winograd_row *row, const float *x, float *bins, size_t bin_stride,
                  float *scratch);
    /* Bins to pixels of M x M tiles, with bias[16] added. */
    void (*output)(const ninp_winograd_row *row, const float *bins, size_t bin_stride,
                   const float *bias, float *y, float *scratch);
    /* Gradient of M x M tiles to bins. The bin of row 1, column 1 holds the sums of the tiles. */
    void (*output_gradient)(const ninp_winograd_row *row, const float *dy, float *bins,
                            size_t bin_stride, float *scratch);
    /* Bins to the gradient of N x N tiles, summed where tiles overlap: `sums` has N rows of as many
     * pixels as the tiles cover. The first R - 1 rows are added to, for they overlap with the row
     * of tiles above; the others are overwritten. */
    void (*input_gradient)(int tiles, const float *bins, size_t bin_stride, float *sums,
                           float *scratch);
    /* `count` filters [R][R][16] to bins, a filter in place of a tile; and the gradient back. */
    void (*weight)(int count, const float *weights, float *bins, size_t bin_stride);
    void (*weight_gradient)(int count, const float *bins, size_t bin_stride, float *gradient);
} ninp_winograd_form;

enum { NINP_WINOGRAD_FORMS = 5 };

typedef struct ninp_winograd_kernels {
    const ninp_winograd_form *forms[NINP_WINOGRAD_FORMS];
} ninp_winograd_kernels;

#define NINP_ISA_TABLE(isa)                                  \
    extern const ninp_winograd_form ninp_winograd_2x3_##isa; \
    extern const ninp_winograd_form ninp_winograd_4x3_##isa; \
    extern const ninp_winograd_form ninp_winograd_6x3_##isa; \
    extern const ninp_winograd_form ninp_winograd_2x5_##isa; \
    extern const ninp_winograd_form ninp_winograd_4x5_##isa; \
    extern const ninp_winograd_kernels ninp_winograd_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

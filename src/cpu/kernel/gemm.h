/* Matrix products on blocked arrays: the arithmetic of convolutions, fully-connected layers and the
 * bins of Winograd's transform.
 *
 * The right matrix B (weights) is packed: [n / 16][k][16 lanes of n], exactly `depth` k's a block
 * (k is not padded; lanes past the last n are zeros). The left matrix A is read where it lies,
 * through strides: its rows are pixels, its columns k come in chunks of `width` neighbouring
 * floats, such as the 16 channels of one pixel in nChw16c. C lies like A, one vector of 16 for each
 * row and block.
 *
 *   multiply:  C[m][n] = finish(start + sum over k of A[m][k] * B[k][n])
 *   gradient:  B[k][n] (+)= sum over m of A[m][k] * C[m][n]
 *
 * All functions run on the calling thread, allocate nothing, and add in an order that depends on
 * the shapes and the instruction set alone; parallel callers give every thread its own rows or
 * blocks. B, C, mask and bias are 64-byte aligned, and so are their strides; A has any alignment.
 * Pictures and strides are counted in floats. */
#ifndef NINP_CPU_KERNEL_GEMM_H
#define NINP_CPU_KERNEL_GEMM_H

#include "engine/plan.h"

#include <stddef.h>

/* The left matrix. Row m = line * length + i, column k = chunk * width + j is at
 *   values[line * line_stride + i * row_stride + place(chunk) + j],
 *   place(chunk) = chunk / place_count * chunk_stride + places[chunk % place_count].
 * Without `places` (NULL) place_count is 1 and the one place 0. The last chunk is shorter where
 * width does not divide depth. depth 0 makes an empty sum.
 *
 * A picture in nChw16c with 1 x 1 filters: lines 1, length H * W, row_stride 16, width 16,
 * chunk_stride H * W * 16. A k x k filter over a padded picture: lines P, length Q, line_stride
 * stride * padded width * 16, row_stride stride * 16, and `places` of the taps. One bin of
 * Winograd: as the picture, with tiles for pixels. */
typedef struct ninp_gemm_left {
    const float *values;
    int lines, length;
    ptrdiff_t line_stride, row_stride;
    int depth, width;
    ptrdiff_t chunk_stride;
    const ptrdiff_t *places;
    int place_count;
} ninp_gemm_left;

/* The [k][16] of a chunk start in a block of B at
 *   chunk / place_count * b_chunk_stride + b_places[chunk % place_count],
 * without `b_places` (NULL) at chunk * width * 16. */

/* Strides of C (and of the mask): row m = line * length + i of block nb is at
 * values[line * line_stride + i * row_stride + nb * block_stride], 16 floats. */
typedef struct ninp_gemm_layout {
    ptrdiff_t line_stride, row_stride, block_stride;
} ninp_gemm_layout;

/* What the sum starts from. */
typedef enum ninp_gemm_start {
    NINP_GEMM_ZERO,
    NINP_GEMM_BIAS, /* bias[nb][16] */
    NINP_GEMM_ADD   /* C itself */
} ninp_gemm_start;

/* What is done to the sum before it is stored. */
typedef enum ninp_gemm_finish {
    NINP_GEMM_STORE,
    NINP_GEMM_ACTIVATE, /* the activation's value */
    NINP_GEMM_DERIVE    /* times the activation's derivative, found from its result in `mask` */
} ninp_gemm_finish;

typedef struct ninp_gemm_product {
    ninp_gemm_left a;
    const float *b;
    ptrdiff_t b_block_stride; /* of B between blocks of n: 16 * depth, or more */
    ptrdiff_t b_chunk_stride; /* with places */
    const ptrdiff_t *b_places;
    int blocks; /* of 16 n's */
    float *c;
    ninp_gemm_layout c_layout;
    ninp_gemm_start start;
    ninp_gemm_finish finish;
    ninp_activation activation; /* of finish; NINP_ACTIVATION_NONE: as NINP_GEMM_STORE */
    const float *bias;          /* [blocks][16] with NINP_GEMM_BIAS */
    const float *mask;          /* lies as C, with NINP_GEMM_DERIVE */
    bool alone; /* A is one row, and not because threads share rows: it may add in several parts */
} ninp_gemm_product;

typedef struct ninp_gemm_gradient {
    ninp_gemm_left a;
    const float *c;
    ninp_gemm_layout c_layout;
    int blocks;
    float *b;
    ptrdiff_t b_block_stride, b_chunk_stride;
    const ptrdiff_t *b_places;
    bool add;    /* to what is in b; false: overwrite */
    float *sums; /* [blocks][16]: adds the sums over m of C, a bias gradient, where C's rows follow
                    each other across lines too (line_stride 16 * length); NULL: not wanted */
} ninp_gemm_gradient;

typedef struct ninp_gemm_kernels {
    int rows; /* rows that a product handles at once: counts that are multiples run best */
    void (*multiply)(const ninp_gemm_product *product);
    void (*gradient)(const ninp_gemm_gradient *gradient);
    /* The right matrix of the opposite product, for the gradient of A: b [n_count / 16 rounded up]
     * [k_count][16 n] gives t [k_count / 16 rounded up][n_count][16 k], lanes past k_count zero.
     * Strides are those between blocks: 16 * k_count and 16 * n_count, or more. */
    void (*transpose)(int n_count, int k_count, const float *b, ptrdiff_t b_block_stride, float *t,
                      ptrdiff_t t_block_stride);
} ninp_gemm_kernels;

/* A picture of `pixels` pixels in nChw16c, or anything of that shape, as the left matrix of `depth`
 * channels. */
static inline ninp_gemm_left ninp_gemm_picture(const float *values, int pixels, int depth) {
    return (ninp_gemm_left){.values = values,
                            .lines = 1,
                            .length = pixels,
                            .row_stride = 16,
                            .depth = depth,
                            .width = 16,
                            .chunk_stride = (ptrdiff_t)pixels * 16};
}
static inline ninp_gemm_layout ninp_gemm_picture_layout(int pixels) {
    return (ninp_gemm_layout){.row_stride = 16, .block_stride = (ptrdiff_t)pixels * 16};
}

#define NINP_ISA_TABLE(isa) extern const ninp_gemm_kernels ninp_gemm_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

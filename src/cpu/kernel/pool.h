/* Pooling of one channel block: pictures are [height][width][16] floats, 64-byte aligned. */
#ifndef NINP_CPU_KERNEL_POOL_H
#define NINP_CPU_KERNEL_POOL_H

#include "engine/plan.h"

#include <stdint.h>

/* The largest kernel whose window positions, 0 to kernel * kernel - 1, fit in a byte. */
enum { NINP_POOL_INDEX_KERNEL = 16 };

typedef struct ninp_pool_geometry {
    int height, width;         /* of the input */
    int out_height, out_width; /* of the output */
    int kernel, stride, padding;
    bool adaptive; /* average only: windows from the shapes; kernel, stride, padding unused */
    bool count_include_pad; /* average only */
} ninp_pool_geometry;

static inline ninp_pool_geometry ninp_pool_geometry_of(nin_shape input, nin_shape output,
                                                       const ninp_pool_options *options) {
    return (ninp_pool_geometry){.height = input.height,
                                .width = input.width,
                                .out_height = output.height,
                                .out_width = output.width,
                                .kernel = options->kernel,
                                .stride = options->stride,
                                .padding = options->padding,
                                .count_include_pad = options->count_include_pad};
}

/* Rows first .. first + count - 1. */
typedef struct ninp_pool_rows {
    int first, count;
} ninp_pool_rows;

typedef struct ninp_pool_kernels {
    /* Maxima of windows, by PyTorch's rule: padding never wins, the first of equals does, NaN wins
     * over all. x points to input row x_row, which lets a caller pool a strip of rows while the
     * next ones do not exist yet; y and index point to output row rows.first. index receives the
     * position r * kernel + s in its window of every maximum ([rows][out_width][16] bytes, any
     * alignment; kernel <= NINP_POOL_INDEX_KERNEL); NULL: not wanted, any kernel. */
    void (*max_forward)(const ninp_pool_geometry *geometry, ninp_pool_rows rows, int x_row,
                        const float *x, float *y, uint8_t *index);
    /* Overwrites input rows `rows` of the gradient; dx points to the first of them. y, dy and index
     * are the whole block's ([out_height][out_width][16]). Each gradient is multiplied by the
     * derivative of `activation` at y, its maximum: the input is the result of that activation. */
    void (*max_backward)(const ninp_pool_geometry *geometry, ninp_pool_rows rows,
                         ninp_activation activation, const float *y, const float *dy,
                         const uint8_t *index, float *dx);
    /* The same for any kernel and the whole block, finding the maxima again from x. */
    void (*max_backward_search)(const ninp_pool_geometry *geometry, ninp_activation activation,
                                const float *x, const float *dy, float *dx);
    /* Means of windows with PyTorch's divisors; whole blocks. */
    void (*average_forward)(const ninp_pool_geometry *geometry, const float *x, float *y);
    /* Overwrites dx with the gradient times the derivative of `activation`, whose result x is. */
    void (*average_backward)(const ninp_pool_geometry *geometry, ninp_activation activation,
                             const float *x, const float *dy, float *dx);
} ninp_pool_kernels;

#define NINP_ISA_TABLE(isa) extern const ninp_pool_kernels ninp_pool_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

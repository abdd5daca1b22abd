/* Convolution of plain pictures with few filters. A vector of nChw16c holds 16 channels: with 6
 * filters more than half of it would be computed for nothing. Here a vector holds 16 neighbouring
 * pixels of one filter's result, and squares of 16 are turned when they go to nChw16c. */
#ifndef NINP_CPU_KERNEL_PLANES_H
#define NINP_CPU_KERNEL_PLANES_H

#include "engine/plan.h"

#include <stddef.h>

enum { NINP_PLANES_FILTERS = 8 }; /* at most */

/* Stride 1. The picture is framed: pixel (p + r, q + s) of channel c, at
 *   x[c * plane + (p + r) * pitch + q + s],
 * is under tap (r, s) of result (p, q). Vectors read on behind the last result of a row: a row has
 * at least width, rounded up to 16, + kernel - 1 floats. Weights are packed as for products
 * (conv.h) in the net's order: k = (c * kernel + r) * kernel + s, 16 filters each. */
typedef struct ninp_planes {
    int channels, kernel, filters;
    int height, width; /* of the result */
    const float *x;    /* any alignment */
    ptrdiff_t plane, pitch;
} ninp_planes;

/* The results of one filter in a row, rounded up to whole vectors. */
static inline size_t ninp_planes_row(const ninp_planes *planes) {
    return ((size_t)planes->width + 15) / 16 * 16;
}

/* Rows of the result whose gradients `gradient` turns at once: they stay in the first cache. */
static inline int ninp_planes_band(const ninp_planes *planes) {
    const size_t row = ninp_planes_row(planes) * (size_t)planes->filters;
    const size_t rows = 6144 / row;
    return rows < 1 ? 1 : (rows < (size_t)planes->height ? (int)rows : planes->height);
}

/* Floats of its workspace. */
static inline size_t ninp_planes_floats(const ninp_planes *planes) {
    return ninp_planes_row(planes) * (size_t)planes->filters * (size_t)ninp_planes_band(planes);
}

typedef struct ninp_planes_kernels {
    /* y [height * width][16] = activation(bias + sum), 0 behind the last filter. bias: 16 floats or
     * NULL. */
    void (*forward)(const ninp_planes *planes, ninp_activation activation, const float *weights,
                    const float *bias, float *y);
    /* Adds to the packed gradient [k][16] the sums over the pixels of dy [height * width][16] times
     * x. */
    void (*gradient)(const ninp_planes *planes, const float *dy, float *workspace, float *gradient);
} ninp_planes_kernels;

#define NINP_ISA_TABLE(isa) extern const ninp_planes_kernels ninp_planes_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

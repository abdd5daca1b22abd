/* Products whose k runs over channel blocks, the taps of a filter that read inside the picture, and
 * the channels of a block. */
#ifndef NINP_CPU_CONV_TAPS_H
#define NINP_CPU_CONV_TAPS_H

#include "cpu/conv/shape.h"

/* A list of taps. Other taps of the filter read nothing but padding and are left out. */
typedef struct ninp_taps {
    int count;
    ptrdiff_t *numbers;  /* r * kernel + s */
    ptrdiff_t *places;   /* in the first channel block of the picture, in floats */
    ptrdiff_t *b_places; /* workspace */
} ninp_taps;

/* Workspace of a list of at most `taps` taps, a multiple of 64. */
size_t ninp_taps_bytes(int taps);
ninp_taps ninp_taps_start(int taps, void *space);
void ninp_taps_add(ninp_taps *taps, int number, ptrdiff_t place);

/* The product and the gradient of packed filters. The caller leaves out what depends on the taps:
 * of a: depth, width, places, place_count; of b: block stride, chunk stride, places. a.chunk_stride
 * is that between channel blocks of the picture. */
void ninp_taps_multiply(const ninp_gemm_kernels *gemm, const ninp_filters *filters,
                        const ninp_taps *taps, ninp_gemm_product product);
void ninp_taps_gradient(const ninp_gemm_kernels *gemm, const ninp_filters *filters,
                        const ninp_taps *taps, ninp_gemm_gradient gradient);

#endif

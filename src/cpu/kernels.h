/* The kernels of one instruction set. Every file in src/cpu/kernel/ is compiled once an instruction
 * set and gives one table; this collects them. */
#ifndef NINP_CPU_KERNELS_H
#define NINP_CPU_KERNELS_H

#include "cpu/kernel/conv.h"
#include "cpu/kernel/fft.h"
#include "cpu/kernel/gemm.h"
#include "cpu/kernel/map.h"
#include "cpu/kernel/peak.h"
#include "cpu/kernel/planes.h"
#include "cpu/kernel/pool.h"
#include "cpu/kernel/winograd.h"

#include <stdbool.h>

typedef struct ninp_kernels {
    const char *isa;                       /* "avx2" */
    const ninp_gemm_kernels *gemm;         /* matrix products on nChw16c */
    const ninp_conv_kernels *conv;         /* direct convolution */
    const ninp_winograd_kernels *winograd; /* tile transforms */
    const ninp_fft_kernels *fft;           /* Fourier transforms and the products of their bins */
    const ninp_map_kernels *map;           /* activations, layout, batch norm, dropout, sums */
    const ninp_planes_kernels *planes;     /* convolution of plain pictures with few filters */
    const ninp_pool_kernels *pool;
    ninp_peak_kernel *peak; /* the speed of bare multiply-adds */
} ninp_kernels;

/* The i-th instruction set of this build, best last, or NULL past the end; *usable: this processor
 * and operating system have it. */
const ninp_kernels *ninp_kernels_list(size_t index, bool *usable);
/* By name; "auto": the best usable one. NULL: not in this build, or not usable here. */
const ninp_kernels *ninp_kernels_find(const char *isa);

#endif

/* The pictures of a batch side by side, so that products of the whole batch read neighbours. */
#ifndef NINP_CPU_CONV_GATHER_H
#define NINP_CPU_CONV_GATHER_H

#include "cpu/algorithm.h"

/* Vectors of 16 floats: number i of picture n, at pictures[n * stride + i * 16], goes to
 * gathered[(i * run->count + n) * 16], for i < vectors. On all threads of the run. */
void ninp_gather(const ninp_cpu_run *run, size_t vectors, const float *pictures, size_t stride,
                 float *gathered);

#endif

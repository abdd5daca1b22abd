/* Products of one picture shared out over threads, for batches smaller than the number of threads.
 * Threads take blocks of outputs, which do not touch each other: the bits stay the same. */
#ifndef NINP_CPU_CONV_SHARE_H
#define NINP_CPU_CONV_SHARE_H

#include "cpu/algorithm.h"

/* As run->kernels->gemm->multiply and ->gradient, on run->threads threads. */
void ninp_share_multiply(const ninp_cpu_run *run, const ninp_gemm_product *product);
void ninp_share_gradient(const ninp_cpu_run *run, const ninp_gemm_gradient *gradient);

#endif

/* The max-pool at the end of a fused convolution step, for all convolution algorithms.
 *
 * The convolution with its activation is computed into workspace, unpooled, and pooled from there;
 * forward keeps one byte for each pooled value (which position of its window won). Backward turns
 * the gradient of the pooled result back into that of the unpooled one, before the activation, in
 * the same workspace. The functions do nothing where the step has no pool. */
#ifndef NINP_CPU_CONV_POOLED_H
#define NINP_CPU_CONV_POOLED_H

#include "cpu/algorithm.h"

/* Bytes of one unpooled picture, a multiple of 64; 0: the step has no pool. */
size_t ninp_unpooled_bytes(const ninp_step *step);

/* For `prepare`: sets saved_bytes. */
void ninp_pooled_prepare(const ninp_step *step, const ninp_cpu_config *config,
                         ninp_cpu_needs *needs);

/* y and, in training, the saved bytes of picture `image` of the run, from the unpooled result of
 * the activation. */
void ninp_pooled_forward(const ninp_cpu_run *run, int image, const float *unpooled);
/* Overwrites `unpooled` with the gradient before the activation of picture `image`. */
void ninp_pooled_backward(const ninp_cpu_run *run, int image, float *unpooled);

/* The same for one channel block, which `unpooled` points to; backward for some rows, the first of
 * which `unpooled` points to. */
void ninp_pooled_forward_block(const ninp_cpu_run *run, int image, int block,
                               const float *unpooled);
void ninp_pooled_backward_block(const ninp_cpu_run *run, int image, int block, int first_row,
                                int row_count, float *unpooled);

/* The same for algorithms of IMAGE scope, which put ninp_unpooled_bytes at the start of
 * thread_space. Forward: where the unpooled result goes (y itself without a pool); ninp_conv_finish
 * when it is there. Backward: the gradient of the unpooled result before the activation (dy itself
 * without a pool). */
float *ninp_conv_result(const ninp_cpu_run *run);
void ninp_conv_finish(const ninp_cpu_run *run);
const float *ninp_conv_result_gradient(const ninp_cpu_run *run);

#endif

/* Convolution over a whole batch at once, for small pictures and for fully-connected layers.
 *
 * A picture of a few pixels gives products of a few rows, which cannot keep the arithmetic busy and
 * read all weights for little work. Here pictures are gathered so that those of the batch lie side
 * by side, [channel block][pixel][picture][16]: every output pixel is a product whose rows are the
 * pictures and whose columns are the taps that lie inside. Threads share out blocks of outputs
 * (forward, weight gradient) or of inputs (input gradient), so weights are read once a pass. */
#ifndef NINP_CPU_CONV_BATCH_H
#define NINP_CPU_CONV_BATCH_H

#include "cpu/algorithm.h"

/* Functions of an algorithm of BATCH scope, for steps with NINP_WORK_CONV and NINP_WORK_LINEAR. */
void ninp_batch_prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                        const void **settings);
void ninp_batch_pack(const ninp_cpu_run *run, const float *weight, float *packed);
void ninp_batch_unpack(const ninp_cpu_run *run, const float *packed, float *gradient);
void ninp_batch_forward(const ninp_cpu_run *run);
void ninp_batch_backward(const ninp_cpu_run *run);

#endif

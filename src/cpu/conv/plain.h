/* What the algorithms for a net's first layer share: they read pictures of 1 to 4 channels as they
 * come, N x C x H x W. */
#ifndef NINP_CPU_CONV_PLAIN_H
#define NINP_CPU_CONV_PLAIN_H

#include "cpu/conv/shape.h"

const char *ninp_plain_refuse(const ninp_step *step, const ninp_cpu_config *config);
/* Of computing all 16 lanes of a block of filters. */
double ninp_plain_cost(const ninp_step *step, const ninp_cpu_config *config);

/* Packed filters keep the net's order (kernel/conv.h): k runs over the columns of a filter, then
 * its rows, then the channels. */
ninp_filters ninp_plain_filters(const ninp_conv_shape *shape);
void ninp_plain_pack(const ninp_cpu_run *run, const float *weight, float *packed);
void ninp_plain_unpack(const ninp_cpu_run *run, const float *packed, float *gradient);

#endif

/* What direct algorithms cost, so that the cheapest can be chosen: multiply-accumulates at full
 * speed of the machine an example, all passes. */
#ifndef NINP_CPU_CONV_COST_H
#define NINP_CPU_CONV_COST_H

#include "cpu/conv/shape.h"

/* A picture at a time, in products of lines of `line` pixels. */
double ninp_conv_image_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config, int line);
/* The batch at once, in products of a row a picture. */
double ninp_conv_batch_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config);

#endif

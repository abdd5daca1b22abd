/* The length of a gradient. */
#ifndef NINP_TRAIN_OPTIMIZER_NORM_H
#define NINP_TRAIN_OPTIMIZER_NORM_H

#include <stddef.h>

/* The sum of squares in float64, in a fixed order whatever the number of threads. It is finite
 * exactly when all values are. */
double ninp_sum_of_squares(const float *values, size_t count, int threads);

/* The factor that brings a gradient of this L2 norm down to `largest`, as PyTorch's
 * clip_grad_norm_: min(1, largest / (norm + 1e-6)); 1 when largest is 0. */
float ninp_clip_scale(double norm, float largest);

#endif

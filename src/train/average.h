/* The moving average of weights that is evaluated and saved in their place. */
#ifndef NINP_TRAIN_AVERAGE_H
#define NINP_TRAIN_AVERAGE_H

#include <stddef.h>
#include <stdint.h>

/* The decay after `step` steps (from 1): min(decay, (1 + step) / (10 + step)), so that the weights
 * of the beginning are soon forgotten: the rule of TensorFlow's tf.train.ExponentialMovingAverage
 * for its argument num_updates. */
float ninp_average_decay(float decay, uint64_t step);

/* average = decay average + (1 - decay) values. The bits do not depend on threads. */
void ninp_average_update(float *average, const float *values, size_t count, float decay,
                         int threads);

#endif

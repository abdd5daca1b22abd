/* Finding the value that is not a finite number. */
#ifndef NINP_TRAIN_HEALTH_H
#define NINP_TRAIN_HEALTH_H

#include <nin/net.h>

/* NIN_ERROR_NOT_FINITE naming the first tensor of the net, in its order, that holds a value which
 * is not finite: "step 12: weights 3.weight: value 7 is nan". */
nin_status ninp_health_weights(const nin_net *net, uint64_t step, nin_error *err);

/* The same for a step whose loss or gradients (nin_net_parameter_count() floats) are not finite.
 * The weights are looked at first, because bad weights make everything else bad. `loss` is the mean
 * of the batch. Always fails. */
nin_status ninp_health_step(const nin_net *net, const float *gradients, double loss, uint64_t step,
                            nin_error *err);

#endif

/* Finding the value that is not a finite number. */
#ifndef NINP_TRAIN_HEALTH_FINITE_H
#define NINP_TRAIN_HEALTH_FINITE_H

#include <nin/train.h>

/* NIN_ERROR_NOT_FINITE naming the first tensor of the net, in its order, that holds a value which
 * is not finite: "step 12: weights 3.weight: value 7 is nan". */
nin_status ninp_health_weights(const nin_net *net, uint64_t step, nin_error *err);

/* A step whose loss or gradients are not finite. */
typedef struct ninp_health_bad_step {
    const nin_net *net;
    const nin_batch *batch;
    const float *gradients; /* nin_net_parameter_count() */
    double loss;            /* mean of the batch */
    float lr;
    uint64_t number; /* from 1 */
} ninp_health_bad_step;

/* The index in the batch of the first picture with a value that is not finite, or batch->count. */
int ninp_health_bad_picture(const ninp_health_bad_step *bad);

/* The same error for such a step, with the likely cause. Pictures are looked at first, because bad
 * ones make everything else bad, and then the weights. Always fails. */
nin_status ninp_health_explain(const ninp_health_bad_step *bad, nin_error *err);

#endif

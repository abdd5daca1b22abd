/* Stochastic gradient descent as PyTorch's SGD does it: L2 decay is added
 * to the gradient before momentum; b = momentum b + d; Nesterov uses d + momentum b). */
#ifndef NINP_TRAIN_SGD_H
#define NINP_TRAIN_SGD_H

#include <nin/net.h>

typedef struct ninp_sgd {
    float lr, momentum, weight_decay;
    bool nesterov;
    bool decay_all; /* weight decay on every trainable tensor, not only on those that decay */
    float scale;    /* the gradient is multiplied by this: 1, or what clipping says */
    int threads;
} ninp_sgd;

/* One update of all trainable tensors. gradients and momentum (zeros before the first step; NULL
 * when sgd->momentum is 0) are laid out like the net's parameters. The bits do not depend on
 * threads. */
void ninp_sgd_update(const ninp_sgd *sgd, nin_net *net, const float *gradients, float *momentum);

/* The sum of squares in float64, in a fixed order whatever the number of threads. It is finite
 * exactly when all values are. */
double ninp_sum_of_squares(const float *values, size_t count, int threads);

/* The factor that brings a gradient of this L2 norm down to `largest`, as PyTorch's
 * clip_grad_norm_: min(1, largest / (norm + 1e-6)); 1 when largest is 0. */
float ninp_clip_scale(double norm, float largest);

#endif

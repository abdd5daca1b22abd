/* The reference engine: every layer as its own plain loops in float64 (src/net/layer/). Slow, and
 * the oracle for everything else. Tests use it directly for values in float64. */
#ifndef NINP_ENGINE_REFERENCE_REFERENCE_H
#define NINP_ENGINE_REFERENCE_REFERENCE_H

#include "net/net.h"

typedef struct ninp_reference ninp_reference;

nin_status ninp_reference_create(nin_net *net, int batch, uint64_t seed, ninp_reference **out,
                                 nin_error *err);
void ninp_reference_free(ninp_reference *reference);

/* All values of the net (trainable ones first) in float64; a copy, free to change. */
double *ninp_reference_values(ninp_reference *reference);
/* Copies the net's float32 values into it, or running statistics back into the net. */
void ninp_reference_pull(ninp_reference *reference);
void ninp_reference_push_running(ninp_reference *reference);

/* Logits, count x classes, valid until the next call. images: count x C x H x W. */
const double *ninp_reference_forward(ninp_reference *reference, const double *images, int count,
                                     bool training, uint64_t step);
/* Gradient of the parameters (nin_net_parameter_count() values, valid until the next call) after a
 * forward pass, given that of the logits. */
const double *ninp_reference_backward(ninp_reference *reference, const double *logit_gradient);

#endif

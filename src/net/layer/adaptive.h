/* The mean pool to a given output size, which global_avg_pool is a case of. */
#ifndef NINP_NET_LAYER_ADAPTIVE_H
#define NINP_NET_LAYER_ADAPTIVE_H

#include "net/layer/shape.h"

nin_status ninp_adaptive_shape(const ninp_layer_options *options, nin_shape input,
                               nin_shape *output, nin_error *err);
void ninp_adaptive_forward(const ninp_layer_run *run);
void ninp_adaptive_backward(const ninp_layer_run *run);

#endif

/* What pooling layers share. */
#ifndef NINP_NET_LAYER_POOL_H
#define NINP_NET_LAYER_POOL_H

#include "net/layer/shape.h"

/* kernel, stride, padding and ceil_mode of a line. */
nin_status ninp_pool_read(ninp_line *line, ninp_pool_options *pool, nin_error *err);
nin_status ninp_pool_shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                           nin_error *err);

/* Rows or columns begin .. end - 1 of the input: those under a window. `full` counts also the ones
 * in the padding, but not those beyond it, which ceil mode lets a window reach. */
typedef struct ninp_pool_span {
    int begin, end, full;
} ninp_pool_span;

/* Under window number `place` along a side of `size` pixels; never empty. */
ninp_pool_span ninp_pool_span_at(const ninp_pool_options *pool, int size, int place);

/* One window of a mean pool, and what the sum of its pixels is divided by. */
typedef struct ninp_mean_window {
    ninp_pool_span rows, columns;
    double divisor;
} ninp_mean_window;

/* Window of output row p and column q. */
typedef ninp_mean_window ninp_mean_window_at(const ninp_layer_run *run, int p, int q);

void ninp_mean_forward(const ninp_layer_run *run, ninp_mean_window_at *window_at);
void ninp_mean_backward(const ninp_layer_run *run, ninp_mean_window_at *window_at);

#endif

/* The sizes of a convolution without its pool. A fully-connected layer is one of 1 x 1 pictures. */
#ifndef NINP_CPU_CONV_SHAPE_H
#define NINP_CPU_CONV_SHAPE_H

#include "cpu/algorithm.h"

typedef struct ninp_conv_shape {
    int channels, height, width;        /* of the input */
    int filters, out_height, out_width; /* of the output */
    int kernel, stride, padding;
} ninp_conv_shape;

ninp_conv_shape ninp_conv_shape_of(const ninp_step *step);

static inline int ninp_conv_pixels(const ninp_conv_shape *shape) {
    return shape->height * shape->width;
}
static inline int ninp_conv_out_pixels(const ninp_conv_shape *shape) {
    return shape->out_height * shape->out_width;
}
static inline int ninp_conv_taps(const ninp_conv_shape *shape) {
    return shape->kernel * shape->kernel;
}
static inline ninp_filters ninp_conv_filters(const ninp_conv_shape *shape) {
    return (ninp_filters){shape->filters, shape->channels, ninp_conv_taps(shape)};
}
/* The filters of the input gradient: channels and filters change places. */
static inline ninp_filters ninp_conv_turned_filters(const ninp_conv_shape *shape) {
    return (ninp_filters){shape->channels, shape->filters, ninp_conv_taps(shape)};
}

/* Some neighbouring numbers. */
typedef struct ninp_range {
    int first, count;
} ninp_range;

/* Outputs along one side (of `size` inputs and `out_size` outputs) for which `tap`, 0 to kernel -
 * 1, reads inside the picture. */
ninp_range ninp_conv_live_outputs(const ninp_conv_shape *shape, int size, int out_size, int tap);

/* Whether the filters of the input gradient are needed too. */
static inline bool ninp_conv_turns(const ninp_step *step, bool training) {
    return training && step->input_gradient;
}

/* Packing, in parallel where the run has threads; for the `pack` and `unpack` of algorithms.
 * `packed` holds the filters and, where `turned`, behind them those of the input gradient. */
void ninp_conv_pack(const ninp_cpu_run *run, const ninp_filters *filters, bool turned,
                    const float *weight, float *packed);
void ninp_conv_unpack(const ninp_cpu_run *run, const ninp_filters *filters, const float *packed,
                      float *weight);

/* The packed filters of the input gradient for one block of channels, from all packed filters. */
void ninp_conv_turn(const ninp_gemm_kernels *gemm, const ninp_filters *filters, int block,
                    const float *packed, float *turned);

/* Adds the sums over pixels of every block of dy to the step's bias gradient, if it has a bias. */
void ninp_conv_bias_gradient(const ninp_cpu_run *run, size_t pixels, const float *dy);

#endif

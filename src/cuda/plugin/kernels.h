/* The plug-in's own kernels, as functions that start them. Pictures are N x H x W x C, stored as
 * float or, where the launcher's math is NINP_CUDA_BF16, as bfloat16: `void *` below. Sums are
 * float, in an order that depends on shapes alone, and nothing is added atomically: the same input
 * gives the same bits. Arrays start at multiples of 16 bytes. A launcher that has an error starts
 * nothing. */
#ifndef NINP_CUDA_PLUGIN_KERNELS_H
#define NINP_CUDA_PLUGIN_KERNELS_H

#include "cuda/plugin/device.h"

namespace ninp_cuda {

inline size_t value_bytes(ninp_cuda_math math) {
    return math == NINP_CUDA_BF16 ? 2 : 4;
}

/* Pixels, and values, of so many pictures. */
inline size_t pixel_count(nin_shape shape, int pictures) {
    return (size_t)pictures * (size_t)shape.height * (size_t)shape.width;
}
inline size_t value_count(nin_shape shape, int pictures) {
    return pixel_count(shape, pictures) * (size_t)shape.channels;
}

/* The activation whose derivative a gradient is multiplied by, and what it gave; `values` is NULL
 * where there is none. */
struct derivative {
    ninp_activation activation;
    const void *values;
};

/* ---- convolution and fully-connected layers (conv.cu) ---- */

/* A fully-connected layer is a convolution of kernel 1 over one pixel. */
struct conv_shape {
    nin_shape input, output;
    int kernel, stride, padding;
};

/* Weights in the kernels' order, weight_count(shape) values each: `forward` as rows (r, s, c) of
 * output channels, `backward` as rows (r, s, k) of input channels. */
size_t weight_count(const conv_shape &shape);

/* What a convolution's weights are made from: K x C x R x S and K floats. With batch norm in
 * evaluation (scale not NULL) its map is folded in. */
struct weight_source {
    const float *weight, *bias;
    const float *scale, *shift, *mean, *variance;
    double epsilon;
};
struct packed_weights {
    void *forward, *backward; /* backward may be NULL */
    void *filters;            /* K x R x S x C, for cuDNN; may be NULL */
    float *bias;              /* K floats */
    void *stored_bias;        /* the same as values are stored; may be NULL */
};
void pack_weights(launcher &on, const conv_shape &shape, const weight_source &from,
                  const packed_weights &to);

/* K x R x S x C floats as K x C x R x S. */
void unpack_filters(launcher &on, const conv_shape &shape, const float *filters, float *gradient);

struct conv_weights {
    const void *weights;
    const float *bias;
};
/* y = activation(conv(x) + bias). Padding is zeros that are multiplied like everything else. */
void conv_forward(launcher &on, const conv_shape &shape, int count, const void *x,
                  const conv_weights &from, ninp_activation activation, void *y);
/* dx, times the derivative of what gave x. */
void conv_input_gradient(launcher &on, const conv_shape &shape, int count, const void *dy,
                         const void *weights, const derivative &of_x, void *dx);
/* gradient: K x C x R x S. The pixels of the batch are cut into parts with sums of their own in
 * partial (weight_gradient_floats), which are added in order. */
size_t weight_gradient_floats(ninp_cuda_math math, const conv_shape &shape, int count);
void conv_weight_gradient(launcher &on, const conv_shape &shape, int count, const void *x,
                          const void *dy, float *partial, float *gradient);

/* ---- convolutions of one or a few channels, as first ones have (stem.cu) ---- */

/* Whether conv_forward and conv_weight_gradient are these: a kernel larger than 1, channels that do
 * not fill 16 bytes, pictures that fill half a tile, and rows that fit into shared memory. */
bool is_stem(ninp_cuda_math math, const conv_shape &shape);
/* As conv_forward, and to the bit what conv.cu would give. */
void stem_forward(launcher &on, const conv_shape &shape, int count, const void *x,
                  const conv_weights &from, ninp_activation activation, void *y);
/* partial: stem_parts weight gradients to be added up, each in rows (r, s, c) of output channels.
 */
int stem_parts(const conv_shape &shape, int count);
void stem_weight_parts(launcher &on, const conv_shape &shape, int count, const void *x,
                       const void *dy, float *partial);

/* ---- two convolutions of kernel 1, stride 1, padding 0 at once (pair.cu) ---- */

struct pair_shape {
    int input, middle, output; /* channels */
};
/* One of the two: y, before a max-pool. Of the first it may be NULL, then it is not kept. */
struct pair_half {
    conv_weights from; /* `forward` of packed_weights */
    ninp_activation activation;
    void *y;
};
/* The shared memory that a block of pair_forward takes; 0: it does not take these channels, which
 * must come in whole pieces of 16 bytes. */
size_t pair_bytes(ninp_cuda_math math, const pair_shape &shape);
/* As two calls of conv_forward, to the bit. The second y may lie where x does, if it has as many
 * channels. */
void pair_forward(launcher &on, const pair_shape &shape, size_t pixels, const void *x,
                  const pair_half &first, const pair_half &second);

/* ---- sums over pixels, a channel each (columns.cu) ---- */

/* Floats that the functions below need in `partial`. rows: pixels of all pictures. */
size_t column_floats(size_t rows, int channels);
/* sums[c] = sum of x[row][c]. */
void column_sums(launcher &on, size_t rows, int channels, const void *x, float *partial,
                 float *sums);

/* ---- batch norm (norm.cu) ---- */

struct norm_tensors {
    const float *scale, *shift;
    float *mean, *variance; /* running statistics */
    double epsilon, momentum;
};
struct norm_shape {
    size_t rows; /* pixels of all pictures */
    int channels;
    bool fixed; /* normalises by running statistics, which stay, as in evaluation */
};
/* partial: column_floats. mean and inverse (1 / deviation), C floats each: what x was normalised
 * by, kept for backward. */
struct norm_space {
    float *partial, *mean, *inverse;
};
/* y = activation of the normalised x. Running statistics move on unless they are fixed. */
void norm_forward(launcher &on, const norm_shape &shape, const norm_tensors &tensors, const void *x,
                  const norm_space &space, ninp_activation activation, void *y);

/* Gradients of scale and shift, and dx (may be NULL) times the derivative of what gave x. */
struct norm_gradients {
    float *scale, *shift;
    derivative of_x;
    void *dx;
};
void norm_backward(launcher &on, const norm_shape &shape, const norm_tensors &tensors,
                   const void *x, const void *dy, const norm_space &space,
                   const norm_gradients &to);

/* ---- pools (max_pool.cu, mean_pool.cu) ---- */

struct pool_shape {
    nin_shape input, output;
    ninp_pool_options pool;
    bool adaptive;
};

/* Bytes a value of `place`, which says where in its window the maximum was. */
size_t place_bytes(const ninp_pool_options &pool);
/* The first of equals wins, NaN before numbers. place may be NULL. */
void max_pool_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y,
                      void *place);
/* The gradient of what a pool gave. of_y: of an activation applied before the pool, whose results
 * the pooled ones are among. */
struct pooled_gradient {
    const void *dy, *place;
    derivative of_y;
};
/* dx: each pixel adds up the windows whose maximum it was, in order, times the derivative of what
 * gave x. */
void max_pool_backward(launcher &on, const pool_shape &shape, int count,
                       const pooled_gradient &from, const derivative &of_x, void *dx);
void mean_pool_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y);
void mean_pool_backward(launcher &on, const pool_shape &shape, int count, const void *dy,
                        const derivative &of_x, void *dx);

/* ---- value by value (map.cu, dropout.cu) ---- */

void activate_values(launcher &on, ninp_activation activation, size_t values, const void *x,
                     void *y);
/* dx = dy times the derivative of what gave x; dx may be dy. */
void derive_values(launcher &on, const derivative &of_x, size_t values, const void *dy, void *dx);

/* Pictures C x H x W of float to H x W x C and back. */
void pack_pictures(launcher &on, nin_shape shape, int count, const float *from, void *to);
void unpack_pictures(launcher &on, nin_shape shape, int count, const void *from, float *to);

/* H x W x C to features in the order c, y, x, and the gradient back, times the derivative of
 * what gave x. */
void flatten_forward(launcher &on, nin_shape shape, int count, const void *x, void *y);
void flatten_backward(launcher &on, nin_shape shape, int count, const void *dy,
                      const derivative &of_x, void *dx);

/* marks[c] = 1 where a channel of `rows` pixels has anything but zero; the others stay. */
void mark_channels(launcher &on, size_t rows, int channels, const void *x, unsigned char *marks);

struct dropout_rule {
    uint64_t seed;
    int layer;
    double probability;
    const uint64_t *step; /* in device memory: numbers the masks */
};
/* y = x / (1 - probability) or 0, by the random numbers of docs/design.md. Backward: the same of a
 * gradient, times the derivative of what gave the values whose gradient y is. */
void dropout(launcher &on, const dropout_rule &rule, nin_shape shape, int count, const void *x,
             const derivative &of_y, void *y);

/* ---- loss (loss.cu) ---- */

/* A batch's targets, in device memory. */
struct loss_targets {
    int count, classes;
    const int32_t *labels;
    const int32_t *others; /* that of `labels` where there is one label only */
    const float *shares;   /* of labels, as nin_examples; 1 where there is one label only */
    const float *smoothing;
};
/* As nin_cross_entropy, in float64. results, 2 count + 2 values: losses, their sum, the number of
 * correct examples, then 1 for each of those and 0 for the others. dlogits: the gradient of the
 * mean, times the derivative of the activation that gave the logits. */
void cross_entropy(launcher &on, const loss_targets &targets, const void *logits,
                   ninp_activation activation, void *dlogits, double *results);

} // namespace ninp_cuda

#endif

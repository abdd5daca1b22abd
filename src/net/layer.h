/* A kind of layer: its word in a description, its shapes and tensors, and what it means, in plain
 * C.
 *
 * Adding a layer is one file in src/net/layer/ and one line in src/net/layer/list.h. */
#ifndef NINP_NET_LAYER_H
#define NINP_NET_LAYER_H

#include "base/random.h"
#include "base/text.h"
#include "net/line.h"

#include <nin/net.h>

/* Options of the layers that engines look at. Each layer's file reads its own. */
typedef struct ninp_conv_options {
    int width; /* output channels */
    int kernel, stride, padding;
} ninp_conv_options;

typedef struct ninp_pool_options {
    int kernel, stride, padding;
    bool ceil_mode;
    bool count_include_pad; /* average only */
} ninp_pool_options;

typedef struct ninp_adaptive_pool_options {
    int height, width; /* of the output */
} ninp_adaptive_pool_options;

typedef struct ninp_dropout_options {
    double probability; /* that a value becomes 0 */
} ninp_dropout_options;

typedef struct ninp_linear_options {
    int width; /* output features */
} ninp_linear_options;

typedef struct ninp_batch_norm_options {
    double epsilon;  /* added to the variance */
    double momentum; /* of the running statistics */
} ninp_batch_norm_options;

typedef struct ninp_block_options {
    int widths[3];
    int kernel, stride, padding;
    bool batch_norm; /* one behind every convolution */
    bool last_relu;  /* a ReLU behind the last convolution; true in the paper and the lecture */
} ninp_block_options;

typedef union ninp_layer_options {
    ninp_conv_options conv;
    ninp_pool_options pool;
    ninp_adaptive_pool_options adaptive_pool;
    ninp_dropout_options dropout;
    ninp_linear_options linear;
    ninp_batch_norm_options batch_norm;
    ninp_block_options block;
} ninp_layer_options;

enum { NINP_LAYER_TENSORS = 4 };

/* A tensor that a layer owns. Trainable ones come first. */
typedef struct ninp_tensor_spec {
    const char *suffix; /* "weight" */
    int rank;
    size_t shape[4];
    bool trainable;
    bool decays;
    float start; /* of tensors that are not drawn at random: 1 for batch norm's weight */
    bool random; /* initialised by the chosen rule */
} ninp_tensor_spec;

/* One run of a layer over a batch, in float64: the reference that every fast kernel is tested
 * against. Arrays are N x C x H x W, row-major. */
typedef struct ninp_layer_run {
    const ninp_layer_options *options;
    int count; /* N */
    nin_shape input, output;
    bool training;
    const double *x;
    double *y;                             /* forward: written; backward: as forward left it */
    double *tensors[NINP_LAYER_TENSORS];   /* values; running statistics are updated in training */
    const double *dy;                      /* backward: gradient of the output */
    double *dx;                            /* backward: written */
    double *gradients[NINP_LAYER_TENSORS]; /* backward: written, for trainable tensors */
    uint64_t seed, step;                   /* of dropout */
    int number;                            /* of this layer in the net, for dropout */
} ninp_layer_run;

typedef struct ninp_layer_type {
    const char *word;
    const char *class_name;
    const char *usage; /* "conv2d WIDTH kernel=K [stride=1] [padding=0]" */
    /* Reads the line's arguments; the caller has set *options to zeros. */
    nin_status (*read)(ninp_line *line, ninp_layer_options *options, nin_error *err);
    /* Output shape; a message gives the reason without file, line and word: the caller adds them.
     * NULL for containers, whose output is that of the last layer they hold. */
    nin_status (*shape)(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                        nin_error *err);
    /* Tensors it owns, at most NINP_LAYER_TENSORS; returns their number. NULL: none. */
    int (*tensors)(const ninp_layer_options *options, nin_shape input, ninp_tensor_spec *specs);
    /* Multiply-accumulates of one example forward. NULL: 0. */
    uint64_t (*macs)(const ninp_layer_options *options, nin_shape input, nin_shape output);
    /* The meaning. NULL for containers. */
    void (*forward)(const ninp_layer_run *run);
    void (*backward)(const ninp_layer_run *run);
    /* Containers only: adds the lines of the layers it stands for. */
    void (*expand)(const ninp_layer_options *options, ninp_text *lines);
} ninp_layer_type;

/* All kinds of layers, NULL-ended. */
extern const ninp_layer_type *const ninp_layer_types[];
const ninp_layer_type *ninp_layer_find(const char *word);

#define NINP_LAYER(name) extern const ninp_layer_type ninp_layer_##name;
#include "net/layer/list.h"
#undef NINP_LAYER

/* Floats of a shape: channels x height x width. */
size_t ninp_shape_count(nin_shape shape);
/* "96x54x54" or "4096" into a buffer of at least 40 bytes; returns it. */
const char *ninp_shape_text(nin_shape shape, char *buffer);

/* Whether dropout keeps a value: element is its index in channel-blocked order,
 * ((c / 16) * H * W + y * W + x) * 16 + c % 16. See docs/design.md, "Random numbers". */
typedef struct ninp_dropout_key {
    uint64_t seed, step;
    int layer;
} ninp_dropout_key;
/* The random numbers that decide: word i of this stream is for element i of picture `image` in the
 * batch, which is kept when the word is at least ninp_dropout_threshold (up to 2^32). */
ninp_stream ninp_dropout_stream(const ninp_dropout_key *key, int image);
uint64_t ninp_dropout_threshold(double probability);
/* keep[i] = 1 or 0 for elements first .. first + count - 1 of picture `image`; first is a multiple
 * of 4. */
void ninp_dropout_mask(const ninp_dropout_key *key, int image, double probability, size_t first,
                       size_t count, uint8_t *keep);

#endif

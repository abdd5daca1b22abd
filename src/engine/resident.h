/* Training whose pictures, weights and optimizer stay on the device of a session, and evaluation
 * whose pictures do. A step does what the trainer does with the loader (src/data) and the
 * processor's optimizer (src/train): the same pictures, the same arithmetic in the same order, but
 * for the norm of the gradient, whose squares are added up in an order of its own. Plain data;
 * what is pointed to is read during the call. C and C++. */
#ifndef NINP_ENGINE_RESIDENT_H
#define NINP_ENGINE_RESIDENT_H

#include <nin/train.h>

/* An axis of Pillow's resize (image/resize.h): sample o of the result is the sum over
 * t < counts[o] of weights[o * taps + t] * sample firsts[o] + t of the source. */
typedef struct ninp_resident_axis {
    int out, taps;
    const int *firsts, *counts; /* out */
    const int32_t *weights;     /* out x taps; NINP_RESIDENT_PRECISION bits behind the point */
} ninp_resident_axis;
enum { NINP_RESIDENT_PRECISION = 22 };

/* All pictures of a data set, and how they become the net's input. */
typedef struct ninp_resident_pictures {
    size_t count;
    int channels, height, width; /* channels 1 or 3 */
    const uint8_t *pixels;       /* count x channels x height x width */
    ninp_resident_axis x, y;
    const float *floats; /* input channels x 256: what a resized byte of a channel becomes */
} ninp_resident_pictures;

/* A picture and what becomes of it: mirrored, moved (zeros move in), a rectangle painted over
 * (data/augment.h), and what it is to be taken for (nin_examples). */
typedef struct ninp_resident_place {
    uint32_t picture;
    int32_t label, other_label;
    float label_share;
    int32_t shift_x, shift_y;
    int32_t erase_x, erase_y, erase_width, erase_height;
    uint8_t flip, fill[3];
} ninp_resident_place;

/* How picture i of a batch is mixed with picture count - 1 - i (data/mix.h). */
typedef enum ninp_resident_way {
    NINP_RESIDENT_WHOLE,
    NINP_RESIDENT_BLEND,
    NINP_RESIDENT_PASTE
} ninp_resident_way;
typedef struct ninp_resident_mix {
    ninp_resident_way way;
    float share; /* BLEND: of the first one */
    int32_t x, y, width, height;
} ninp_resident_mix;

/* A step of an epoch. */
typedef struct ninp_resident_step {
    uint32_t first, count; /* places of the epoch's order */
    uint64_t number;       /* of the dropout masks */
    float lr;
    float average_rest;    /* what the average takes of the weights */
    double adam_bias;      /* 1 - beta1^t */
    float adam_correction; /* sqrt(1 - beta2^t) */
    ninp_resident_mix mix;
} ninp_resident_step;

/* A trainable tensor of the net, in the net's order. */
typedef struct ninp_resident_tensor {
    size_t count;
    float lr_scale, weight_decay;
    bool frozen;
} ninp_resident_tensor;

/* How weights move; the names are those of nin_train_options. */
typedef struct ninp_resident_update {
    nin_optimizer optimizer;
    float momentum, beta1, beta2, epsilon;
    bool nesterov;
    float clip_norm;
    float label_smoothing;
    const ninp_resident_tensor *tensors;
    size_t tensor_count;
    float *const *slots;  /* arrays like the parameters; the first slot_count ones are copied */
    int slot_count;       /* at most NINP_RESIDENT_SLOTS */
    const float *average; /* all values of the net, averaged; NULL: none are */
} ninp_resident_update;
enum { NINP_RESIDENT_SLOTS = 2 };

/* What a step gave. Where loss or squares are not finite it and all steps behind it in the same
 * call have left weights, slots and average alone. */
typedef struct ninp_resident_result {
    double loss_sum, correct; /* over its examples */
    double squares;           /* of the gradient of their mean loss, before clipping */
} ninp_resident_result;

/* `count` values of the net from `first` on, `stride` apart. */
typedef struct ninp_resident_samples {
    size_t first, stride, count;
} ninp_resident_samples;

/* Of the pictures of the last step, as the net took them. */
typedef struct ninp_resident_range {
    float least, most;
    bool same; /* all are the same picture */
} ninp_resident_range;

/* What an engine offers of this; a session's calls come from one thread at a time, in the order in
 * which they stand here. Where one fails with NIN_ERROR_MEMORY the session is as good as before. */
typedef struct ninp_resident_functions {
    /* Instead of those that it holds. */
    nin_status (*hold)(void *state, const ninp_resident_pictures *pictures, nin_error *err);

    /* Evaluation: logits of pictures that are held; of places, all but labels count. */
    nin_status (*logits)(void *state, const ninp_resident_place *places, int count, float *logits,
                         nin_error *err);

    /* Training: takes the net's values and what the optimizer keeps. */
    nin_status (*begin)(void *state, const ninp_resident_update *update, nin_error *err);
    nin_status (*epoch)(void *state, const ninp_resident_place *places, size_t place_count,
                        const ninp_resident_step *steps, size_t step_count, nin_error *err);
    /* Makes the steps first .. first + count - 1 of the epoch. */
    nin_status (*run)(void *state, size_t first, size_t count, ninp_resident_result *results,
                      nin_error *err);
    /* Puts the net's values where the net has them, the slots and the average where they are
     * wanted. */
    nin_status (*fetch)(void *state, float *const *slots, float *average, nin_error *err);
    /* The gradient of the last step. */
    nin_status (*gradients)(void *state, float *gradients, nin_error *err);
    /* The samples of all ranges, one range behind the other. */
    nin_status (*sample)(void *state, const ninp_resident_samples *ranges, size_t count,
                         float *values, nin_error *err);
    nin_status (*range)(void *state, int count, ninp_resident_range *range, nin_error *err);
} ninp_resident_functions;

#endif

/* What stays on the device between the steps of training: pictures, an epoch's order, weights and
 * what the optimizer keeps. Pointers are to device memory unless a comment says otherwise. */
#ifndef NINP_CUDA_PLUGIN_RESIDENT_H
#define NINP_CUDA_PLUGIN_RESIDENT_H

#include "cuda/plugin/kernels.h"
#include "engine/resident.h"

namespace ninp_cuda {

/* ---- pictures (pictures.cu) ---- */

/* ninp_resident_axis. */
struct picture_axis {
    int out, taps;
    const int *firsts, *counts;
    const int32_t *weights;
};

/* ninp_resident_pictures. */
struct picture_store {
    int channels, height, width, input_channels;
    const uint8_t *pixels;
    picture_axis x, y;
    const float *floats;
};

/* Which step of an epoch is next. What changes from step to step is read from here, so that a
 * recorded graph is the same for all of them. */
struct epoch_position {
    const ninp_resident_place *places;
    const ninp_resident_step *steps;
    const uint32_t *step; /* in steps */
};

/* The step's `count` pictures as the net's input, N x H x W x C. */
void make_pictures(launcher &on, const picture_store &store, const epoch_position &at, int count,
                   void *input);

/* What the loss and dropout read; `count` ones each, and one number. */
struct step_targets {
    int32_t *labels, *others;
    float *shares;
    uint64_t *number;
};
void take_targets(launcher &on, const epoch_position &at, int count, const step_targets &to);

/* Of each of `count` pictures of `values` values; same: as the first one. */
void measure_pictures(launcher &on, size_t values, int count, const void *input,
                      ninp_resident_range *ranges);

/* ---- the update (update.cu) ---- */

/* A part of a tensor, at most CHUNK values, that a block updates. tensor -1: running statistics,
 * which have an average only. */
struct update_chunk {
    size_t first;
    int count, tensor;
};
enum { CHUNK = 4096 };

/* ninp_resident_tensor. */
struct update_rule {
    float lr_scale, weight_decay;
    bool frozen;
};

struct update_state {
    nin_optimizer optimizer;
    float momentum, beta2, rest1, rest2, epsilon; /* rest: 1 - beta */
    bool nesterov;
    float clip_norm;
    const update_rule *rules;
    const update_chunk *chunks;
    size_t chunk_count, parameter_chunks; /* the first ones are of parameters */
    float *values;
    const float *gradients;
    float *slots[NINP_RESIDENT_SLOTS];
    float *average;   /* or NULL */
    double *partial;  /* parameter_chunks: sums of squares */
    double *squares;  /* their sum */
    uint32_t *halted; /* a step was not finite: nothing moves any more */
};

/* Moves the weights by the gradients, unless loss or gradients are not finite, puts what the step
 * gave where it belongs and goes on to the next step. losses: the loss and the number of right
 * answers of the batch. */
void update_weights(launcher &on, const update_state &update, const epoch_position &at,
                    const double *losses, uint32_t *step, ninp_resident_result *results);

/* ranges: in the host's order; places: where each range's samples begin. */
struct sample_range {
    size_t first, stride, count, place;
};
void gather_samples(launcher &on, const float *values, const sample_range *ranges, int range_count,
                    float *samples);

/* ---- all of it (resident.cpp) ---- */

/* A block of device memory. */
struct resident_block {
    unsigned char *base;
    size_t bytes, used;
};

/* What a session keeps from call to call; zeros before the first one. */
struct resident {
    resident_block pictures, epoch, training, samples;
    picture_store store;
    ninp_resident_place *places;
    ninp_resident_step *steps;
    ninp_resident_result *results; /* one a step */
    uint32_t *step;                /* the next one's number */
    ninp_resident_range *ranges;   /* one a picture of a batch */
    uint32_t *counts;              /* pictures of each step; in the host's memory */
    size_t step_room;              /* for so many counts */
    update_state update;
};
void free_resident(resident &kept);
size_t resident_bytes(const resident &kept);

} // namespace ninp_cuda

#endif

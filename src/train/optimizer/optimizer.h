/* How weights move along gradients. An optimizer is one file here and one line in optimizer.c. */
#ifndef NINP_TRAIN_OPTIMIZER_OPTIMIZER_H
#define NINP_TRAIN_OPTIMIZER_OPTIMIZER_H

#include "train/rules.h"

#include <nin/train.h>

enum { NINP_OPTIMIZER_SLOTS = 2 };

/* What an update of some values of one tensor goes by. */
typedef struct ninp_update {
    const nin_train_options *options; /* for what is the optimizer's own */
    float lr, weight_decay;           /* of this tensor */
    float scale;                      /* the gradient is multiplied by this first */
    uint64_t number;                  /* of the update, from 1 */
} ninp_update;

typedef struct ninp_optimizer_type {
    /* What it keeps from update to update: arrays like the parameters, zeros before the first one,
     * saved in `state` under these names. */
    const char *slots[NINP_OPTIMIZER_SLOTS];
    size_t (*slot_count)(const nin_train_options *options); /* how many of them these need */
    /* Changes `count` weights and what belongs to them in the slots. Each value by itself, so that
     * the bits do not depend on how a tensor is cut. */
    void (*update)(const ninp_update *update, size_t count, const float *gradient,
                   float *const *slots, float *weights);
} ninp_optimizer_type;

extern const ninp_optimizer_type ninp_optimizer_sgd, ninp_optimizer_adam, ninp_optimizer_adamw;

/* The one that the options name. */
const ninp_optimizer_type *ninp_optimizer_of(const nin_train_options *options);

/* One step of training. */
typedef struct ninp_optimizer_step {
    const nin_train_options *options;
    const ninp_tensor_rule *rules; /* one a trainable tensor */
    float lr;                      /* of tensors whose rule does not scale it */
    float scale;                   /* the gradient is multiplied by this first */
    uint64_t number;               /* from 1 */
    int threads;
} ninp_optimizer_step;

/* Updates all trainable tensors that are not frozen. gradients and each slot are laid out like the
 * net's parameters. The bits do not depend on threads. */
void ninp_optimizer_update(const ninp_optimizer_step *step, nin_net *net, const float *gradients,
                           float *const *slots);

#endif

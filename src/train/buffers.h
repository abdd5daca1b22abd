/* What a run holds beside the net: gradients, what the optimizer keeps, averaged weights. */
#ifndef NINP_TRAIN_BUFFERS_H
#define NINP_TRAIN_BUFFERS_H

#include "train/optimizer/optimizer.h"
#include "train/state.h"

typedef struct ninp_buffers {
    float *gradients; /* of a batch, laid out like the net's parameters */
    float *sums;      /* likewise, of the batches of a step; NULL where a step is one batch */
    float *slots[NINP_OPTIMIZER_SLOTS]; /* see optimizer.h; NULL where it needs fewer */
    ninp_tensor_rule *rules;            /* one a trainable tensor */
    bool *frozen;                       /* likewise: what the rules say of it */
    nin_net *average;                   /* the net with averaged weights; NULL: none are averaged */
    size_t state_count;
    ninp_run_array state[NINP_RUN_ARRAYS]; /* what has to be saved; borrows from the above */
} ninp_buffers;

/* Fits the buffers to the net. The average starts as the net's values are. */
nin_status ninp_buffers_create(const nin_train_options *options, const nin_net *net,
                               ninp_buffers *out, nin_error *err);
/* An empty one (all zeros) is allowed. */
void ninp_buffers_free(ninp_buffers *buffers);

#endif

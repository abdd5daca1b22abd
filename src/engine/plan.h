/* The plan: a net's layers as the fused steps that engines run. Convolution takes its bias, its
 * activation and, where it follows, the max-pool with it; in evaluation batch norm is folded into
 * the convolution before it. Nothing here depends on an engine. */
#ifndef NINP_ENGINE_PLAN_H
#define NINP_ENGINE_PLAN_H

#include "net/net.h"

typedef enum ninp_work {
    NINP_WORK_CONV,   /* [+ batch_norm folded] [+ activation] [+ max_pool] */
    NINP_WORK_LINEAR, /* [+ activation] */
    NINP_WORK_MAX_POOL,
    NINP_WORK_AVG_POOL,   /* avg_pool, adaptive_avg_pool, global_avg_pool */
    NINP_WORK_BATCH_NORM, /* [+ activation] */
    NINP_WORK_DROPOUT,    /* training only: evaluation plans leave it out */
    NINP_WORK_FLATTEN,    /* only where height x width > 1: otherwise it changes nothing */
    NINP_WORK_ACTIVATION  /* one that no other step took */
} ninp_work;

typedef enum ninp_activation {
    NINP_ACTIVATION_NONE,
    NINP_ACTIVATION_RELU,
    NINP_ACTIVATION_SIGMOID
} ninp_activation;

typedef struct ninp_step {
    ninp_work work;
    size_t first_layer, last_layer; /* of the net's layer list */
    nin_shape input, output;        /* of the whole step */

    ninp_conv_options conv;     /* NINP_WORK_CONV */
    nin_shape unpooled;         /* its output before the max-pool; = output without one */
    ninp_activation activation; /* applied to the step's result (before the max-pool) */
    bool pooled;                /* a max-pool is part of this step */
    ninp_pool_options pool;     /* of that, or of NINP_WORK_MAX_POOL and non-adaptive AVG_POOL */
    bool adaptive;              /* NINP_WORK_AVG_POOL: windows from the shapes */
    double dropout;             /* probability */
    int number;                 /* NINP_WORK_DROPOUT: key of its random numbers */

    int weight, bias;                 /* tensor numbers of the net; -1: none */
    int scale, shift, mean, variance; /* of batch norm, own step or folded; -1: none */
    double epsilon, momentum;         /* of batch norm */
    bool fixed; /* batch norm in training whose tensors are frozen: it uses running statistics */

    /* Backward. The gradient that a step receives is that of its result before the activation: the
     * step behind it has multiplied by the derivative, which it takes from its own input. A pooled
     * convolution receives that of the pooled result and multiplies by the derivative itself. */
    ninp_activation input_activation; /* of the step before, applied to what is this step's input */
    bool input_gradient;              /* false: nobody needs the gradient of its input */
} ninp_step;

typedef struct ninp_plan {
    const nin_net *net;
    bool training;
    ninp_step *steps;
    size_t count;
} ninp_plan;

/* frozen: see nin_session_options; may be NULL. */
nin_status ninp_plan_create(const nin_net *net, bool training, const bool *frozen, ninp_plan *out,
                            nin_error *err);
void ninp_plan_free(ninp_plan *plan);

/* "conv2d+relu+max_pool"; returns buffer. */
const char *ninp_step_work_text(const ninp_step *step, char *buffer, size_t size);
/* "0.0 0.1 1": the names of its layers, cut off where they do not fit; returns buffer. */
const char *ninp_step_layers_text(const ninp_plan *plan, const ninp_step *step, char *buffer,
                                  size_t size);
/* Multiply-accumulates of one example forward, as direct computation. */
uint64_t ninp_step_macs(const ninp_plan *plan, const ninp_step *step);

#endif

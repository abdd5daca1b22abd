/* A plan on one device: all memory in one block, laid out when the session is opened; a step
 * allocates nothing. Kernels go to one stream. */
#ifndef NINP_CUDA_PLUGIN_SESSION_H
#define NINP_CUDA_PLUGIN_SESSION_H

#include "cuda/plugin/capture.h"
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/libraries.h"
#include "cuda/plugin/resident.h"

namespace ninp_cuda {

/* Pointers are to device memory; NULL where the step has no such thing. */
struct step_state {
    const ninp_step *step;
    conv_shape conv; /* CONV and LINEAR: up to the max-pool */
    void *output;    /* batch x step->output */
    void *place;     /* training: where the maximum of each window was */
    packed_weights weights;
    product *products[PASSES]; /* by libraries; NULL where own kernels do it */
    int algorithms[PASSES];    /* the chosen ones */
    void *mask;                /* where may_mask: of its ReLU's results, by the product for them */
    bool input_masked; /* the product for the input gradient multiplies by the mask of the step
                          before: dx is complete */
    bool bias_comes;   /* the bias gradient comes with the next step's input gradient. Both are of
                          full batches, as products are */
    bool starts_pair;  /* forward, this step and the next one are one kernel */
    float *used_mean, *used_inverse; /* BATCH_NORM: what x was normalised by */
    ninp_cuda_step sizes;
};

struct session {
    ninp_cuda_task task;
    launcher on;
    step_state *steps; /* task.plan->count, in the host's memory */
    graph_cache graphs;

    unsigned char *arena;
    size_t arena_bytes;
    float *values;    /* the net's tensors, as on the host */
    float *gradients; /* of the parameters */
    float *pictures;  /* batch, as they come: C x H x W */
    void *input;      /* the same, H x W x C */
    void *unpooled; /* of a convolution before its max-pool, or its gradient there; all share it */
    void *flow[2];  /* gradients between steps, in turn */
    float *partial; /* parts of sums; all steps share it */
    float *plain;   /* batch x logits, or one picture's result, C x H x W */
    unsigned char *marks; /* one a channel */
    /* The batch's targets. */
    int32_t *labels, *others;
    float *shares, *smoothing;
    uint64_t *number;   /* of the dropout masks */
    double *losses;     /* see cross_entropy */
    float *host_shares; /* batch ones, for examples with one label; in the host's memory */
    library_set libraries;
    void *library_space;  /* LIBRARY_BYTES that library kernels may work in */
    bool packed;          /* evaluation: the kernels' weights are the net's */
    nin_step_time *times; /* plan->count, while steps are timed; else NULL */
    cudaEvent_t start, end;
    resident kept;
};

/* session.cpp: what every function of the table starts with. */
session &enter(void *state);
/* Copies in the order of the stream. */
void copy_in(session &of, void *to, const void *from, size_t bytes);
void copy_out(session &of, void *to, const void *from, size_t bytes);
/* The net's tensors, to the device. */
void copy_values(session &of);
/* Evaluation: the same and their copies for the kernels, where they are not there yet. */
void pack_changed_weights(session &of);
/* The last step's results, into `plain`. */
void unpack_logits(session &of, int count);

/* memory.cpp: sizes and places of everything in the arena, which it allocates. */
nin_status allocate(session &on, nin_error *err);

/* run.cpp: from the net's input to the last step's output, and from there to gradients. */
void pack_all_weights(session &of);
void run_forward(session &of, int count);
void run_loss_and_backward(session &of, int count);

/* The input of step i. */
const void *step_input(const session &of, size_t i);
/* Where the gradient of a tensor goes; NULL for -1. */
float *step_gradient(const session &of, int tensor_number);
/* Of what gave a step's input. */
derivative input_derivative(const ninp_step &step, const void *x);

/* weighted.cpp: steps with weights, by libraries or our own kernels. */
enum { LIBRARY_BYTES = 32 << 20 };
/* Plans products of libraries for the largest batch; without libraries there are none. */
void choose_products(session &of);
void free_products(session &of);
/* Whether cuBLASLt could make step i's results and the next step's input gradient, with the ReLU
 * between them as a mask. */
bool may_mask(const session &of, size_t i);
/* From x to the step's result before its max-pool. */
void weighted_forward(session &of, const step_state &state, int count, const void *x, void *y);
/* Gradients of weights and bias. */
void weighted_weight_gradient(session &of, const step_state &state, int count, const void *x,
                              const void *dy);
void weighted_input_gradient(session &of, const step_state &state, int count, const void *x,
                             const void *dy, void *dx);

/* fused.cpp: chooses steps that are one kernel, for batches of any size: the faster way, by a
 * trial; with `deterministic` by a rule of shapes. After choose_products, whose masks stay. */
void choose_pairs(session &of);
/* Step i, which has weights, from its input to its result before its max-pool. The first step of a
 * pair does nothing: the second one does the work of both. */
void forward_product(session &of, size_t i, int count);

/* fail.cpp: "WHAT failed: " and what CUDA says. The core puts the device in front. */
nin_status fail_cuda(const session &of, const char *what, nin_error *err);
/* Waits for everything that was started; NIN_OK where all of it went well. */
nin_status wait(session &of, const char *what, nin_error *err);

} // namespace ninp_cuda

#endif

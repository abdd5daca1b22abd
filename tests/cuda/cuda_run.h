/* Nets on the CUDA plug-in beside the same nets on the reference engine. The plug-in is the
 * emulated one, or, in the programs of target gpu_tests, the real one with a GPU. Failures fail the
 * test. */
#ifndef TESTS_CUDA_CUDA_RUN_H
#define TESTS_CUDA_CUDA_RUN_H

#include "cuda/fake_cublaslt.h"
#include "cuda/plugin.h"

/* The plug-in's table. On a real GPU: ends the program with 77, "skipped", where there is none. */
const ninp_cuda_plugin *cuda_plugin(void);

/* What only an emulated device does; false on a real one. Threads run in the opposite order; no
 * more memory than so many bytes (0: no limit). */
bool cuda_reverse_threads(bool reversed);
bool cuda_limit_memory(size_t bytes);
/* Has one of the libraries, or, emulated, what stands in for it, and no other one, until
 * cuda_use_no_library. Skips the test where there is none. */
void cuda_use_cublaslt(void);
void cuda_use_cudnn(void);
void cuda_use_no_library(void);
/* What stands in for them computed so much so far; -1 on a real device. */
int cuda_library_products(void);
/* The same of what stands in for cuBLASLt alone; false on a real device. */
bool cuda_count_cublaslt(fake_cublaslt_counts *counts);
/* Whether what stands in for cuBLASLt has masks; false on a real device. */
bool cuda_set_masks(bool supported);
/* Allocations of device memory so far, and bytes that are allocated now; 0 on a real device. */
size_t cuda_allocations(void);
size_t cuda_allocated_bytes(void);

void cuda_expect_ok(nin_status status, const nin_error *err);

/* Biases that are not zero, and batch norm that does something: as a net starts it is nearly the
 * identity in evaluation. */
void cuda_stir(nin_net *net);

/* How a net is run. */
typedef struct cuda_setup {
    ninp_cuda_math math;
    int count; /* pictures */
    int batch; /* the session's; 0: count */
    bool training;
    bool keep_results;  /* in evaluation */
    bool libraries;     /* not only own kernels */
    bool any_algorithm; /* of a library: the fastest, not the first */
    ninp_cuda_pairs pairs;
    bool two_labels;
    float smoothing;
    const bool *frozen;
    uint64_t step;
    const float *images; /* instead of random ones in [0, 1) */
    ninp_cuda_choices *choices;
} cuda_setup;

/* A session with the plan and tables that it is made from. */
typedef struct cuda_session {
    ninp_plan plan;
    size_t *offsets, *counts;
    ninp_cuda_task task;
    void *state;
} cuda_session;

/* Opens one; returns what the plug-in does. */
nin_status cuda_session_try(nin_net *net, const cuda_setup *setup, cuda_session *session,
                            nin_error *err);
void cuda_session_open(nin_net *net, const cuda_setup *setup, cuda_session *session);
void cuda_session_close(cuda_session *session);

/* A batch that depends on the net's shape and `seed` alone. */
typedef struct cuda_batch {
    float *images, *shares;
    int32_t *labels, *others;
    nin_examples examples;
} cuda_batch;
cuda_batch cuda_batch_make(const nin_net *net, const cuda_setup *setup, uint64_t seed);
void cuda_batch_free(cuda_batch *batch);

/* Everything that one pass gives. The net is left as it was. */
typedef struct cuda_outcome {
    size_t parameters, value_count, steps, logit_count;
    float *gradients, *values; /* values: of the net, after it */
    float *logits;
    float **results; /* of each step, `count` pictures; NULL where they are not kept */
    size_t *result_counts;
    nin_loss loss;
} cuda_outcome;
/* By the plug-in, or by the reference engine with the results of the layers where the plan's steps
 * end. */
cuda_outcome cuda_run(nin_net *net, const cuda_setup *setup, uint64_t seed);
cuda_outcome cuda_run_reference(nin_net *net, const cuda_setup *setup, uint64_t seed);
void cuda_outcome_free(cuda_outcome *outcome);

/* Every bit is the same. */
void cuda_expect_same(const cuda_outcome *a, const cuda_outcome *b);
/* cuda_run; every bit is the same in a second run and with threads in the opposite order. */
cuda_outcome cuda_run_in_any_order(nin_net *net, const cuda_setup *setup, uint64_t seed);

/* Whether a step of the plan is computed by that algorithm. */
bool cuda_step_is(const cuda_session *session, size_t step, const char *algorithm);

/* Runs both and compares: results, logits and running statistics by their relative L2 error, the
 * loss by its difference a picture, each gradient tensor by its relative L2 error, where one that
 * is small beside the whole gradient (a bias in front of batch norm) is measured by a hundredth of
 * that. */
typedef struct cuda_bounds {
    double results, loss, gradients;
} cuda_bounds;
/* Of our own kernels in each math, for nets of a few layers without ReLUs. */
extern const cuda_bounds cuda_math_bounds[3];
void cuda_check(nin_net *net, const cuda_setup *setup, cuda_bounds bounds, const char *what);

/* The same of a net in text by a library, in evaluation with its fastest algorithms and in
 * training, and of a batch that is smaller than the largest, which alone has the library's
 * products. */
void cuda_check_library(const char *library, const char *text, ninp_cuda_math math,
                        cuda_bounds bounds);
/* In a step of training a library computes forward and both gradients of so many steps of the plan,
 * and nothing else: counted where something stands in for it. */
void cuda_expect_products(const char *text, int steps);

#endif

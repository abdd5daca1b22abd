/* What the core and the CUDA plug-in (libnin-cuda.so) know of each other. The core opens the
 * plug-in when a CUDA device is asked for; it links nothing of CUDA itself. The plug-in sees plans
 * as plain data and nothing of nets and layers. C and C++. */
#ifndef NINP_CUDA_PLUGIN_H
#define NINP_CUDA_PLUGIN_H

#ifdef __cplusplus
extern "C" {
#endif

#include "engine/plan.h"
#include "engine/resident.h"

#include <nin/session.h>

/* Counts up with every change to this file or to what it includes of the engine. */
enum { NINP_CUDA_PLUGIN_ABI = 5 };

/* How products are computed; sums, weights, their gradients and the loss are float32 or more in
 * all of them. */
typedef enum ninp_cuda_math {
    NINP_CUDA_FLOAT32, /* as the CPU engine */
    NINP_CUDA_TF32,    /* factors rounded to 10 bits behind the point, tensor cores */
    NINP_CUDA_BF16     /* results and weights for the kernels are stored as bfloat16 */
} ninp_cuda_math;

typedef struct ninp_cuda_device {
    char name[96];
    int major, minor; /* compute capability */
    int multiprocessors;
    size_t memory_bytes;
    bool usable;
    char reason[200]; /* one sentence: why it is not usable; else "" */
} ninp_cuda_device;

/* What was found; a text is a version, or "" where the library is missing. */
typedef struct ninp_cuda_libraries {
    int driver, runtime; /* 13000 is CUDA 13.0; 0: no driver */
    char cublaslt[64], cudnn[64];
    char cublaslt_reason[200], cudnn_reason[200]; /* why it is missing; else "" */
} ninp_cuda_libraries;

/* Which pairs of 1 x 1 convolutions behind each other are one kernel, of those that can be. */
typedef enum ninp_cuda_pairs {
    NINP_CUDA_PAIRS_CHOSEN, /* those that are faster */
    NINP_CUDA_PAIRS_ALL,
    NINP_CUDA_PAIRS_NONE
} ninp_cuda_pairs;

/* The algorithm that a session takes for a product of a library. */
typedef struct ninp_cuda_choice {
    char product[200]; /* all that it depends on besides device and libraries, in one line */
    int algorithm;     /* from 0, by the library's own order */
} ninp_cuda_choice;

/* Those of earlier sessions, and those that are new. */
typedef struct ninp_cuda_choices {
    ninp_cuda_choice *items;
    size_t count, capacity;
    bool changed; /* the session that was opened last measured something */
} ninp_cuda_choices;

/* What a session is made from. Everything that is pointed to outlives the session, but for
 * `choices`, which are looked at by `open` alone. */
typedef struct ninp_cuda_task {
    const ninp_plan *plan;
    float *values; /* the net's tensors; running statistics are updated by training */
    const size_t *offsets, *counts; /* tensor_count: place and number of a tensor's floats in values
                                     */
    size_t tensor_count;
    size_t value_count, parameter_count; /* with and without running statistics, which come last */
    nin_shape input;
    int classes;
    int batch; /* the largest */
    bool training;
    bool keep_results; /* always so in training */
    uint64_t seed;     /* of dropout */
    int device;        /* number */
    ninp_cuda_math math;
    bool deterministic; /* the same bits in every run on the same device with the same libraries */
    bool own_only;      /* no library kernels: neither cuBLASLt nor cuDNN */
    ninp_cuda_choices *choices; /* taken where they run; what has to be measured is added while
                                   there is room. NULL: everything is measured */
    ninp_cuda_pairs pairs;      /* other than chosen: for tests */
} ninp_cuda_task;

/* What a step of the plan settled. */
typedef struct ninp_cuda_step {
    /* "own", "cublaslt" or "cudnn"; "stem": our own for few input channels; "pair": forward it is
     * one kernel with its neighbour. Lives as long as the plug-in. */
    const char *algorithm;
    size_t weight_bytes; /* weights as the kernels take them */
    size_t activation_bytes;
    size_t workspace_bytes;
} ninp_cuda_step;

/* Functions that fail return NIN_ERROR_UNAVAILABLE (no driver, a device that is lost or too old) or
 * NIN_ERROR_MEMORY. Functions of a session are called by one thread at a time. */
typedef struct ninp_cuda_plugin {
    unsigned abi;        /* NINP_CUDA_PLUGIN_ABI */
    const char *version; /* NIN_VERSION_* it was built with: the core's must be the same */

    /* Up to `capacity` devices; *count is how many there are, 0 where there is no driver. Fails
     * only where a driver answers with an error. libraries may be NULL. */
    nin_status (*devices)(ninp_cuda_device *devices, int capacity, int *count,
                          ninp_cuda_libraries *libraries, nin_error *err);

    /* A session; as in ninp_engine (engine/engine.h). */
    nin_status (*open)(const ninp_cuda_task *task, void **state, nin_error *err);
    void (*close)(void *state);
    void (*weights_changed)(void *state);
    nin_status (*logits)(void *state, const float *images, int count, float *logits,
                         nin_error *err);
    nin_status (*gradients)(void *state, const nin_examples *examples, float *gradients,
                            nin_loss *loss, nin_error *err);
    /* values: channels x height x width floats of one picture. */
    nin_status (*result)(const void *state, size_t step, int example, float *values,
                         nin_error *err);
    nin_status (*profile)(void *state, const nin_examples *examples, nin_step_time *times,
                          nin_error *err);
    nin_status (*mark_active)(const void *state, size_t step, int pictures, bool *active,
                              nin_error *err);
    size_t (*bytes)(const void *state); /* of device memory */
    ninp_cuda_step (*step)(const void *state, size_t index);

    /* NULL: pictures and updates stay on the processor. */
    const ninp_resident_functions *resident;
} ninp_cuda_plugin;

/* The one symbol of the shared object, and its name for whoever looks it up. */
const ninp_cuda_plugin *ninp_cuda_plugin_v1(void);
#define NINP_CUDA_PLUGIN_SYMBOL "ninp_cuda_plugin_v1"

#ifdef __cplusplus
}
#endif

#endif

/* How the CPU engine computes one fused step.
 *
 * Activations are nChw16c: [image][channels / 16 rounded up][height][width][16] floats, 64-byte
 * aligned; features of a flat shape are channels of a 1 x 1 picture. Lanes past the last channel
 * hold finite values that nobody reads as results; weights for them are zero.
 *
 * An algorithm of scope IMAGE computes one picture at a time: the engine runs several such steps
 * over a picture while it is in cache, and spreads pictures over threads, so that each is computed
 * by one (run->threads is 1). Only batches smaller than the number of threads go picture by picture
 * with all threads, which the algorithm may use if that leaves the bits as they are. One of scope
 * BATCH gets the whole batch and spreads the work itself (OpenMP, run->threads).
 *
 * Results must not depend on the number of threads. For IMAGE scope the engine gives every fixed
 * shard of the batch its own gradient accumulators and adds them in order; a BATCH algorithm must
 * reduce in a fixed order by itself.
 *
 * Adding an algorithm is one file in src/cpu/<kind>/ and one line in src/cpu/algorithms.c. */
#ifndef NINP_CPU_ALGORITHM_H
#define NINP_CPU_ALGORITHM_H

#include "cpu/kernels.h"
#include "engine/plan.h"

enum { NINP_BLOCK = 16 }; /* channels a block */

/* Multiply-accumulates that make work worth another thread: LeNet on one picture has 1.6 times as
 * many, takes 10 microseconds and gains nothing by a second thread; two pictures do. */
#define NINP_THREAD_MACS 262144.0

static inline int ninp_blocks(int channels) {
    return (channels + NINP_BLOCK - 1) / NINP_BLOCK;
}
/* Floats of one picture in nChw16c. */
static inline size_t ninp_blocked_count(nin_shape shape) {
    return (size_t)ninp_blocks(shape.channels) * NINP_BLOCK * (size_t)shape.height *
           (size_t)shape.width;
}

/* Floats of one channel block of a picture. */
static inline size_t ninp_block_floats(nin_shape shape) {
    return (size_t)shape.height * (size_t)shape.width * NINP_BLOCK;
}

/* What an algorithm asks for; filled by `prepare`, zeros before. */
typedef struct ninp_cpu_needs {
    size_t weight_floats;   /* packed weights */
    size_t gradient_floats; /* packed weight gradient: one for each shard (IMAGE) or one (BATCH) */
    size_t
        saved_bytes; /* a picture, kept from forward to backward beside x and y; a multiple of 64 */
    size_t kept_bytes;   /* once, kept from forward to backward; BATCH only */
    size_t thread_bytes; /* workspace of each thread, valid during one call */
    size_t common_bytes; /* workspace of all threads together, valid during one call; BATCH only */
} ninp_cpu_needs;

typedef struct ninp_cpu_config {
    const ninp_kernels *kernels;
    int threads;
    int batch; /* the largest */
    bool training;
    bool first; /* the step reads the net's input */
} ninp_cpu_config;

/* One call. Pointers are to the first picture; strides are floats (saved: bytes) a picture. */
typedef struct ninp_cpu_run {
    const ninp_step *step;
    const ninp_cpu_needs *needs;
    const ninp_kernels *kernels;
    const void *settings; /* what `prepare` left */
    int count;            /* pictures; 1 for IMAGE scope */
    int first_image;      /* number of the first one in the batch */
    int threads;          /* that the call may use */
    bool training;
    uint64_t seed, number; /* of dropout: seed and step number */

    const float *x; /* input; N x C x H x W floats, any alignment, where reads_plain */
    float *y;       /* output; in backward as forward left it */
    const float
        *dy;   /* gradient of the result before the activation; pooled: of the pooled result */
    float *dx; /* gradient of the input times the derivative of step->input_activation at
                  x; NULL: not needed. May not be dy */
    size_t x_stride, y_stride; /* dx and dy likewise */
    unsigned char *saved;
    size_t saved_stride;
    unsigned char *kept;

    const float *weights;       /* packed, or the net's (in_place) */
    const float *bias;          /* padded with zeros to whole blocks */
    float *gradient;            /* packed, or the net's; IMAGE: add to it; BATCH: overwrite it */
    float *bias_gradient;       /* whole blocks; add to it */
    float *tensors[4];          /* batch norm: the net's scale, shift, mean, variance */
    float *tensor_gradients[2]; /* batch norm: of scale and shift, `channels` floats, overwrite */

    unsigned char *thread_space; /* thread t uses thread_space + t * needs->thread_bytes */
    unsigned char *common_space;
} ninp_cpu_run;

typedef enum ninp_scope { NINP_SCOPE_IMAGE, NINP_SCOPE_BATCH } ninp_scope;

typedef struct ninp_cpu_algorithm {
    const char *name; /* "winograd4"; what `algorithms` pins and the plan shows */
    ninp_work work;
    ninp_scope scope;
    /* Weights and their gradient are read and written where the net has them, of any alignment: it
     * has no pack and no unpack, and its needs name neither. BATCH only, in training only. */
    bool in_place;
    bool reads_plain; /* x is N x C x H x W: for the net's input only */
    /* NULL: it can do this step; otherwise the reason why not. */
    const char *(*refuse)(const ninp_step *step, const ninp_cpu_config *config);
    /* Estimated cost of an example, all passes the plan needs, in multiply-accumulates at full
     * speed of the machine. The cheapest algorithm that does not refuse is taken; NULL: 0. */
    double (*cost)(const ninp_step *step, const ninp_cpu_config *config);
    /* Fills *needs. *settings (may stay NULL) is static data of the algorithm's own. NULL: it needs
     * nothing. */
    void (*prepare)(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings);
    /* weight: K x C x R x S as in the net (linear: K x F). NULL for steps without weights. */
    void (*pack)(const ninp_cpu_run *run, const float *weight, float *packed);
    /* The gradient back in the net's layout. */
    void (*unpack)(const ninp_cpu_run *run, const float *packed, float *gradient);
    void (*forward)(const ninp_cpu_run *run);
    void (*backward)(const ninp_cpu_run *run);
} ninp_cpu_algorithm;

/* All algorithms, NULL-ended: src/cpu/algorithms.c. */
extern const ninp_cpu_algorithm *const ninp_cpu_algorithms[];

#endif

/* Inside of the CPU engine: a plan with an algorithm for every step, grouped into segments, and one
 * block of memory. */
#ifndef NINP_CPU_ENGINE_H
#define NINP_CPU_ENGINE_H

#include "cpu/algorithm.h"
#include "engine/engine.h"

enum { NINP_CPU_SHARDS = 16 }; /* parts of the batch with gradient accumulators of their own */

typedef struct ninp_cpu_step {
    const ninp_step *step;
    const ninp_cpu_algorithm *algorithm;
    ninp_cpu_needs needs;
    const void *settings;
    char layers[160]; /* names, for the plan */
    char work[64];

    float *weights, *bias;
    float *gradient;      /* shards x needs.gradient_floats, or one for BATCH scope */
    float *bias_gradient; /* shards x whole blocks, or one */
    unsigned char *saved, *kept;
    float *output; /* batch x output, kept for backward and for whoever asks; or NULL */
    size_t input_floats, output_floats; /* a picture, in the layout that the algorithm reads */
} ninp_cpu_step;

/* Steps that run over one picture at a time while it is in cache, or one BATCH step alone. */
typedef struct ninp_segment {
    size_t first, last;
    ninp_scope scope;
} ninp_segment;

typedef struct ninp_cpu {
    nin_net *net;
    ninp_plan plan;
    const ninp_kernels *kernels;
    int threads, batch, shards;
    bool training;
    bool keeps_results; /* every step has an output of its own; always so in training */
    uint64_t seed;
    ninp_cpu_step *steps; /* plan.count */
    ninp_segment *segments;
    size_t segment_count;

    unsigned char *arena;
    size_t arena_bytes;
    float *input; /* batch x input in nChw16c; NULL where the first step reads plain pictures */
    float *boundary[2]; /* where results are not kept: outputs of segments, in turn */
    float *flow[2];     /* training: gradients between segments, in turn */
    float *thread_flow; /* threads x 2 x thread_flow_floats: values inside a segment, in turn */
    size_t thread_flow_floats;
    unsigned char *thread_space; /* threads x thread_bytes */
    size_t thread_bytes;
    unsigned char *common_space;
    float *logits, *logit_gradient; /* batch x classes */
    float *folded;                  /* evaluation: weights with batch norm folded in */
    bool packed;                    /* evaluation: packed weights are the net's */
    char *algorithms;               /* "0.0=direct,..." */
    nin_step_time *times;           /* threads x plan.count while steps are timed; else NULL */
} ninp_cpu;

/* Takes the cheapest algorithm for every step, or the pinned one. */
nin_status ninp_cpu_choose(ninp_cpu *cpu, const char *pins, nin_error *err);
/* Groups steps into segments and lays out the memory. */
nin_status ninp_cpu_lay_out(ninp_cpu *cpu, nin_error *err);

/* Packs the net's weights for the kernels. */
void ninp_cpu_pack(ninp_cpu *cpu);
/* Leaves the logits, count x classes, in cpu->logits. */
void ninp_cpu_forward(ninp_cpu *cpu, const float *images, int count, uint64_t number);
/* From cpu->logit_gradient to gradients in the net's layout. */
void ninp_cpu_backward(ninp_cpu *cpu, const float *images, int count, uint64_t number,
                       float *gradients);

/* A run of a step over the whole batch, with what forward and backward have in common. */
ninp_cpu_run ninp_cpu_begin_run(const ninp_cpu *cpu, const ninp_cpu_step *step, int count,
                                uint64_t number);
/* Who computes a picture: the thread whose workspace is used, and how many threads may help. */
typedef struct ninp_worker {
    int thread, threads;
} ninp_worker;
/* Narrows it to one picture. */
void ninp_cpu_narrow_run(const ninp_cpu *cpu, const ninp_cpu_step *step, int image,
                         ninp_worker worker, ninp_cpu_run *run);

/* An algorithm's pass over a run, timed in what is kept for `thread` while a profile is made. The
 * passes of two threads may go on at once. */
void ninp_cpu_run_forward(const ninp_cpu *cpu, const ninp_cpu_step *step, int thread,
                          const ninp_cpu_run *run);
void ninp_cpu_run_backward(const ninp_cpu *cpu, const ninp_cpu_step *step, int thread,
                           const ninp_cpu_run *run);
/* Between them steps are timed, and weight gradients are not what they should be: *gradients is a
 * place for them. `times` receives plan.count. */
nin_status ninp_cpu_begin_profile(ninp_cpu *cpu, float **gradients, nin_error *err);
void ninp_cpu_end_profile(ninp_cpu *cpu, float *gradients, nin_step_time *times);
/* See nin_session_peak. */
double ninp_cpu_peak(const ninp_cpu *cpu);

/* Denormal numbers cost a hundred times a normal one on many processors and mean nothing here: they
 * are taken as zero on all threads between enter and leave. `saved` holds `threads` words. */
void ninp_float_mode_enter(int threads, unsigned *saved);
void ninp_float_mode_leave(int threads, const unsigned *saved);

#endif

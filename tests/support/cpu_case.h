/* One step on the CPU engine's kernels, all arrays between guard pages, beside the same layer in
 * float64. */
#ifndef TESTS_SUPPORT_CPU_CASE_H
#define TESTS_SUPPORT_CPU_CASE_H

#include "cpu/algorithm.h"
#include "guard.h"
#include "layer_case.h"

/* Where an emulator runs the tests, one in so many of the random cases is enough. */
#ifndef TEST_SHARE
#define TEST_SHARE 1
#endif

enum { CPU_CASE_BLOCKS = 8 };

typedef struct cpu_case {
    const ninp_cpu_algorithm *algorithm;
    ninp_step step;
    ninp_cpu_needs needs;
    ninp_cpu_run run;              /* over the whole batch */
    void *blocks[CPU_CASE_BLOCKS]; /* NULL where nothing is needed */
    float *x, *dy, *dx;            /* those of run, to write to */
} cpu_case;

/* Arrays for `step` over a batch of config->batch, each with a guard page on the given side. What
 * will be written, y and dx, is full of NaN. */
void cpu_case_open(cpu_case *cpu, const ninp_cpu_algorithm *algorithm, const ninp_step *step,
                   const ninp_cpu_config *config, guard_side side);
void cpu_case_close(cpu_case *cpu);

/* Picture by picture, or the batch at once: as the algorithm's scope says. They also check that
 * lanes past the last channel are finite. */
void cpu_case_forward(const cpu_case *cpu);
void cpu_case_backward(const cpu_case *cpu);

/* Plain N x C x H x W to channel blocks and back. Lanes past the last channel become `rest`. */
void block_plain(const double *plain, int count, nin_shape shape, float rest, float *blocked);
void unblock_plain(const float *blocked, int count, nin_shape shape, double *plain);

/* Rounds to float, in place. */
void round_to_float(double *values, size_t count);

/* Makes values what `activation` could have given: none negative, or between 0 and 1. */
void activate_values(ninp_activation activation, double *values, size_t count);
double activation_value(ninp_activation activation, double x);
/* Derivative where the result is y. */
double activation_derivative(ninp_activation activation, double y);

/* The next instruction set that can run here, or NULL past the end: start with *index = 0. Says
 * which ones are left out. TEST_ISA, where it is defined, names the only one. */
const ninp_kernels *usable_kernels(size_t *index);
/* All of them; returns how many. */
enum { MOST_KERNELS = 8 };
size_t list_kernels(const ninp_kernels *list[MOST_KERNELS]);

#endif

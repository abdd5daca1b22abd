/* A convolution or fully-connected step, with the max-pool behind it, in float64 and on the CPU
 * engine's kernels with all arrays between guard pages. */
#ifndef TESTS_SUPPORT_WEIGHTED_CASE_H
#define TESTS_SUPPORT_WEIGHTED_CASE_H

#include "cpu_case.h"

typedef struct weighted_case {
    char line[100];      /* "conv2d 20 kernel=3 padding=1", "linear 10" */
    char pool_line[100]; /* "max_pool kernel=2 stride=2"; empty: none */
    ninp_step step;
    layer_case layer, pool;
    layer_case size; /* the layer over absolute values: gives the sums of |a b| */
} weighted_case;

/* Lines are filled in before, and of step: activation, input_activation, input_gradient. */
void weighted_case_open(weighted_case *weighted, nin_shape input, int count, bool training);
void weighted_case_close(weighted_case *weighted);

/* Values in [-1, 1). exact: small whole numbers, so that every sum is exact in float32. Inputs are
 * what the activation before could have given. */
void weighted_case_draw(weighted_case *weighted, ninp_random *random, bool exact);
/* Runs the float64 layers. */
void weighted_case_reference(weighted_case *weighted);

/* How the step is run. */
typedef struct weighted_setup {
    const ninp_cpu_algorithm *algorithm;
    const ninp_kernels *kernels;
    int threads;
    guard_side side;
} weighted_setup;

/* Plain arrays, in the net's layouts; NULL where the step has none. */
typedef struct weighted_results {
    size_t y_count, dx_count, weight_count, bias_count;
    double *y, *dx, *weight, *bias; /* the last two: gradients */
} weighted_results;

/* NULL, or why the algorithm does not compute this step. */
const char *weighted_case_refusal(const weighted_case *weighted, const weighted_setup *setup);
weighted_results weighted_case_run(const weighted_case *weighted, const weighted_setup *setup);
void weighted_results_free(weighted_results *results);

/* Runs and compares: |value - float64| <= (2 K + 8) 2^-24 sum |a b|, K the length of the sum
 * (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1, with room for the order
 * of sums), and exactly equal where the values were drawn exact and the activation is no sigmoid.
 */
void weighted_case_check(const weighted_case *weighted, const weighted_setup *setup, bool exact);
/* The same bits on 1 to 5 threads. */
void weighted_case_check_threads(const weighted_case *weighted, const ninp_cpu_algorithm *algorithm,
                                 const ninp_kernels *kernels);

#endif

/* Functions that stand in for cuBLASLt's. C and C++. */
#ifndef TESTS_CUDA_FAKE_CUBLASLT_H
#define TESTS_CUDA_FAKE_CUBLASLT_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For emulated_set_libraries. */
void *fake_cublaslt_find(const char *name);
/* What it computed so far. Algorithm 0 never works; 1 and 2 do the same. */
typedef struct fake_cublaslt_counts {
    int by_algorithm[3]; /* products */
    int masked;          /* of them, multiplied by a ReLU's derivative, taken from a mask */
    int bias_gradients;  /* that came with a product */
} fake_cublaslt_counts;
fake_cublaslt_counts fake_cublaslt_count(void);
/* Whether it has epilogues with masks, as it does at the start. */
void fake_cublaslt_set_masks(bool supported);

#ifdef __cplusplus
}
#endif

#endif

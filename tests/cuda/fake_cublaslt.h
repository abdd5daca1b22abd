/* Functions that stand in for cuBLASLt's. C and C++. */
#ifndef TESTS_CUDA_FAKE_CUBLASLT_H
#define TESTS_CUDA_FAKE_CUBLASLT_H

#ifdef __cplusplus
extern "C" {
#endif

/* For emulated_set_libraries. */
void *fake_cublaslt_find(const char *name);
/* How many products it computed. */
int fake_cublaslt_products(void);

#ifdef __cplusplus
}
#endif

#endif

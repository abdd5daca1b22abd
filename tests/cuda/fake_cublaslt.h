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
/* With one of its algorithms, of which number 0 never works, and 1 and 2 do the same. */
int fake_cublaslt_products_by(int algorithm);

#ifdef __cplusplus
}
#endif

#endif

/* Functions that stand in for cuDNN's. C and C++. */
#ifndef TESTS_CUDA_FAKE_CUDNN_H
#define TESTS_CUDA_FAKE_CUDNN_H

#ifdef __cplusplus
extern "C" {
#endif

/* For emulated_set_libraries. */
void *fake_cudnn_find(const char *name);
/* How many graphs it computed. */
int fake_cudnn_graphs(void);

#ifdef __cplusplus
}
#endif

#endif

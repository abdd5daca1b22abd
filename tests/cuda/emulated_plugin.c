/* The plug-in's sources, compiled into the test with an emulated device. */
#include "cuda/cuda_run.h"

#include "cuda/emulate/control.h"
#include "cuda/fake_cudnn.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const ninp_cuda_plugin *cuda_plugin(void) {
    return ninp_cuda_plugin_v1();
}

bool cuda_reverse_threads(bool reversed) {
    emulated_set_reversed(reversed);
    return true;
}

bool cuda_limit_memory(size_t bytes) {
    emulated_set_memory(bytes);
    return true;
}

void cuda_use_cublaslt(void) {
#ifdef NINP_TEST_CUBLASLT
    emulated_set_libraries(fake_cublaslt_find);
#else
    skip();
#endif
}

void cuda_use_cudnn(void) {
#ifdef NINP_TEST_CUDNN
    emulated_set_libraries(fake_cudnn_find);
#else
    skip();
#endif
}

void cuda_use_no_library(void) {
    emulated_set_libraries(NULL);
}

bool cuda_count_cublaslt(fake_cublaslt_counts *counts) {
    *counts = (fake_cublaslt_counts){0};
#ifdef NINP_TEST_CUBLASLT
    *counts = fake_cublaslt_count();
#endif
    return true;
}

int cuda_library_products(void) {
    fake_cublaslt_counts counts;
    (void)cuda_count_cublaslt(&counts);
    int products = counts.by_algorithm[0] + counts.by_algorithm[1] + counts.by_algorithm[2];
#ifdef NINP_TEST_CUDNN
    products += fake_cudnn_graphs();
#endif
    return products;
}

bool cuda_set_masks(bool supported) {
#ifdef NINP_TEST_CUBLASLT
    fake_cublaslt_set_masks(supported);
#endif
    (void)supported;
    return true;
}

size_t cuda_allocations(void) {
    return emulated_allocations();
}

size_t cuda_allocated_bytes(void) {
    return emulated_bytes();
}

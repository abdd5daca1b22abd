/* The plug-in's sources, compiled into the test with an emulated device. */
#include "cuda/cuda_run.h"

#include "cuda/emulate/control.h"
#include "cuda/fake_cublaslt.h"
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

int cuda_library_products(void) {
    int products = 0;
#ifdef NINP_TEST_CUBLASLT
    products += fake_cublaslt_products();
#endif
#ifdef NINP_TEST_CUDNN
    products += fake_cudnn_graphs();
#endif
    return products;
}

int cuda_cublaslt_products_by(int algorithm) {
#ifdef NINP_TEST_CUBLASLT
    return fake_cublaslt_products_by(algorithm);
#else
    (void)algorithm;
    return 0;
#endif
}

size_t cuda_allocations(void) {
    return emulated_allocations();
}

size_t cuda_allocated_bytes(void) {
    return emulated_bytes();
}

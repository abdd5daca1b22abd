/* The plug-in's sources, compiled into the test with an emulated device. */
#include "cuda/cuda_run.h"

#include "cuda/emulate/control.h"
#include "cuda/fake_cublaslt.h"

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

bool cuda_use_cublaslt(bool use) {
#ifdef NINP_TEST_CUBLASLT
    emulated_set_cublaslt(use ? fake_cublaslt_find : NULL);
    return use;
#else
    (void)use;
    return false;
#endif
}

int cuda_cublaslt_products(void) {
#ifdef NINP_TEST_CUBLASLT
    return fake_cublaslt_products();
#else
    return -1;
#endif
}

size_t cuda_allocations(void) {
    return emulated_allocations();
}

size_t cuda_allocated_bytes(void) {
    return emulated_bytes();
}

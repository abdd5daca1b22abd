#include "cuda/plugin/libraries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

namespace ninp_cuda {
namespace {

/* The version that a library gives as a number, 10000 major + 100 minor + patch; or why there is
 * none. */
void describe_library(const char *name, const char *function, char version[64], char reason[200]) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    size_t (*version_of)() = NULL;
    if (library) {
        void *found = dlsym(library, function);
        memcpy(&version_of, &found, sizeof found);
    }
    if (!version_of) {
        const char *failure = dlerror();
        snprintf(reason, 200, "%.180s", failure ? failure : "it has no version");
    } else {
        const size_t number = version_of();
        snprintf(version, 64, "%zu.%zu.%zu", number / 10000, number / 100 % 100, number % 100);
    }
    if (library) {
        (void)dlclose(library);
    }
}

} // namespace

void describe_libraries(ninp_cuda_libraries *libraries) {
    describe_library("libcublasLt.so.13", "cublasLtGetVersion", libraries->cublaslt,
                     libraries->cublaslt_reason);
    describe_library("libcudnn.so.9", "cudnnGetVersion", libraries->cudnn, libraries->cudnn_reason);
}

} // namespace ninp_cuda

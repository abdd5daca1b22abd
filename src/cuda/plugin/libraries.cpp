#include "cuda/plugin/libraries.h"

#include "cuda/plugin/device.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

namespace ninp_cuda {
namespace {

const char cublaslt_name[] = "libcublasLt.so.13";
const char cudnn_name[] = "libcudnn.so.9";

#ifdef NINP_CUDA_EMULATED
/* An emulated device has nothing but what a test puts behind the libraries' names. */
void *open_file(const char *) {
    return NULL;
}

void *find_in(void *, const char *name) {
    return emulated_library_function(name);
}
#else
void *open_file(const char *name) {
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

void *find_in(void *file, const char *name) {
    return file ? dlsym(file, name) : NULL;
}
#endif

/* The version that a library gives as a number, 10000 major + 100 minor + patch; or why there is
 * none. */
void describe_library(const char *name, const char *function, char version[64], char reason[200]) {
    void *library = open_file(name);
    size_t (*version_of)() = NULL;
    if (library) {
        void *found = dlsym(library, function);
        memcpy(&version_of, &found, sizeof found);
    }
    if (!version_of) {
        const char *failure = dlerror();
        snprintf(reason, 200, "%.180s", failure ? failure : "it does not tell its version");
    } else {
        const size_t number = version_of();
        snprintf(version, 64, "%zu.%zu.%zu", number / 10000, number / 100 % 100, number % 100);
    }
    if (library) {
        (void)dlclose(library);
    }
}

} // namespace

library_set open_libraries() {
    library_set libraries = {};
    libraries.cublaslt_file = open_file(cublaslt_name);
    libraries.cublaslt = lt_open({find_in, libraries.cublaslt_file});
    libraries.cudnn_file = open_file(cudnn_name);
    libraries.cudnn = dnn_open({find_in, libraries.cudnn_file});
    return libraries;
}

void close_libraries(library_set &libraries) {
    lt_close(libraries.cublaslt);
    dnn_close(libraries.cudnn);
    void *const files[] = {libraries.cublaslt_file, libraries.cudnn_file};
    for (void *file : files) {
        if (file) {
            (void)dlclose(file);
        }
    }
}

void describe_libraries(ninp_cuda_libraries *libraries) {
    describe_library(cublaslt_name, "cublasLtGetVersion", libraries->cublaslt,
                     libraries->cublaslt_reason);
    describe_library(cudnn_name, "cudnnGetVersion", libraries->cudnn, libraries->cudnn_reason);
}

} // namespace ninp_cuda

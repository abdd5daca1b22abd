/* NVIDIA's libraries, opened when they are first needed; each may be missing. */
#ifndef NINP_CUDA_PLUGIN_LIBRARIES_H
#define NINP_CUDA_PLUGIN_LIBRARIES_H

#include "cuda/plugin/cublaslt.h"
#include "cuda/plugin/cudnn.h"

namespace ninp_cuda {

/* Their versions, or why they are missing. */
void describe_libraries(ninp_cuda_libraries *libraries);

/* Those that a session computes with; NULL where one is missing. */
struct library_set {
    void *cublaslt_file;
    lt_library *cublaslt;
    void *cudnn_file;
    dnn_library *cudnn;
};
library_set open_libraries();
void close_libraries(library_set &libraries);

} // namespace ninp_cuda

#endif

/* NVIDIA's libraries, opened when they are first needed; each may be missing. */
#ifndef NINP_CUDA_PLUGIN_LIBRARIES_H
#define NINP_CUDA_PLUGIN_LIBRARIES_H

#include "cuda/plugin.h"

namespace ninp_cuda {

/* Their versions, or why they are missing. */
void describe_libraries(ninp_cuda_libraries *libraries);

} // namespace ninp_cuda

#endif

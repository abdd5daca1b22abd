/* What code for the device is written against: CUDA, or the emulation that runs grids on the
 * processor (src/cuda/emulate/emulate.h), and how kernels are started in both. Kernels take their
 * memory of a block from block_memory, up to 48 KB that the compiler lays out, or from
 * large_memory, and from nothing else. */
#ifndef NINP_CUDA_PLUGIN_DEVICE_H
#define NINP_CUDA_PLUGIN_DEVICE_H

#ifdef NINP_CUDA_EMULATED
#include "cuda/emulate/emulate.h"
#else
#include <cuda_runtime_api.h>
#ifdef __CUDACC__
#include <cuda_bf16.h>
#endif
#endif

#include "cuda/plugin.h"

namespace ninp_cuda {

/* Where kernels go, and the first error of those that went there. After an error nothing more is
 * started: whoever waits for results looks at it once. */
struct launcher {
    cudaStream_t stream;
    ninp_cuda_math math;
    cudaError_t error;
};

inline void note(launcher &on, cudaError_t error) {
    if (on.error == cudaSuccess) {
        on.error = error;
    }
}

#if defined(__CUDACC__) || defined(NINP_CUDA_EMULATED)

typedef __nv_bfloat16 bf16;

#ifdef NINP_CUDA_EMULATED
template <typename Memory> Memory &block_memory() {
    return *static_cast<Memory *>(emulated_block_memory(sizeof(Memory)));
}

/* Threads of a block may meet (__syncthreads). */
template <typename... Parameters, typename... Arguments>
void launch(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
            Arguments... arguments) {
    if (on.error == cudaSuccess) {
        on.error = emulated_launch(grid, threads, true, [=] { kernel(arguments...); });
    }
}

/* They never do. */
template <typename... Parameters, typename... Arguments>
void launch_apart(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
                  Arguments... arguments) {
    if (on.error == cudaSuccess) {
        on.error = emulated_launch(grid, threads, false, [=] { kernel(arguments...); });
    }
}

/* What launch_large gave the block. */
inline unsigned char *large_memory() {
    return static_cast<unsigned char *>(emulated_block_memory(0));
}

/* Threads may meet, and the block has so many bytes of shared memory. */
template <typename... Parameters, typename... Arguments>
void launch_large(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
                  size_t bytes, Arguments... arguments) {
    if (on.error == cudaSuccess) {
        on.error = emulated_launch(
            grid, threads, true, [=] { kernel(arguments...); }, bytes);
    }
}
#else
/* A block's shared memory; once a kernel. */
template <typename Memory> __device__ Memory &block_memory() {
    __shared__ Memory memory;
    return memory;
}

template <typename... Parameters, typename... Arguments>
void launch(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
            Arguments... arguments) {
    if (on.error == cudaSuccess) {
        kernel<<<grid, threads, 0, on.stream>>>(arguments...);
        on.error = cudaGetLastError();
    }
}

template <typename... Parameters, typename... Arguments>
void launch_apart(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
                  Arguments... arguments) {
    launch(on, kernel, grid, threads, arguments...);
}

static __device__ inline unsigned char *large_memory() {
    extern __shared__ __align__(128) unsigned char memory[];
    return memory;
}

template <typename... Parameters, typename... Arguments>
void launch_large(launcher &on, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
                  size_t bytes, Arguments... arguments) {
    note(on, cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                  cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes));
    if (on.error == cudaSuccess) {
        kernel<<<grid, threads, bytes, on.stream>>>(arguments...);
        on.error = cudaGetLastError();
    }
}
#endif

enum { EACH_THREADS = 256 }; /* of a block of a kernel whose threads take one element each */

/* One thread an element: blocks for `count` of them, and this thread's. */
inline dim3 each_grid(size_t count) {
    return dim3((unsigned)((count + EACH_THREADS - 1) / EACH_THREADS));
}
static __device__ inline size_t each_index() {
    return (size_t)blockIdx.x * EACH_THREADS + threadIdx.x;
}

#endif

} // namespace ninp_cuda

#endif

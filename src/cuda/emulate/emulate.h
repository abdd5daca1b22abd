/* CUDA for a machine without a GPU: the part of it that the plug-in's sources use, so that the same
 * sources are built by a C++ compiler and their kernels tested on the processor. A grid runs block
 * after block; the threads of a block take turns at barriers. Device memory is full of NaN when it
 * is allocated and has a margin that is looked at when it is freed; a block's shared memory is full
 * of NaN when the block starts. What is wrong with a kernel ends the program with a message. */
#ifndef NINP_CUDA_EMULATE_EMULATE_H
#define NINP_CUDA_EMULATE_EMULATE_H

#include "cuda/emulate/control.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {
    }
};

/* Of the thread whose turn it is. */
extern dim3 threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads();

/* ---- numbers ---- */

struct __nv_bfloat16 {
    uint16_t bits;
};

/* To the nearest, ties to even. */
inline __nv_bfloat16 __float2bfloat16_rn(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        return {0x7fff};
    }
    return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

inline float __bfloat162float(__nv_bfloat16 value) {
    uint32_t bits = (uint32_t)value.bits << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* Matrix fragments of a warp (mma.h). The thread of lane 0 holds the whole of them and does all the
 * work: so code must not touch a fragment's elements, and a barrier has to stand between a store
 * and whoever reads what was stored. */
namespace nvcuda {
namespace wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major };

namespace precision {
struct tf32;
}

/* To the nearest, ties away from zero, 10 bits behind the point. */
inline float __float_to_tf32(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000) != 0x7f800000) {
        bits = (bits + 0x1000) & 0xffffe000;
    }
    memcpy(&value, &bits, sizeof bits);
    return value;
}

inline float widen(float value) {
    return value;
}
inline float widen(__nv_bfloat16 value) {
    return __bfloat162float(value);
}

inline bool is_lane_0() {
    return threadIdx.x % 32 == 0;
}

template <typename Use, int M, int N, int K, typename T, typename Layout = void> struct fragment {
    float values[256];
};

template <int M, int N, int K, typename T>
void fill_fragment(fragment<accumulator, M, N, K, T> &sum, float value) {
    for (int i = 0; is_lane_0() && i < M * N; i++) {
        sum.values[i] = value;
    }
}

template <typename Use, int M, int N, int K, typename T, typename S>
void load_matrix_sync(fragment<Use, M, N, K, T, row_major> &to, const S *from, unsigned stride) {
    const bool first = std::is_same<Use, matrix_a>::value;
    const int rows = first ? M : K;
    const int columns = first ? K : N;
    for (int i = 0; is_lane_0() && i < rows * columns; i++) {
        to.values[i] = widen(from[(size_t)(i / columns) * stride + (size_t)(i % columns)]);
    }
}

template <typename Use, int M, int N, int K, typename T, typename S>
void load_matrix_sync(fragment<Use, M, N, K, T, col_major> &to, const S *from, unsigned stride) {
    const bool first = std::is_same<Use, matrix_a>::value;
    const int rows = first ? M : K;
    const int columns = first ? K : N;
    for (int i = 0; is_lane_0() && i < rows * columns; i++) {
        to.values[i] = widen(from[(size_t)(i % columns) * stride + (size_t)(i / columns)]);
    }
}

template <int M, int N, int K, typename T, typename LayoutA, typename LayoutB>
void mma_sync(fragment<accumulator, M, N, K, float> &sum,
              const fragment<matrix_a, M, N, K, T, LayoutA> &a,
              const fragment<matrix_b, M, N, K, T, LayoutB> &b,
              const fragment<accumulator, M, N, K, float> &) {
    for (int m = 0; is_lane_0() && m < M; m++) {
        for (int k = 0; k < K; k++) {
            for (int n = 0; n < N; n++) {
                sum.values[m * N + n] += a.values[m * K + k] * b.values[k * N + n];
            }
        }
    }
}

template <int M, int N, int K>
void store_matrix_sync(float *to, const fragment<accumulator, M, N, K, float> &from,
                       unsigned stride, layout_t) {
    for (int m = 0; is_lane_0() && m < M; m++) {
        memcpy(to + (size_t)m * stride, from.values + m * N, N * sizeof(float));
    }
}

} // namespace wmma
} // namespace nvcuda

/* ---- runtime ---- */

enum cudaError_t {
    cudaSuccess,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorUnknown = 999
};
enum cudaDeviceAttr { cudaDevAttrMaxSharedMemoryPerBlockOptin = 97 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost };

typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;

struct cudaDeviceProp {
    char name[256];
    int major, minor, multiProcessorCount;
    size_t totalGlobalMem;
};

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end);
cudaError_t cudaGetLastError();

/* ---- how grids run ---- */

/* The memory that the running block's threads share, of which `bytes` are wanted. */
void *emulated_block_memory(size_t bytes);

/* See emulated_set_libraries. */
void *emulated_library_function(const char *name);

/* shared: bytes of shared memory that a block has; what lies behind them is looked at. */
cudaError_t emulated_launch(dim3 grid, unsigned threads, bool barriers,
                            const std::function<void()> &kernel, size_t shared = 48 * 1024);

#endif

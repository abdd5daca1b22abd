#include "cuda/emulate/emulate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

#include <vector>

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

enum {
    MARGIN = 256,       /* bytes before and behind each piece of device memory */
    MARGIN_BYTE = 0xa5, /* what they hold */
    STACK_BYTES = 1 << 16,
    MOST_THREADS = 1024,
    MOST_SHARED = 227 * 1024
};

[[noreturn]] void stop(const char *message) {
    fprintf(stderr, "emulated CUDA: %s (block %u %u %u, thread %u)\n", message, blockIdx.x,
            blockIdx.y, blockIdx.z, threadIdx.x);
    abort();
}

/* A thread of the block that runs: a stack of its own and where it stands. */
struct fiber {
    ucontext_t context;
    std::vector<unsigned char> stack;
    bool ended;
};

struct grid_runner {
    bool reversed, barriers;
    const std::function<void()> *kernel;
    ucontext_t scheduler;
    std::vector<fiber> fibers;
    unsigned turn;       /* the fiber that runs */
    size_t shared_bytes; /* that the block has */
    alignas(128) unsigned char shared[MOST_SHARED + MARGIN];
} runner;

void run_fiber() {
    for (;;) {
        (*runner.kernel)();
        fiber &self = runner.fibers[runner.turn];
        self.ended = true;
        swapcontext(&self.context, &runner.scheduler);
    }
}

/* Makes stacks for as many threads as were ever needed; they are kept. */
void prepare_fibers(unsigned threads) {
    const size_t before = runner.fibers.size();
    if (before >= threads) {
        return;
    }
    runner.fibers = std::vector<fiber>(threads);
    for (size_t i = 0; i < threads; i++) {
        fiber &made = runner.fibers[i];
        made.stack.resize(STACK_BYTES);
        getcontext(&made.context);
        made.context.uc_stack.ss_sp = made.stack.data();
        made.context.uc_stack.ss_size = made.stack.size();
        made.context.uc_link = nullptr;
        makecontext(&made.context, run_fiber, 0);
    }
}

/* Every thread up to its next barrier; returns how many came to their end there. */
unsigned run_to_barrier(unsigned threads) {
    unsigned ended = 0;
    for (unsigned i = 0; i < threads; i++) {
        runner.turn = runner.reversed ? threads - 1 - i : i;
        threadIdx = dim3(runner.turn);
        fiber &next = runner.fibers[runner.turn];
        swapcontext(&runner.scheduler, &next.context);
        ended += next.ended;
    }
    return ended;
}

void run_threads(unsigned threads) {
    if (!runner.barriers) {
        for (unsigned i = 0; i < threads; i++) {
            threadIdx = dim3(runner.reversed ? threads - 1 - i : i);
            (*runner.kernel)();
        }
        return;
    }
    for (unsigned i = 0; i < threads; i++) {
        runner.fibers[i].ended = false;
    }
    unsigned ended;
    do {
        ended = run_to_barrier(threads);
        if (ended != 0 && ended != threads) {
            stop("some threads of a block ended where others wait at a barrier");
        }
    } while (ended == 0);
}

void run_block(unsigned threads) {
    memset(runner.shared, 0xff, runner.shared_bytes);
    memset(runner.shared + runner.shared_bytes, MARGIN_BYTE, MARGIN);
    run_threads(threads);
    for (size_t i = 0; i < MARGIN; i++) {
        if (runner.shared[runner.shared_bytes + i] != MARGIN_BYTE) {
            stop("a kernel wrote outside of shared memory");
        }
    }
}

size_t allocations, allocated, limit;
emulated_find *find_library_function;

unsigned char *margin_of(void *memory) {
    return (unsigned char *)memory - MARGIN;
}

} // namespace

void __syncthreads() {
    if (!runner.barriers) {
        stop("a kernel started by launch_apart has a barrier");
    }
    fiber &self = runner.fibers[runner.turn];
    const dim3 thread = threadIdx;
    swapcontext(&self.context, &runner.scheduler);
    threadIdx = thread;
}

void *emulated_block_memory(size_t bytes) {
    if (bytes > runner.shared_bytes) {
        stop("more shared memory than a block has");
    }
    return runner.shared;
}

cudaError_t emulated_launch(dim3 grid, unsigned threads, bool barriers,
                            const std::function<void()> &kernel, size_t shared) {
    const size_t blocks = (size_t)grid.x * grid.y * grid.z;
    if (blocks == 0 || threads == 0 || threads > MOST_THREADS || grid.x > 0x7fffffff ||
        grid.y > 0xffff || grid.z > 0xffff || shared > MOST_SHARED) {
        return cudaErrorInvalidConfiguration;
    }
    gridDim = grid;
    blockDim = dim3(threads);
    runner.kernel = &kernel;
    runner.barriers = barriers;
    runner.shared_bytes = shared;
    if (barriers) {
        prepare_fibers(threads);
    }
    for (size_t i = 0; i < blocks; i++) {
        const size_t block = runner.reversed ? blocks - 1 - i : i;
        blockIdx = dim3((unsigned)(block % grid.x), (unsigned)(block / grid.x % grid.y),
                        (unsigned)(block / grid.x / grid.y));
        run_block(threads);
    }
    return cudaSuccess;
}

void emulated_set_libraries(emulated_find *find) {
    find_library_function = find;
}

void *emulated_library_function(const char *name) {
    return find_library_function ? find_library_function(name) : nullptr;
}

void emulated_set_reversed(bool reversed) {
    runner.reversed = reversed;
}

void emulated_set_memory(size_t bytes) {
    limit = bytes;
}

size_t emulated_allocations(void) {
    return allocations;
}

size_t emulated_bytes(void) {
    return allocated;
}

const char *cudaGetErrorString(cudaError_t error) {
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    default: return "unknown error";
    }
}

cudaError_t cudaDriverGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
    *properties = cudaDeviceProp{"emulated", 9, 0, 2, (size_t)1 << 33};
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr, int device) {
    *value = MOST_SHARED;
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMalloc(void **memory, size_t bytes) {
    *memory = nullptr;
    allocations++;
    if (limit && allocated + bytes > limit) {
        return cudaErrorMemoryAllocation;
    }
    unsigned char *whole = (unsigned char *)aligned_alloc(256, (bytes + 255) / 256 * 256 + 512);
    if (!whole) {
        return cudaErrorMemoryAllocation;
    }
    memset(whole, MARGIN_BYTE, MARGIN);
    memcpy(whole, &bytes, sizeof bytes);
    memset(whole + MARGIN, 0xff, bytes);
    memset(whole + MARGIN + bytes, MARGIN_BYTE, MARGIN);
    allocated += bytes;
    *memory = whole + MARGIN;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
    if (!memory) {
        return cudaSuccess;
    }
    unsigned char *whole = margin_of(memory);
    size_t bytes;
    memcpy(&bytes, whole, sizeof bytes);
    for (size_t i = 0; i < MARGIN; i++) {
        if ((i >= sizeof bytes && whole[i] != MARGIN_BYTE) ||
            whole[MARGIN + bytes + i] != MARGIN_BYTE) {
            stop("a kernel wrote outside of device memory");
        }
    }
    allocated -= bytes;
    free(whole);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t) {
    memset(memory, byte, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    *stream = nullptr;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t) {
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
    return cudaSuccess;
}

struct emulated_event {
    struct timespec time;
};

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    *event = new emulated_event{};
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    clock_gettime(CLOCK_MONOTONIC, &event->time);
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
    *milliseconds = (float)(end->time.tv_sec - start->time.tv_sec) * 1e3F +
                    (float)(end->time.tv_nsec - start->time.tv_nsec) * 1e-6F;
    return cudaSuccess;
}

cudaError_t cudaGetLastError() {
    return cudaSuccess;
}

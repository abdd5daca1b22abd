/* Blocks of device memory that hold many things. What lies in a block is told by a function that
 * takes one thing after the other; it is called twice: to find the size, then to hand out places.
 */
#ifndef NINP_CUDA_PLUGIN_ARENA_H
#define NINP_CUDA_PLUGIN_ARENA_H

#include "cuda/plugin/device.h"

extern "C" {
#include "base/memory.h"
}

namespace ninp_cuda {

struct arena {
    unsigned char *base; /* NULL: sizes are added up only */
    size_t bytes;        /* so far; SIZE_MAX: more than can be counted */
};

/* `count` things of `size` bytes; NULL while sizes are added up. */
inline void *take_bytes(arena &from, size_t count, size_t size) {
    enum { ALIGNMENT = 256 };
    size_t bytes, rounded, after;
    if (!ninp_mul(count, size, &bytes) || !ninp_add(bytes, ALIGNMENT - 1, &rounded) ||
        !ninp_add(from.bytes, rounded / ALIGNMENT * ALIGNMENT, &after)) {
        from.bytes = SIZE_MAX;
        return NULL;
    }
    void *place = from.base ? from.base + from.bytes : NULL;
    from.bytes = after;
    return place;
}

template <typename T> T *take(arena &from, size_t count) {
    return static_cast<T *>(take_bytes(from, count, sizeof(T)));
}

/* *base is NULL before, and after a failure; *bytes is what is or was wanted. Release with
 * cudaFree. cudaErrorMemoryAllocation is no fault of the device, which goes on. */
template <typename Layout>
cudaError_t lay_out_block(unsigned char **base, size_t *bytes, Layout lay_out) {
    arena sizes = {NULL, 0};
    lay_out(sizes);
    *bytes = sizes.bytes;
    void *block = NULL;
    const cudaError_t error =
        sizes.bytes == SIZE_MAX ? cudaErrorMemoryAllocation : cudaMalloc(&block, sizes.bytes);
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); /* forgotten, or the next kernel would be blamed for it */
    }
    if (error == cudaSuccess) {
        *base = static_cast<unsigned char *>(block);
        arena places = {*base, 0};
        lay_out(places);
    }
    return error;
}

} // namespace ninp_cuda

#endif

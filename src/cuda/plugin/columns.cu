/* The gradient of a bias: what each channel's gradients come to. */
#include "cuda/plugin/columns.h"

namespace ninp_cuda {
namespace {

template <typename T> struct value_term {
    const T *x;

    __device__ sum_pair operator()(int, size_t index) const {
        return {widen(x[index]), 0.0F};
    }
};

__global__ void add_sums_kernel(const float *partial, int slab_count, int channels, float *sums) {
    const size_t c = each_index();
    if (c < (size_t)channels) {
        sums[c] = (float)add_slabs(partial, slab_count, channels, (int)c).first;
    }
}

} // namespace

size_t column_floats(size_t rows, int channels) {
    return (size_t)slabs_of(rows).count * (size_t)channels * 2;
}

void column_sums(launcher &on, size_t rows, int channels, const void *x, float *partial,
                 float *sums) {
    if (on.math == NINP_CUDA_BF16) {
        run_slabs(on, value_term<bf16>{static_cast<const bf16 *>(x)}, rows, channels, partial);
    } else {
        run_slabs(on, value_term<float>{static_cast<const float *>(x)}, rows, channels, partial);
    }
    launch_apart(on, add_sums_kernel, each_grid((size_t)channels), EACH_THREADS,
                 static_cast<const float *>(partial), slabs_of(rows).count, channels, sums);
}

} // namespace ninp_cuda

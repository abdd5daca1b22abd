/* Max-pool. Forward notes where in its window each maximum was; backward gathers: every pixel looks
 * at the windows that hold it and adds up the gradients of those whose maximum it was, from the
 * first row of windows to the last. One thread a value. */
#include "cuda/plugin/place.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

template <typename T, typename Place>
__global__ void forward_kernel(pool_shape shape, size_t values, const T *x, T *y, Place *place) {
    const size_t index = each_index();
    if (index >= values) {
        return;
    }
    const nin_shape in = shape.input;
    const value_place at = place_of(shape.output, index);
    const int top = at.row * shape.pool.stride - shape.pool.padding;
    const int left = at.column * shape.pool.stride - shape.pool.padding;
    float best = 0.0F;
    int found = -1;
    for (int r = top < 0 ? -top : 0; r < shape.pool.kernel && top + r < in.height; r++) {
        for (int s = left < 0 ? -left : 0; s < shape.pool.kernel && left + s < in.width; s++) {
            const float value = widen(x[index_of(in, at, top + r, left + s)]);
            if (found < 0 || value > best || value != value) {
                best = value;
                found = r * shape.pool.kernel + s;
            }
        }
    }
    put(y + index, best);
    if (place) {
        place[index] = (Place)found;
    }
}

__device__ window_range windows_at(const ninp_pool_options &pool, int at, int places) {
    return sliding_windows(pool.kernel, pool.stride, pool.padding, places, at);
}

template <typename T, typename Place>
__global__ void backward_kernel(pool_shape shape, size_t values, pooled_gradient from,
                                derivative of_x, T *dx) {
    const T *dy = static_cast<const T *>(from.dy);
    const Place *place = static_cast<const Place *>(from.place);
    const size_t index = each_index();
    if (index >= values) {
        return;
    }
    const value_place pixel = place_of(shape.input, index);
    const window_range rows = windows_at(shape.pool, pixel.row, shape.output.height);
    const window_range columns = windows_at(shape.pool, pixel.column, shape.output.width);
    float sum = 0.0F;
    for (int p = rows.first; p <= rows.last; p++) {
        for (int q = columns.first; q <= columns.last; q++) {
            const int r = pixel.row + shape.pool.padding - p * shape.pool.stride;
            const int s = pixel.column + shape.pool.padding - q * shape.pool.stride;
            const size_t at = index_of(shape.output, pixel, p, q);
            if ((int)place[at] == r * shape.pool.kernel + s) {
                sum += derive<T>(from.of_y, at, widen(dy[at]));
            }
        }
    }
    put(dx + index, derive<T>(of_x, index, sum));
}

template <typename T, typename Place>
void run_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y,
                 void *place) {
    const size_t values = value_count(shape.output, count);
    launch_apart(on, forward_kernel<T, Place>, each_grid(values), EACH_THREADS, shape, values,
                 static_cast<const T *>(x), static_cast<T *>(y), static_cast<Place *>(place));
}

template <typename T, typename Place>
void run_backward(launcher &on, const pool_shape &shape, int count, const pooled_gradient &from,
                  const derivative &of_x, void *dx) {
    const size_t values = value_count(shape.input, count);
    launch_apart(on, backward_kernel<T, Place>, each_grid(values), EACH_THREADS, shape, values,
                 from, of_x, static_cast<T *>(dx));
}

} // namespace

size_t place_bytes(const ninp_pool_options &pool) {
    return pool.kernel * pool.kernel <= 256 ? sizeof(uint8_t) : sizeof(uint32_t);
}

void max_pool_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y,
                      void *place) {
    const bool byte = place_bytes(shape.pool) == 1;
    if (on.math == NINP_CUDA_BF16) {
        (byte ? run_forward<bf16, uint8_t> : run_forward<bf16, uint32_t>)(on, shape, count, x, y,
                                                                          place);
    } else {
        (byte ? run_forward<float, uint8_t> : run_forward<float, uint32_t>)(on, shape, count, x, y,
                                                                            place);
    }
}

void max_pool_backward(launcher &on, const pool_shape &shape, int count,
                       const pooled_gradient &from, const derivative &of_x, void *dx) {
    const bool byte = place_bytes(shape.pool) == 1;
    if (on.math == NINP_CUDA_BF16) {
        (byte ? run_backward<bf16, uint8_t> : run_backward<bf16, uint32_t>)(on, shape, count, from,
                                                                            of_x, dx);
    } else {
        (byte ? run_backward<float, uint8_t> : run_backward<float, uint32_t>)(on, shape, count,
                                                                              from, of_x, dx);
    }
}

} // namespace ninp_cuda

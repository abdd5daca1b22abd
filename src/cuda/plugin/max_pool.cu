/* Max-pool. Forward notes where in its window each maximum was; backward gathers: every pixel looks
 * at the windows that hold it and adds up the gradients of those whose maximum it was, from the
 * first row of windows to the last. One thread a value. */
#include "cuda/plugin/kernels.h"
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
    const size_t channels = (size_t)in.channels;
    const size_t pixel = index / channels;
    const int q = (int)(pixel % (size_t)shape.output.width);
    const size_t line = pixel / (size_t)shape.output.width;
    const int p = (int)(line % (size_t)shape.output.height);
    const size_t picture = line / (size_t)shape.output.height;
    const int top = p * shape.pool.stride - shape.pool.padding;
    const int left = q * shape.pool.stride - shape.pool.padding;
    const T *values_of =
        x + picture * (size_t)in.height * (size_t)in.width * channels + index % channels;
    float best = 0.0F;
    int found = -1;
    for (int r = top < 0 ? -top : 0; r < shape.pool.kernel && top + r < in.height; r++) {
        for (int s = left < 0 ? -left : 0; s < shape.pool.kernel && left + s < in.width; s++) {
            const size_t at = (size_t)(top + r) * (size_t)in.width + (size_t)(left + s);
            const float value = widen(values_of[at * channels]);
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

/* Windows from `first` on reach pixel `at`, up to the one that starts behind it. */
struct window_range {
    int first, last;
};
__device__ window_range windows_at(const ninp_pool_options &pool, int at, int places) {
    const int reach = at + pool.padding;
    const int before = reach - pool.kernel + 1;
    window_range range = {before <= 0 ? 0 : (before + pool.stride - 1) / pool.stride,
                          reach / pool.stride};
    range.last = range.last < places - 1 ? range.last : places - 1;
    return range;
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
    const size_t channels = (size_t)shape.input.channels;
    const size_t pixel = index / channels;
    const int column = (int)(pixel % (size_t)shape.input.width);
    const size_t line = pixel / (size_t)shape.input.width;
    const int row = (int)(line % (size_t)shape.input.height);
    const size_t picture = line / (size_t)shape.input.height;
    const window_range rows = windows_at(shape.pool, row, shape.output.height);
    const window_range columns = windows_at(shape.pool, column, shape.output.width);
    float sum = 0.0F;
    for (int p = rows.first; p <= rows.last; p++) {
        for (int q = columns.first; q <= columns.last; q++) {
            const int r = row + shape.pool.padding - p * shape.pool.stride;
            const int s = column + shape.pool.padding - q * shape.pool.stride;
            const size_t window =
                (picture * (size_t)shape.output.height + (size_t)p) * (size_t)shape.output.width +
                (size_t)q;
            const size_t at = window * channels + index % channels;
            if ((int)place[at] == r * shape.pool.kernel + s) {
                sum += derive<T>(from.of_y, at, widen(dy[at]));
            }
        }
    }
    put(dx + index, derive<T>(of_x, index, sum));
}

size_t value_count(nin_shape shape, int count) {
    return (size_t)count * (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
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

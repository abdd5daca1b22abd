/* Mean pools: sliding windows, and windows that divide the picture into a given number of rows and
 * columns. Backward gathers, as in max_pool.cu. One thread a value. */
#include "cuda/plugin/place.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

/* A side of a picture: `size` pixels under `places` windows. */
struct side {
    int size, places, kernel, stride, padding;
    bool adaptive, full; /* full: padding counts */
};

/* Pixels begin .. end - 1, and how many the mean is over. */
struct span {
    int begin, end, counted;
};

__device__ span span_at(const side &along, int place) {
    if (along.adaptive) {
        const int begin = (int)((long long)place * along.size / along.places);
        const int end =
            (int)(((long long)(place + 1) * along.size + along.places - 1) / along.places);
        return {begin, end, end - begin};
    }
    const int begin = place * along.stride - along.padding;
    const int end = begin + along.kernel;
    const int padded_end = along.size + along.padding;
    span pixels = {begin < 0 ? 0 : begin, end < along.size ? end : along.size, 0};
    pixels.counted =
        along.full ? (end < padded_end ? end : padded_end) - begin : pixels.end - pixels.begin;
    return pixels;
}

__device__ window_range windows_at(const side &along, int at) {
    if (along.adaptive) {
        return {(int)((long long)at * along.places / along.size),
                (int)(((long long)(at + 1) * along.places - 1) / along.size)};
    }
    return sliding_windows(along.kernel, along.stride, along.padding, along.places, at);
}

struct sides {
    nin_shape input, output;
    side rows, columns;
};

template <typename T> __global__ void forward_kernel(sides shape, size_t values, const T *x, T *y) {
    const size_t index = each_index();
    if (index >= values) {
        return;
    }
    const value_place place = place_of(shape.output, index);
    const span rows = span_at(shape.rows, place.row);
    const span columns = span_at(shape.columns, place.column);
    float sum = 0.0F;
    for (int r = rows.begin; r < rows.end; r++) {
        float line = 0.0F;
        for (int s = columns.begin; s < columns.end; s++) {
            line += widen(x[index_of(shape.input, place, r, s)]);
        }
        sum += line;
    }
    put(y + index, sum / ((float)rows.counted * (float)columns.counted));
}

template <typename T>
__global__ void backward_kernel(sides shape, size_t values, const T *dy, derivative of_x, T *dx) {
    const size_t index = each_index();
    if (index >= values) {
        return;
    }
    const value_place place = place_of(shape.input, index);
    const window_range rows = windows_at(shape.rows, place.row);
    const window_range columns = windows_at(shape.columns, place.column);
    float sum = 0.0F;
    for (int p = rows.first; p <= rows.last; p++) {
        const float counted = (float)span_at(shape.rows, p).counted;
        for (int q = columns.first; q <= columns.last; q++) {
            sum += widen(dy[index_of(shape.output, place, p, q)]) /
                   (counted * (float)span_at(shape.columns, q).counted);
        }
    }
    put(dx + index, derive<T>(of_x, index, sum));
}

sides sides_of(const pool_shape &shape) {
    const ninp_pool_options &pool = shape.pool;
    const side common = {
        0, 0, pool.kernel, pool.stride, pool.padding, shape.adaptive, pool.count_include_pad};
    sides made = {shape.input, shape.output, common, common};
    made.rows.size = shape.input.height;
    made.rows.places = shape.output.height;
    made.columns.size = shape.input.width;
    made.columns.places = shape.output.width;
    return made;
}

template <typename T>
void run_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y) {
    const size_t values = value_count(shape.output, count);
    launch_apart(on, forward_kernel<T>, each_grid(values), EACH_THREADS, sides_of(shape), values,
                 static_cast<const T *>(x), static_cast<T *>(y));
}

template <typename T>
void run_backward(launcher &on, const pool_shape &shape, int count, const void *dy,
                  const derivative &of_x, void *dx) {
    const size_t values = value_count(shape.input, count);
    launch_apart(on, backward_kernel<T>, each_grid(values), EACH_THREADS, sides_of(shape), values,
                 static_cast<const T *>(dy), of_x, static_cast<T *>(dx));
}

} // namespace

void mean_pool_forward(launcher &on, const pool_shape &shape, int count, const void *x, void *y) {
    (on.math == NINP_CUDA_BF16 ? run_forward<bf16> : run_forward<float>)(on, shape, count, x, y);
}

void mean_pool_backward(launcher &on, const pool_shape &shape, int count, const void *dy,
                        const derivative &of_x, void *dx) {
    (on.math == NINP_CUDA_BF16 ? run_backward<bf16> : run_backward<float>)(on, shape, count, dy,
                                                                           of_x, dx);
}

} // namespace ninp_cuda

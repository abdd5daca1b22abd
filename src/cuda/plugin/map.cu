/* Value by value: activations, flatten, marks of active channels. One thread a value. */
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

template <typename T>
__global__ void activate_kernel(ninp_activation activation, size_t values, const T *x, T *y) {
    const size_t index = each_index();
    if (index < values) {
        put(y + index, activate(activation, widen(x[index])));
    }
}

template <typename T>
__global__ void derive_kernel(derivative of_x, size_t values, const T *dy, T *dx) {
    const size_t index = each_index();
    if (index < values) {
        put(dx + index, derive<T>(of_x, index, widen(dy[index])));
    }
}

/* Value (y, x, c) of a picture is number c H W + y W + x of its features. */
__device__ size_t feature_of(size_t pixels, int channels, size_t index) {
    const size_t c = index % (size_t)channels;
    const size_t pixel = index / (size_t)channels % pixels;
    const size_t picture = index / (size_t)channels / pixels;
    return (picture * (size_t)channels + c) * pixels + pixel;
}

template <typename T>
__global__ void flatten_kernel(size_t values, size_t pixels, int channels, const T *x, T *y) {
    const size_t index = each_index();
    if (index < values) {
        y[feature_of(pixels, channels, index)] = x[index];
    }
}

template <typename T>
__global__ void unflatten_kernel(size_t values, size_t pixels, int channels, const T *dy,
                                 derivative of_x, T *dx) {
    const size_t index = each_index();
    if (index < values) {
        const float gradient = widen(dy[feature_of(pixels, channels, index)]);
        put(dx + index, derive<T>(of_x, index, gradient));
    }
}

/* All threads that mark a channel write the same. */
template <typename T>
__global__ void mark_kernel(size_t values, int channels, const T *x, unsigned char *marks) {
    const size_t index = each_index();
    if (index < values && widen(x[index]) != 0.0F) {
        marks[index % (size_t)channels] = 1;
    }
}

template <typename T>
void run_activate(launcher &on, ninp_activation activation, size_t values, const void *x, void *y) {
    launch_apart(on, activate_kernel<T>, each_grid(values), EACH_THREADS, activation, values,
                 static_cast<const T *>(x), static_cast<T *>(y));
}

template <typename T>
void run_derive(launcher &on, const derivative &of_x, size_t values, const void *dy, void *dx) {
    launch_apart(on, derive_kernel<T>, each_grid(values), EACH_THREADS, of_x, values,
                 static_cast<const T *>(dy), static_cast<T *>(dx));
}

template <typename T>
void run_flatten(launcher &on, size_t values, size_t pixels, int channels, const void *x, void *y) {
    launch_apart(on, flatten_kernel<T>, each_grid(values), EACH_THREADS, values, pixels, channels,
                 static_cast<const T *>(x), static_cast<T *>(y));
}

template <typename T>
void run_unflatten(launcher &on, size_t values, size_t pixels, int channels, const void *dy,
                   const derivative &of_x, void *dx) {
    launch_apart(on, unflatten_kernel<T>, each_grid(values), EACH_THREADS, values, pixels, channels,
                 static_cast<const T *>(dy), of_x, static_cast<T *>(dx));
}

template <typename T>
void run_mark(launcher &on, size_t values, int channels, const void *x, unsigned char *marks) {
    launch_apart(on, mark_kernel<T>, each_grid(values), EACH_THREADS, values, channels,
                 static_cast<const T *>(x), marks);
}

} // namespace

void activate_values(launcher &on, ninp_activation activation, size_t values, const void *x,
                     void *y) {
    (on.math == NINP_CUDA_BF16 ? run_activate<bf16> : run_activate<float>)(on, activation, values,
                                                                           x, y);
}

void derive_values(launcher &on, const derivative &of_x, size_t values, const void *dy, void *dx) {
    (on.math == NINP_CUDA_BF16 ? run_derive<bf16> : run_derive<float>)(on, of_x, values, dy, dx);
}

void flatten_forward(launcher &on, nin_shape shape, int count, const void *x, void *y) {
    (on.math == NINP_CUDA_BF16 ? run_flatten<bf16>
                               : run_flatten<float>)(on, value_count(shape, count),
                                                     pixel_count(shape, 1), shape.channels, x, y);
}

void flatten_backward(launcher &on, nin_shape shape, int count, const void *dy,
                      const derivative &of_x, void *dx) {
    (on.math == NINP_CUDA_BF16 ? run_unflatten<bf16>
                               : run_unflatten<float>)(on, value_count(shape, count),
                                                       pixel_count(shape, 1), shape.channels, dy,
                                                       of_x, dx);
}

void mark_channels(launcher &on, size_t rows, int channels, const void *x, unsigned char *marks) {
    (on.math == NINP_CUDA_BF16 ? run_mark<bf16> : run_mark<float>)(on, rows * (size_t)channels,
                                                                   channels, x, marks);
}

} // namespace ninp_cuda

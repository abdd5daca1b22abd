/* Batch norm (Ioffe and Szegedy 2015). In training the statistics are those of the batch: the mean
 * first, then the squares around it, so that a mean far from 0 costs no digits. */
#include "cuda/plugin/columns.h"

namespace ninp_cuda {
namespace {

template <typename T> struct mean_term {
    const T *x;

    __device__ sum_pair operator()(int, size_t index) const {
        return {widen(x[index]), 0.0F};
    }
};

template <typename T> struct square_term {
    const T *x;
    const float *mean;

    __device__ sum_pair operator()(int c, size_t index) const {
        const float distance = widen(x[index]) - mean[c];
        return {distance * distance, distance};
    }
};

/* dy, and dy times the normalised x. */
template <typename T> struct gradient_term {
    const T *x, *dy;
    const float *mean, *inverse;

    __device__ sum_pair operator()(int c, size_t index) const {
        const float gradient = widen(dy[index]);
        return {gradient, gradient * ((widen(x[index]) - mean[c]) * inverse[c])};
    }
};

__global__ void mean_kernel(const sum_pair *partial, int slab_count, size_t rows, int channels,
                            float *mean) {
    const size_t c = each_index();
    if (c < (size_t)channels) {
        mean[c] = (float)(add_slabs(partial, slab_count, channels, (int)c).first / (double)rows);
    }
}

/* The running variance follows the unbiased one; that of a single value is 0. The mean was rounded
 * to float: what is left of it is in the sum of distances. */
__global__ void variance_kernel(const sum_pair *partial, int slab_count, size_t rows, int channels,
                                norm_tensors tensors, const float *mean, float *inverse) {
    const size_t c = each_index();
    if (c >= (size_t)channels) {
        return;
    }
    const exact_pair sums = add_slabs(partial, slab_count, channels, (int)c);
    const double values = (double)rows;
    const double rest = sums.second / values;
    const double variance = sums.first / values - rest * rest;
    const double unbiased = rows > 1 ? variance * values / (values - 1.0) : 0.0;
    const double kept = 1.0 - tensors.momentum;
    inverse[c] = (float)(1.0 / sqrt(variance + tensors.epsilon));
    tensors.mean[c] =
        (float)(kept * (double)tensors.mean[c] + tensors.momentum * ((double)mean[c] + rest));
    tensors.variance[c] = (float)(kept * (double)tensors.variance[c] + tensors.momentum * unbiased);
}

__global__ void running_kernel(int channels, norm_tensors tensors, float *mean, float *inverse) {
    const size_t c = each_index();
    if (c < (size_t)channels) {
        mean[c] = tensors.mean[c];
        inverse[c] = (float)(1.0 / sqrt((double)tensors.variance[c] + tensors.epsilon));
    }
}

template <typename T>
__global__ void normalise_kernel(size_t values, int channels, norm_tensors tensors, const T *x,
                                 const float *mean, const float *inverse,
                                 ninp_activation activation, T *y) {
    const size_t index = each_index();
    if (index < values) {
        const int c = (int)(index % (size_t)channels);
        const float normal = (widen(x[index]) - mean[c]) * inverse[c];
        put(y + index, activate(activation, normal * tensors.scale[c] + tensors.shift[c]));
    }
}

__global__ void tensor_gradients_kernel(const sum_pair *partial, int slab_count, int channels,
                                        norm_gradients gradients) {
    const size_t c = each_index();
    if (c < (size_t)channels) {
        const exact_pair sums = add_slabs(partial, slab_count, channels, (int)c);
        gradients.shift[c] = (float)sums.first;
        gradients.scale[c] = (float)sums.second;
    }
}

/* dx = scale / deviation (dy - mean(dy) - x^ mean(dy x^)); fixed statistics do not depend on x and
 * leave the first term alone. */
template <typename T>
__global__ void norm_input_kernel(size_t values, int channels, norm_tensors tensors, bool fixed,
                                  const T *x, const T *dy, const float *mean, const float *inverse,
                                  norm_gradients gradients, ninp_activation input_activation,
                                  T *dx) {
    const size_t index = each_index();
    if (index >= values) {
        return;
    }
    const int c = (int)(index % (size_t)channels);
    const float rows = (float)(values / (size_t)channels);
    const float at = widen(x[index]);
    float gradient = widen(dy[index]);
    if (!fixed) {
        const float normal = (at - mean[c]) * inverse[c];
        gradient -= gradients.shift[c] / rows + normal * (gradients.scale[c] / rows);
    }
    put(dx + index, derive(input_activation, at, tensors.scale[c] * inverse[c] * gradient));
}

template <typename T>
void forward_as(launcher &on, const norm_tensors &tensors, bool fixed, size_t rows, int channels,
                const T *x, float *partial, float *used_mean, float *used_inverse) {
    const dim3 grid = each_grid((size_t)channels);
    const int slab_count = slabs_of(rows).count;
    if (fixed) {
        launch_apart(on, running_kernel, grid, EACH_THREADS, channels, tensors, used_mean,
                     used_inverse);
        return;
    }
    const sum_pair *sums = reinterpret_cast<const sum_pair *>(partial);
    run_slabs(on, mean_term<T>{x}, rows, channels, partial);
    launch_apart(on, mean_kernel, grid, EACH_THREADS, sums, slab_count, rows, channels, used_mean);
    run_slabs(on, square_term<T>{x, used_mean}, rows, channels, partial);
    launch_apart(on, variance_kernel, grid, EACH_THREADS, sums, slab_count, rows, channels, tensors,
                 static_cast<const float *>(used_mean), used_inverse);
}

template <typename T>
void run_forward(launcher &on, const norm_tensors &tensors, bool fixed, size_t rows, int channels,
                 const void *x, float *partial, float *used_mean, float *used_inverse,
                 ninp_activation activation, void *y) {
    const T *values = static_cast<const T *>(x);
    forward_as(on, tensors, fixed, rows, channels, values, partial, used_mean, used_inverse);
    const size_t count = rows * (size_t)channels;
    launch_apart(on, normalise_kernel<T>, each_grid(count), EACH_THREADS, count, channels, tensors,
                 values, static_cast<const float *>(used_mean),
                 static_cast<const float *>(used_inverse), activation, static_cast<T *>(y));
}

template <typename T>
void run_backward(launcher &on, const norm_tensors &tensors, bool fixed, size_t rows, int channels,
                  const void *x, const void *dy, float *partial, const float *used_mean,
                  const float *used_inverse, norm_gradients gradients,
                  ninp_activation input_activation, void *dx) {
    const T *values = static_cast<const T *>(x);
    const T *from = static_cast<const T *>(dy);
    run_slabs(on, gradient_term<T>{values, from, used_mean, used_inverse}, rows, channels, partial);
    launch_apart(on, tensor_gradients_kernel, each_grid((size_t)channels), EACH_THREADS,
                 reinterpret_cast<const sum_pair *>(partial), slabs_of(rows).count, channels,
                 gradients);
    if (dx) {
        const size_t count = rows * (size_t)channels;
        launch_apart(on, norm_input_kernel<T>, each_grid(count), EACH_THREADS, count, channels,
                     tensors, fixed, values, from, used_mean, used_inverse, gradients,
                     input_activation, static_cast<T *>(dx));
    }
}

} // namespace

void norm_forward(launcher &on, const norm_tensors &tensors, bool fixed, size_t rows, int channels,
                  const void *x, float *partial, float *used_mean, float *used_inverse,
                  ninp_activation activation, void *y) {
    (on.math == NINP_CUDA_BF16 ? run_forward<bf16>
                               : run_forward<float>)(on, tensors, fixed, rows, channels, x, partial,
                                                     used_mean, used_inverse, activation, y);
}

void norm_backward(launcher &on, const norm_tensors &tensors, bool fixed, size_t rows, int channels,
                   const void *x, const void *dy, float *partial, const float *used_mean,
                   const float *used_inverse, norm_gradients gradients,
                   ninp_activation input_activation, void *dx) {
    (on.math == NINP_CUDA_BF16 ? run_backward<bf16>
                               : run_backward<float>)(on, tensors, fixed, rows, channels, x, dy,
                                                      partial, used_mean, used_inverse, gradients,
                                                      input_activation, dx);
}

} // namespace ninp_cuda

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

__global__ void mean_kernel(norm_shape shape, int slab_count, norm_space space) {
    const size_t c = each_index();
    if (c < (size_t)shape.channels) {
        const exact_pair sums = add_slabs(space.partial, slab_count, shape.channels, (int)c);
        space.mean[c] = (float)(sums.first / (double)shape.rows);
    }
}

/* The running variance follows the unbiased one; that of a single value is 0. The mean was rounded
 * to float: what is left of it is in the sum of distances. */
__global__ void variance_kernel(norm_shape shape, int slab_count, norm_tensors tensors,
                                norm_space space) {
    const size_t c = each_index();
    if (c >= (size_t)shape.channels) {
        return;
    }
    const exact_pair sums = add_slabs(space.partial, slab_count, shape.channels, (int)c);
    const double values = (double)shape.rows;
    const double rest = sums.second / values;
    const double variance = sums.first / values - rest * rest;
    const double unbiased = shape.rows > 1 ? variance * values / (values - 1.0) : 0.0;
    const double kept = 1.0 - tensors.momentum;
    const double mean = (double)space.mean[c] + rest;
    space.inverse[c] = (float)(1.0 / sqrt(variance + tensors.epsilon));
    tensors.mean[c] = (float)(kept * (double)tensors.mean[c] + tensors.momentum * mean);
    tensors.variance[c] = (float)(kept * (double)tensors.variance[c] + tensors.momentum * unbiased);
}

__global__ void running_kernel(norm_shape shape, norm_tensors tensors, norm_space space) {
    const size_t c = each_index();
    if (c < (size_t)shape.channels) {
        space.mean[c] = tensors.mean[c];
        space.inverse[c] = (float)(1.0 / sqrt((double)tensors.variance[c] + tensors.epsilon));
    }
}

template <typename T>
__global__ void normalise_kernel(norm_shape shape, norm_tensors tensors, const T *x,
                                 norm_space space, ninp_activation activation, T *y) {
    const size_t index = each_index();
    if (index < shape.rows * (size_t)shape.channels) {
        const int c = (int)(index % (size_t)shape.channels);
        const float normal = (widen(x[index]) - space.mean[c]) * space.inverse[c];
        put(y + index, activate(activation, normal * tensors.scale[c] + tensors.shift[c]));
    }
}

__global__ void tensor_gradients_kernel(norm_shape shape, int slab_count, const float *partial,
                                        norm_gradients to) {
    const size_t c = each_index();
    if (c < (size_t)shape.channels) {
        const exact_pair sums = add_slabs(partial, slab_count, shape.channels, (int)c);
        to.shift[c] = (float)sums.first;
        to.scale[c] = (float)sums.second;
    }
}

/* dx = scale / deviation (dy - mean(dy) - x^ mean(dy x^)); fixed statistics do not depend on x and
 * leave the first term alone. */
template <typename T>
__global__ void input_kernel(norm_shape shape, norm_tensors tensors, const T *x, const T *dy,
                             norm_space space, norm_gradients to) {
    const size_t index = each_index();
    if (index >= shape.rows * (size_t)shape.channels) {
        return;
    }
    const int c = (int)(index % (size_t)shape.channels);
    const float rows = (float)shape.rows;
    float gradient = widen(dy[index]);
    if (!shape.fixed) {
        const float normal = (widen(x[index]) - space.mean[c]) * space.inverse[c];
        gradient -= to.shift[c] / rows + normal * (to.scale[c] / rows);
    }
    gradient *= tensors.scale[c] * space.inverse[c];
    put(static_cast<T *>(to.dx) + index, derive<T>(to.of_x, index, gradient));
}

template <typename T>
void find_statistics(launcher &on, const norm_shape &shape, const norm_tensors &tensors, const T *x,
                     const norm_space &space) {
    const dim3 grid = each_grid((size_t)shape.channels);
    const int slab_count = slabs_of(shape.rows).count;
    if (shape.fixed) {
        launch_apart(on, running_kernel, grid, EACH_THREADS, shape, tensors, space);
        return;
    }
    run_slabs(on, mean_term<T>{x}, shape.rows, shape.channels, space.partial);
    launch_apart(on, mean_kernel, grid, EACH_THREADS, shape, slab_count, space);
    run_slabs(on, square_term<T>{x, space.mean}, shape.rows, shape.channels, space.partial);
    launch_apart(on, variance_kernel, grid, EACH_THREADS, shape, slab_count, tensors, space);
}

template <typename T>
void run_forward(launcher &on, const norm_shape &shape, const norm_tensors &tensors, const void *x,
                 const norm_space &space, ninp_activation activation, void *y) {
    const T *values = static_cast<const T *>(x);
    find_statistics(on, shape, tensors, values, space);
    launch_apart(on, normalise_kernel<T>, each_grid(shape.rows * (size_t)shape.channels),
                 EACH_THREADS, shape, tensors, values, space, activation, static_cast<T *>(y));
}

template <typename T>
void run_backward(launcher &on, const norm_shape &shape, const norm_tensors &tensors, const void *x,
                  const void *dy, const norm_space &space, const norm_gradients &to) {
    const T *values = static_cast<const T *>(x);
    const T *from = static_cast<const T *>(dy);
    run_slabs(on, gradient_term<T>{values, from, space.mean, space.inverse}, shape.rows,
              shape.channels, space.partial);
    launch_apart(on, tensor_gradients_kernel, each_grid((size_t)shape.channels), EACH_THREADS,
                 shape, slabs_of(shape.rows).count, space.partial, to);
    if (to.dx) {
        launch_apart(on, input_kernel<T>, each_grid(shape.rows * (size_t)shape.channels),
                     EACH_THREADS, shape, tensors, values, from, space, to);
    }
}

} // namespace

void norm_forward(launcher &on, const norm_shape &shape, const norm_tensors &tensors, const void *x,
                  const norm_space &space, ninp_activation activation, void *y) {
    (on.math == NINP_CUDA_BF16 ? run_forward<bf16> : run_forward<float>)(on, shape, tensors, x,
                                                                         space, activation, y);
}

void norm_backward(launcher &on, const norm_shape &shape, const norm_tensors &tensors,
                   const void *x, const void *dy, const norm_space &space,
                   const norm_gradients &to) {
    (on.math == NINP_CUDA_BF16 ? run_backward<bf16> : run_backward<float>)(on, shape, tensors, x,
                                                                           dy, space, to);
}

} // namespace ninp_cuda

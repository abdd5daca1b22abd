/* Weights as the kernels take them; pictures from C x H x W and back. One thread a value. */
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

/* What batch norm in evaluation multiplies a channel by. */
__device__ double norm_factor(const weight_source &from, int k) {
    return (double)from.scale[k] / sqrt((double)from.variance[k] + from.epsilon);
}

/* Weight (k, c, place) is read where neighbouring threads write. */
template <typename T>
__global__ void pack_forward_kernel(weight_source from, int channels, int window, int filters,
                                    T *packed) {
    const size_t index = each_index();
    if (index >= (size_t)channels * (size_t)window * (size_t)filters) {
        return;
    }
    const size_t k = index % (size_t)filters;
    const size_t row = index / (size_t)filters;
    const size_t c = row % (size_t)channels;
    const size_t place = row / (size_t)channels;
    const float weight = from.weight[(k * (size_t)channels + c) * (size_t)window + place];
    put(packed + index, from.scale ? (float)((double)weight * norm_factor(from, (int)k)) : weight);
}

template <typename T>
__global__ void pack_backward_kernel(const float *weight, int channels, int window, int filters,
                                     T *packed) {
    const size_t index = each_index();
    if (index >= (size_t)channels * (size_t)window * (size_t)filters) {
        return;
    }
    const size_t c = index % (size_t)channels;
    const size_t row = index / (size_t)channels;
    const size_t k = row % (size_t)filters;
    const size_t place = row / (size_t)filters;
    put(packed + index, weight[(k * (size_t)channels + c) * (size_t)window + place]);
}

/* Number of (k, place, c) among K x C x R x S. */
__device__ size_t plain_weight(int channels, int window, size_t index) {
    const size_t c = index % (size_t)channels;
    const size_t place = index / (size_t)channels % (size_t)window;
    const size_t k = index / (size_t)channels / (size_t)window;
    return (k * (size_t)channels + c) * (size_t)window + place;
}

template <typename T>
__global__ void pack_filters_kernel(weight_source from, int channels, int window, size_t count,
                                    T *packed) {
    const size_t index = each_index();
    if (index < count) {
        const int k = (int)(index / (size_t)channels / (size_t)window);
        const float weight = from.weight[plain_weight(channels, window, index)];
        put(packed + index, from.scale ? (float)((double)weight * norm_factor(from, k)) : weight);
    }
}

__global__ void unpack_filters_kernel(int channels, int window, size_t count, const float *filters,
                                      float *gradient) {
    const size_t index = each_index();
    if (index < count) {
        gradient[plain_weight(channels, window, index)] = filters[index];
    }
}

template <typename T>
__global__ void pack_bias_kernel(weight_source from, int filters, float *bias, T *stored) {
    const size_t k = each_index();
    if (k >= (size_t)filters) {
        return;
    }
    float value = from.bias[k];
    if (from.scale) {
        const double moved = (double)value - (double)from.mean[k];
        value = (float)(moved * norm_factor(from, (int)k) + (double)from.shift[k]);
    }
    bias[k] = value;
    if (stored) {
        put(stored + k, value);
    }
}

template <typename T>
__global__ void pack_pictures_kernel(size_t values, size_t pixels, int channels, const float *from,
                                     T *to) {
    const size_t index = each_index();
    if (index < values) {
        const size_t c = index % (size_t)channels;
        const size_t pixel = index / (size_t)channels % pixels;
        const size_t picture = index / (size_t)channels / pixels;
        put(to + index, from[(picture * (size_t)channels + c) * pixels + pixel]);
    }
}

template <typename T>
__global__ void unpack_pictures_kernel(size_t values, size_t pixels, int channels, const T *from,
                                       float *to) {
    const size_t index = each_index();
    if (index < values) {
        const size_t pixel = index % pixels;
        const size_t c = index / pixels % (size_t)channels;
        const size_t picture = index / pixels / (size_t)channels;
        to[index] = widen(from[(picture * pixels + pixel) * (size_t)channels + c]);
    }
}

template <typename T>
void pack_weights_as(launcher &on, const conv_shape &shape, const weight_source &from,
                     const packed_weights &to) {
    const dim3 grid = each_grid(weight_count(shape));
    const int window = shape.kernel * shape.kernel;
    const int filters = shape.output.channels;
    launch_apart(on, pack_forward_kernel<T>, grid, EACH_THREADS, from, shape.input.channels, window,
                 filters, static_cast<T *>(to.forward));
    if (to.backward) {
        launch_apart(on, pack_backward_kernel<T>, grid, EACH_THREADS, from.weight,
                     shape.input.channels, window, filters, static_cast<T *>(to.backward));
    }
    if (to.filters) {
        launch_apart(on, pack_filters_kernel<T>, grid, EACH_THREADS, from, shape.input.channels,
                     window, weight_count(shape), static_cast<T *>(to.filters));
    }
    launch_apart(on, pack_bias_kernel<T>, each_grid((size_t)filters), EACH_THREADS, from, filters,
                 to.bias, static_cast<T *>(to.stored_bias));
}

} // namespace

void pack_weights(launcher &on, const conv_shape &shape, const weight_source &from,
                  const packed_weights &to) {
    (on.math == NINP_CUDA_BF16 ? pack_weights_as<bf16> : pack_weights_as<float>)(on, shape, from,
                                                                                 to);
}

void unpack_filters(launcher &on, const conv_shape &shape, const float *filters, float *gradient) {
    const size_t count = weight_count(shape);
    launch_apart(on, unpack_filters_kernel, each_grid(count), EACH_THREADS, shape.input.channels,
                 shape.kernel * shape.kernel, count, filters, gradient);
}

void pack_pictures(launcher &on, nin_shape shape, int count, const float *from, void *to) {
    const size_t values = value_count(shape, count);
    const dim3 grid = each_grid(values);
    if (on.math == NINP_CUDA_BF16) {
        launch_apart(on, pack_pictures_kernel<bf16>, grid, EACH_THREADS, values,
                     pixel_count(shape, 1), shape.channels, from, static_cast<bf16 *>(to));
    } else {
        launch_apart(on, pack_pictures_kernel<float>, grid, EACH_THREADS, values,
                     pixel_count(shape, 1), shape.channels, from, static_cast<float *>(to));
    }
}

void unpack_pictures(launcher &on, nin_shape shape, int count, const void *from, float *to) {
    const size_t values = value_count(shape, count);
    const dim3 grid = each_grid(values);
    if (on.math == NINP_CUDA_BF16) {
        launch_apart(on, unpack_pictures_kernel<bf16>, grid, EACH_THREADS, values,
                     pixel_count(shape, 1), shape.channels, static_cast<const bf16 *>(from), to);
    } else {
        launch_apart(on, unpack_pictures_kernel<float>, grid, EACH_THREADS, values,
                     pixel_count(shape, 1), shape.channels, static_cast<const float *>(from), to);
    }
}

} // namespace ninp_cuda

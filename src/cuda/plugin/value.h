/* Values as they are stored (float or bfloat16) and as they are computed with (float). */
#ifndef NINP_CUDA_PLUGIN_VALUE_H
#define NINP_CUDA_PLUGIN_VALUE_H

#include "cuda/plugin/kernels.h"

namespace ninp_cuda {

static __device__ inline float widen(float value) {
    return value;
}
static __device__ inline float widen(bf16 value) {
    return __bfloat162float(value);
}

static __device__ inline void put(float *place, float value) {
    *place = value;
}
static __device__ inline void put(bf16 *place, float value) {
    *place = __float2bfloat16_rn(value);
}

/* NaN stays NaN. */
static __device__ inline float activate(ninp_activation activation, float x) {
    if (activation == NINP_ACTIVATION_RELU) {
        return x <= 0.0F ? 0.0F : x;
    }
    if (activation == NINP_ACTIVATION_SIGMOID) {
        /* exp of a large number would lose the small values of the left side. */
        const float e = expf(x < 0.0F ? x : -x);
        return x < 0.0F ? e / (1.0F + e) : 1.0F / (1.0F + e);
    }
    return x;
}

/* dy times the derivative of the activation where its result is y. */
static __device__ inline float derive(ninp_activation activation, float y, float dy) {
    if (activation == NINP_ACTIVATION_RELU) {
        return y <= 0.0F ? 0.0F : dy;
    }
    if (activation == NINP_ACTIVATION_SIGMOID) {
        return dy * (y * (1.0F - y));
    }
    return dy;
}

/* The same where the activation's results are those of `of`, whose value `index` belongs to dy. */
template <typename T> __device__ inline float derive(const derivative &of, size_t index, float dy) {
    return of.values ? derive(of.activation, widen(static_cast<const T *>(of.values)[index]), dy)
                     : dy;
}

} // namespace ninp_cuda

#endif

#include "train/average.h"

float ninp_average_decay(float decay, uint64_t step) {
    const double warm_up = (1 + (double)step) / (10 + (double)step);
    return warm_up < (double)decay ? (float)warm_up : decay;
}

void ninp_average_update(float *average, const float *values, size_t count, float decay,
                         int threads) {
    enum { SEVERAL_THREADS = 1 << 15 }; /* values from which on threads are worth their start */
    const float rest = 1 - decay;
#pragma omp parallel for simd num_threads(threads) schedule(static) if (count > SEVERAL_THREADS)
    for (size_t i = 0; i < count; i++) {
        average[i] += rest * (values[i] - average[i]);
    }
}

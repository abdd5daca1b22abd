#include "train/optimizer/norm.h"

enum {
    SHARDS = 64,              /* parts of a sum, summed each alone and then in order */
    LANES = 8,                /* sums that run side by side in a shard */
    SEVERAL_THREADS = 1 << 15 /* values from which on threads are worth their start */
};

static double sum_shard(const float *values, size_t count) {
    double sums[LANES] = {0};
    size_t whole = count - count % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            double value = (double)values[i + lane];
            sums[lane] += value * value;
        }
    }
    for (size_t i = whole; i < count; i++) {
        double value = (double)values[i];
        sums[i - whole] += value * value;
    }
    double sum = 0;
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += sums[lane];
    }
    return sum;
}

double ninp_sum_of_squares(const float *values, size_t count, int threads) {
    const size_t length = (count + SHARDS - 1) / SHARDS;
    double sums[SHARDS] = {0};
#pragma omp parallel for num_threads(threads) schedule(static) if (count > SEVERAL_THREADS)
    for (size_t shard = 0; shard < SHARDS; shard++) {
        size_t first = shard * length;
        if (first < count) {
            sums[shard] =
                sum_shard(values + first, count - first < length ? count - first : length);
        }
    }
    double sum = 0;
    for (size_t shard = 0; shard < SHARDS; shard++) {
        sum += sums[shard];
    }
    return sum;
}

float ninp_clip_scale(double norm, float largest) {
    double scale = (double)largest / (norm + 1e-6);
    return largest > 0 && scale < 1 ? (float)scale : 1.0F;
}

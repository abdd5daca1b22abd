#include "train/sgd.h"

#include <math.h>

enum {
    CHUNK = 1 << 15, /* values a thread takes at once */
    SHARDS = 64,     /* parts of a sum, summed each alone and then in order */
    LANES = 8        /* sums that run side by side in a shard */
};

static void update_plain(const ninp_sgd *sgd, float decay, size_t count, const float *restrict g,
                         float *restrict w) {
    const float lr = sgd->lr;
    const float scale = sgd->scale;
    for (size_t i = 0; i < count; i++) {
        w[i] -= lr * (scale * g[i] + decay * w[i]);
    }
}

/* A zero buffer gives b = d in the first step, as PyTorch has it. */
static void update_momentum(const ninp_sgd *sgd, float decay, size_t count, const float *restrict g,
                            float *restrict b, float *restrict w) {
    const float lr = sgd->lr;
    const float scale = sgd->scale;
    const float momentum = sgd->momentum;
    const bool nesterov = sgd->nesterov;
    for (size_t i = 0; i < count; i++) {
        float d = scale * g[i] + decay * w[i];
        float moved = momentum * b[i] + d;
        b[i] = moved;
        w[i] -= lr * (nesterov ? d + momentum * moved : moved);
    }
}

static void update_tensor(const ninp_sgd *sgd, const nin_tensor *tensor, const float *gradient,
                          float *momentum) {
    const float decay = sgd->decay_all || tensor->decays ? sgd->weight_decay : 0;
    const size_t chunks = (tensor->count + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(sgd->threads) schedule(static) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        size_t first = chunk * CHUNK;
        size_t count = tensor->count - first < CHUNK ? tensor->count - first : CHUNK;
        if (momentum) {
            update_momentum(sgd, decay, count, gradient + first, momentum + first,
                            tensor->values + first);
        } else {
            update_plain(sgd, decay, count, gradient + first, tensor->values + first);
        }
    }
}

void ninp_sgd_update(const ninp_sgd *sgd, nin_net *net, const float *gradients, float *momentum) {
    size_t offset = 0;
    for (size_t i = 0; offset < nin_net_parameter_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        update_tensor(sgd, &tensor, gradients + offset, momentum ? momentum + offset : NULL);
        offset += tensor.count;
    }
}

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
#pragma omp parallel for num_threads(threads) schedule(static) if (count > CHUNK)
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

#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>

/* 32 bits of `purpose` are split: the key takes the seed, the counter everything else. The top of b
 * is folded into the purpose word, which leaves 32 bits for the block. */
void ninp_random_philox(const ninp_stream *stream, uint32_t counter[4], uint32_t key[2]) {
    counter[0] = 0;
    counter[1] = (uint32_t)stream->b;
    counter[2] = stream->purpose ^ ((uint32_t)(stream->b >> 32) << 8);
    counter[3] = stream->a;
    key[0] = (uint32_t)stream->seed;
    key[1] = (uint32_t)(stream->seed >> 32);
}

void ninp_random_block(const ninp_stream *stream, uint32_t block, uint32_t out[4]) {
    philox4x32_ctr_t counter;
    philox4x32_key_t key;
    ninp_random_philox(stream, counter.v, key.v);
    counter.v[0] = block;
    philox4x32_ctr_t words = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) {
        out[i] = words.v[i];
    }
}

ninp_random ninp_random_start(uint64_t seed, enum ninp_purpose purpose, uint32_t a, uint64_t b) {
    return (ninp_random){.stream = {.seed = seed, .purpose = (uint32_t)purpose, .a = a, .b = b},
                         .used = 4};
}

uint32_t ninp_random_word(ninp_random *random) {
    if (random->used == 4) {
        ninp_random_block(&random->stream, random->block++, random->words);
        random->used = 0;
    }
    return random->words[random->used++];
}

float ninp_random_float(ninp_random *random) {
    return (float)(ninp_random_word(random) >> 8) * 0x1p-24F;
}

double ninp_random_double(ninp_random *random) {
    uint64_t high = ninp_random_word(random);
    uint64_t low = ninp_random_word(random);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

uint32_t ninp_random_below(ninp_random *random, uint32_t bound) {
    uint64_t product = (uint64_t)ninp_random_word(random) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold) {
            product = (uint64_t)ninp_random_word(random) * bound;
        }
    }
    return (uint32_t)(product >> 32);
}

double ninp_random_normal(ninp_random *random) {
    double radius = sqrt(-2.0 * log(1.0 - ninp_random_double(random)));
    return radius * cos(6.283185307179586476925 * ninp_random_double(random));
}

/* The logarithm of U^(1 / alpha), for U uniform in (0, 1]. */
static double log_of_power(ninp_random *random, double alpha) {
    return log(1.0 - ninp_random_double(random)) / alpha;
}

/* X / (X + Y) for X = U^(1 / alpha), Y = V^(1 / alpha), given that X + Y <= 1. In logarithms,
 * because for a small alpha X and Y are both too small for a double. */
static double beta_joehnk(ninp_random *random, double alpha) {
    for (;;) {
        double x = log_of_power(random, alpha);
        double y = log_of_power(random, alpha);
        if (exp(x) + exp(y) <= 1.0) {
            return 1.0 / (1.0 + exp(y - x));
        }
    }
}

/* Gamma(alpha, 1), alpha of at least 1. */
static double gamma_marsaglia_tsang(ninp_random *random, double alpha) {
    const double d = alpha - 1.0 / 3.0;
    const double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = ninp_random_normal(random);
        double v = 1.0 + c * x;
        if (v <= 0.0) {
            continue;
        }
        v = v * v * v;
        double u = 1.0 - ninp_random_double(random);
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

double ninp_random_beta(ninp_random *random, double alpha) {
    if (alpha <= 1.0) {
        return beta_joehnk(random, alpha);
    }
    double x = gamma_marsaglia_tsang(random, alpha);
    double y = gamma_marsaglia_tsang(random, alpha);
    return x / (x + y);
}

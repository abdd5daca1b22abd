#include "cpu/kernel/isa.h"

#include "cpu/kernel/activation.h"
#include "cpu/kernel/map.h"
#include "cpu/kernel/part.h"

#include <string.h>

/* Layout. */

/* Squares of 16 by 16. */
static void block_rows(int rows, size_t stride, size_t columns, const float *plain,
                       float *blocked) {
    for (size_t column = 0; column < columns; column += 16) {
        const size_t count = columns - column < 16 ? columns - column : 16;
        ninp_v square[16];
        for (int row = 0; row < 16; row++) {
            square[row] = row < rows ? ninp_load_part(plain + (size_t)row * stride + column, count)
                                     : ninp_zero();
        }
        ninp_transpose(square);
        for (size_t i = 0; i < count; i++) {
            ninp_store(blocked + (column + i) * 16, square[i]);
        }
    }
}

static void block(int channels, size_t pixels, const float *plain, float *blocked) {
    for (int first = 0; first < channels; first += 16) {
        const int rows = channels - first < 16 ? channels - first : 16;
        block_rows(rows, pixels, pixels, plain, blocked);
        plain += 16 * pixels;
        blocked += 16 * pixels;
    }
}

static void unblock(int channels, size_t pixels, const float *blocked, float *plain) {
    for (int first = 0; first < channels; first += 16) {
        const size_t lanes = channels - first < 16 ? (size_t)(channels - first) : 16;
        for (size_t p = 0; p < pixels; p += 16) {
            const size_t count = pixels - p < 16 ? pixels - p : 16;
            ninp_v square[16];
            for (size_t i = 0; i < 16; i++) {
                square[i] = i < count ? ninp_load(blocked + (p + i) * 16) : ninp_zero();
            }
            ninp_transpose(square);
            for (size_t lane = 0; lane < lanes; lane++) {
                ninp_store_part(plain + lane * pixels + p, square[lane], count);
            }
        }
        plain += lanes * pixels;
        blocked += pixels * 16;
    }
}

/* Activations. */

static void activate(ninp_activation activation, size_t count, const float *x, float *y) {
    switch (activation) {
    case NINP_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i += 16) {
            ninp_store(y + i, ninp_relu(ninp_load(x + i)));
        }
        break;
    case NINP_ACTIVATION_SIGMOID:
        for (size_t i = 0; i < count; i += 16) {
            ninp_store(y + i, ninp_sigmoid(ninp_load(x + i)));
        }
        break;
    case NINP_ACTIVATION_NONE: memmove(y, x, count * sizeof *y); break;
    }
}

static void derive(ninp_activation activation, size_t count, const float *y, const float *dy,
                   float *dx) {
    for (size_t i = 0; i < count; i += 16) {
        ninp_store(dx + i, ninp_derive(activation, ninp_load(y + i), ninp_load(dy + i)));
    }
}

/* Sums. */

static void add(size_t count, const float *x, float *y) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        ninp_storeu(y + i, ninp_addv(ninp_loadu(y + i), ninp_loadu(x + i)));
    }
    for (; i < count; i++) {
        y[i] += x[i];
    }
}

/* Sums over pixels: up to CHUNK pixels in float, such sums in double, so that the error does not
 * grow with the picture. */
enum { CHUNK = 64 };

static inline size_t chunk_size(size_t pixels, size_t first) {
    return pixels - first < CHUNK ? pixels - first : CHUNK;
}

NINP_SIMD void add_lanes(ninp_v v, double *sums) {
    float lanes[16];
    ninp_storeu(lanes, v);
    for (int lane = 0; lane < 16; lane++) {
        sums[lane] += (double)lanes[lane];
    }
}

/* Four sums side by side: one alone would wait for every addition. */
static void norm_sums(size_t pixels, const float *x, double *sums) {
    for (size_t first = 0; first < pixels; first += CHUNK) {
        const size_t count = chunk_size(pixels, first);
        ninp_v sum[4] = {ninp_zero(), ninp_zero(), ninp_zero(), ninp_zero()};
        size_t i = 0;
        for (; i + 4 <= count; i += 4, x += 64) {
            NINP_UNROLL for (int j = 0; j < 4; j++) {
                sum[j] = ninp_addv(sum[j], ninp_load(x + (ptrdiff_t)j * 16));
            }
        }
        for (; i < count; i++, x += 16) {
            sum[0] = ninp_addv(sum[0], ninp_load(x));
        }
        add_lanes(ninp_addv(ninp_addv(sum[0], sum[1]), ninp_addv(sum[2], sum[3])), sums);
    }
}

static void bias_sums(size_t pixels, const float *dy, float *sums) {
    double exact[16] = {0.0};
    norm_sums(pixels, dy, exact);
    for (int lane = 0; lane < 16; lane++) {
        sums[lane] += (float)exact[lane];
    }
}

/* Batch norm. */

static void norm_moments(size_t pixels, const float *mean, const float *x, double *sums) {
    ninp_v middle = ninp_load(mean);
    for (size_t first = 0; first < pixels; first += CHUNK) {
        ninp_v sum = ninp_zero();
        ninp_v squares = ninp_zero();
        for (size_t i = chunk_size(pixels, first); i > 0; i--, x += 16) {
            ninp_v off = ninp_subv(ninp_load(x), middle);
            sum = ninp_addv(sum, off);
            squares = ninp_fma(off, off, squares);
        }
        add_lanes(sum, sums);
        add_lanes(squares, sums + 16);
    }
}

static void norm_products(size_t pixels, const float *mean, const float *x, const float *dy,
                          double *sums) {
    ninp_v middle = ninp_load(mean);
    for (size_t first = 0; first < pixels; first += CHUNK) {
        ninp_v sum = ninp_zero();
        ninp_v products = ninp_zero();
        for (size_t i = chunk_size(pixels, first); i > 0; i--, x += 16, dy += 16) {
            ninp_v gradient = ninp_load(dy);
            sum = ninp_addv(sum, gradient);
            products = ninp_fma(gradient, ninp_subv(ninp_load(x), middle), products);
        }
        add_lanes(sum, sums);
        add_lanes(products, sums + 16);
    }
}

static void norm_forward(size_t pixels, const ninp_norm_forward *norm, ninp_activation activation,
                         const float *x, float *y) {
    ninp_v mean = ninp_load(norm->mean);
    ninp_v scale = ninp_load(norm->scale);
    ninp_v shift = ninp_load(norm->shift);
    bool relu = activation == NINP_ACTIVATION_RELU;
    for (size_t i = 0; i < pixels * 16; i += 16) {
        ninp_v v = ninp_fma(ninp_subv(ninp_load(x + i), mean), scale, shift);
        ninp_store(y + i, relu ? ninp_relu(v) : v);
    }
    if (activation == NINP_ACTIVATION_SIGMOID) {
        activate(activation, pixels * 16, y, y);
    }
}

static void norm_backward(size_t pixels, const ninp_norm_backward *norm, ninp_activation activation,
                          const float *x, const float *dy, float *dx) {
    ninp_v mean = ninp_load(norm->mean);
    ninp_v scale = ninp_load(norm->scale);
    ninp_v mean_dy = ninp_load(norm->mean_dy);
    ninp_v slope = ninp_load(norm->slope);
    for (size_t i = 0; i < pixels * 16; i += 16) {
        ninp_v value = ninp_load(x + i);
        ninp_v v = ninp_subv(ninp_load(dy + i), mean_dy);
        v = ninp_mulv(ninp_fnma(ninp_subv(value, mean), slope, v), scale);
        ninp_store(dx + i, ninp_derive(activation, value, v));
    }
}

/* Dropout. */

enum { BLOCKS = 64 }; /* Philox blocks made at once */

/* Words of blocks first .. first + BLOCKS - 1 of a stream. words[w] holds word w of each block. The
 * rounds of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
 * run on all blocks side by side. */
static inline void philox_blocks(const uint32_t counter[4], const uint32_t key[2], uint32_t first,
                                 uint32_t words[4][BLOCKS]) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        words[0][i] = first + i;
        words[1][i] = counter[1];
        words[2][i] = counter[2];
        words[3][i] = counter[3];
    }
    uint32_t key0 = key[0];
    uint32_t key1 = key[1];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            uint64_t a = (uint64_t)words[0][i] * 0xD2511F53U;
            uint64_t b = (uint64_t)words[2][i] * 0xCD9E8D57U;
            words[0][i] = (uint32_t)(b >> 32) ^ words[1][i] ^ key0;
            words[1][i] = (uint32_t)b;
            words[2][i] = (uint32_t)(a >> 32) ^ words[3][i] ^ key1;
            words[3][i] = (uint32_t)a;
        }
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
}

static void dropout_mask(const ninp_dropout_key *key, int image, double probability, size_t count,
                         uint8_t *keep) {
    ninp_stream stream = ninp_dropout_stream(key, image);
    uint64_t threshold = ninp_dropout_threshold(probability);
    if (threshold > UINT32_MAX) {
        memset(keep, 0, count);
        return;
    }
    uint32_t counter[4];
    uint32_t philox_key[2];
    ninp_random_philox(&stream, counter, philox_key);
    uint32_t least = (uint32_t)threshold;
    for (size_t first = 0; first < count; first += (size_t)BLOCKS * 4) {
        uint32_t words[4][BLOCKS];
        philox_blocks(counter, philox_key, (uint32_t)(first / 4), words);
        uint8_t made[BLOCKS * 4];
        for (int i = 0; i < BLOCKS; i++) {
            for (int w = 0; w < 4; w++) {
                made[i * 4 + w] = words[w][i] >= least;
            }
        }
        size_t rest = count - first;
        memcpy(keep + first, made, rest < sizeof made ? rest : sizeof made);
    }
}

static void dropout(size_t count, float scale, const uint8_t *keep, const float *x, float *y) {
    ninp_v factor = ninp_set(scale);
    for (size_t i = 0; i < count; i += 16) {
        ninp_v mask = ninp_mulv(ninp_load_u8(keep + i), factor);
        ninp_store(y + i, ninp_mulv(ninp_load(x + i), mask));
    }
}

const ninp_map_kernels NINP_FOR_ISA(ninp_map_kernels) = {
    .block = block,
    .block_rows = block_rows,
    .unblock = unblock,
    .activate = activate,
    .derive = derive,
    .add = add,
    .bias_sums = bias_sums,
    .norm_sums = norm_sums,
    .norm_moments = norm_moments,
    .norm_products = norm_products,
    .norm_forward = norm_forward,
    .norm_backward = norm_backward,
    .dropout_mask = dropout_mask,
    .dropout = dropout,
};

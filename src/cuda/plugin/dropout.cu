/* Dropout by the random numbers that every engine draws (docs/design.md, "Random numbers"). One
 * thread takes four channels of one pixel, whose numbers are the four words of one Philox block. */
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

struct four_words {
    uint32_t words[4];
};

__device__ uint32_t high_product(uint32_t a, uint32_t b) {
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

/* Philox4x32-10 (Salmon et al., SC 2011), as src/base/random.h has it. */
__device__ four_words philox(four_words counter, uint32_t key0, uint32_t key1) {
    uint32_t *x = counter.words;
    for (int round = 0; round < 10; round++) {
        const uint32_t a = high_product(0xD2511F53U, x[0]);
        const uint32_t b = high_product(0xCD9E8D57U, x[2]);
        const four_words next = {
            {b ^ x[1] ^ key0, 0xCD9E8D57U * x[2], a ^ x[3] ^ key1, 0xD2511F53U * x[0]}};
        counter = next;
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
    return counter;
}

struct dropout_numbers {
    uint32_t purpose;
    uint32_t layer;
    uint32_t key0, key1;
    uint64_t threshold; /* words of at least this keep their value */
    float scale;        /* of what is kept */
    const uint64_t *step;
};

template <typename T>
__global__ void dropout_kernel(dropout_numbers numbers, nin_shape shape, int count, const T *x,
                               derivative of_y, T *y) {
    const size_t pixels = (size_t)shape.height * (size_t)shape.width;
    const size_t fours = ((size_t)shape.channels + 3) / 4;
    const size_t index = each_index();
    if (index >= (size_t)count * pixels * fours) {
        return;
    }
    const size_t channel = index % fours * 4;
    const size_t pixel = index / fours % pixels;
    const size_t picture = index / fours / pixels;
    const size_t element = (channel / 16 * pixels + pixel) * 16 + channel % 16;
    const four_words counter = {{(uint32_t)(element / 4), (uint32_t)picture,
                                 numbers.purpose ^ (numbers.layer << 8), (uint32_t)*numbers.step}};
    const four_words drawn = philox(counter, numbers.key0, numbers.key1);
    const size_t first = (picture * pixels + pixel) * (size_t)shape.channels + channel;
    for (size_t i = 0; i < 4 && channel + i < (size_t)shape.channels; i++) {
        const float keep = drawn.words[i] >= numbers.threshold ? numbers.scale : 0.0F;
        put(y + first + i, derive<T>(of_y, first + i, widen(x[first + i]) * keep));
    }
}

template <typename T>
void run(launcher &on, const dropout_numbers &numbers, nin_shape shape, int count, const void *x,
         const derivative &of_y, void *y) {
    const size_t fours = (size_t)count * (size_t)shape.height * (size_t)shape.width *
                         (((size_t)shape.channels + 3) / 4);
    launch_apart(on, dropout_kernel<T>, each_grid(fours), EACH_THREADS, numbers, shape, count,
                 static_cast<const T *>(x), of_y, static_cast<T *>(y));
}

} // namespace

void dropout(launcher &on, const dropout_rule &rule, nin_shape shape, int count, const void *x,
             const derivative &of_y, void *y) {
    dropout_numbers numbers = {};
    numbers.purpose = NINP_RANDOM_DROPOUT;
    numbers.layer = (uint32_t)rule.layer;
    numbers.key0 = (uint32_t)rule.seed;
    numbers.key1 = (uint32_t)(rule.seed >> 32);
    numbers.threshold = (uint64_t)floor(rule.probability * 4294967296.0);
    numbers.scale = rule.probability < 1.0 ? (float)(1.0 / (1.0 - rule.probability)) : 0.0F;
    numbers.step = rule.step;
    (on.math == NINP_CUDA_BF16 ? run<bf16> : run<float>)(on, numbers, shape, count, x, of_y, y);
}

} // namespace ninp_cuda

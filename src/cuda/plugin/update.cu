/* The optimizers of src/train/optimizer, operation by operation: this file is compiled without
 * fused multiply-add, so that equal gradients give equal weights. A block moves a chunk of a
 * tensor. */
#include "cuda/plugin/resident.h"

#include <math.h>

namespace ninp_cuda {
namespace {

enum { THREADS = 256 };

struct square_memory {
    double sums[THREADS];
};

/* Adds up the sums of a block's threads, always in the same order; thread 0 gets the result. */
__device__ double add_threads(square_memory &memory, double sum) {
    memory.sums[threadIdx.x] = sum;
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            memory.sums[threadIdx.x] += memory.sums[threadIdx.x + half];
        }
    }
    return memory.sums[0];
}

/* What does not move takes no part in the norm. */
__global__ void square_kernel(const update_chunk *chunks, const update_rule *rules,
                              const float *gradients, double *partial) {
    square_memory &memory = block_memory<square_memory>();
    const update_chunk chunk = chunks[blockIdx.x];
    const int count = rules[chunk.tensor].frozen ? 0 : chunk.count;
    double sum = 0.0;
    for (int i = (int)threadIdx.x; i < count; i += THREADS) {
        const double value = (double)gradients[chunk.first + (size_t)i];
        sum += value * value;
    }
    sum = add_threads(memory, sum);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
    }
}

__global__ void total_square_kernel(size_t count, const double *partial, double *squares) {
    square_memory &memory = block_memory<square_memory>();
    double sum = 0.0;
    for (size_t i = threadIdx.x; i < count; i += THREADS) {
        sum += partial[i];
    }
    sum = add_threads(memory, sum);
    if (threadIdx.x == 0) {
        *squares = sum;
    }
}

__device__ bool is_finite(double value) {
    return value - value == 0.0;
}

/* ninp_clip_scale (train/optimizer/norm.h). */
__device__ float clip_scale(float largest, double squares) {
    const double scale = (double)largest / (sqrt(squares) + 1e-6);
    return largest > 0.0F && scale < 1.0 ? (float)scale : 1.0F;
}

/* How the values of one tensor move. */
struct mover {
    update_state update;
    float lr, decay, scale;
    float adam_step, correction, coupled, kept;
};

__device__ mover mover_of(const update_state &update, const update_rule &rule,
                          const ninp_resident_step &step) {
    mover how;
    how.update = update;
    how.lr = step.lr * rule.lr_scale;
    how.decay = rule.weight_decay;
    how.scale = clip_scale(update.clip_norm, *update.squares);
    const bool decoupled = update.optimizer == NIN_OPTIMIZER_ADAMW;
    how.adam_step = (float)((double)how.lr / step.adam_bias);
    how.correction = step.adam_correction;
    how.coupled = decoupled ? 0.0F : how.decay;
    how.kept = (float)(decoupled ? 1.0 - (double)how.lr * (double)how.decay : 1.0);
    return how;
}

__device__ void move_sgd(const mover &how, size_t at) {
    const update_state &update = how.update;
    const float w = update.values[at];
    const float d = how.scale * update.gradients[at] + how.decay * w;
    float along = d;
    if (update.slots[0]) {
        const float moved = update.momentum * update.slots[0][at] + d;
        update.slots[0][at] = moved;
        along = update.nesterov ? d + update.momentum * moved : moved;
    }
    update.values[at] = w - how.lr * along;
}

__device__ void move_adam(const mover &how, size_t at) {
    const update_state &update = how.update;
    const float w = update.values[at];
    const float d = how.scale * update.gradients[at] + how.coupled * w;
    const float first = update.slots[0][at];
    const float m = first + update.rest1 * (d - first);
    const float v = update.beta2 * update.slots[1][at] + update.rest2 * d * d;
    update.slots[0][at] = m;
    update.slots[1][at] = v;
    update.values[at] =
        how.kept * w - how.adam_step * m / (sqrtf(v) / how.correction + update.epsilon);
}

__global__ void move_kernel(update_state update, epoch_position at, const double *losses) {
    const update_chunk chunk = update.chunks[blockIdx.x];
    const ninp_resident_step &step = at.steps[*at.step];
    if (*update.halted || !is_finite(*losses) || !is_finite(*update.squares)) {
        return;
    }
    const bool moves = chunk.tensor >= 0 && !update.rules[chunk.tensor].frozen;
    mover how = {};
    if (moves) {
        how = mover_of(update, update.rules[chunk.tensor], step);
    }
    for (int i = (int)threadIdx.x; i < chunk.count; i += THREADS) {
        const size_t index = chunk.first + (size_t)i;
        if (moves && update.optimizer == NIN_OPTIMIZER_SGD) {
            move_sgd(how, index);
        } else if (moves) {
            move_adam(how, index);
        }
        if (update.average) {
            const float average = update.average[index];
            update.average[index] = average + step.average_rest * (update.values[index] - average);
        }
    }
}

/* One thread: all others are done with this step. */
__global__ void end_kernel(const double *losses, const double *squares, uint32_t *halted,
                           uint32_t *step, ninp_resident_result *results) {
    const ninp_resident_result result = {losses[0], losses[1], *squares};
    results[*step] = result;
    if (!is_finite(result.loss_sum) || !is_finite(result.squares)) {
        *halted = 1;
    }
    ++*step;
}

__global__ void sample_kernel(const float *values, const sample_range *ranges, float *samples) {
    const sample_range range = ranges[blockIdx.x];
    for (size_t i = threadIdx.x; i < range.count; i += THREADS) {
        samples[range.place + i] = values[range.first + i * range.stride];
    }
}

} // namespace

void update_weights(launcher &on, const update_state &update, const epoch_position &at,
                    const double *losses, uint32_t *step, ninp_resident_result *results) {
    launch(on, square_kernel, dim3((unsigned)update.parameter_chunks), THREADS, update.chunks,
           update.rules, update.gradients, update.partial);
    launch(on, total_square_kernel, dim3(1), THREADS, update.parameter_chunks,
           static_cast<const double *>(update.partial), update.squares);
    launch_apart(on, move_kernel, dim3((unsigned)update.chunk_count), THREADS, update, at, losses);
    launch_apart(on, end_kernel, dim3(1), 1, losses, static_cast<const double *>(update.squares),
                 update.halted, step, results);
}

void gather_samples(launcher &on, const float *values, const sample_range *ranges, int range_count,
                    float *samples) {
    launch_apart(on, sample_kernel, dim3((unsigned)range_count), THREADS, values, ranges, samples);
}

} // namespace ninp_cuda

/* Where everything lies in a session's device memory. The walk over all pieces is made twice: to
 * find the size, then to hand out places. */
#include "cuda/plugin/arena.h"
#include "cuda/plugin/session.h"

extern "C" {
#include "base/error.h"
}

namespace ninp_cuda {
namespace {

size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

bool has_weights(const ninp_step &step) {
    return step.work == NINP_WORK_CONV || step.work == NINP_WORK_LINEAR;
}

bool has_pool(const ninp_step &step) {
    return step.pooled || step.work == NINP_WORK_MAX_POOL;
}

/* What all steps share, as large as the largest needs it. Values of one picture. */
struct shared_sizes {
    size_t output, input, unpooled, partial, plain, channels;
};

size_t partial_floats(const session &of, const step_state &state) {
    if (has_weights(*state.step) && of.task.training) {
        const nin_shape shape = state.conv.output;
        return larger(weight_gradient_floats(of.task.math, state.conv, of.task.batch),
                      column_floats(pixel_count(shape, of.task.batch), shape.channels));
    }
    const nin_shape input = state.step->input;
    return state.step->work == NINP_WORK_BATCH_NORM
               ? column_floats(pixel_count(input, of.task.batch), input.channels)
               : 0;
}

shared_sizes measure(const session &of) {
    shared_sizes sizes = {};
    sizes.plain = (size_t)of.task.batch * (size_t)of.task.classes;
    for (size_t i = 0; i < of.task.plan->count; i++) {
        const step_state &state = of.steps[i];
        const ninp_step &step = *state.step;
        sizes.output = larger(sizes.output, value_count(step.output, 1));
        sizes.input = larger(sizes.input, value_count(step.input, 1));
        sizes.plain = larger(sizes.plain, value_count(step.output, 1));
        sizes.partial = larger(sizes.partial, partial_floats(of, state));
        sizes.channels = larger(sizes.channels, (size_t)step.output.channels);
        if (step.pooled) {
            sizes.unpooled = larger(sizes.unpooled, value_count(step.unpooled, 1));
        }
    }
    return sizes;
}

void lay_out_step(session &of, size_t i, arena &from, bool own_output) {
    step_state &state = of.steps[i];
    const ninp_step &step = *state.step;
    const size_t batch = (size_t)of.task.batch;
    const size_t bytes = value_bytes(of.task.math);
    const size_t before = from.bytes;
    if (own_output) {
        state.output = take_bytes(from, batch * bytes, value_count(step.output, 1));
    }
    if (has_pool(step) && of.task.training) {
        state.place = take_bytes(from, batch * place_bytes(step.pool), value_count(step.output, 1));
    }
    if (may_mask(of, i)) {
        const nin_shape shape = step.output;
        state.mask =
            take_bytes(from, pixel_count(shape, of.task.batch), mask_bits(shape.channels) / 8);
    }
    state.sizes.activation_bytes = from.bytes - before;
    const size_t packed = from.bytes;
    if (has_weights(step)) {
        packed_weights &weights = state.weights;
        weights.forward = take_bytes(from, weight_count(state.conv), bytes);
        weights.bias = take<float>(from, (size_t)state.conv.output.channels);
        if (of.libraries.cudnn) {
            weights.filters = take_bytes(from, weight_count(state.conv), bytes);
        }
        weights.stored_bias = take_bytes(from, (size_t)state.conv.output.channels, bytes);
        if (of.task.training && step.input_gradient) {
            weights.backward = take_bytes(from, weight_count(state.conv), bytes);
        }
    }
    if (step.work == NINP_WORK_BATCH_NORM) {
        state.used_mean = take<float>(from, (size_t)step.input.channels);
        state.used_inverse = take<float>(from, (size_t)step.input.channels);
    }
    state.sizes.weight_bytes = from.bytes - packed;
    state.sizes.workspace_bytes = partial_floats(of, state) * sizeof(float);
    if (step.pooled) {
        state.sizes.workspace_bytes += batch * bytes * value_count(step.unpooled, 1);
    }
}

void lay_out_training(session &of, arena &from, const shared_sizes &sizes) {
    const size_t batch = (size_t)of.task.batch;
    const size_t flow = larger(sizes.input, (size_t)of.task.classes);
    of.gradients = take<float>(from, of.task.parameter_count);
    for (int i = 0; i < 2; i++) {
        of.flow[i] = take_bytes(from, batch * value_bytes(of.task.math), flow);
    }
    of.labels = take<int32_t>(from, batch);
    of.others = take<int32_t>(from, batch);
    of.shares = take<float>(from, batch);
    of.smoothing = take<float>(from, 1);
    of.number = take<uint64_t>(from, 1);
    of.losses = take<double>(from, 2 * batch + 2);
}

void lay_out(session &of, arena &from) {
    const shared_sizes sizes = measure(of);
    const size_t batch = (size_t)of.task.batch;
    const size_t bytes = value_bytes(of.task.math);
    const bool kept = of.task.training || of.task.keep_results;
    of.values = take<float>(from, of.task.value_count);
    of.pictures = take<float>(from, batch * value_count(of.task.input, 1));
    of.input = take_bytes(from, batch * bytes, value_count(of.task.input, 1));
    of.unpooled = take_bytes(from, batch * bytes, sizes.unpooled);
    of.partial = take<float>(from, sizes.partial);
    of.plain = take<float>(from, sizes.plain);
    of.marks = take<unsigned char>(from, sizes.channels);
    if (of.libraries.cublaslt || of.libraries.cudnn) {
        of.library_space = take_bytes(from, LIBRARY_BYTES, 1);
    }
    void *turns[2] = {NULL, NULL}; /* outputs of steps, where nobody asks for them later */
    for (int i = 0; i < 2 && !kept; i++) {
        turns[i] = take_bytes(from, batch * bytes, sizes.output);
    }
    for (size_t i = 0; i < of.task.plan->count; i++) {
        of.steps[i].output = turns[i % 2];
        lay_out_step(of, i, from, kept);
    }
    if (of.task.training) {
        lay_out_training(of, from, sizes);
    }
}

nin_status fail_memory(const session &of, nin_error *err) {
    const size_t million = 1000000;
    return ninp_fail(err, NIN_ERROR_MEMORY,
                     "out of memory: batch %d wants %zu MB of the device's; most of that grows "
                     "with --batch, by %zu MB a picture at most",
                     of.task.batch, of.arena_bytes / million + 1,
                     of.arena_bytes / (size_t)of.task.batch / million + 1);
}

} // namespace

nin_status allocate(session &of, nin_error *err) {
    const cudaError_t error =
        lay_out_block(&of.arena, &of.arena_bytes, [&](arena &from) { lay_out(of, from); });
    if (error == cudaErrorMemoryAllocation) {
        return fail_memory(of, err);
    }
    note(of.on, error);
    return error == cudaSuccess ? NIN_OK : fail_cuda(of, "allocating memory", err);
}

} // namespace ninp_cuda

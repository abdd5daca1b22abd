/* Which pairs of steps are one kernel (pair.cu), and running it. */
#include "cuda/plugin/timing.h"

namespace ninp_cuda {
namespace {

bool is_map(const ninp_step &step) {
    return step.work == NINP_WORK_CONV &&
           is_one_pixel(step.conv.kernel, step.conv.stride, step.conv.padding);
}

pair_shape shape_of(const session &of, size_t first) {
    return {of.steps[first].conv.input.channels, of.steps[first].conv.output.channels,
            of.steps[first + 1].conv.output.channels};
}

/* Before the max-pool, where there is one. */
void *result_of(const session &of, size_t i) {
    return of.steps[i].step->pooled ? of.unpooled : of.steps[i].output;
}

/* Whether backward counts on a mask that a library's product leaves with step i's results. */
bool leaves_mask(const session &of, size_t i) {
    return i + 1 < of.task.plan->count && of.steps[i + 1].input_masked;
}

/* In evaluation the results of steps share two places in turn, so y2 may lie where x is: a block
 * has read its pixels when it writes them, which are the same ones only with as many channels. */
bool can_pair(const session &of, size_t first, size_t most_bytes) {
    if (first + 1 >= of.task.plan->count || !is_map(*of.steps[first].step) ||
        !is_map(*of.steps[first + 1].step) || of.steps[first].step->pooled ||
        leaves_mask(of, first) || leaves_mask(of, first + 1)) {
        return false;
    }
    const pair_shape shape = shape_of(of, first);
    const size_t bytes = pair_bytes(of.task.math, shape);
    const bool in_place = result_of(of, first + 1) == step_input(of, first);
    return bytes > 0 && bytes <= most_bytes && (!in_place || shape.input == shape.output);
}

void run_pair(session &of, size_t first, int count) {
    const step_state *steps = of.steps + first;
    const bool kept = of.task.training || of.task.keep_results;
    pair_half halves[2];
    for (int i = 0; i < 2; i++) {
        const packed_weights &weights = steps[i].weights;
        halves[i] = {{weights.forward, weights.bias},
                     steps[i].step->activation,
                     result_of(of, first + (size_t)i)};
    }
    if (!kept) {
        halves[0].y = NULL;
    }
    pair_forward(of.on, shape_of(of, first), pixel_count(steps[0].conv.input, count),
                 step_input(of, first), halves[0], halves[1]);
}

void run_apart(session &of, size_t first, int count) {
    for (size_t i = first; i < first + 2; i++) {
        weighted_forward(of, of.steps[i], count, step_input(of, i), result_of(of, i));
    }
}

/* For the largest batch, on whatever the memory holds. */
float time_way(session &of, void (*run)(session &, size_t, int), size_t first) {
    return time_runs(of, [&] {
        run(of, first, of.task.batch);
        return true;
    });
}

/* Up to so many channels a convolution of kernel 1 has fewer operations a byte than large devices
 * can do, and one kernel should be the faster: the rule where times must not decide. */
bool few_channels(const pair_shape &shape) {
    const int most = 128;
    return shape.input <= most && shape.middle <= most && shape.output <= most;
}

bool is_worth_it(session &of, size_t first) {
    if (of.task.pairs != NINP_CUDA_PAIRS_CHOSEN) {
        return of.task.pairs == NINP_CUDA_PAIRS_ALL;
    }
    if (of.task.deterministic) {
        return few_channels(shape_of(of, first));
    }
    return time_way(of, run_pair, first) < time_way(of, run_apart, first);
}

} // namespace

void choose_pairs(session &of) {
    int most_bytes = 0;
    note(of.on, cudaDeviceGetAttribute(&most_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                       of.task.device));
    open_clock(of);
    for (size_t i = 0; i < of.task.plan->count && of.on.error == cudaSuccess; i++) {
        if (can_pair(of, i, (size_t)most_bytes) && is_worth_it(of, i)) {
            of.steps[i].starts_pair = true;
            of.steps[i].sizes.algorithm = "pair";
            of.steps[i + 1].sizes.algorithm = "pair";
            i++;
        }
    }
    close_clock(of);
}

void forward_product(session &of, size_t i, int count) {
    if (of.steps[i].starts_pair) {
        return; /* the next step does it */
    }
    if (i > 0 && of.steps[i - 1].starts_pair) {
        run_pair(of, i - 1, count);
    } else {
        weighted_forward(of, of.steps[i], count, step_input(of, i), result_of(of, i));
    }
}

} // namespace ninp_cuda

/* Convolutions and fully-connected layers: batches of the full size by cuBLASLt or cuDNN where they
 * have a product for them, the rest by our own kernels. */
#include "cuda/plugin/choices.h"
#include "cuda/plugin/timing.h"

#include <string.h>

namespace ninp_cuda {
namespace {

/* A library's product for a pass, or NULL. */
const product *product_of(const session &of, const step_state &state, product_pass pass,
                          int count) {
    return count == of.task.batch ? state.products[pass] : NULL;
}

/* cuDNN takes filters in an order of its own. */
bool is_cudnn(const product *chosen) {
    return strcmp(chosen->name, "cudnn") == 0;
}

const void *weights_for(const step_state &state, const product *chosen) {
    return is_cudnn(chosen) ? state.weights.filters : state.weights.forward;
}

/* Where a product leaves the weight gradient: cuDNN's has to be put into the net's order. */
float *weight_result(const session &of, const step_state &state, const product *chosen) {
    return is_cudnn(chosen) ? of.partial : step_gradient(of, state.step->weight);
}

void run_product(session &of, const step_state &state, product_pass pass, const void *left,
                 const void *right, void *result) {
    const product_arrays arrays = {left, right, result, of.library_space, of.on.stream};
    if (of.on.error == cudaSuccess && !state.products[pass]->run(state.algorithms[pass], arrays)) {
        of.on.error = cudaErrorUnknown;
    }
}

/* Whatever it leaves behind if it fails is no fault of what comes next. */
void forget_failure() {
    (void)cudaGetLastError();
}

/* The fastest one, or, where runs have to be repeatable, the first that runs: which is the fastest
 * is a matter of chance. Negative: none. */
int measure_algorithms(session &of, const product &tried, const product_arrays &arrays) {
    int best = -1;
    float best_time = 0.0F;
    for (int i = 0; i < tried.algorithms; i++) {
        const float time = time_runs(of, [&] { return tried.run(i, arrays); });
        if (time < 0.0F) {
            forget_failure();
        }
        if (time >= 0.0F && (best < 0 || time < best_time)) {
            best = i;
            best_time = time;
        }
        if (best >= 0 && of.task.deterministic) {
            break;
        }
    }
    return best;
}

/* That of an earlier session, if it still runs; else what is measured now. */
int choose_algorithm(session &of, const product_problem &problem, const product &tried,
                     const product_arrays &arrays) {
    int chosen = recall_algorithm(of.task.choices, problem, tried);
    if (chosen >= 0) {
        if (tried.run(chosen, arrays)) {
            return chosen;
        }
        forget_failure();
    }
    chosen = measure_algorithms(of, tried, arrays);
    if (chosen >= 0) {
        keep_algorithm(of.task.choices, problem, tried, chosen);
    }
    return chosen;
}

/* Arrays of a pass in a session's memory: what they hold while algorithms are timed means nothing.
 */
product_arrays trial_arrays(const session &of, size_t i, product_pass pass, const product *tried) {
    const step_state &state = of.steps[i];
    const bool pooled = state.step->pooled;
    const void *dy = pooled ? of.unpooled : of.flow[(i + 1) % 2];
    const void *weights = weights_for(state, tried);
    switch (pass) {
    case PASS_FORWARD:
        return {step_input(of, i), weights, pooled ? of.unpooled : state.output, of.library_space,
                of.on.stream};
    case PASS_INPUT_GRADIENT: return {dy, weights, of.flow[i % 2], of.library_space, of.on.stream};
    default:
        return {step_input(of, i), dy, weight_result(of, state, tried), of.library_space,
                of.on.stream};
    }
}

product_problem problem_of(const session &of, const step_state &state, product_pass pass) {
    product_problem problem = {};
    problem.pass = pass;
    problem.math = of.task.math;
    problem.count = of.task.batch;
    problem.input = state.conv.input;
    problem.output = state.conv.output;
    problem.kernel = state.conv.kernel;
    problem.stride = state.conv.stride;
    problem.padding = state.conv.padding;
    problem.relu = state.step->activation == NINP_ACTIVATION_RELU;
    problem.workspace_bytes = LIBRARY_BYTES;
    if (pass == PASS_FORWARD) {
        problem.vector = state.weights.stored_bias;
    } else if (pass == PASS_WEIGHT_GRADIENT && !state.bias_comes) {
        problem.vector = step_gradient(of, state.step->bias);
    }
    return problem;
}

/* Libraries are fast where channels fill their vectors of 16 bytes. */
bool fills_vectors(const product_problem &problem) {
    const int values = 16 / (int)value_bytes(problem.math);
    return problem.input.channels % values == 0 && problem.output.channels % values == 0;
}

/* cuBLASLt for matrix products, cuDNN for the rest. */
product *plan_product(const session &of, const product_problem &problem) {
    product *made = NULL;
    if (!fills_vectors(problem)) {
        return NULL;
    }
    if (of.libraries.cublaslt) {
        made = lt_plan(of.libraries.cublaslt, problem);
    }
    if (!made && of.libraries.cudnn) {
        made = dnn_plan(of.libraries.cudnn, problem);
    }
    return made;
}

/* Takes over what was planned for a step, which may be NULL. False: it has no algorithm that runs.
 */
bool take_product(session &of, size_t i, const product_problem &problem, product *made) {
    step_state &state = of.steps[i];
    const product_pass pass = problem.pass;
    const int chosen =
        made ? choose_algorithm(of, problem, *made, trial_arrays(of, i, pass, made)) : -1;
    if (chosen < 0) {
        delete made;
        return false;
    }
    state.products[pass] = made;
    state.algorithms[pass] = chosen;
    return true;
}

void choose_product(session &of, size_t i, product_pass pass) {
    step_state &state = of.steps[i];
    if (!state.products[pass]) {
        const product_problem problem = problem_of(of, state, pass);
        (void)take_product(of, i, problem, plan_product(of, problem));
    }
}

/* Step i's results with a mask, and by it the next step's input gradient: both or none of them. The
 * library gives a bias gradient as values are stored; with bfloat16 it therefore stays with the
 * weight gradient, which is floats. */
void choose_masked(session &of, size_t i) {
    step_state &state = of.steps[i];
    step_state &next = of.steps[i + 1];
    const bool floats = value_bytes(of.task.math) == sizeof(float);
    product_problem forward = problem_of(of, state, PASS_FORWARD);
    product_problem backward = problem_of(of, next, PASS_INPUT_GRADIENT);
    forward.mask = backward.mask = state.mask;
    backward.vector = floats ? step_gradient(of, state.step->bias) : NULL;
    if (!take_product(of, i, forward, lt_plan(of.libraries.cublaslt, forward))) {
        return;
    }
    if (!take_product(of, i + 1, backward, lt_plan(of.libraries.cublaslt, backward))) {
        delete state.products[PASS_FORWARD];
        state.products[PASS_FORWARD] = NULL;
        return;
    }
    next.input_masked = true;
    state.bias_comes = floats;
}

/* A step is named after what computes its results, or, where that is our own kernel, its gradients.
 */
void name_algorithms(session &of) {
    for (size_t i = 0; i < of.task.plan->count; i++) {
        for (int pass = PASSES; pass-- > 0;) {
            const product *made = of.steps[i].products[pass];
            if (made) {
                of.steps[i].sizes.algorithm = made->name;
            }
        }
    }
}

} // namespace

void choose_products(session &of) {
    if (!of.libraries.cublaslt && !of.libraries.cudnn) {
        return;
    }
    open_clock(of);
    for (size_t i = 0; i < of.task.plan->count && of.on.error == cudaSuccess; i++) {
        if (of.steps[i].step->weight < 0) {
            continue;
        }
        if (may_mask(of, i)) {
            choose_masked(of, i);
        }
        choose_product(of, i, PASS_FORWARD);
        if (of.task.training) {
            choose_product(of, i, PASS_WEIGHT_GRADIENT);
        }
        if (of.task.training && of.steps[i].step->input_gradient) {
            choose_product(of, i, PASS_INPUT_GRADIENT);
        }
    }
    close_clock(of);
    name_algorithms(of);
}

bool may_mask(const session &of, size_t i) {
    if (!of.task.training || !of.libraries.cublaslt || i + 1 == of.task.plan->count) {
        return false;
    }
    const step_state *const both[] = {&of.steps[i], &of.steps[i + 1]};
    for (const step_state *state : both) {
        const conv_shape &conv = state->conv;
        if (state->step->weight < 0 || !is_one_pixel(conv.kernel, conv.stride, conv.padding) ||
            !fills_vectors(problem_of(of, *state, PASS_FORWARD))) {
            return false;
        }
    }
    return !both[0]->step->pooled && both[1]->step->input_gradient &&
           both[1]->step->input_activation == NINP_ACTIVATION_RELU;
}

void free_products(session &of) {
    for (size_t i = 0; of.steps && i < of.task.plan->count; i++) {
        for (product *made : of.steps[i].products) {
            delete made;
        }
    }
}

void weighted_forward(session &of, const step_state &state, int count, const void *x, void *y) {
    const ninp_activation activation = state.step->activation;
    const product *chosen = product_of(of, state, PASS_FORWARD, count);
    if (!chosen) {
        conv_forward(of.on, state.conv, count, x, {state.weights.forward, state.weights.bias},
                     activation, y);
        return;
    }
    run_product(of, state, PASS_FORWARD, x, weights_for(state, chosen), y);
    if (activation == NINP_ACTIVATION_SIGMOID) {
        const nin_shape shape = state.conv.output;
        activate_values(of.on, activation, value_count(shape, count), y, y);
    }
}

void weighted_weight_gradient(session &of, const step_state &state, int count, const void *x,
                              const void *dy) {
    const nin_shape shape = state.conv.output;
    float *gradient = step_gradient(of, state.step->weight);
    const product *chosen = product_of(of, state, PASS_WEIGHT_GRADIENT, count);
    const bool has_bias = state.bias_comes && count == of.task.batch;
    if (!has_bias && (!chosen || is_cudnn(chosen))) {
        column_sums(of.on, pixel_count(shape, count), shape.channels, dy, of.partial,
                    step_gradient(of, state.step->bias));
    }
    if (!chosen) {
        conv_weight_gradient(of.on, state.conv, count, x, dy, of.partial, gradient);
        return;
    }
    float *result = weight_result(of, state, chosen);
    run_product(of, state, PASS_WEIGHT_GRADIENT, x, dy, result);
    if (result != gradient) {
        unpack_filters(of.on, state.conv, result, gradient);
    }
}

void weighted_input_gradient(session &of, const step_state &state, int count, const void *x,
                             const void *dy, void *dx) {
    const derivative of_x = input_derivative(*state.step, x);
    const product *chosen = product_of(of, state, PASS_INPUT_GRADIENT, count);
    if (!chosen) {
        conv_input_gradient(of.on, state.conv, count, dy, state.weights.backward, of_x, dx);
        return;
    }
    run_product(of, state, PASS_INPUT_GRADIENT, dy, weights_for(state, chosen), dx);
    if (of_x.values && !state.input_masked) {
        const nin_shape shape = state.conv.input;
        derive_values(of.on, of_x, value_count(shape, count), dx, dx);
    }
}

} // namespace ninp_cuda

/* Convolutions and fully-connected layers: by cuBLASLt where it has a product for them, which is
 * those of one pixel's input channels in batches of the full size, and by our own kernels else. */
#include "cuda/plugin/session.h"

namespace ninp_cuda {
namespace {

size_t pixels_of(nin_shape shape, int count) {
    return (size_t)count * (size_t)shape.height * (size_t)shape.width;
}

/* The library's product for a pass, or NULL. */
const lt_product *product_of(const session &of, const step_state &state, lt_pass pass, int count) {
    return count == of.task.batch ? state.products[pass] : NULL;
}

void run_product(session &of, const step_state &state, lt_pass pass, const lt_arrays &arrays) {
    if (of.on.error == cudaSuccess &&
        !lt_run(state.products[pass], state.algorithms[pass], arrays)) {
        of.on.error = cudaErrorUnknown;
    }
}

/* Milliseconds that an algorithm takes of a few runs; negative: it does not run. */
float time_algorithm(session &of, const lt_product *product, int algorithm,
                     const lt_arrays &arrays) {
    enum { RUNS = 3 };
    float milliseconds = 0.0F;
    if (!lt_run(product, algorithm, arrays)) { /* and warm */
        return -1.0F;
    }
    note(of.on, cudaEventRecord(of.start, of.on.stream));
    for (int i = 0; i < RUNS; i++) {
        if (!lt_run(product, algorithm, arrays)) {
            return -1.0F;
        }
    }
    note(of.on, cudaEventRecord(of.end, of.on.stream));
    note(of.on, cudaStreamSynchronize(of.on.stream));
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaEventElapsedTime(&milliseconds, of.start, of.end));
    }
    return milliseconds;
}

/* The fastest one, or, where runs have to be repeatable, the first that runs: which is the fastest
 * is a matter of chance. Negative: none. */
int choose_algorithm(session &of, const lt_product *product, int algorithms,
                     const lt_arrays &arrays) {
    int best = -1;
    float best_time = 0.0F;
    for (int i = 0; i < algorithms; i++) {
        const float time = time_algorithm(of, product, i, arrays);
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

/* Arrays of a pass in a session's memory: what they hold while algorithms are timed means nothing.
 */
lt_arrays trial_arrays(const session &of, size_t i, lt_pass pass) {
    const step_state &state = of.steps[i];
    void *result = state.step->pooled ? of.unpooled : state.output;
    lt_arrays arrays = {step_input(of, i), state.weights.forward, result, of.library_space,
                        of.on.stream};
    if (pass == LT_INPUT_GRADIENT) {
        arrays.a = of.flow[(i + 1) % 2];
        arrays.result = of.flow[i % 2];
    } else if (pass == LT_WEIGHT_GRADIENT) {
        arrays.b = of.flow[(i + 1) % 2];
        arrays.result = step_gradient(of, state.step->weight);
    }
    if (pass != LT_FORWARD && state.step->pooled) {
        (pass == LT_INPUT_GRADIENT ? arrays.a : arrays.b) = of.unpooled;
    }
    return arrays;
}

void choose_product(session &of, size_t i, lt_pass pass) {
    step_state &state = of.steps[i];
    const ninp_step &step = *state.step;
    void *vector = pass == LT_FORWARD ? state.weights.stored_bias : NULL;
    if (pass == LT_WEIGHT_GRADIENT) {
        vector = step_gradient(of, step.bias);
    }
    const lt_problem problem = {pass,
                                of.task.math,
                                pixels_of(state.conv.output, of.task.batch),
                                state.conv.input.channels,
                                state.conv.output.channels,
                                step.activation == NINP_ACTIVATION_RELU,
                                vector,
                                LIBRARY_BYTES};
    int algorithms;
    lt_product *product = lt_plan(of.libraries.cublaslt, problem, &algorithms);
    if (!product) {
        return;
    }
    const int chosen = choose_algorithm(of, product, algorithms, trial_arrays(of, i, pass));
    if (chosen < 0) {
        lt_free(product);
        return;
    }
    state.products[pass] = product;
    state.algorithms[pass] = chosen;
    state.sizes.algorithm = "cublaslt";
}

} // namespace

void choose_products(session &of) {
    if (!of.libraries.cublaslt) {
        return;
    }
    note(of.on, cudaEventCreate(&of.start));
    note(of.on, cudaEventCreate(&of.end));
    for (size_t i = 0; i < of.task.plan->count && of.on.error == cudaSuccess; i++) {
        const conv_shape &conv = of.steps[i].conv;
        if (of.steps[i].step->weight < 0 || conv.kernel != 1 || conv.stride != 1 ||
            conv.padding != 0) {
            continue;
        }
        choose_product(of, i, LT_FORWARD);
        if (of.task.training) {
            choose_product(of, i, LT_WEIGHT_GRADIENT);
        }
        if (of.task.training && of.steps[i].step->input_gradient) {
            choose_product(of, i, LT_INPUT_GRADIENT);
        }
    }
    (void)cudaEventDestroy(of.start);
    (void)cudaEventDestroy(of.end);
}

void free_products(session &of) {
    for (size_t i = 0; of.steps && i < of.task.plan->count; i++) {
        for (lt_product *product : of.steps[i].products) {
            lt_free(product);
        }
    }
}

void weighted_forward(session &of, const step_state &state, int count, const void *x, void *y) {
    const ninp_activation activation = state.step->activation;
    if (!product_of(of, state, LT_FORWARD, count)) {
        conv_forward(of.on, state.conv, count, x, {state.weights.forward, state.weights.bias},
                     activation, y);
        return;
    }
    run_product(of, state, LT_FORWARD,
                {x, state.weights.forward, y, of.library_space, of.on.stream});
    if (activation == NINP_ACTIVATION_SIGMOID) {
        const nin_shape shape = state.conv.output;
        activate_values(of.on, activation, pixels_of(shape, count) * (size_t)shape.channels, y, y);
    }
}

void weighted_weight_gradient(session &of, const step_state &state, int count, const void *x,
                              const void *dy) {
    float *gradient = step_gradient(of, state.step->weight);
    if (product_of(of, state, LT_WEIGHT_GRADIENT, count)) {
        run_product(of, state, LT_WEIGHT_GRADIENT,
                    {x, dy, gradient, of.library_space, of.on.stream});
        return;
    }
    const nin_shape shape = state.conv.output;
    column_sums(of.on, pixels_of(shape, count), shape.channels, dy, of.partial,
                step_gradient(of, state.step->bias));
    conv_weight_gradient(of.on, state.conv, count, x, dy, of.partial, gradient);
}

void weighted_input_gradient(session &of, const step_state &state, int count, const void *x,
                             const void *dy, void *dx) {
    const derivative of_x = input_derivative(*state.step, x);
    if (!product_of(of, state, LT_INPUT_GRADIENT, count)) {
        conv_input_gradient(of.on, state.conv, count, dy, state.weights.backward, of_x, dx);
        return;
    }
    run_product(of, state, LT_INPUT_GRADIENT,
                {dy, state.weights.forward, dx, of.library_space, of.on.stream});
    if (of_x.values) {
        const nin_shape shape = state.conv.input;
        derive_values(of.on, of_x, pixels_of(shape, count) * (size_t)shape.channels, dx, dx);
    }
}

} // namespace ninp_cuda

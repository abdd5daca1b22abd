/* The steps of a plan, forward and backward. The gradient that a step receives is that of its
 * result before its own activation (docs/design.md, "The gradient convention"). */
#include "cuda/plugin/timing.h"

namespace ninp_cuda {
namespace {

/* Times what is started between begin_time and end_time, where steps are timed. */
void begin_time(session &of) {
    if (of.times) {
        start_clock(of);
    }
}

double end_time(session &of) {
    return of.times ? (double)stop_clock(of) * 1e-3 : 0.0;
}

const float *tensor(const session &of, int number) {
    return number < 0 ? NULL : of.values + of.task.offsets[number];
}

norm_tensors norm_of(const session &of, const ninp_step &step) {
    return {tensor(of, step.scale),
            tensor(of, step.shift),
            of.values + of.task.offsets[step.mean],
            of.values + of.task.offsets[step.variance],
            step.epsilon,
            step.momentum};
}

pool_shape pool_of(const ninp_step &step) {
    return {step.work == NINP_WORK_CONV ? step.unpooled : step.input, step.output, step.pool,
            step.adaptive};
}

dropout_rule rule_of(const session &of, const ninp_step &step) {
    return {of.task.seed, step.number, step.dropout, of.number};
}

norm_shape norm_shape_of(const session &of, const ninp_step &step, int count) {
    return {pixel_count(step.input, count), step.input.channels, !of.task.training || step.fixed};
}

norm_space space_of(const session &of, const step_state &state) {
    return {of.partial, state.used_mean, state.used_inverse};
}

const derivative nothing = {NINP_ACTIVATION_NONE, NULL};

void forward_step(session &of, size_t i, int count) {
    const step_state &state = of.steps[i];
    const ninp_step &step = *state.step;
    const void *x = step_input(of, i);
    const size_t values = value_count(step.input, count);
    switch (step.work) {
    case NINP_WORK_CONV:
    case NINP_WORK_LINEAR:
        forward_product(of, i, count);
        if (step.pooled) {
            max_pool_forward(of.on, pool_of(step), count, of.unpooled, state.output, state.place);
        }
        break;
    case NINP_WORK_MAX_POOL:
        max_pool_forward(of.on, pool_of(step), count, x, state.output, state.place);
        break;
    case NINP_WORK_AVG_POOL: mean_pool_forward(of.on, pool_of(step), count, x, state.output); break;
    case NINP_WORK_BATCH_NORM:
        norm_forward(of.on, norm_shape_of(of, step, count), norm_of(of, step), x,
                     space_of(of, state), step.activation, state.output);
        break;
    case NINP_WORK_DROPOUT:
        if (of.task.training) {
            dropout(of.on, rule_of(of, step), step.input, count, x, nothing, state.output);
        } else {
            activate_values(of.on, NINP_ACTIVATION_NONE, values, x, state.output);
        }
        break;
    case NINP_WORK_FLATTEN: flatten_forward(of.on, step.input, count, x, state.output); break;
    case NINP_WORK_ACTIVATION:
        activate_values(of.on, step.activation, values, x, state.output);
        break;
    }
}

/* From dy to dx, which is NULL where nobody needs it. */
void backward_step(session &of, const step_state &state, int count, const void *x, const void *dy,
                   void *dx) {
    const ninp_step &step = *state.step;
    const derivative of_x = input_derivative(step, x);
    if (step.work == NINP_WORK_BATCH_NORM) {
        norm_backward(of.on, norm_shape_of(of, step, count), norm_of(of, step), x, dy,
                      space_of(of, state),
                      {step_gradient(of, step.scale), step_gradient(of, step.shift), of_x, dx});
        return;
    }
    if (!dx) {
        return;
    }
    switch (step.work) {
    case NINP_WORK_MAX_POOL:
        max_pool_backward(of.on, pool_of(step), count, {dy, state.place, nothing}, of_x, dx);
        break;
    case NINP_WORK_AVG_POOL: mean_pool_backward(of.on, pool_of(step), count, dy, of_x, dx); break;
    case NINP_WORK_DROPOUT:
        dropout(of.on, rule_of(of, step), step.input, count, dy, of_x, dx);
        break;
    case NINP_WORK_FLATTEN: flatten_backward(of.on, step.input, count, dy, of_x, dx); break;
    default: /* ACTIVATION: the step behind it has multiplied by its derivative */
        derive_values(of.on, of_x, value_count(step.input, count), dy, dx);
        break;
    }
}

/* A step with weights, in three parts that are timed one by one. */
void backward_weighted(session &of, size_t i, int count, const void *dy, void *dx) {
    const step_state &state = of.steps[i];
    const ninp_step &step = *state.step;
    const void *x = step_input(of, i);
    double pool_time = 0.0;
    if (step.pooled) {
        begin_time(of);
        max_pool_backward(of.on, pool_of(step), count,
                          {dy, state.place, {step.activation, state.output}}, nothing, of.unpooled);
        pool_time = end_time(of);
        dy = of.unpooled;
    }
    begin_time(of);
    weighted_weight_gradient(of, state, count, x, dy);
    const double weight_time = end_time(of);
    begin_time(of);
    if (dx) {
        weighted_input_gradient(of, state, count, x, dy, dx);
    }
    const double input_time = end_time(of);
    if (of.times) {
        of.times[i].backward = pool_time + weight_time + input_time;
        of.times[i].weight_gradient = weight_time;
    }
}

void backward_plain(session &of, size_t i, int count, const void *dy, void *dx) {
    begin_time(of);
    backward_step(of, of.steps[i], count, step_input(of, i), dy, dx);
    const double time = end_time(of);
    if (of.times) {
        of.times[i].backward = time;
    }
}

} // namespace

float *step_gradient(const session &of, int tensor_number) {
    return tensor_number < 0 ? NULL : of.gradients + of.task.offsets[tensor_number];
}

derivative input_derivative(const ninp_step &step, const void *x) {
    return step.input_activation == NINP_ACTIVATION_NONE ? nothing
                                                         : derivative{step.input_activation, x};
}

const void *step_input(const session &of, size_t i) {
    return i > 0 ? of.steps[i - 1].output : of.input;
}

void pack_all_weights(session &of) {
    for (size_t i = 0; i < of.task.plan->count; i++) {
        const step_state &state = of.steps[i];
        const ninp_step &step = *state.step;
        if (step.weight < 0) {
            continue;
        }
        const weight_source from = {tensor(of, step.weight),
                                    tensor(of, step.bias),
                                    tensor(of, step.scale),
                                    tensor(of, step.shift),
                                    tensor(of, step.mean),
                                    tensor(of, step.variance),
                                    step.epsilon};
        pack_weights(of.on, state.conv, from, state.weights);
    }
}

void run_forward(session &of, int count) {
    for (size_t i = 0; i < of.task.plan->count; i++) {
        begin_time(of);
        forward_step(of, i, count);
        const double time = end_time(of);
        if (of.times && !of.steps[i].starts_pair) { /* its time is the next step's */
            of.times[i].forward = time;
        }
    }
}

void run_loss_and_backward(session &of, int count) {
    const size_t steps = of.task.plan->count;
    const step_state &last = of.steps[steps - 1];
    const loss_targets targets = {count,     of.task.classes, of.labels,
                                  of.others, of.shares,       of.smoothing};
    /* A pooled convolution multiplies by the derivative itself. */
    cross_entropy(of.on, targets, last.output,
                  last.step->pooled ? NINP_ACTIVATION_NONE : last.step->activation,
                  of.flow[steps % 2], of.losses);
    for (size_t i = steps; i-- > 0;) {
        const bool needed = of.steps[i].step->input_gradient;
        (of.steps[i].step->weight < 0 ? backward_plain : backward_weighted)(
            of, i, count, of.flow[(i + 1) % 2], needed ? of.flow[i % 2] : NULL);
        if (!needed) {
            break; /* nothing in front of it changes */
        }
    }
}

} // namespace ninp_cuda

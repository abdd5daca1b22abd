#include "engine/plan.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The layers that compute something, containers left out, and how far they are planned. */
typedef struct plan_maker {
    const nin_net *net;
    size_t *leaves; /* numbers in the net's list */
    size_t count, next;
    ninp_plan *plan;
} plan_maker;

static const ninp_net_layer *peek(const plan_maker *planner) {
    return planner->next < planner->count ? &planner->net->layers[planner->leaves[planner->next]]
                                          : NULL;
}

static bool next_is(const plan_maker *planner, const ninp_layer_type *type) {
    const ninp_net_layer *layer = peek(planner);
    return layer && layer->type == type;
}

/* Takes the next layer into a step. */
static const ninp_net_layer *take(plan_maker *planner, ninp_step *step) {
    const ninp_net_layer *layer = peek(planner);
    step->last_layer = planner->leaves[planner->next++];
    step->output = layer->output;
    return layer;
}

static void take_activation(plan_maker *planner, ninp_step *step) {
    if (next_is(planner, &ninp_layer_relu)) {
        step->activation = NINP_ACTIVATION_RELU;
    } else if (next_is(planner, &ninp_layer_sigmoid)) {
        step->activation = NINP_ACTIVATION_SIGMOID;
    } else {
        return;
    }
    take(planner, step);
}

static void take_batch_norm(plan_maker *planner, ninp_step *step) {
    const ninp_net_layer *layer = take(planner, step);
    step->scale = layer->first_tensor;
    step->shift = layer->first_tensor + 1;
    step->mean = layer->first_running;
    step->variance = layer->first_running + 1;
    step->epsilon = layer->options.batch_norm.epsilon;
    step->momentum = layer->options.batch_norm.momentum;
}

/* A byte tells which value of a window was the largest. */
static bool pool_fits_byte(const ninp_net_layer *layer) {
    return layer->options.pool.kernel * layer->options.pool.kernel <= 255;
}

static void plan_conv(plan_maker *planner, ninp_step *step, const ninp_net_layer *layer) {
    step->work = NINP_WORK_CONV;
    step->conv = layer->options.conv;
    step->weight = layer->first_tensor;
    step->bias = layer->first_tensor + 1;
    bool normed = next_is(planner, &ninp_layer_batch_norm);
    if (normed && planner->plan->training) {
        step->unpooled = step->output;
        return;
    }
    if (normed) {
        take_batch_norm(planner, step);
    }
    take_activation(planner, step);
    step->unpooled = step->output;
    if (next_is(planner, &ninp_layer_max_pool) && pool_fits_byte(peek(planner))) {
        step->pooled = true;
        step->pool = take(planner, step)->options.pool;
    }
}

static void plan_average(ninp_step *step, const ninp_net_layer *layer) {
    step->work = NINP_WORK_AVG_POOL;
    step->adaptive = layer->type != &ninp_layer_avg_pool;
    if (!step->adaptive) {
        step->pool = layer->options.pool;
    }
}

/* Plans one step from the next layer and those that it can take with it. */
static void plan_step(plan_maker *planner, ninp_step *step) {
    const ninp_net_layer *first = peek(planner);
    *step = (ninp_step){.first_layer = planner->leaves[planner->next],
                        .input = first->input,
                        .weight = -1,
                        .bias = -1,
                        .scale = -1,
                        .shift = -1,
                        .mean = -1,
                        .variance = -1};
    const ninp_layer_type *type = first->type;
    if (type == &ninp_layer_relu || type == &ninp_layer_sigmoid) {
        step->work = NINP_WORK_ACTIVATION;
        take_activation(planner, step);
        return;
    }
    if (type == &ninp_layer_batch_norm) {
        step->work = NINP_WORK_BATCH_NORM;
        take_batch_norm(planner, step);
        take_activation(planner, step);
        return;
    }
    take(planner, step);
    if (type == &ninp_layer_conv2d) {
        plan_conv(planner, step, first);
    } else if (type == &ninp_layer_linear) {
        step->work = NINP_WORK_LINEAR;
        step->weight = first->first_tensor;
        step->bias = first->first_tensor + 1;
        take_activation(planner, step);
    } else if (type == &ninp_layer_max_pool) {
        step->work = NINP_WORK_MAX_POOL;
        step->pool = first->options.pool;
    } else if (type == &ninp_layer_dropout) {
        step->work = NINP_WORK_DROPOUT;
        step->dropout = first->options.dropout.probability;
        step->number = (int)step->first_layer;
    } else if (type == &ninp_layer_flatten) {
        step->work = NINP_WORK_FLATTEN;
    } else {
        plan_average(step, first);
    }
}

/* Layers that change nothing here: dropout in evaluation, flatten of a 1 x 1 picture. The step
 * before, if there is one, answers for them. */
static bool skip_layer(plan_maker *planner) {
    const ninp_net_layer *layer = peek(planner);
    ninp_plan *plan = planner->plan;
    bool idle_dropout = layer->type == &ninp_layer_dropout &&
                        (!plan->training || layer->options.dropout.probability == 0.0);
    bool idle_flatten =
        layer->type == &ninp_layer_flatten && layer->input.height == 1 && layer->input.width == 1;
    if ((!idle_dropout && !idle_flatten) || plan->count == 0) {
        return false;
    }
    take(planner, &plan->steps[plan->count - 1]);
    return true;
}

/* Whether a tensor is there, and changes. */
static bool changes(int tensor, const bool *frozen) {
    return tensor >= 0 && !(frozen && frozen[tensor]);
}

/* What backward needs to know of a step's neighbours. */
static void connect_steps(ninp_plan *plan, const bool *frozen) {
    bool trained_before = false;
    for (size_t i = 0; i < plan->count; i++) {
        ninp_step *step = &plan->steps[i];
        const ninp_step *before = i ? &plan->steps[i - 1] : NULL;
        step->input_activation =
            before && !before->pooled ? before->activation : NINP_ACTIVATION_NONE;
        step->input_gradient = trained_before;
        const bool norm_changes = changes(step->scale, frozen) || changes(step->shift, frozen);
        step->fixed = step->work == NINP_WORK_BATCH_NORM && !norm_changes;
        trained_before = trained_before || changes(step->weight, frozen) ||
                         changes(step->bias, frozen) || norm_changes;
    }
}

nin_status ninp_plan_create(const nin_net *net, bool training, const bool *frozen, ninp_plan *out,
                            nin_error *err) {
    *out = (ninp_plan){.net = net, .training = training};
    plan_maker planner = {.net = net, .plan = out};
    planner.leaves = ninp_calloc(net->layer_count, sizeof *planner.leaves);
    out->steps = ninp_calloc(net->layer_count, sizeof *out->steps);
    if (!planner.leaves || !out->steps) {
        free(planner.leaves);
        ninp_plan_free(out);
        return ninp_fail_memory(err, net->layer_count * sizeof *out->steps, "a plan");
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        if (!ninp_layer_is_container(&net->layers[i])) {
            planner.leaves[planner.count++] = i;
        }
    }
    while (peek(&planner)) {
        if (!skip_layer(&planner)) {
            plan_step(&planner, &out->steps[out->count++]);
        }
    }
    free(planner.leaves);
    connect_steps(out, frozen);
    return NIN_OK;
}

void ninp_plan_free(ninp_plan *plan) {
    free(plan->steps);
    *plan = (ninp_plan){0};
}

const char *ninp_step_work_text(const ninp_step *step, char *buffer, size_t size) {
    static const char *const works[] = {
        [NINP_WORK_CONV] = "conv2d",           [NINP_WORK_LINEAR] = "linear",
        [NINP_WORK_MAX_POOL] = "max_pool",     [NINP_WORK_AVG_POOL] = "avg_pool",
        [NINP_WORK_BATCH_NORM] = "batch_norm", [NINP_WORK_DROPOUT] = "dropout",
        [NINP_WORK_FLATTEN] = "flatten",       [NINP_WORK_ACTIVATION] = "",
    };
    static const char *const activations[] = {[NINP_ACTIVATION_NONE] = "",
                                              [NINP_ACTIVATION_RELU] = "relu",
                                              [NINP_ACTIVATION_SIGMOID] = "sigmoid"};
    bool plus = step->activation != NINP_ACTIVATION_NONE && step->work != NINP_WORK_ACTIVATION;
    snprintf(buffer, size, "%s%s%s%s%s", works[step->work],
             step->work == NINP_WORK_CONV && step->scale >= 0 ? "+batch_norm" : "", plus ? "+" : "",
             activations[step->activation], step->pooled ? "+max_pool" : "");
    return buffer;
}

const char *ninp_step_layers_text(const ninp_plan *plan, const ninp_step *step, char *buffer,
                                  size_t size) {
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = step->first_layer; i <= step->last_layer; i++) {
        const ninp_net_layer *layer = &plan->net->layers[i];
        if (!ninp_layer_is_container(layer) && used < size) {
            used +=
                (size_t)snprintf(buffer + used, size - used, "%s%s", used ? " " : "", layer->name);
        }
    }
    return buffer;
}

uint64_t ninp_step_macs(const ninp_plan *plan, const ninp_step *step) {
    uint64_t macs = 0;
    for (size_t i = step->first_layer; i <= step->last_layer; i++) {
        macs += ninp_layer_is_container(&plan->net->layers[i]) ? 0 : plan->net->layers[i].macs;
    }
    return macs;
}

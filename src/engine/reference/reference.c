#include "engine/reference/reference.h"

#include "base/error.h"
#include "base/memory.h"
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

struct ninp_reference {
    nin_net *net;
    int batch;
    uint64_t seed;
    size_t *leaves;
    size_t leaf_count;
    double *values, *gradients; /* of all tensors */
    double *images;             /* batch x input */
    double **outputs;           /* a leaf */
    double *flow[2];            /* gradients between layers */
    double *logit_gradient;
    float *logits, *float_gradient; /* of the engine's calls */
    int count;                      /* of the last forward pass */
    uint64_t step;
    bool training; /* of the last forward pass */
    bool *frozen;  /* one a trainable tensor; NULL: none */
    bool pulled;   /* values are those of the net */
};

void ninp_reference_free(ninp_reference *reference) {
    if (!reference) {
        return;
    }
    for (size_t i = 0; reference->outputs && i < reference->leaf_count; i++) {
        free(reference->outputs[i]);
    }
    free(reference->leaves);
    free(reference->frozen);
    free(reference->values);
    free(reference->gradients);
    free(reference->images);
    free(reference->outputs);
    free(reference->flow[0]);
    free(reference->flow[1]);
    free(reference->logit_gradient);
    free(reference->logits);
    free(reference->float_gradient);
    free(reference);
}

static bool allocate(ninp_reference *reference) {
    const nin_net *net = reference->net;
    size_t batch = (size_t)reference->batch;
    size_t logits = batch * (size_t)net->classes;
    size_t largest = ninp_shape_count(net->input);
    reference->leaves = ninp_calloc(net->layer_count, sizeof *reference->leaves);
    reference->outputs = ninp_calloc(net->layer_count, sizeof *reference->outputs);
    reference->values = ninp_calloc(net->value_count, sizeof(double));
    reference->gradients = ninp_calloc(net->value_count, sizeof(double));
    reference->logit_gradient = ninp_calloc(logits, sizeof(double));
    reference->logits = ninp_calloc(logits, sizeof(float));
    reference->float_gradient = ninp_calloc(logits, sizeof(float));
    if (!reference->leaves || !reference->outputs || !reference->values || !reference->gradients ||
        !reference->logit_gradient || !reference->logits || !reference->float_gradient) {
        return false;
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        if (ninp_layer_is_container(&net->layers[i])) {
            continue;
        }
        size_t count = ninp_shape_count(net->layers[i].output);
        largest = count > largest ? count : largest;
        reference->leaves[reference->leaf_count] = i;
        size_t total;
        if (!ninp_mul(batch, count, &total)) {
            return false;
        }
        double *output = ninp_calloc(total, sizeof(double));
        reference->outputs[reference->leaf_count++] = output;
        if (!output) {
            return false;
        }
    }
    size_t total;
    if (!ninp_mul(batch, largest, &total)) {
        return false;
    }
    reference->images = ninp_calloc(batch * ninp_shape_count(net->input), sizeof(double));
    reference->flow[0] = ninp_calloc(total, sizeof(double));
    reference->flow[1] = ninp_calloc(total, sizeof(double));
    return reference->images && reference->flow[0] && reference->flow[1];
}

nin_status ninp_reference_create(nin_net *net, int batch, uint64_t seed, ninp_reference **out,
                                 nin_error *err) {
    *out = NULL;
    ninp_reference *reference = ninp_calloc(1, sizeof *reference);
    if (!reference) {
        return ninp_fail_memory(err, sizeof *reference, "the reference engine");
    }
    *reference = (ninp_reference){.net = net, .batch = batch, .seed = seed};
    if (!allocate(reference)) {
        ninp_reference_free(reference);
        return ninp_fail(err, NIN_ERROR_MEMORY,
                         "out of memory for the reference engine at batch %d", batch);
    }
    *out = reference;
    return NIN_OK;
}

double *ninp_reference_values(ninp_reference *reference) {
    return reference->values;
}

void ninp_reference_pull(ninp_reference *reference) {
    for (size_t i = 0; i < reference->net->value_count; i++) {
        reference->values[i] = (double)reference->net->values[i];
    }
    reference->pulled = true;
}

void ninp_reference_push_running(ninp_reference *reference) {
    nin_net *net = reference->net;
    for (size_t i = net->parameter_count; i < net->value_count; i++) {
        net->values[i] = (float)reference->values[i];
    }
}

static bool is_fixed_norm(const ninp_reference *reference, const ninp_net_layer *layer) {
    const bool *frozen = reference->frozen;
    return layer->type == &ninp_layer_batch_norm && frozen && frozen[layer->first_tensor] &&
           frozen[layer->first_tensor + 1];
}

static ninp_layer_run layer_run(ninp_reference *reference, size_t leaf) {
    const ninp_net_layer *layer = &reference->net->layers[reference->leaves[leaf]];
    ninp_layer_run run = {.options = &layer->options,
                          .count = reference->count,
                          .input = layer->input,
                          .output = layer->output,
                          .training = reference->training && !is_fixed_norm(reference, layer),
                          .x = leaf ? reference->outputs[leaf - 1] : reference->images,
                          .y = reference->outputs[leaf],
                          .seed = reference->seed,
                          .step = reference->step,
                          .number = (int)reference->leaves[leaf]};
    for (int i = 0; i < layer->tensor_count + layer->running_count; i++) {
        int tensor = i < layer->tensor_count ? layer->first_tensor + i
                                             : layer->first_running + i - layer->tensor_count;
        size_t offset = reference->net->tensors[tensor].offset;
        run.tensors[i] = reference->values + offset;
        run.gradients[i] = reference->gradients + offset;
    }
    return run;
}

const double *ninp_reference_forward(ninp_reference *reference, const double *images, int count,
                                     bool training, uint64_t step) {
    reference->count = count;
    reference->training = training;
    reference->step = step;
    if (images != reference->images) {
        memcpy(reference->images, images,
               (size_t)count * ninp_shape_count(reference->net->input) * sizeof *images);
    }
    for (size_t leaf = 0; leaf < reference->leaf_count; leaf++) {
        ninp_layer_run run = layer_run(reference, leaf);
        reference->net->layers[reference->leaves[leaf]].type->forward(&run);
    }
    return reference->outputs[reference->leaf_count - 1];
}

const double *ninp_reference_backward(ninp_reference *reference, const double *logit_gradient) {
    const nin_net *net = reference->net;
    const double *dy = logit_gradient;
    for (size_t leaf = reference->leaf_count; leaf-- > 0;) {
        ninp_layer_run run = layer_run(reference, leaf);
        run.dy = dy;
        run.dx = reference->flow[leaf % 2];
        net->layers[reference->leaves[leaf]].type->backward(&run);
        dy = run.dx;
    }
    return reference->gradients;
}

/* ---- as an engine ---- */

static nin_status engine_open(nin_net *net, const nin_session_options *options, void **state,
                              nin_error *err) {
    ninp_reference *reference;
    nin_status status = ninp_reference_create(net, options->batch, options->seed, &reference, err);
    if (status == NIN_OK && options->frozen) {
        const size_t count = net->trainable_count;
        reference->frozen = ninp_calloc(count, sizeof *reference->frozen);
        if (!reference->frozen) {
            ninp_reference_free(reference);
            reference = NULL;
            status = ninp_fail_memory(err, count, "the reference engine");
        } else {
            memcpy(reference->frozen, options->frozen, count * sizeof *reference->frozen);
        }
    }
    *state = reference;
    return status;
}

static void engine_close(void *state) {
    ninp_reference_free(state);
}

static void engine_weights_changed(void *state) {
    ((ninp_reference *)state)->pulled = false;
}

static const double *forward_floats(ninp_reference *reference, const float *images, int count,
                                    bool training, uint64_t step) {
    if (training || !reference->pulled) {
        ninp_reference_pull(reference);
    }
    size_t values = (size_t)count * ninp_shape_count(reference->net->input);
    for (size_t i = 0; i < values; i++) {
        reference->images[i] = (double)images[i];
    }
    return ninp_reference_forward(reference, reference->images, count, training, step);
}

static nin_status engine_logits(void *state, const float *images, int count, float *logits,
                                nin_error *err) {
    (void)err;
    ninp_reference *reference = state;
    const double *exact = forward_floats(reference, images, count, false, 0);
    for (int i = 0; i < count * reference->net->classes; i++) {
        logits[i] = (float)exact[i];
    }
    return NIN_OK;
}

static nin_status engine_gradients(void *state, const nin_examples *examples, float *gradients,
                                   nin_loss *loss, nin_error *err) {
    (void)err;
    ninp_reference *reference = state;
    const int classes = reference->net->classes;
    const int logits = examples->count * classes;
    const double *exact =
        forward_floats(reference, examples->images, examples->count, true, examples->step);
    for (int i = 0; i < logits; i++) {
        reference->logits[i] = (float)exact[i];
    }
    *loss = nin_cross_entropy(examples, reference->logits, classes, reference->float_gradient);
    for (int i = 0; i < logits; i++) {
        reference->logit_gradient[i] = (double)reference->float_gradient[i];
    }
    const double *exact_gradients = ninp_reference_backward(reference, reference->logit_gradient);
    for (size_t i = 0; i < reference->net->parameter_count; i++) {
        gradients[i] = (float)exact_gradients[i];
    }
    ninp_reference_push_running(reference);
    return NIN_OK;
}

static nin_status engine_result(const void *state, size_t step, int example, float *values,
                                nin_error *err) {
    (void)err;
    const ninp_reference *reference = state;
    size_t count = ninp_shape_count(reference->net->layers[reference->leaves[step]].output);
    const double *result = reference->outputs[step] + (size_t)example * count;
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)result[i];
    }
    return NIN_OK;
}

static nin_status engine_mark_active(const void *state, size_t step, int pictures, bool *active,
                                     nin_error *err) {
    (void)err;
    const ninp_reference *reference = state;
    nin_shape shape = reference->net->layers[reference->leaves[step]].output;
    size_t pixels = (size_t)shape.height * (size_t)shape.width;
    size_t planes = (size_t)pictures * (size_t)shape.channels;
    for (size_t plane = 0; plane < planes; plane++) {
        const double *values = reference->outputs[step] + plane * pixels;
        bool *mark = &active[plane % (size_t)shape.channels];
        for (size_t i = 0; i < pixels && !*mark; i++) {
            *mark = values[i] != 0;
        }
    }
    return NIN_OK;
}

static size_t engine_step_count(const void *state) {
    return ((const ninp_reference *)state)->leaf_count;
}

static nin_plan_step engine_step(const void *state, size_t index) {
    const ninp_reference *reference = state;
    const ninp_net_layer *layer = &reference->net->layers[reference->leaves[index]];
    size_t bytes = (size_t)reference->batch * ninp_shape_count(layer->output) * sizeof(double);
    return (nin_plan_step){.layers = layer->name,
                           .work = layer->type->word,
                           .algorithm = "reference",
                           .input = layer->input,
                           .output = layer->output,
                           .macs = layer->macs,
                           .weight_bytes = layer->parameters * sizeof(double),
                           .activation_bytes = bytes};
}

static nin_session_info engine_info(const void *state) {
    const ninp_reference *reference = state;
    size_t bytes = 2 * reference->net->value_count * sizeof(double);
    for (size_t i = 0; i < reference->leaf_count; i++) {
        bytes += engine_step(state, i).activation_bytes;
    }
    return (nin_session_info){.device = "reference",
                              .isa = "generic",
                              .hardware = "",
                              .math = "float32",
                              .deterministic = true,
                              .threads = 1,
                              .batch = reference->batch,
                              .bytes = bytes,
                              .algorithms = ""};
}

const ninp_engine ninp_engine_reference = {.name = "reference",
                                           .open = engine_open,
                                           .close = engine_close,
                                           .weights_changed = engine_weights_changed,
                                           .logits = engine_logits,
                                           .gradients = engine_gradients,
                                           .result = engine_result,
                                           .mark_active = engine_mark_active,
                                           .step_count = engine_step_count,
                                           .step = engine_step,
                                           .info = engine_info};

/* The core's half of the CUDA engine: it makes the plan, which the plug-in runs. */
#include "engine/engine.h"
#include "base/error.h"
#include "base/memory.h"
#include "cuda/choices.h"
#include "cuda/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const math_words[] = {
    [NINP_CUDA_FLOAT32] = "float32", [NINP_CUDA_TF32] = "tf32", [NINP_CUDA_BF16] = "bf16"};
enum { MATH_WORDS = sizeof math_words / sizeof *math_words };

/* Texts of a step, for people. */
typedef struct step_text {
    char layers[160], work[64];
} step_text;

typedef struct cuda_session {
    const ninp_cuda_plugin *plugin;
    void *state; /* the plug-in's */
    ninp_plan plan;
    step_text *texts;         /* one a step of the plan */
    size_t *offsets, *counts; /* one a tensor of the net */
    char name[32];            /* "cuda:0" */
    char isa[32];             /* "sm_90" */
    ninp_cuda_device device;
    ninp_cuda_math math;
    bool own_only, deterministic;
    int threads, batch;
} cuda_session;

/* Of what the plug-in answers: messages name the device. */
static nin_status told(const cuda_session *session, nin_status status, nin_error *err) {
    return status == NIN_OK ? NIN_OK : ninp_prefix(err, status, "device %s: ", session->name);
}

static void engine_close(void *state) {
    cuda_session *session = state;
    if (session->state) {
        session->plugin->close(session->state);
    }
    ninp_plan_free(&session->plan);
    free(session->texts);
    free(session->offsets);
    free(session->counts);
    free(session);
}

static nin_status read_math(const char *text, ninp_cuda_math *math, nin_error *err) {
    for (int i = 0; i < MATH_WORDS; i++) {
        if (strcmp(text, math_words[i]) == 0) {
            *math = (ninp_cuda_math)i;
            return NIN_OK;
        }
    }
    return ninp_fail(err, NIN_ERROR_ARGUMENT, "math %s: not one of float32, tf32, bf16", text);
}

/* What only other devices have. */
static nin_status check_options(const nin_session_options *options, nin_error *err) {
    if (strcmp(options->isa, "auto") != 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "instruction set %s: those are for device cpu, and this is %s",
                         options->isa, options->device);
    }
    const char *algorithms = options->algorithms;
    if (algorithms && algorithms[0] && strcmp(algorithms, "own") != 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "algorithms %s: device %s takes `own` only, which does without cuBLASLt "
                         "and cuDNN",
                         algorithms, options->device);
    }
    return NIN_OK;
}

static nin_status open_device(cuda_session *session, const nin_session_options *options,
                              int *number, nin_error *err) {
    nin_status status = ninp_cuda_load(options->plugins, &session->plugin, err);
    if (status == NIN_OK) {
        status = ninp_cuda_find(session->plugin, options->device, number, &session->device, err);
    }
    if (status == NIN_OK) {
        snprintf(session->name, sizeof session->name, "cuda:%d", *number);
        snprintf(session->isa, sizeof session->isa, "sm_%d%d", session->device.major,
                 session->device.minor);
    }
    return status;
}

static nin_status make_plan(cuda_session *session, const nin_net *net,
                            const nin_session_options *options, nin_error *err) {
    nin_status status =
        ninp_plan_create(net, options->training, options->frozen, &session->plan, err);
    if (status != NIN_OK) {
        return status;
    }
    session->texts = ninp_calloc(session->plan.count, sizeof *session->texts);
    session->offsets = ninp_calloc(net->tensor_count, sizeof *session->offsets);
    session->counts = ninp_calloc(net->tensor_count, sizeof *session->counts);
    if (!session->texts || !session->offsets || !session->counts) {
        return ninp_fail_memory(err, session->plan.count * sizeof *session->texts, "a session");
    }
    for (size_t i = 0; i < session->plan.count; i++) {
        step_text *text = &session->texts[i];
        const ninp_step *step = &session->plan.steps[i];
        ninp_step_layers_text(&session->plan, step, text->layers, sizeof text->layers);
        ninp_step_work_text(step, text->work, sizeof text->work);
    }
    for (size_t i = 0; i < net->tensor_count; i++) {
        session->offsets[i] = net->tensors[i].offset;
        session->counts[i] = net->tensors[i].count;
    }
    return NIN_OK;
}

/* Opens the plug-in's session with the algorithms that earlier ones found to be the fastest, and
 * keeps what this one finds. With --deterministic speed decides nothing. */
static nin_status open_state(cuda_session *session, const char *cache, const ninp_cuda_task *task,
                             nin_error *err) {
    if (!cache || session->deterministic || session->own_only) {
        return session->plugin->open(task, &session->state, err);
    }
    enum { PRODUCTS = 3 }; /* of a step, at most */
    ninp_cuda_libraries libraries = {0};
    int count;
    (void)session->plugin->devices(NULL, 0, &count, &libraries, NULL);
    const ninp_choices_key key = {cache, &session->device, &libraries};
    ninp_cuda_choices choices;
    ninp_cuda_task with_choices = *task;
    if (ninp_choices_read(&key, PRODUCTS * session->plan.count, &choices)) {
        with_choices.choices = &choices;
    }
    nin_status status = session->plugin->open(&with_choices, &session->state, err);
    if (status == NIN_OK && choices.changed) {
        ninp_choices_write(&key, &choices);
    }
    ninp_choices_free(&choices);
    return status;
}

static nin_status fill_session(cuda_session *session, nin_net *net,
                               const nin_session_options *options, nin_error *err) {
    int number = 0;
    nin_status status = check_options(options, err);
    if (status == NIN_OK) {
        status = read_math(options->math, &session->math, err);
    }
    if (status == NIN_OK) {
        status = open_device(session, options, &number, err);
    }
    if (status == NIN_OK) {
        status = make_plan(session, net, options, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    session->own_only = options->algorithms && options->algorithms[0];
    session->deterministic = options->deterministic;
    session->threads = options->threads;
    session->batch = options->batch;
    const ninp_cuda_task task = {.plan = &session->plan,
                                 .values = net->values,
                                 .offsets = session->offsets,
                                 .counts = session->counts,
                                 .tensor_count = net->tensor_count,
                                 .value_count = net->value_count,
                                 .parameter_count = net->parameter_count,
                                 .input = net->input,
                                 .classes = net->classes,
                                 .batch = options->batch,
                                 .training = options->training,
                                 .keep_results = options->training || options->keep_results,
                                 .seed = options->seed,
                                 .device = number,
                                 .math = session->math,
                                 .deterministic = session->deterministic,
                                 .own_only = session->own_only};
    return told(session, open_state(session, options->cache, &task, err), err);
}

static nin_status engine_open(nin_net *net, const nin_session_options *options, void **state,
                              nin_error *err) {
    *state = NULL;
    cuda_session *session = ninp_calloc(1, sizeof *session);
    if (!session) {
        return ninp_fail_memory(err, sizeof *session, "a session");
    }
    nin_status status = fill_session(session, net, options, err);
    if (status != NIN_OK) {
        engine_close(session);
        return status;
    }
    *state = session;
    return NIN_OK;
}

static void engine_weights_changed(void *state) {
    cuda_session *session = state;
    session->plugin->weights_changed(session->state);
}

static nin_status engine_logits(void *state, const float *images, int count, float *logits,
                                nin_error *err) {
    cuda_session *session = state;
    return told(session, session->plugin->logits(session->state, images, count, logits, err), err);
}

static nin_status engine_gradients(void *state, const nin_examples *examples, float *gradients,
                                   nin_loss *loss, nin_error *err) {
    cuda_session *session = state;
    return told(session, session->plugin->gradients(session->state, examples, gradients, loss, err),
                err);
}

static nin_status engine_result(const void *state, size_t step, int example, float *values,
                                nin_error *err) {
    const cuda_session *session = state;
    return told(session, session->plugin->result(session->state, step, example, values, err), err);
}

/* All threads of the processor wait for the device meanwhile: nin_step_time counts each. */
static nin_status engine_profile(void *state, const nin_examples *examples, nin_step_time *times,
                                 nin_error *err) {
    cuda_session *session = state;
    nin_status status = session->plugin->profile(session->state, examples, times, err);
    for (size_t i = 0; i < session->plan.count && status == NIN_OK; i++) {
        times[i].forward *= session->threads;
        times[i].backward *= session->threads;
        times[i].weight_gradient *= session->threads;
    }
    return told(session, status, err);
}

static nin_status engine_mark_active(const void *state, size_t step, int pictures, bool *active,
                                     nin_error *err) {
    const cuda_session *session = state;
    return told(session, session->plugin->mark_active(session->state, step, pictures, active, err),
                err);
}

static const ninp_resident_functions *engine_resident(void *state, void **device_state) {
    cuda_session *session = state;
    *device_state = session->state;
    return session->plugin->resident;
}

static size_t engine_step_count(const void *state) {
    return ((const cuda_session *)state)->plan.count;
}

static nin_plan_step engine_step(const void *state, size_t index) {
    const cuda_session *session = state;
    const ninp_step *step = &session->plan.steps[index];
    const ninp_cuda_step settled = session->plugin->step(session->state, index);
    return (nin_plan_step){.layers = session->texts[index].layers,
                           .work = session->texts[index].work,
                           .algorithm = settled.algorithm,
                           .input = step->input,
                           .output = step->output,
                           .macs = ninp_step_macs(&session->plan, step),
                           .weight_bytes = settled.weight_bytes,
                           .activation_bytes = settled.activation_bytes,
                           .workspace_bytes = settled.workspace_bytes};
}

static nin_session_info engine_info(const void *state) {
    const cuda_session *session = state;
    return (nin_session_info){.device = session->name,
                              .isa = session->isa,
                              .hardware = session->device.name,
                              .math = math_words[session->math],
                              .deterministic = session->deterministic,
                              .threads = session->threads,
                              .batch = session->batch,
                              .bytes = session->plugin->bytes(session->state),
                              .algorithms = session->own_only ? "own" : ""};
}

const ninp_engine ninp_engine_cuda = {.name = "cuda",
                                      .open = engine_open,
                                      .close = engine_close,
                                      .weights_changed = engine_weights_changed,
                                      .logits = engine_logits,
                                      .gradients = engine_gradients,
                                      .result = engine_result,
                                      .profile = engine_profile,
                                      .mark_active = engine_mark_active,
                                      .resident = engine_resident,
                                      .step_count = engine_step_count,
                                      .step = engine_step,
                                      .info = engine_info};

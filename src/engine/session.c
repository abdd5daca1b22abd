#include "engine/session.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/engine.h"

#include <assert.h>

#include <stdlib.h>
#include <string.h>

struct nin_session {
    const ninp_engine *engine;
    void *state;
    const nin_net *net;
    int batch;
    int classes;
    bool training;
    bool keeps_results;
    int count; /* pictures of the last call that computed something; 0: none yet */
};

static const ninp_engine *const engines[] = {&ninp_engine_cpu, &ninp_engine_cuda,
                                             &ninp_engine_reference};
enum { ENGINES = sizeof engines / sizeof *engines };

#define FLOAT32 "float32"
#define FAST "fast"

nin_session_options nin_session_options_defaults(void) {
    return (nin_session_options){.device = "auto", .isa = "auto", .batch = 1};
}

static bool asked_for(const char *text) {
    return text && text[0] && strcmp(text, "auto") != 0;
}

/* Instruction sets and algorithms are the processor's: who names them wants no other device. */
static nin_status settle_auto(nin_session_options *options, nin_error *err) {
    nin_error reason = {0};
    bool cpu = asked_for(options->isa) || asked_for(options->algorithms);
    if (!cpu && ninp_cuda_available(options->plugins, &reason) == NIN_OK) {
        options->device = ninp_engine_cuda.name;
        return NIN_OK;
    }
    if (!cpu && strcmp(options->math, FLOAT32) != 0 && strcmp(options->math, FAST) != 0) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "math %s needs a CUDA device: %s",
                         options->math, reason.message);
    }
    options->device = ninp_engine_cpu.name;
    return NIN_OK;
}

/* The part in front of a colon names the engine. */
static const ninp_engine *find_engine(const char *device, nin_error *err) {
    const char *names[ENGINES];
    for (size_t i = 0; i < ENGINES; i++) {
        size_t length = strlen(engines[i]->name);
        if (strncmp(engines[i]->name, device, length) == 0) {
            bool numbered = engines[i] == &ninp_engine_cuda && device[length] == ':';
            if (device[length] == '\0' || numbered) {
                return engines[i];
            }
        }
        names[i] = engines[i]->name;
    }
    const char *nearest = ninp_nearest(device, names, ENGINES);
    ninp_fail(err, NIN_ERROR_ARGUMENT, "device %s: not one of auto, cpu, cuda, reference%s%s%s",
              device, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return NULL;
}

bool nin_device_fits(const char *asked, const char *device) {
    const char *cuda = ninp_engine_cuda.name;
    return !asked || strcmp(asked, "auto") == 0 || strcmp(asked, device) == 0 ||
           (strcmp(asked, cuda) == 0 && strncmp(device, cuda, strlen(cuda)) == 0);
}

/* Settles what may be left open. */
static nin_status settle_options(nin_session_options *options, const ninp_engine **engine,
                                 nin_error *err) {
    if (options->batch < 1 || options->threads < 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "batch %d, threads %d: too small", options->batch,
                         options->threads);
    }
    options->threads = options->threads ? options->threads : nin_processor_count();
    options->isa = options->isa ? options->isa : "auto";
    options->math = options->math ? options->math : FLOAT32;
    if (!asked_for(options->device)) {
        nin_status status = settle_auto(options, err);
        if (status != NIN_OK) {
            return status;
        }
    }
    *engine = find_engine(options->device, err);
    if (!*engine) {
        return err->status;
    }
    if (strcmp(options->math, FAST) == 0) {
        options->math = *engine == &ninp_engine_cuda ? "bf16" : FLOAT32;
    }
    if (*engine != &ninp_engine_cuda && strcmp(options->math, FLOAT32) != 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "math %s: device %s computes in float32; CUDA devices have tf32 and bf16",
                         options->math, options->device);
    }
    return NIN_OK;
}

nin_status nin_session_create(nin_net *net, const nin_session_options *options, nin_session **out,
                              nin_error *err) {
    *out = NULL;
    nin_error unseen = {0};
    err = err ? err : &unseen;
    nin_session_options settled = options ? *options : nin_session_options_defaults();
    const ninp_engine *engine = NULL;
    nin_status status = settle_options(&settled, &engine, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_session *session = ninp_calloc(1, sizeof *session);
    if (!session) {
        return ninp_fail_memory(err, sizeof *session, "a session");
    }
    *session = (nin_session){.engine = engine,
                             .net = net,
                             .batch = settled.batch,
                             .classes = net->classes,
                             .training = settled.training,
                             .keeps_results = settled.training || settled.keep_results};
    status = engine->open(net, &settled, &session->state, err);
    if (status != NIN_OK) {
        free(session);
        return status;
    }
    *out = session;
    return NIN_OK;
}

void nin_session_free(nin_session *session) {
    if (session) {
        session->engine->close(session->state);
        free(session);
    }
}

const nin_net *nin_session_net(const nin_session *session) {
    return session->net;
}

void nin_session_weights_changed(nin_session *session) {
    session->engine->weights_changed(session->state);
}

static nin_status check_count(const nin_session *session, int count, nin_error *err) {
    if (count < 1 || count > session->batch) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "%d examples: the session takes 1 to %d", count,
                         session->batch);
    }
    return NIN_OK;
}

nin_status nin_session_logits(nin_session *session, const float *images, int count, float *logits,
                              nin_error *err) {
    nin_status status = check_count(session, count, err);
    if (status != NIN_OK) {
        return status;
    }
    if (session->training) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "this session was created for training");
    }
    status = session->engine->logits(session->state, images, count, logits, err);
    session->count = status == NIN_OK ? count : 0;
    return status;
}

static nin_status check_labels(const nin_session *session, const int32_t *labels, int count,
                               nin_error *err) {
    for (int i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= session->classes) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "example %d: label %d, but the net has %d classes", i, labels[i],
                             session->classes);
        }
    }
    return NIN_OK;
}

static nin_status check_examples(const nin_session *session, const nin_examples *examples,
                                 nin_error *err) {
    nin_status status = check_count(session, examples->count, err);
    if (status == NIN_OK && session->training) {
        status = check_labels(session, examples->labels, examples->count, err);
    }
    if (status == NIN_OK && session->training && examples->other_labels) {
        status = check_labels(session, examples->other_labels, examples->count, err);
    }
    return status;
}

nin_status nin_session_gradients(nin_session *session, const nin_examples *examples,
                                 float *gradients, nin_loss *loss, nin_error *err) {
    if (!session->training) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "this session was not created for training");
    }
    nin_status status = check_examples(session, examples, err);
    if (status != NIN_OK) {
        return status;
    }
    status = session->engine->gradients(session->state, examples, gradients, loss, err);
    session->count = status == NIN_OK ? examples->count : 0;
    return status;
}

nin_status nin_session_result(const nin_session *session, size_t step, int example, float *values,
                              nin_error *err) {
    if (!session->keeps_results) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "this session was created without keep_results");
    }
    size_t steps = nin_session_step_count(session);
    if (step >= steps) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "step %zu: the plan has %zu, counted from 0",
                         step, steps);
    }
    if (example < 0 || example >= session->count) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "picture %d: the last call computed %d, counted from 0", example,
                         session->count);
    }
    return session->engine->result(session->state, step, example, values, err);
}

nin_status nin_session_profile(nin_session *session, const nin_examples *examples,
                               nin_step_time *times, nin_error *err) {
    if (!session->engine->profile) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "device %s does not time its steps",
                         session->engine->name);
    }
    nin_status status = check_examples(session, examples, err);
    if (status != NIN_OK) {
        return status;
    }
    status = session->engine->profile(session->state, examples, times, err);
    session->count = status == NIN_OK ? examples->count : 0;
    return status;
}

double nin_session_peak(const nin_session *session) {
    return session->engine->peak ? session->engine->peak(session->state) : 0.0;
}

nin_status ninp_session_mark_active(const nin_session *session, size_t step, int pictures,
                                    bool *active, nin_error *err) {
    assert(session->keeps_results && step < nin_session_step_count(session));
    int count = pictures < session->count ? pictures : session->count;
    return session->engine->mark_active(session->state, step, count, active, err);
}

ninp_resident_device ninp_session_resident(nin_session *session) {
    ninp_resident_device device = {.session = session};
    if (session->engine->resident) {
        device.functions = session->engine->resident(session->state, &device.state);
    }
    return device;
}

nin_status ninp_resident_told(const ninp_resident_device *device, int count, nin_status status,
                              nin_error *err) {
    device->session->count = status == NIN_OK ? count : 0;
    return status == NIN_OK
               ? NIN_OK
               : ninp_prefix(err, status,
                             "device %s: ", nin_session_get_info(device->session).device);
}

size_t nin_session_step_count(const nin_session *session) {
    return session->engine->step_count(session->state);
}

nin_plan_step nin_session_step(const nin_session *session, size_t index) {
    return session->engine->step(session->state, index);
}

nin_session_info nin_session_get_info(const nin_session *session) {
    return session->engine->info(session->state);
}

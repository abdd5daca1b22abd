/* A CUDA plug-in for machines without a device. Its device computes with the CPU engine of a copy
 * of the library that it holds, on one thread, so what comes out is known to the bit.
 *
 * $NIN_FAKE says what is wrong with it: "version", "abi" (it does not fit), "driver" (asking for
 * devices fails), "none" (no device), "outdated" (none, because the driver is too old), "old" (two
 * devices, the first one too old), "memory" (a session does not fit), "lost" (the device is lost at
 * the third batch of training), "upgraded" (nothing: cuBLASLt has another version). A session
 * chooses an algorithm for each step with weights. */
#include "cuda/plugin.h"

#include "base/error.h"
#include "base/memory.h"
#include "engine/session.h"
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES_BEFORE_LOSS = 2 };

typedef struct fake_session {
    ninp_cuda_task task;
    nin_net *net; /* a copy of the one the plan is of */
    nin_session *session;
    int batches; /* of training */
} fake_session;

static bool is_wrong(const char *what) {
    const char *wrong = getenv("NIN_FAKE");
    return wrong && strcmp(wrong, what) == 0;
}

static nin_status devices(ninp_cuda_device *out, int capacity, int *count,
                          ninp_cuda_libraries *libraries, nin_error *err) {
    static const ninp_cuda_device good = {.name = "Fake Accelerator",
                                          .major = 9,
                                          .multiprocessors = 4,
                                          .memory_bytes = (size_t)1 << 30,
                                          .usable = true};
    static const ninp_cuda_device old = {.name = "Fake Antique",
                                         .major = 3,
                                         .minor = 7,
                                         .multiprocessors = 1,
                                         .memory_bytes = (size_t)1 << 20,
                                         .reason = "its compute capability is below 8.0"};
    *count = 0;
    if (libraries) {
        *libraries = (ninp_cuda_libraries){.driver = is_wrong("outdated") ? 12020 : 13010,
                                           .runtime = 13000,
                                           .cublaslt = "13.1.0",
                                           .cudnn_reason = "libcudnn.so.9: no such file"};
        if (is_wrong("upgraded")) {
            snprintf(libraries->cublaslt, sizeof libraries->cublaslt, "13.2.0");
        }
    }
    if (is_wrong("driver")) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "the driver answers with an error");
    }
    if (is_wrong("none") || is_wrong("outdated")) {
        return NIN_OK;
    }
    if (is_wrong("old") && *count < capacity) {
        out[(*count)++] = old;
    }
    if (*count < capacity) {
        out[(*count)++] = good;
    }
    return NIN_OK;
}

static void close_session(void *state) {
    fake_session *session = state;
    nin_session_free(session->session);
    nin_net_free(session->net);
    free(session);
}

static void weights_changed(void *state) {
    fake_session *session = state;
    memcpy(session->net->values, session->task.values,
           session->task.value_count * sizeof *session->task.values);
    nin_session_weights_changed(session->session);
}

static void choose(const ninp_cuda_task *task, size_t step) {
    ninp_cuda_choices *choices = task->choices;
    ninp_cuda_choice chosen = {.algorithm = (int)step + 1};
    snprintf(chosen.product, sizeof chosen.product, "fake step %zu of %d", step, task->batch);
    for (size_t i = 0; i < choices->count; i++) {
        if (strcmp(choices->items[i].product, chosen.product) == 0) {
            return;
        }
    }
    if (choices->count < choices->capacity) {
        choices->items[choices->count++] = chosen;
        choices->changed = true;
    }
}

static nin_status open_session(const ninp_cuda_task *task, void **state, nin_error *err) {
    *state = NULL;
    if (is_wrong("memory")) {
        return ninp_fail(err, NIN_ERROR_MEMORY, "out of memory (2.0 GiB for a session)");
    }
    fake_session *session = ninp_calloc(1, sizeof *session);
    if (!session) {
        return ninp_fail_memory(err, sizeof *session, "a session");
    }
    session->task = *task;
    for (size_t i = 0; task->choices && i < task->plan->count; i++) {
        if (task->plan->steps[i].weight >= 0) {
            choose(task, i);
        }
    }
    nin_session_options options = nin_session_options_defaults();
    options.device = "cpu";
    options.threads = 1;
    options.batch = task->batch;
    options.training = task->training;
    options.keep_results = task->keep_results;
    options.seed = task->seed;
    const char *text = nin_net_text(task->plan->net);
    nin_status status =
        nin_net_parse(text, strlen(text), "the net of a plan", NULL, &session->net, err);
    if (status == NIN_OK) {
        status = nin_session_create(session->net, &options, &session->session, err);
    }
    if (status != NIN_OK) {
        close_session(session);
        return status;
    }
    weights_changed(session);
    *state = session;
    return NIN_OK;
}

static nin_status logits(void *state, const float *images, int count, float *out, nin_error *err) {
    fake_session *session = state;
    return nin_session_logits(session->session, images, count, out, err);
}

static nin_status gradients(void *state, const nin_examples *examples, float *out, nin_loss *loss,
                            nin_error *err) {
    fake_session *session = state;
    const ninp_cuda_task *task = &session->task;
    if (session->batches++ == BATCHES_BEFORE_LOSS && is_wrong("lost")) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "the device was lost");
    }
    nin_status status = nin_session_gradients(session->session, examples, out, loss, err);
    memcpy(task->values + task->parameter_count, session->net->values + task->parameter_count,
           (task->value_count - task->parameter_count) * sizeof *task->values);
    return status;
}

static nin_status result(const void *state, size_t step, int example, float *values,
                         nin_error *err) {
    const fake_session *session = state;
    return nin_session_result(session->session, step, example, values, err);
}

static nin_status profile(void *state, const nin_examples *examples, nin_step_time *times,
                          nin_error *err) {
    fake_session *session = state;
    return nin_session_profile(session->session, examples, times, err);
}

static nin_status mark_active(const void *state, size_t step, int pictures, bool *active,
                              nin_error *err) {
    const fake_session *session = state;
    return ninp_session_mark_active(session->session, step, pictures, active, err);
}

static size_t bytes(const void *state) {
    return nin_session_get_info(((const fake_session *)state)->session).bytes;
}

static ninp_cuda_step step(const void *state, size_t index) {
    const fake_session *session = state;
    nin_plan_step same = nin_session_step(session->session, index);
    return (ninp_cuda_step){.algorithm = session->task.own_only ? "own" : "fake",
                            .weight_bytes = same.weight_bytes,
                            .activation_bytes = same.activation_bytes,
                            .workspace_bytes = same.workspace_bytes};
}

const ninp_cuda_plugin *ninp_cuda_plugin_v1(void) {
    static ninp_cuda_plugin plugin = {.devices = devices,
                                      .open = open_session,
                                      .close = close_session,
                                      .weights_changed = weights_changed,
                                      .logits = logits,
                                      .gradients = gradients,
                                      .result = result,
                                      .profile = profile,
                                      .mark_active = mark_active,
                                      .bytes = bytes,
                                      .step = step};
    plugin.version = is_wrong("version") ? "0.0.9" : nin_version();
    plugin.abi = is_wrong("abi") ? NINP_CUDA_PLUGIN_ABI + 1 : NINP_CUDA_PLUGIN_ABI;
    return &plugin;
}

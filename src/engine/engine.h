/* An engine runs whole plans. The public session (nin/session.h) is a thin cover over this. */
#ifndef NINP_ENGINE_ENGINE_H
#define NINP_ENGINE_ENGINE_H

#include "engine/plan.h"
#include "engine/resident.h"

#include <nin/session.h>

typedef struct ninp_engine {
    const char *name; /* "cpu" */
    /* Settles algorithms and memory. `options` has no zeros, NULL or "auto" left in device, isa,
     * math, threads and batch, but for an isa that is "auto". */
    nin_status (*open)(nin_net *net, const nin_session_options *options, void **state,
                       nin_error *err);
    void (*close)(void *state);
    void (*weights_changed)(void *state);
    nin_status (*logits)(void *state, const float *images, int count, float *logits,
                         nin_error *err);
    nin_status (*gradients)(void *state, const nin_examples *examples, float *gradients,
                            nin_loss *loss, nin_error *err);
    /* Called only where results are kept: channels x height x width floats of one picture. */
    nin_status (*result)(const void *state, size_t step, int example, float *values,
                         nin_error *err);
    /* NULL: this engine does not time its steps */
    nin_status (*profile)(void *state, const nin_examples *examples, nin_step_time *times,
                          nin_error *err);
    double (*peak)(const void *state);
    /* Likewise; ninp_session_mark_active. */
    nin_status (*mark_active)(const void *state, size_t step, int pictures, bool *active,
                              nin_error *err);
    /* What the session's device keeps from step to step, with the state that those functions take;
     * NULL, also for no function: nothing. */
    const ninp_resident_functions *(*resident)(void *state, void **device_state);
    size_t (*step_count)(const void *state);
    nin_plan_step (*step)(const void *state, size_t index);
    nin_session_info (*info)(const void *state);
} ninp_engine;

/* One line an engine: src/engine/session.c lists them. "cuda" stands for "cuda:N" too. */
extern const ninp_engine ninp_engine_reference;
extern const ninp_engine ninp_engine_cpu;
extern const ninp_engine ninp_engine_cuda;

/* What `auto` asks about the CUDA engine (cuda/load.c): whether some device can be used. The error
 * says why not; it takes next to no time where there is no plug-in or no driver. */
nin_status ninp_cuda_available(const char *plugins, nin_error *err);

#endif

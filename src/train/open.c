/* How a run starts: from nothing, or from where it stopped. */
#include "train/trainer.h"

#include "base/error.h"
#include "data/augment.h"
#include "format/whitening.h"
#include "net/transfer.h"
#include "train/clock.h"
#include "train/fit.h"
#include "train/identity.h"
#include "train/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lets go of what a start opened and allocated. */
static void release(ninp_trainer *trainer) {
    ninp_resident_close(trainer);
    ninp_health_free(trainer->health);
    nin_session_free(trainer->session);
    nin_session_free(trainer->evaluator);
    ninp_buffers_free(&trainer->buffers);
    trainer->health = NULL;
    trainer->session = trainer->evaluator = NULL;
    trainer->buffers = (ninp_buffers){0};
}

void ninp_trainer_close(ninp_trainer *trainer) {
    nin_loader_free(trainer->loader);
    release(trainer);
    ninp_run_log_close(&trainer->log);
    ninp_run_directory_close(&trainer->directory);
    ninp_run_state_free(&trainer->state);
    json_decref(trainer->found_engine);
}

/* ---- what the caller gave ---------------------------------------------------------------- */

nin_status nin_train_check(const nin_train_task *task, nin_error *err) {
    const nin_model *model = task->model;
    nin_status status = ninp_train_options_check(task->options, err);
    if (status == NIN_OK) {
        status = ninp_fit_check(model->net, task->train, &model->preprocess, err);
    }
    if (status == NIN_OK && task->test) {
        status = ninp_fit_check(model->net, task->test, &model->preprocess, err);
    }
    if (status == NIN_OK && task->options->patience > 0 && !task->test) {
        status = ninp_fail(err, NIN_ERROR_ARGUMENT, "patience needs test data");
    }
    if (status == NIN_OK && task->from) {
        status = ninp_net_transfer_check(model->net, task->from, err);
    }
    if (status == NIN_OK) {
        const nin_dataset_info info = nin_dataset_get_info(task->train);
        status = ninp_augment_check(&task->options->augmentation, info.height, info.width, err);
    }
    if (status == NIN_OK) {
        ninp_tensor_rule *rules;
        status = ninp_tensor_rules_create(task->options, model->net, &rules, err);
        free(rules);
    }
    return status;
}

/* The seed of this start: each restart takes the next one. */
static uint64_t current_seed(const ninp_trainer *trainer) {
    return trainer->options.seed + (uint64_t)trainer->state.at.restart;
}

/* Instead of the one that there may be. */
static nin_status open_loader(ninp_trainer *trainer, nin_error *err) {
    nin_loader_free(trainer->loader);
    trainer->loader = NULL;
    trainer->loading = false;
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = trainer->task.model->preprocess;
    options.batch = trainer->options.batch;
    options.shuffle = true;
    options.augmentation = trainer->options.augmentation;
    options.seed = current_seed(trainer);
    nin_status status = nin_loader_create(trainer->task.train, &options, &trainer->loader, err);
    if (status == NIN_OK) {
        const int accumulate = trainer->options.accumulate;
        trainer->batches = (nin_loader_batches(trainer->loader) - 1) / accumulate + 1;
        trainer->steps = (uint64_t)trainer->batches * (uint64_t)trainer->options.epochs;
    }
    return status;
}

/* ---- sessions and buffers ---------------------------------------------------------------- */

static nin_status open_session(const ninp_trainer *trainer, nin_net *net, bool training,
                               const char *algorithms, nin_session **out, nin_error *err) {
    nin_session_options options = trainer->options.session;
    options.batch = trainer->options.batch;
    options.seed = current_seed(trainer);
    options.training = training;
    options.frozen = training ? trainer->buffers.frozen : NULL;
    options.algorithms = algorithms;
    return nin_session_create(net, &options, out, err);
}

static nin_status open_sessions(ninp_trainer *trainer, const char *algorithms,
                                const char *test_algorithms, nin_error *err) {
    nin_status status =
        open_session(trainer, trainer->task.model->net, true, algorithms, &trainer->session, err);
    if (status == NIN_OK && trainer->task.test) {
        status = open_session(trainer, trainer->outcome.net, false, test_algorithms,
                              &trainer->evaluator, err);
    }
    if (status == NIN_OK) {
        trainer->threads = nin_session_get_info(trainer->session).threads;
    }
    return status;
}

static nin_status create_buffers(ninp_trainer *trainer, nin_error *err) {
    const nin_model *model = trainer->task.model;
    nin_status status = ninp_buffers_create(&trainer->options, model->net, &trainer->buffers, err);
    trainer->outcome = *model;
    if (status == NIN_OK && trainer->buffers.average) {
        trainer->outcome.net = trainer->buffers.average;
    }
    return status;
}

static nin_status open_health(ninp_trainer *trainer, nin_error *err) {
    if (!trainer->options.health) {
        return NIN_OK;
    }
    nin_status status =
        ninp_health_create(trainer->task.model, trainer->session, trainer->task.train,
                           &trainer->options, &trainer->health, err);
    if (status == NIN_OK && trainer->state.health) {
        status = ninp_health_load(trainer->health, trainer->state.health, err);
    }
    return status;
}

/* ---- a fresh start ----------------------------------------------------------------------- */

static const char *text_or_empty(const char *text) {
    return text ? text : "";
}

/* What the sessions settled, so that a resumed run computes in the same way. */
static nin_status describe_engine(ninp_trainer *trainer, nin_error *err) {
    nin_session_info info = nin_session_get_info(trainer->session);
    nin_session_info test = {0};
    if (trainer->evaluator) {
        test = nin_session_get_info(trainer->evaluator);
    }
    json_decref(trainer->state.engine);
    trainer->state.engine = json_pack(
        "{s:s, s:s, s:s, s:s, s:s}", "device", text_or_empty(info.device), "isa",
        text_or_empty(info.isa), "math", text_or_empty(info.math), "algorithms",
        text_or_empty(info.algorithms), "test_algorithms", text_or_empty(test.algorithms));
    return trainer->state.engine ? NIN_OK : ninp_fail_memory(err, sizeof info, "the state");
}

nin_status ninp_trainer_begin(ninp_trainer *trainer, nin_error *err) {
    nin_init_options init = trainer->options.init;
    init.seed = current_seed(trainer);
    nin_net_initialize(trainer->task.model->net, &init);
    if (trainer->task.from) {
        ninp_net_transfer(trainer->task.model->net, trainer->task.from);
    }
    trainer->state.at = (ninp_run_position){.test_loss = (double)NAN,
                                            .test_accuracy = (double)NAN,
                                            .best_accuracy = (double)NAN,
                                            .best_epoch = -1,
                                            .log_bytes = trainer->log.length,
                                            .restart = trainer->state.at.restart};
    nin_status status = create_buffers(trainer, err);
    /* Pins may name steps that only training has, so evaluation is left to its own plan. */
    return status == NIN_OK ? open_sessions(trainer, trainer->options.session.algorithms, NULL, err)
                            : status;
}

/* The state is saved before anything else is, so that a run that is killed at any moment can be
 * resumed. */
static nin_status start_fresh(ninp_trainer *trainer, nin_error *err) {
    nin_status status = ninp_trainer_begin(trainer, err);
    if (status == NIN_OK && !trainer->state.engine) { /* a restart computes with what there was */
        status = describe_engine(trainer, err);
    }
    if (status == NIN_OK) {
        status = open_health(trainer, err);
    }
    if (status == NIN_OK) {
        status = ninp_resident_open(trainer, err);
    }
    return status == NIN_OK
               ? ninp_run_state_save(trainer->directory.state, &trainer->state, trainer->task.model,
                                     trainer->buffers.state, trainer->buffers.state_count, err)
               : status;
}

/* Models of a start that failed are no results of the next one. */
static void remove_models(const ninp_trainer *trainer) {
    (void)unlink(trainer->directory.best);
    (void)unlink(trainer->directory.last);
}

/* The state is replaced in one go: a run that is killed here fails again in the same way when it is
 * resumed, or has begun again. */
nin_status ninp_trainer_begin_again(ninp_trainer *trainer, nin_error *err) {
    release(trainer);
    json_decref(trainer->state.health);
    trainer->state.health = NULL;
    trainer->state.at.restart++;
    trainer->batch_loss = (double)NAN;
    nin_status status = ninp_run_log_sync(&trainer->log, err);
    if (status == NIN_OK) {
        status = open_loader(trainer, err);
    }
    if (status == NIN_OK) {
        status = start_fresh(trainer, err);
    }
    if (status == NIN_OK) {
        remove_models(trainer);
    }
    return status;
}

/* ---- going on ---------------------------------------------------------------------------- */

/* What the run computed with so far; NULL where it does not say. */
static const char *stored(const ninp_trainer *trainer, const char *key) {
    const char *text = json_string_value(json_object_get(trainer->state.engine, key));
    return text && *text ? text : NULL;
}

static bool is_open(const char *asked) {
    return !asked || strcmp(asked, "auto") == 0;
}

/* The run's own instruction set takes the place of "auto"; a different one is refused, because it
 * would not give the same bits. That of a CUDA device is no choice. */
static nin_status adopt_isa(const ninp_trainer *trainer, nin_session_options *session,
                            nin_error *err) {
    const char *isa = stored(trainer, "isa");
    if (!isa || nin_device_fits("cuda", session->device)) {
        return NIN_OK;
    }
    if (is_open(session->isa)) {
        session->isa = isa;
        return NIN_OK;
    }
    return strcmp(session->isa, isa) == 0
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "%s: the run was made with another isa: %s, not %s",
                           trainer->directory.state, isa, session->isa);
}

/* Opens the sessions as those that the run had, so that it goes on to the same bits. What is left
 * open is as it was; a device or math that is named may be another one, for other bits. Nothing of
 * how one device computes holds for another one. */
static nin_status open_sessions_again(ninp_trainer *trainer, nin_error *err) {
    nin_session_options *session = &trainer->options.session;
    const char *device = stored(trainer, "device");
    nin_status status = NIN_OK;
    trainer->found_engine = json_incref(trainer->state.engine);
    if (device && !nin_device_fits(session->device, device)) {
        session->algorithms = NULL;
        return open_sessions(trainer, NULL, NULL, err);
    }
    if (device) {
        session->device = is_open(session->device) ? device : session->device;
        session->math = session->math ? session->math : stored(trainer, "math");
        status = adopt_isa(trainer, session, err);
    }
    return status == NIN_OK ? open_sessions(trainer, stored(trainer, "algorithms"),
                                            stored(trainer, "test_algorithms"), err)
                            : status;
}

static nin_status check_position(const ninp_trainer *trainer, nin_error *err) {
    const ninp_run_position *at = &trainer->state.at;
    bool right = at->epoch >= 0 && at->epoch <= trainer->options.epochs && at->batch >= 0 &&
                 at->batch <= (at->epoch < trainer->options.epochs ? trainer->batches : 0) &&
                 at->step == (uint64_t)at->epoch * (uint64_t)trainer->batches + (uint64_t)at->batch;
    return right ? NIN_OK
                 : ninp_fail(err, NIN_ERROR_DATA,
                             "%s: epoch %d, batch %d, step %" PRIu64
                             ": no place in a run of %d epochs with %d batches",
                             trainer->directory.state, at->epoch, at->batch, at->step,
                             trainer->options.epochs, trainer->batches);
}

static nin_status restore(ninp_trainer *trainer, ninp_safetensors *file, json_t *identity,
                          nin_error *err) {
    nin_status status =
        ninp_identity_compare(identity, trainer->state.identity, trainer->directory.state, err);
    if (status == NIN_OK) {
        status = ninp_whitening_read(file, &trainer->task.model->preprocess, err);
    }
    if (status == NIN_OK) {
        status = open_loader(trainer, err);
    }
    if (status == NIN_OK) {
        status = check_position(trainer, err);
    }
    if (status == NIN_OK && trainer->state.at.restart > 0) {
        status = open_loader(trainer, err); /* the first one has the seed of the first start */
    }
    if (status == NIN_OK) {
        status = create_buffers(trainer, err);
    }
    if (status == NIN_OK) {
        status = open_sessions_again(trainer, err);
    }
    if (status == NIN_OK) {
        status = ninp_run_state_read(file, trainer->task.model->net, trainer->buffers.state,
                                     trainer->buffers.state_count, err);
    }
    if (status == NIN_OK) {
        nin_session_weights_changed(trainer->session);
        status = describe_engine(trainer, err);
    }
    if (status == NIN_OK) {
        if (trainer->state.at.restart > 0 && trainer->state.at.step == 0) {
            remove_models(trainer); /* it was killed before it did that itself */
        }
        status = open_health(trainer, err);
    }
    return status == NIN_OK ? ninp_resident_open(trainer, err) : status;
}

static nin_status start_again(ninp_trainer *trainer, json_t *identity, nin_error *err) {
    ninp_safetensors *file;
    nin_status status = ninp_run_state_open(trainer->directory.state, &trainer->state, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    status = restore(trainer, file, identity, err);
    ninp_safetensors_close(file);
    return status;
}

static nin_status start(ninp_trainer *trainer, nin_error *err) {
    const nin_train_task *task = &trainer->task;
    json_t *identity;
    nin_status status = ninp_identity_create(task->model, task->train, task->test,
                                             &trainer->options, &identity, err);
    if (status != NIN_OK) {
        return status;
    }
    if (task->resume) {
        status = start_again(trainer, identity, err);
        json_decref(identity);
        return status;
    }
    trainer->state.identity = identity;
    return start_fresh(trainer, err);
}

nin_status ninp_trainer_prepare(ninp_trainer *trainer, nin_error *err) {
    trainer->started = ninp_clock();
    trainer->saved = trainer->started;
    trainer->batch_loss = (double)NAN;
    nin_status status = nin_train_check(&trainer->task, err);
    /* Of a run that goes on, the state knows more about the pictures. */
    return status == NIN_OK && !trainer->task.resume ? open_loader(trainer, err) : status;
}

nin_status ninp_trainer_open(ninp_trainer *trainer, nin_error *err) {
    const nin_train_task *task = &trainer->task;
    nin_status status = ninp_trainer_prepare(trainer, err);
    if (status == NIN_OK) {
        status = ninp_run_directory_open(task->directory, task->resume, &trainer->directory, err);
    }
    if (status == NIN_OK) {
        status = start(trainer, err);
    }
    return status == NIN_OK ? ninp_run_log_open(trainer->directory.log, trainer->state.at.log_bytes,
                                                &trainer->log, err)
                            : status;
}

/* The training loop. */
#include "net/net.h"
#include "train/clock.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* Between the end of an epoch and the first batch of the next one it is still the finished epoch
 * that is reported. */
nin_progress ninp_trainer_progress(const ninp_trainer *trainer) {
    const ninp_run_position *at = &trainer->state.at;
    const bool between = at->batch == 0 && at->epoch > 0;
    const int epoch = between ? at->epoch - 1 : at->epoch;
    const int done = between ? trainer->batches : at->batch;
    const double examples = (double)at->examples;
    nin_session_info session = {0}; /* there is none after a restart that failed */
    if (trainer->session) {
        session = nin_session_get_info(trainer->session);
    }
    return (nin_progress){
        .epoch = epoch,
        .epochs = trainer->options.epochs,
        .batch_index = done - 1,
        .batches = trainer->batches,
        .step = at->step,
        .steps = trainer->steps,
        .epoch_position = epoch + (double)done / trainer->batches,
        .lr = nin_schedule_lr(&trainer->options, at->step ? at->step - 1 : 0, trainer->steps,
                              trainer->batches),
        .batch_loss = trainer->batch_loss,
        .train_loss = examples > 0 ? at->loss_sum / examples : (double)NAN,
        .train_accuracy = examples > 0 ? (double)at->correct / examples : (double)NAN,
        .test_loss = between ? at->test_loss : (double)NAN,
        .test_accuracy = between ? at->test_accuracy : (double)NAN,
        .examples_per_second =
            at->step_seconds > 0 ? (double)at->all_examples / at->step_seconds : 0,
        .step_seconds = at->step_seconds,
        .wall_seconds = ninp_clock() - trainer->started,
        .algorithms = session.algorithms,
        .restart = at->restart};
}

void ninp_trainer_tell(ninp_trainer *trainer, nin_event event, const nin_progress *progress) {
    if (!trainer->task.callback) {
        return;
    }
    nin_progress now;
    if (!progress) {
        now = ninp_trainer_progress(trainer);
        progress = &now;
    }
    if (!trainer->task.callback(event, progress, trainer->task.context)) {
        trainer->stop = true;
    }
}

static bool is_finished(const ninp_trainer *trainer) {
    return trainer->state.at.epoch == trainer->options.epochs;
}

/* An epoch whose batches are all done is finished off even when max_steps is reached with it. */
static bool may_step(const ninp_trainer *trainer) {
    return trainer->options.max_steps == 0 || trainer->state.at.step < trainer->options.max_steps;
}

static bool is_checkpoint_due(const ninp_trainer *trainer) {
    return trainer->options.checkpoint_seconds > 0 &&
           ninp_clock() - trainer->saved >= trainer->options.checkpoint_seconds;
}

/* Stops or begins again because of a failure. */
static nin_status fail(ninp_trainer *trainer, const nin_finding *failure, nin_error *err) {
    if (ninp_trainer_may_restart(trainer)) {
        return ninp_trainer_restart(trainer, failure, err);
    }
    trainer->failed = true;
    trainer->failure = failure->kind;
    return NIN_OK;
}

/* The next step, or the end of an epoch. */
static nin_status advance(ninp_trainer *trainer, nin_error *err) {
    if (trainer->state.at.batch == trainer->batches) {
        return ninp_trainer_finish_epoch(trainer, err);
    }
    if (trainer->health && trainer->state.at.step == 0) {
        ninp_health_begin(trainer->health);
    }
    nin_status status = ninp_trainer_step(trainer, err);
    if (status == NIN_OK && !trainer->stop && is_checkpoint_due(trainer)) {
        status = ninp_trainer_save(trainer, err);
    }
    return status;
}

/* From the first step, or from where the run stood: until it ends, and once more after each failure
 * that lets it begin again. */
static nin_status run(ninp_trainer *trainer, nin_error *err) {
    nin_status status = NIN_OK;
    while (status == NIN_OK && !trainer->stop && !trainer->failed) {
        const nin_finding *failure = ninp_trainer_failure(trainer);
        bool evaluates = trainer->state.at.batch == trainer->batches;
        if (failure) {
            status = fail(trainer, failure, err);
        } else if (is_finished(trainer) || ninp_trainer_out_of_patience(trainer) ||
                   (!evaluates && !may_step(trainer))) {
            break;
        } else {
            status = advance(trainer, err);
        }
        if (status == NIN_ERROR_NOT_FINITE) {
            status = ninp_trainer_after_nonfinite(trainer, err);
        }
    }
    return status == NIN_OK && trainer->unsaved ? ninp_trainer_save(trainer, err) : status;
}

/* The caller gets the weights that were evaluated and saved. */
static void take_average(const ninp_trainer *trainer) {
    const nin_net *average = trainer->buffers.average;
    if (average) {
        memcpy(trainer->task.model->net->values, average->values,
               average->value_count * sizeof *average->values);
    }
}

static void fill_result(const ninp_trainer *trainer, nin_train_result *result) {
    *result = (nin_train_result){.last = ninp_trainer_progress(trainer),
                                 .best_accuracy = trainer->state.at.best_accuracy,
                                 .best_epoch = trainer->state.at.best_epoch,
                                 .finished = is_finished(trainer),
                                 .out_of_patience = ninp_trainer_out_of_patience(trainer),
                                 .failed = trainer->failed,
                                 .failure = trainer->failure};
    for (int kind = 0; trainer->health && kind < NIN_FINDING_KINDS; kind++) {
        const nin_finding *finding = ninp_health_finding(trainer->health, (nin_finding_kind)kind);
        if (finding) {
            result->findings[result->finding_count++] = *finding;
        }
    }
}

nin_status nin_train(const nin_train_task *task, nin_train_result *result, nin_error *err) {
    ninp_trainer trainer = {.task = *task, .options = *task->options};
    nin_error unread = {0};
    err = err ? err : &unread;
    nin_train_result unseen;
    result = result ? result : &unseen;
    *result = (nin_train_result){.best_accuracy = (double)NAN, .best_epoch = -1};
    nin_status status = ninp_trainer_open(&trainer, err);
    if (status == NIN_OK) {
        ninp_trainer_tell(&trainer, NIN_EVENT_BEGIN, NULL);
        status = run(&trainer, err);
        fill_result(&trainer, result);
        if (status == NIN_OK && task->test && !trainer.stop && !trainer.failed &&
            trainer.state.at.batch > 0) {
            status = ninp_trainer_end_early(&trainer, result, err);
        }
        result->stopped = trainer.stop;
        result->last.algorithms = NULL;
        (void)ninp_resident_fetch(&trainer, NULL); /* after a failure; else it was done */
        take_average(&trainer);
    }
    ninp_trainer_close(&trainer);
    return status;
}

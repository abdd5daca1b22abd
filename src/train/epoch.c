/* The end of an epoch, and checkpoints. */
#include "train/trainer.h"

#include "train/clock.h"
#include "train/health/finite.h"

#include <math.h>

/* last.safetensors comes first: whoever resumes needs `state` alone, and if it is the older one of
 * the two the run just goes over the same steps again. */
nin_status ninp_trainer_save(ninp_trainer *trainer, nin_error *err) {
    ninp_run_state *state = &trainer->state;
    const nin_net *net = trainer->task.model->net;
    nin_status status = ninp_resident_fetch(trainer, err);
    if (status == NIN_OK) {
        status = ninp_health_weights(net, state->at.step, err);
    }
    if (status == NIN_OK) {
        status = ninp_run_log_sync(&trainer->log, err);
    }
    if (status == NIN_OK) {
        status = ninp_trainer_keep_health(trainer, err);
    }
    if (status == NIN_OK) {
        state->at.log_bytes = trainer->log.length;
        status = nin_model_save(trainer->directory.last, &trainer->outcome, err);
    }
    if (status == NIN_OK) {
        status = ninp_run_state_save(trainer->directory.state, state, trainer->task.model,
                                     trainer->buffers.state, trainer->buffers.state_count, err);
    }
    if (status == NIN_OK) {
        trainer->unsaved = false;
        trainer->saved = ninp_clock();
        ninp_trainer_tell(trainer, NIN_EVENT_SAVED, NULL);
    }
    return status;
}

/* Passes the progress of an evaluation on. */
static bool tell_testing(size_t done, size_t count, void *context) {
    ninp_trainer *trainer = context;
    size_t batch = (size_t)trainer->options.batch;
    nin_progress progress = ninp_trainer_progress(trainer);
    progress.batch_index = (int)((done + batch - 1) / batch);
    progress.batches = (int)((count + batch - 1) / batch);
    ninp_trainer_tell(trainer, NIN_EVENT_TESTING, &progress);
    return !trainer->stop;
}

/* Loss and accuracy on the test set; NaN when the callback stops it. `watched`: the health watch
 * looks at it. */
static nin_status evaluate(ninp_trainer *trainer, bool watched, double *loss, double *accuracy,
                           nin_error *err) {
    nin_evaluation evaluation;
    *loss = *accuracy = (double)NAN;
    nin_session_weights_changed(trainer->evaluator);
    const nin_evaluation_task task = {.dataset = trainer->task.test,
                                      .preprocess = &trainer->task.model->preprocess,
                                      .flip = trainer->options.test_flip,
                                      .progress = tell_testing,
                                      .context = trainer};
    nin_status status = nin_evaluate(trainer->evaluator, &task, &evaluation, err);
    if (status == NIN_OK && !trainer->stop) {
        *loss = evaluation.loss;
        *accuracy = evaluation.accuracy;
        if (watched && trainer->health) {
            ninp_health_evaluated(trainer->health, &evaluation, trainer->state.at.step);
        }
    }
    nin_evaluation_free(&evaluation);
    return status;
}

/* The first of equals stays. */
static bool is_best(const ninp_trainer *trainer, double accuracy) {
    const double best = trainer->state.at.best_accuracy;
    return isnan(best) || accuracy > best;
}

static nin_status keep_best(ninp_trainer *trainer, nin_error *err) {
    ninp_run_position *at = &trainer->state.at;
    if (!is_best(trainer, at->test_accuracy)) {
        return NIN_OK;
    }
    nin_status status = nin_model_save(trainer->directory.best, &trainer->outcome, err);
    if (status == NIN_OK) {
        at->best_accuracy = at->test_accuracy;
        at->best_epoch = at->epoch;
    }
    return status;
}

/* The state was saved before: a run that is resumed knows nothing of this evaluation. So it is the
 * best one only where the end of the epoch will find no other: what it left would outlive it. */
nin_status ninp_trainer_end_early(ninp_trainer *trainer, nin_train_result *result, nin_error *err) {
    nin_progress *progress = &result->last;
    nin_status status = ninp_resident_fetch(trainer, err);
    if (status == NIN_OK) {
        status = evaluate(trainer, false, &progress->test_loss, &progress->test_accuracy, err);
    }
    if (status != NIN_OK || trainer->stop) {
        return status;
    }
    if (isnan(trainer->state.at.best_accuracy)) {
        status = nin_model_save(trainer->directory.best, &trainer->outcome, err);
        result->best_accuracy = progress->test_accuracy;
        result->best_epoch = progress->epoch;
    }
    if (status == NIN_OK) {
        status = ninp_run_log_add(&trainer->log, progress, err);
    }
    if (status == NIN_OK) {
        ninp_trainer_tell(trainer, NIN_EVENT_EPOCH, progress);
    }
    return status;
}

bool ninp_trainer_out_of_patience(const ninp_trainer *trainer) {
    const ninp_run_position *at = &trainer->state.at;
    const int patience = trainer->options.patience;
    return patience > 0 && trainer->task.test && at->batch == 0 && at->epoch > 0 &&
           at->epoch < trainer->options.epochs && at->epoch - 1 - at->best_epoch >= patience;
}

nin_status ninp_trainer_finish_epoch(ninp_trainer *trainer, nin_error *err) {
    nin_status status = ninp_resident_fetch(trainer, err);
    if (status == NIN_OK) {
        status = ninp_health_weights(trainer->task.model->net, trainer->state.at.step, err);
    }
    if (status == NIN_OK && trainer->task.test) {
        ninp_run_position *at = &trainer->state.at;
        status = evaluate(trainer, true, &at->test_loss, &at->test_accuracy, err);
        if (status != NIN_OK || trainer->stop) {
            return status;
        }
        status = keep_best(trainer, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    trainer->state.at.epoch++;
    trainer->state.at.batch = 0;
    trainer->loading = false;
    trainer->unsaved = true;
    nin_progress progress = ninp_trainer_progress(trainer);
    status = ninp_run_log_add(&trainer->log, &progress, err);
    if (status != NIN_OK) {
        return status;
    }
    if (ninp_trainer_out_of_patience(trainer)) {
        status = ninp_run_log_stop(&trainer->log, &trainer->state.at, err);
        if (status != NIN_OK) {
            return status;
        }
    }
    ninp_trainer_tell(trainer, NIN_EVENT_EPOCH, &progress);
    status = ninp_trainer_tell_findings(trainer, err);
    return status == NIN_OK ? ninp_trainer_save(trainer, err) : status;
}

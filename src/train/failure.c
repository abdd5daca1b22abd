/* What a run does with the findings of the health watch: it tells them, and when one of them means
 * that the run has failed it stops or begins again, as the options say. */
#include "base/error.h"
#include "train/trainer.h"

nin_status ninp_trainer_keep_health(ninp_trainer *trainer, nin_error *err) {
    json_t *health = trainer->health ? ninp_health_save(trainer->health) : NULL;
    if (trainer->health && !health) {
        return ninp_fail_memory(err, sizeof(nin_finding), "the state");
    }
    json_decref(trainer->state.health);
    trainer->state.health = health;
    return NIN_OK;
}

static nin_status log_and_tell(ninp_trainer *trainer, const nin_finding *finding, nin_error *err) {
    nin_progress progress = ninp_trainer_progress(trainer);
    progress.finding = finding;
    nin_status status = ninp_run_log_add_finding(&trainer->log, NIN_EVENT_FINDING, &progress, err);
    if (status == NIN_OK) {
        ninp_trainer_tell(trainer, NIN_EVENT_FINDING, &progress);
    }
    return status;
}

nin_status ninp_trainer_tell_findings(ninp_trainer *trainer, nin_error *err) {
    nin_status status = NIN_OK;
    const nin_finding *finding;
    while (status == NIN_OK && trainer->health &&
           (finding = ninp_health_news(trainer->health)) != NULL) {
        status = log_and_tell(trainer, finding, err);
    }
    return status;
}

const nin_finding *ninp_trainer_failure(const ninp_trainer *trainer) {
    const ninp_run_position *at = &trainer->state.at;
    if (!trainer->health || trainer->options.on_failure == NIN_ON_FAILURE_CONTINUE) {
        return NULL;
    }
    bool done = at->epoch == trainer->options.epochs || ninp_trainer_out_of_patience(trainer);
    return ninp_health_failure(trainer->health, at->step, at->batch == 0 && at->epoch > 0, done);
}

bool ninp_trainer_may_restart(const ninp_trainer *trainer) {
    return trainer->options.on_failure == NIN_ON_FAILURE_RESTART &&
           trainer->state.at.restart < trainer->options.restarts;
}

/* The finding is copied, because the watch that made it ends with the attempt. The log comes first:
 * what is saved then counts its line. */
nin_status ninp_trainer_restart(ninp_trainer *trainer, const nin_finding *why, nin_error *err) {
    const nin_finding reason = *why;
    nin_progress progress = ninp_trainer_progress(trainer);
    progress.finding = &reason;
    progress.restart++;
    nin_status status = ninp_run_log_add_finding(&trainer->log, NIN_EVENT_RESTART, &progress, err);
    if (status == NIN_OK) {
        status = ninp_trainer_begin_again(trainer, err);
    }
    if (status == NIN_OK) {
        progress.algorithms = nin_session_get_info(trainer->session).algorithms;
        ninp_trainer_tell(trainer, NIN_EVENT_RESTART, &progress);
    }
    return status;
}

nin_status ninp_trainer_after_nonfinite(ninp_trainer *trainer, nin_error *err) {
    if (!trainer->health) {
        return NIN_ERROR_NOT_FINITE;
    }
    const nin_finding *finding =
        ninp_health_nonfinite(trainer->health, trainer->state.at.step + 1, err->message);
    nin_error later = {0};
    nin_status status = log_and_tell(trainer, finding, &later);
    if (status != NIN_OK || trainer->stop || trainer->bad_input ||
        !ninp_trainer_may_restart(trainer)) {
        return NIN_ERROR_NOT_FINITE;
    }
    *err = (nin_error){0};
    return ninp_trainer_restart(trainer, finding, err);
}

/* A run of training. nin_train opens one, lets it run and closes it. */
#ifndef NINP_TRAIN_TRAINER_H
#define NINP_TRAIN_TRAINER_H

#include "train/buffers.h"
#include "train/directory.h"
#include "train/health/watch.h"
#include "train/resident.h"
#include "train/runlog.h"

#include <nin/train.h>

struct ninp_trainer {
    nin_train_task task;       /* what the caller gave, */
    nin_train_options options; /* and its options, in which a resumed run settles what was "auto" */

    /* what was made of it */
    ninp_run_directory directory;
    ninp_run_log log;
    nin_session *session;   /* trains */
    nin_session *evaluator; /* evaluates; NULL without test */
    nin_loader *loader;
    ninp_buffers buffers;
    ninp_health *health;         /* NULL when options.health is false */
    ninp_resident_run *resident; /* NULL: steps are made here, not on a device */
    nin_model outcome; /* what is evaluated and saved: the task's model, or with averaged weights
                          that net in its place; borrowed */
    int threads;
    int batches;    /* steps an epoch: a step is a batch, or several with options.accumulate */
    uint64_t steps; /* of the whole run */

    /* where it is */
    ninp_run_state state;
    json_t
        *found_engine; /* state.engine as it was found, whose texts `options` may point to; NULL */
    double batch_loss; /* of the last step; NaN: none in this process */
    double started;    /* seconds of ninp_clock */
    double saved;      /* of the last checkpoint, likewise */
    bool unsaved;      /* the state moved since the last checkpoint */
    bool loading;      /* the loader gives the batches of this epoch */
    bool stop;         /* the callback said so */
    bool bad_input;    /* the step was not finite because of a picture: no seed changes that */
    bool failed;       /* on_failure ended the run, because of: */
    nin_finding_kind failure;
};

/* Makes everything ready: the directory, sessions, loader and buffers, and either a fresh start,
 * whose state is saved at once, or the state that is in the directory. The caller has filled in
 * the task and the options and zeroed the rest. ninp_trainer_close is due also after a failure. */
nin_status ninp_trainer_open(ninp_trainer *trainer, nin_error *err);
void ninp_trainer_close(ninp_trainer *trainer);

/* The two parts of that which need no directory: what the caller gave is checked and the loader
 * made; then the net gets its first weights, and sessions and buffers are made for it. */
nin_status ninp_trainer_prepare(ninp_trainer *trainer, nin_error *err);
nin_status ninp_trainer_begin(ninp_trainer *trainer, nin_error *err);

/* What a step did. */
typedef struct ninp_learned {
    double loss_sum; /* over its examples */
    uint64_t correct, examples;
    double seconds;         /* loading left out */
    const nin_batch *batch; /* the last one; NULL: a device has it */
} ninp_learned;

/* Changes the weights by the next batch, or the next options.accumulate of them, with learning rate
 * `lr`, and leaves the state as it is. NIN_ERROR_NOT_FINITE: the weights are as before. */
nin_status ninp_trainer_learn(ninp_trainer *trainer, float lr, ninp_learned *out, nin_error *err);

/* Makes everything ready for another start with the next seed; what was trained is lost, the log
 * stays. The state of the new start is saved at once. */
nin_status ninp_trainer_begin_again(ninp_trainer *trainer, nin_error *err);

/* Moves the state on by a step that was made, logs and tells it. */
nin_status ninp_trainer_record(ninp_trainer *trainer, const ninp_learned *learned, nin_error *err);

/* Makes a step, or on a device several at once, and moves the state on. NIN_ERROR_NOT_FINITE: the
 * weights are as before the step that was not. */
nin_status ninp_trainer_step(ninp_trainer *trainer, nin_error *err);

/* Evaluates, logs and saves at the end of an epoch and moves on to the next one. When the callback
 * stops the evaluation the epoch stays unfinished. */
nin_status ninp_trainer_finish_epoch(ninp_trainer *trainer, nin_error *err);
/* The end of a run that max_steps ends inside an epoch: evaluates as at the end of one, into
 * result->last, and tells the callback. What resume needs is not touched. */
nin_status ninp_trainer_end_early(ninp_trainer *trainer, nin_train_result *result, nin_error *err);

/* Saves last.safetensors and then `state`. */
nin_status ninp_trainer_save(ninp_trainer *trainer, nin_error *err);

/* Whether options.patience says that it is enough. */
bool ninp_trainer_out_of_patience(const ninp_trainer *trainer);
/* Puts the memory of the health watch into the state that is saved next. */
nin_status ninp_trainer_keep_health(ninp_trainer *trainer, nin_error *err);
/* Logs and tells what the health watch has found since the last call. */
nin_status ninp_trainer_tell_findings(ninp_trainer *trainer, nin_error *err);
/* The finding because of which options.on_failure lets the run go no further, or NULL. */
const nin_finding *ninp_trainer_failure(const ninp_trainer *trainer);
bool ninp_trainer_may_restart(const ninp_trainer *trainer);
/* Begins again, and logs and tells why. */
nin_status ninp_trainer_restart(ninp_trainer *trainer, const nin_finding *why, nin_error *err);
/* After a step that failed with NIN_ERROR_NOT_FINITE, and *err (not NULL) saying so: logs and tells
 * it. NIN_OK: the run has begun again and *err is empty; otherwise the status to end with. */
nin_status ninp_trainer_after_nonfinite(ninp_trainer *trainer, nin_error *err);

nin_progress ninp_trainer_progress(const ninp_trainer *trainer);

/* Tells the callback; `progress` NULL: of this moment. Sets trainer->stop when it returns false. */
void ninp_trainer_tell(ninp_trainer *trainer, nin_event event, const nin_progress *progress);

#endif

/* One step: gradients, checks, update, and the running means. */
#include "train/trainer.h"

#include "base/error.h"
#include "train/clock.h"
#include "train/health.h"
#include "train/sgd.h"

#include <math.h>

/* The part that the clock sees. */
static nin_status compute(ninp_trainer *trainer, const nin_batch *batch, nin_loss *loss,
                          nin_error *err) {
    const nin_train_options *options = &trainer->options;
    const uint64_t step = trainer->state.at.step;
    nin_net *net = trainer->task.model->net;
    const nin_examples examples = {.images = batch->images,
                                   .labels = batch->labels,
                                   .count = batch->count,
                                   .label_smoothing = options->label_smoothing,
                                   .step = step,
                                   .other_labels = batch->other_labels,
                                   .label_shares = batch->label_shares};
    nin_status status =
        nin_session_gradients(trainer->session, &examples, trainer->gradients, loss, err);
    if (status != NIN_OK) {
        return status;
    }
    double squares =
        ninp_sum_of_squares(trainer->gradients, nin_net_parameter_count(net), trainer->threads);
    if (!isfinite(loss->loss_sum) || !isfinite(squares)) {
        return ninp_health_step(net, trainer->gradients, loss->loss_sum / batch->count, step + 1,
                                err);
    }
    const ninp_sgd sgd = {.lr = nin_schedule_lr(options, step, trainer->steps, trainer->batches),
                          .momentum = options->momentum,
                          .weight_decay = options->weight_decay,
                          .nesterov = options->nesterov,
                          .decay_all = options->decay_all,
                          .scale = ninp_clip_scale(sqrt(squares), options->clip_norm),
                          .threads = trainer->threads};
    ninp_sgd_update(&sgd, net, trainer->gradients, trainer->momentum);
    nin_session_weights_changed(trainer->session);
    return NIN_OK;
}

static void begin_epoch(ninp_run_position *at) {
    at->loss_sum = 0;
    at->correct = 0;
    at->examples = 0;
}

static void count(ninp_trainer *trainer, const nin_batch *batch, const nin_loss *loss,
                  double seconds) {
    ninp_run_position *at = &trainer->state.at;
    at->batch++;
    at->step++;
    at->loss_sum += loss->loss_sum;
    at->correct += (uint64_t)loss->correct;
    at->examples += (uint64_t)batch->count;
    at->all_examples += (uint64_t)batch->count;
    at->step_seconds += seconds;
    trainer->batch_loss = loss->loss_sum / batch->count;
    trainer->unsaved = true;
}

/* The lecture's rule: five points an epoch, and one at its end. */
static bool is_point(const ninp_trainer *trainer) {
    enum { LECTURE_POINTS = 5 };
    int points =
        trainer->options.points_per_epoch ? trainer->options.points_per_epoch : LECTURE_POINTS;
    int interval = trainer->batches / points;
    int done = trainer->state.at.batch;
    return done == trainer->batches || done % (interval ? interval : 1) == 0;
}

nin_status ninp_trainer_step(ninp_trainer *trainer, nin_error *err) {
    ninp_run_position *at = &trainer->state.at;
    if (!trainer->loading) {
        nin_loader_start(trainer->loader, at->epoch, at->batch);
        trainer->loading = true;
    }
    if (at->batch == 0) {
        begin_epoch(at);
    }
    const nin_batch *batch = nin_loader_next(trainer->loader);
    if (!batch) { /* only when the loader broke its word about the number of batches */
        return ninp_fail(err, NIN_ERROR_DATA, "epoch %d has no batch %d", at->epoch, at->batch);
    }
    double start = ninp_clock();
    nin_loss loss;
    nin_status status = compute(trainer, batch, &loss, err);
    if (status != NIN_OK) {
        return status;
    }
    count(trainer, batch, &loss, ninp_clock() - start);
    if (is_point(trainer)) {
        nin_progress progress = ninp_trainer_progress(trainer);
        status = ninp_run_log_add(&trainer->log, &progress, err);
        if (status != NIN_OK) {
            return status;
        }
        ninp_trainer_tell(trainer, NIN_EVENT_POINT, &progress);
    }
    ninp_trainer_tell(trainer, NIN_EVENT_STEP, NULL);
    return NIN_OK;
}

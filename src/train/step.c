/* One step: gradients, checks, update, and the running means. */
#include "train/trainer.h"

#include "base/error.h"
#include "net/net.h"
#include "train/average.h"
#include "train/clock.h"
#include "train/health/finite.h"
#include "train/optimizer/norm.h"

#include <math.h>
#include <string.h>

/* sums = sums + count gradients, or count gradients for the first batch of a step. */
static void add(float *restrict sums, const float *restrict gradients, size_t length, int count,
                bool first) {
    const float weight = (float)count;
    for (size_t i = 0; i < length; i++) {
        sums[i] = (first ? 0 : sums[i]) + weight * gradients[i];
    }
}

/* The gradient of the mean loss of one batch, or with several batches a step the sum of those, each
 * times its examples. Dropout masks have a number of their own in every batch. */
static nin_status learn_batch(ninp_trainer *trainer, const nin_batch *batch, int number,
                              ninp_learned *out, nin_error *err) {
    const nin_train_options *options = &trainer->options;
    const ninp_buffers *buffers = &trainer->buffers;
    const uint64_t step = trainer->state.at.step * (uint64_t)options->accumulate;
    const nin_examples examples = {.images = batch->images,
                                   .labels = batch->labels,
                                   .count = batch->count,
                                   .label_smoothing = options->label_smoothing,
                                   .step = step + (uint64_t)number,
                                   .other_labels = batch->other_labels,
                                   .label_shares = batch->label_shares};
    const double start = ninp_clock();
    nin_loss loss;
    nin_status status =
        nin_session_gradients(trainer->session, &examples, buffers->gradients, &loss, err);
    if (status != NIN_OK) {
        return status;
    }
    const ninp_health_bad_step bad = {
        .net = trainer->task.model->net, .batch = batch, .number = trainer->state.at.step + 1};
    trainer->bad_input = !isfinite(loss.loss_sum) && ninp_health_bad_picture(&bad) < batch->count;
    if (trainer->bad_input) {
        return ninp_health_explain(&bad, err);
    }
    if (buffers->sums) {
        add(buffers->sums, buffers->gradients, nin_net_parameter_count(trainer->task.model->net),
            batch->count, number == 0);
    }
    out->loss_sum += loss.loss_sum;
    out->correct += (uint64_t)loss.correct;
    out->examples += (uint64_t)batch->count;
    out->batch = batch;
    out->seconds += ninp_clock() - start;
    return NIN_OK;
}

/* All batches of a step; the last step of an epoch may have fewer. */
static nin_status learn_batches(ninp_trainer *trainer, ninp_learned *out, nin_error *err) {
    const int accumulate = trainer->options.accumulate;
    nin_status status = NIN_OK;
    *out = (ninp_learned){0};
    for (int i = 0; i < accumulate && status == NIN_OK; i++) {
        const nin_batch *batch = nin_loader_next(trainer->loader);
        if (!batch) {
            break;
        }
        status = learn_batch(trainer, batch, i, out, err);
    }
    /* Only when the loader broke its word about the number of batches. */
    if (status == NIN_OK && out->examples == 0) {
        const ninp_run_position *at = &trainer->state.at;
        status = ninp_fail(err, NIN_ERROR_DATA, "epoch %d has no batch %d", at->epoch, at->batch);
    }
    return status;
}

/* What does not move takes no part in the norm of the gradient either. */
static void drop_frozen(const ninp_trainer *trainer, float *gradients) {
    const nin_net *net = trainer->task.model->net;
    for (size_t i = 0, first = 0; first < nin_net_parameter_count(net); i++) {
        const size_t count = nin_net_tensor(net, i).count;
        if (trainer->buffers.rules[i].frozen) {
            memset(gradients + first, 0, count * sizeof *gradients);
        }
        first += count;
    }
}

static nin_status update(ninp_trainer *trainer, float lr, const ninp_learned *learned,
                         nin_error *err) {
    const nin_train_options *options = &trainer->options;
    const ninp_buffers *buffers = &trainer->buffers;
    nin_net *net = trainer->task.model->net;
    const uint64_t number = trainer->state.at.step + 1;
    float *gradients = buffers->sums ? buffers->sums : buffers->gradients;
    const double share = buffers->sums ? 1 / (double)learned->examples : 1;
    drop_frozen(trainer, gradients);
    const double squares =
        ninp_sum_of_squares(gradients, nin_net_parameter_count(net), trainer->threads);
    if (!isfinite(learned->loss_sum) || !isfinite(squares)) {
        const ninp_health_bad_step bad = {.net = net,
                                          .batch = learned->batch,
                                          .gradients = gradients,
                                          .loss = learned->loss_sum / (double)learned->examples,
                                          .lr = lr,
                                          .number = number};
        return ninp_health_explain(&bad, err);
    }
    const float clip = ninp_clip_scale(share * sqrt(squares), options->clip_norm);
    const ninp_optimizer_step step = {.options = options,
                                      .rules = buffers->rules,
                                      .lr = lr,
                                      .scale = (float)((double)clip * share),
                                      .number = number,
                                      .threads = trainer->threads};
    if (trainer->health) {
        ninp_health_before_update(trainer->health, number);
    }
    ninp_optimizer_update(&step, net, gradients, buffers->slots);
    nin_session_weights_changed(trainer->session);
    if (trainer->health) {
        const ninp_health_step look = {.number = number,
                                       .images = learned->batch->images,
                                       .count = learned->batch->count,
                                       .loss = learned->loss_sum / (double)learned->examples,
                                       .gradient_norm = share * sqrt(squares),
                                       .lr = lr};
        ninp_health_after_update(trainer->health, &look);
    }
    if (buffers->average) {
        ninp_average_update(buffers->average->values, net->values, net->value_count,
                            ninp_average_decay(options->ema, number), trainer->threads);
    }
    return NIN_OK;
}

nin_status ninp_trainer_learn(ninp_trainer *trainer, float lr, ninp_learned *out, nin_error *err) {
    nin_status status = learn_batches(trainer, out, err);
    if (status != NIN_OK) {
        return status;
    }
    const double start = ninp_clock();
    status = update(trainer, lr, out, err);
    out->seconds += ninp_clock() - start;
    return status;
}

static void begin_epoch(ninp_run_position *at) {
    at->loss_sum = 0;
    at->correct = 0;
    at->examples = 0;
}

static void count(ninp_trainer *trainer, const ninp_learned *learned) {
    ninp_run_position *at = &trainer->state.at;
    at->batch++;
    at->step++;
    at->loss_sum += learned->loss_sum;
    at->correct += learned->correct;
    at->examples += learned->examples;
    at->all_examples += learned->examples;
    at->step_seconds += learned->seconds;
    trainer->batch_loss = learned->loss_sum / (double)learned->examples;
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

nin_status ninp_trainer_record(ninp_trainer *trainer, const ninp_learned *learned, nin_error *err) {
    if (trainer->state.at.batch == 0) {
        begin_epoch(&trainer->state.at);
    }
    count(trainer, learned);
    if (is_point(trainer)) {
        nin_progress progress = ninp_trainer_progress(trainer);
        nin_status status = ninp_run_log_add(&trainer->log, &progress, err);
        if (status != NIN_OK) {
            return status;
        }
        ninp_trainer_tell(trainer, NIN_EVENT_POINT, &progress);
    }
    ninp_trainer_tell(trainer, NIN_EVENT_STEP, NULL);
    return ninp_trainer_tell_findings(trainer, err);
}

nin_status ninp_trainer_step(ninp_trainer *trainer, nin_error *err) {
    const ninp_run_position *at = &trainer->state.at;
    if (trainer->resident) {
        return ninp_resident_advance(trainer, err);
    }
    if (!trainer->loading) {
        nin_loader_start(trainer->loader, at->epoch, at->batch * trainer->options.accumulate);
        trainer->loading = true;
    }
    const float lr = nin_schedule_lr(&trainer->options, at->step, trainer->steps, trainer->batches);
    ninp_learned learned;
    nin_status status = ninp_trainer_learn(trainer, lr, &learned, err);
    return status == NIN_OK ? ninp_trainer_record(trainer, &learned, err) : status;
}

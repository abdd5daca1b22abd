/* The processor tells the device an epoch at a time what to do in each step, and then how many
 * steps to make: up to the next one that the health watch looks at, and no more than a moment's
 * worth, so that somebody who watches sees them. What was done is then gone through step by step,
 * as if each had been waited for. */
#include "train/resident.h"

#include "base/error.h"
#include "base/memory.h"
#include "net/net.h"
#include "train/average.h"
#include "train/clock.h"
#include "train/health/finite.h"
#include "train/held.h"
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)NINP_OPTIMIZER_SLOTS == (int)NINP_RESIDENT_SLOTS,
              "a device keeps what the optimizer keeps");

enum { MOST_STEPS = 64 };         /* at once */
static const double MOMENT = 0.1; /* seconds that steps made at once should take */

struct ninp_resident_run {
    ninp_resident_device device;
    ninp_resident_place *places; /* of an epoch */
    ninp_resident_step *steps;   /* likewise */
    uint32_t *order;             /* likewise */
    size_t pictures;
    int epoch;           /* that the device has; -1: none */
    bool stale;          /* the device is ahead of the net */
    double step_seconds; /* of the last steps, each; 0: not known */
};

/* ---- an epoch ----------------------------------------------------------------------------- */

/* Picture i of a batch is mixed with picture count - 1 - i; the middle one stays. */
static void mix_labels(const ninp_mix *mix, ninp_resident_place *places, int count) {
    for (int i = 0; i < count - 1 - i; i++) {
        ninp_resident_place *one = &places[i];
        ninp_resident_place *two = &places[count - 1 - i];
        const ninp_mix_labels first = ninp_mix_label(mix, one->label, two->label);
        const ninp_mix_labels second = ninp_mix_label(mix, two->label, one->label);
        one->label = first.label;
        one->other_label = first.other;
        one->label_share = first.share;
        two->label = second.label;
        two->other_label = second.other;
        two->label_share = second.share;
    }
}

static ninp_resident_mix mix_of(const ninp_mix *mix) {
    static const ninp_resident_way ways[] = {[NINP_MIX_NONE] = NINP_RESIDENT_WHOLE,
                                             [NINP_MIX_BLEND] = NINP_RESIDENT_BLEND,
                                             [NINP_MIX_PASTE] = NINP_RESIDENT_PASTE};
    return (ninp_resident_mix){.way = ways[mix->way],
                               .share = mix->share,
                               .x = mix->x,
                               .y = mix->y,
                               .width = mix->width,
                               .height = mix->height};
}

ninp_resident_step ninp_resident_step_of(const nin_train_options *options, uint64_t number,
                                         float lr) {
    const double done = (double)(number + 1);
    return (ninp_resident_step){.number = number,
                                .lr = lr,
                                .average_rest = 1 - ninp_average_decay(options->ema, number + 1),
                                .adam_bias = 1 - pow((double)options->beta1, done),
                                .adam_correction =
                                    (float)sqrt(1 - pow((double)options->beta2, done))};
}

static void fill_epoch(const ninp_trainer *trainer, int epoch) {
    ninp_resident_run *run = trainer->resident;
    const nin_loader *loader = trainer->loader;
    ninp_loader_order(loader, epoch, run->order);
    for (size_t i = 0; i < run->pictures; i++) {
        run->places[i] = ninp_held_place(loader, epoch, run->order[i]);
    }
    uint32_t first = 0;
    for (int batch = 0; batch < trainer->batches; batch++) {
        const int count = ninp_loader_batch_size(loader, batch);
        const ninp_mix mix = ninp_loader_mix(loader, epoch, batch);
        const uint64_t number = (uint64_t)epoch * (uint64_t)trainer->batches + (uint64_t)batch;
        ninp_resident_step *step = &run->steps[batch];
        *step = ninp_resident_step_of(
            &trainer->options, number,
            nin_schedule_lr(&trainer->options, number, trainer->steps, trainer->batches));
        step->first = first;
        step->count = (uint32_t)count;
        step->mix = mix_of(&mix);
        if (mix.way != NINP_MIX_NONE) {
            mix_labels(&mix, run->places + first, count);
        }
        first += (uint32_t)count;
    }
}

static nin_status bring_epoch(ninp_trainer *trainer, nin_error *err) {
    ninp_resident_run *run = trainer->resident;
    const int epoch = trainer->state.at.epoch;
    if (run->epoch == epoch) {
        return NIN_OK;
    }
    fill_epoch(trainer, epoch);
    const ninp_resident_device *device = &run->device;
    const nin_status status =
        ninp_resident_told(device, 0,
                           device->functions->epoch(device->state, run->places, run->pictures,
                                                    run->steps, (size_t)trainer->batches, err),
                           err);
    run->epoch = status == NIN_OK ? epoch : -1;
    return status;
}

/* ---- steps -------------------------------------------------------------------------------- */

static bool looks(const ninp_trainer *trainer, uint64_t number) {
    return trainer->health && ninp_health_looks(number);
}

/* How many steps to make at once. One that is looked at is made alone: before it weights are seen
 * as it finds them, and after it what its layers gave is still there. */
static int count_steps(const ninp_trainer *trainer) {
    const ninp_run_position *at = &trainer->state.at;
    const uint64_t most = trainer->options.max_steps;
    const double seconds = trainer->resident->step_seconds;
    int count = trainer->batches - at->batch;
    if (most > 0 && most - at->step < (uint64_t)count) {
        count = (int)(most - at->step);
    }
    count = count < MOST_STEPS ? count : MOST_STEPS;
    if (!(seconds * count <= MOMENT)) {
        count = (int)(MOMENT / seconds);
    }
    for (int i = 1; i < count; i++) {
        if (looks(trainer, at->step + 1 + (uint64_t)i)) {
            count = i;
        }
    }
    return looks(trainer, at->step + 1) || seconds <= 0 || count < 1 ? 1 : count;
}

/* The step is made again, which changes nothing that is trained, to see its gradient; the loader
 * prepares its pictures. */
static nin_status explain(ninp_trainer *trainer, const ninp_resident_result *result,
                          nin_error *err) {
    const ninp_run_position *at = &trainer->state.at;
    const ninp_resident_device *device = &trainer->resident->device;
    const size_t step = (size_t)at->batch;
    ninp_resident_result again;
    nin_status status = device->functions->run(device->state, step, 1, &again, err);
    if (status == NIN_OK) {
        status = device->functions->gradients(device->state, trainer->buffers.gradients, err);
    }
    status = ninp_resident_told(device, 0, status, err);
    if (status == NIN_OK) {
        status = ninp_resident_fetch(trainer, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    nin_loader_start(trainer->loader, at->epoch, at->batch);
    const nin_batch *batch = nin_loader_next(trainer->loader);
    const ninp_health_bad_step bad = {.net = trainer->task.model->net,
                                      .batch = batch,
                                      .gradients = trainer->buffers.gradients,
                                      .loss = result->loss_sum / batch->count,
                                      .lr = trainer->resident->steps[step].lr,
                                      .number = at->step + 1};
    trainer->bad_input = ninp_health_bad_picture(&bad) < batch->count;
    return ninp_health_explain(&bad, err);
}

static void show_to_health(const ninp_trainer *trainer, const ninp_resident_step *step,
                           const ninp_resident_result *result) {
    const ninp_health_step look = {.number = trainer->state.at.step + 1,
                                   .count = (int)step->count,
                                   .loss = result->loss_sum / (double)step->count,
                                   .gradient_norm = sqrt(result->squares),
                                   .lr = step->lr};
    if (trainer->health) {
        ninp_health_after_update(trainer->health, &look);
    }
}

/* Goes through a step that was made; a look belongs to its time. */
static nin_status record(ninp_trainer *trainer, const ninp_resident_result *result, double seconds,
                         nin_error *err) {
    const ninp_resident_step *step = &trainer->resident->steps[trainer->state.at.batch];
    if (!isfinite(result->loss_sum) || !isfinite(result->squares)) {
        return explain(trainer, result, err);
    }
    const double start = ninp_clock();
    show_to_health(trainer, step, result);
    const ninp_learned learned = {.loss_sum = result->loss_sum,
                                  .correct = (uint64_t)result->correct,
                                  .examples = step->count,
                                  .seconds = seconds + (ninp_clock() - start)};
    return ninp_trainer_record(trainer, &learned, err);
}

nin_status ninp_resident_advance(ninp_trainer *trainer, nin_error *err) {
    ninp_resident_run *run = trainer->resident;
    const ninp_resident_device *device = &run->device;
    ninp_resident_result results[MOST_STEPS];
    nin_status status = bring_epoch(trainer, err);
    if (status != NIN_OK) {
        return status;
    }
    const size_t first = (size_t)trainer->state.at.batch;
    const int count = count_steps(trainer);
    const double start = ninp_clock();
    if (looks(trainer, trainer->state.at.step + 1)) {
        ninp_health_before_update(trainer->health, trainer->state.at.step + 1);
    }
    run->stale = true;
    status = ninp_resident_told(
        device, (int)run->steps[first + (size_t)count - 1].count,
        device->functions->run(device->state, first, (size_t)count, results, err), err);
    run->step_seconds = (ninp_clock() - start) / count;
    for (int i = 0; i < count && status == NIN_OK; i++) {
        status = record(trainer, &results[i], run->step_seconds, err);
    }
    return status;
}

nin_status ninp_resident_fetch(ninp_trainer *trainer, nin_error *err) {
    ninp_resident_run *run = trainer->resident;
    if (!run || !run->stale) {
        return NIN_OK;
    }
    const ninp_resident_device *device = &run->device;
    nin_net *average = trainer->buffers.average;
    const nin_status status = device->functions->fetch(device->state, trainer->buffers.slots,
                                                       average ? average->values : NULL, err);
    run->stale = status != NIN_OK;
    return status == NIN_OK ? NIN_OK : ninp_resident_told(device, 0, status, err);
}

/* ---- opening ------------------------------------------------------------------------------ */

static nin_status allocate(const ninp_trainer *trainer, ninp_resident_run *run, nin_error *err) {
    run->pictures = nin_dataset_get_info(trainer->task.train).count;
    run->places = ninp_calloc(run->pictures, sizeof *run->places);
    run->order = ninp_calloc(run->pictures, sizeof *run->order);
    run->steps = ninp_calloc((size_t)trainer->batches, sizeof *run->steps);
    return run->places && run->order && run->steps
               ? NIN_OK
               : ninp_fail_memory(err, run->pictures * sizeof *run->places, "an epoch");
}

ninp_resident_update ninp_resident_update_of(const nin_train_options *options, const nin_net *net,
                                             const ninp_tensor_rule *rules,
                                             ninp_resident_tensor *tensors) {
    for (size_t i = 0; i < net->trainable_count; i++) {
        tensors[i] = (ninp_resident_tensor){.count = nin_net_tensor(net, i).count,
                                            .lr_scale = rules[i].lr_scale,
                                            .weight_decay = rules[i].weight_decay,
                                            .frozen = rules[i].frozen};
    }
    return (ninp_resident_update){.optimizer = options->optimizer,
                                  .momentum = options->momentum,
                                  .beta1 = options->beta1,
                                  .beta2 = options->beta2,
                                  .epsilon = options->epsilon,
                                  .nesterov = options->nesterov,
                                  .clip_norm = options->clip_norm,
                                  .label_smoothing = options->label_smoothing,
                                  .tensors = tensors,
                                  .tensor_count = net->trainable_count,
                                  .slot_count =
                                      (int)ninp_optimizer_of(options)->slot_count(options)};
}

static nin_status begin(const ninp_trainer *trainer, const ninp_resident_device *device,
                        nin_error *err) {
    const nin_net *net = trainer->task.model->net;
    const ninp_buffers *buffers = &trainer->buffers;
    ninp_resident_tensor *tensors = ninp_calloc(net->trainable_count, sizeof *tensors);
    if (!tensors) {
        return ninp_fail_memory(err, net->trainable_count * sizeof *tensors, "an update");
    }
    ninp_resident_update update =
        ninp_resident_update_of(&trainer->options, net, buffers->rules, tensors);
    update.slots = buffers->slots;
    update.average = buffers->average ? buffers->average->values : NULL;
    const nin_status status = device->functions->begin(device->state, &update, err);
    free(tensors);
    return ninp_resident_told(device, 0, status, err);
}

static nin_status fill_run(ninp_trainer *trainer, nin_error *err) {
    ninp_resident_run *run = trainer->resident;
    nin_status status = allocate(trainer, run, err);
    if (status == NIN_OK) {
        status = ninp_held_copy(&run->device, trainer->loader, err);
    }
    return status == NIN_OK ? begin(trainer, &run->device, err) : status;
}

nin_status ninp_resident_open(ninp_trainer *trainer, nin_error *err) {
    const ninp_resident_device device = ninp_session_resident(trainer->session);
    if (!device.functions || trainer->options.accumulate > 1 || !ninp_held_fits(trainer->loader)) {
        return NIN_OK;
    }
    trainer->resident = ninp_calloc(1, sizeof *trainer->resident);
    if (!trainer->resident) {
        return ninp_fail_memory(err, sizeof *trainer->resident, "an epoch");
    }
    trainer->resident->device = device;
    trainer->resident->epoch = -1;
    nin_error why = {0};
    const nin_status status = fill_run(trainer, &why);
    if (status == NIN_OK) {
        if (trainer->health) {
            ninp_health_look_at(trainer->health, &device);
        }
        return NIN_OK;
    }
    ninp_resident_close(trainer);
    if (status == NIN_ERROR_MEMORY) { /* of the device's: the loader needs none */
        return NIN_OK;
    }
    *err = why;
    return status;
}

void ninp_resident_close(ninp_trainer *trainer) {
    ninp_resident_run *run = trainer->resident;
    if (run) {
        free(run->places);
        free(run->order);
        free(run->steps);
        free(run);
        trainer->resident = NULL;
    }
}

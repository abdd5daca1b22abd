/* The learning rate range test (Smith, "Cyclical learning rates for training neural networks", WACV
 * 2017, section 3.3) as fast.ai does it: the rate grows exponentially, the loss is smoothed, and
 * the test ends when that has grown to several times its least value. */
#include "train/trainer.h"

#include "base/error.h"
#include "base/memory.h"
#include "train/clock.h"

#include <math.h>
#include <stdlib.h>

/* fast.ai's numbers: how much of the past stays in the smoothed loss, from how many times the least
 * loss on it counts as diverged, and what is left out at both ends when the steepest place is
 * looked for: a tenth of the steps and the last five. */
#define SMOOTHING 0.98
#define DIVERGED 4.0
enum { LEAD = 10, TAIL = 5 };

nin_lr_range_options nin_lr_range_options_defaults(void) {
    return (nin_lr_range_options){.from = 1e-6F, .to = 10, .steps = 100};
}

void nin_lr_range_free(nin_lr_range *range) {
    if (range) {
        free(range->points);
        *range = (nin_lr_range){0};
    }
}

static nin_status check(const nin_lr_range_options *options, nin_error *err) {
    if (!(options->from > 0 && options->from < options->to && isfinite(options->to))) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "learning rates from %g to %g: the first has to be above 0 and below the "
                         "second",
                         (double)options->from, (double)options->to);
    }
    return options->steps >= 2
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT, "%d steps: a range test takes at least 2",
                           options->steps);
}

/* The rate of step i of `steps`. */
static float rate(const nin_lr_range_options *options, int i, int steps) {
    const double growth = (double)options->to / (double)options->from;
    return (float)((double)options->from * pow(growth, (double)i / (steps - 1)));
}

/* An exponential moving average divided by the sum of its weights: fast.ai's smoothing, and Adam's
 * bias correction. `raw` is the average before that. */
static void add_point(nin_lr_range *range, float lr, double loss, double *raw) {
    *raw = SMOOTHING * *raw + (1 - SMOOTHING) * loss;
    const double weights = 1 - pow(SMOOTHING, (double)range->count + 1);
    range->points[range->count++] =
        (nin_lr_point){.lr = lr, .loss = loss, .smoothed = *raw / weights};
}

/* The rate at which the smoothed loss falls fastest; the rates grow by equal factors. */
static float suggest(const nin_lr_range *range, int steps) {
    float suggestion = NAN;
    double steepest = 0;
    for (size_t i = (size_t)steps / LEAD; i + 1 + TAIL < range->count; i++) {
        const double change = range->points[i + 1].smoothed - range->points[i].smoothed;
        if (change < steepest) {
            steepest = change;
            suggestion = range->points[i].lr;
        }
    }
    return suggestion;
}

static bool tell(const ninp_trainer *trainer, const nin_lr_range *range, int steps) {
    const nin_lr_point *point = &range->points[range->count - 1];
    const nin_progress progress = {.epochs = 1,
                                   .batch_index = (int)range->count - 1,
                                   .batches = steps,
                                   .step = range->count,
                                   .steps = (uint64_t)steps,
                                   .lr = point->lr,
                                   .batch_loss = point->loss,
                                   .train_loss = point->smoothed,
                                   .train_accuracy = (double)NAN,
                                   .test_loss = (double)NAN,
                                   .test_accuracy = (double)NAN,
                                   .wall_seconds = ninp_clock() - trainer->started};
    const nin_train_task *task = &trainer->task;
    return !task->callback || task->callback(NIN_EVENT_STEP, &progress, task->context);
}

static nin_status measure(ninp_trainer *trainer, const nin_lr_range_options *options, int steps,
                          nin_lr_range *out, nin_error *err) {
    double raw = 0;
    double best = (double)INFINITY;
    out->points = ninp_calloc((size_t)steps, sizeof *out->points);
    if (!out->points) {
        return ninp_fail_memory(err, (size_t)steps * sizeof *out->points, "a range test");
    }
    nin_loader_start(trainer->loader, 0, 0);
    for (int i = 0; i < steps && !out->stopped && !out->diverged; i++) {
        const float lr = rate(options, i, steps);
        ninp_learned learned;
        nin_error why = {0};
        trainer->state.at.step = (uint64_t)i;
        nin_status status = ninp_trainer_learn(trainer, lr, &learned, &why);
        if (status == NIN_ERROR_NOT_FINITE) {
            out->diverged = true;
            break;
        }
        if (status != NIN_OK) {
            return ninp_fail(err, status, "%s", why.message);
        }
        add_point(out, lr, learned.loss_sum / (double)learned.examples, &raw);
        const double smoothed = out->points[out->count - 1].smoothed;
        best = smoothed < best ? smoothed : best;
        out->diverged = smoothed > DIVERGED * best;
        out->stopped = !tell(trainer, out, steps);
    }
    out->suggestion = suggest(out, steps);
    return NIN_OK;
}

nin_status nin_lr_range_measure(const nin_train_task *task, const nin_lr_range_options *options,
                                nin_lr_range *out, nin_error *err) {
    *out = (nin_lr_range){.suggestion = NAN};
    ninp_trainer trainer = {.task = *task, .options = *task->options};
    trainer.task.options = &trainer.options;
    trainer.task.test = NULL;
    trainer.options.patience = 0; /* it needs test data, and averages are for what is tested */
    trainer.options.ema = 0;
    nin_status status = check(options, err);
    if (status == NIN_OK) {
        status = ninp_trainer_prepare(&trainer, err);
    }
    const int steps = options->steps < trainer.batches ? options->steps : trainer.batches;
    if (status == NIN_OK && steps < 2) {
        status = ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "an epoch has a single step: too few for a range test");
    }
    if (status == NIN_OK) {
        status = ninp_trainer_begin(&trainer, err);
    }
    if (status == NIN_OK) {
        status = measure(&trainer, options, steps, out, err);
    }
    ninp_trainer_close(&trainer);
    if (status != NIN_OK) {
        nin_lr_range_free(out);
    }
    return status;
}

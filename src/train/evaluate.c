#include <nin/train.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/clock.h"
#include "train/fit.h"
#include "train/held.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

void nin_evaluation_free(nin_evaluation *evaluation) {
    if (!evaluation) {
        return;
    }
    free(evaluation->scores);
    free(evaluation->confusion);
    free(evaluation->predicted);
    *evaluation = (nin_evaluation){0};
}

static nin_status allocate(nin_evaluation *out, size_t examples, int classes, nin_error *err) {
    size_t count = (size_t)classes;
    size_t cells;
    out->classes = classes;
    out->scores = ninp_calloc(count, sizeof *out->scores);
    out->confusion =
        ninp_mul(count, count, &cells) ? ninp_calloc(cells, sizeof *out->confusion) : NULL;
    out->predicted = ninp_calloc(examples, sizeof *out->predicted);
    return out->scores && out->confusion && out->predicted
               ? NIN_OK
               : ninp_fail_memory(err, cells * sizeof *out->confusion, "an evaluation");
}

/* Puts one example into the tables. */
static void count_example(nin_evaluation *out, uint32_t index, int label, const float *logits) {
    int predicted = 0;
    for (int c = 1; c < out->classes; c++) {
        predicted = logits[c] > logits[predicted] ? c : predicted;
    }
    out->predicted[index] = predicted;
    out->confusion[(size_t)label * (size_t)out->classes + (size_t)predicted]++;
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : (double)NAN;
}

/* Precision, recall and F1 = 2 TP / (2 TP + FP + FN) of each class. */
static void score_classes(nin_evaluation *out) {
    size_t classes = (size_t)out->classes;
    for (size_t c = 0; c < classes; c++) {
        double hits = (double)out->confusion[c * classes + c];
        size_t support = 0;
        size_t predicted = 0;
        for (size_t other = 0; other < classes; other++) {
            support += out->confusion[c * classes + other];
            predicted += out->confusion[other * classes + c];
        }
        out->scores[c] = (nin_class_score){.precision = ratio(hits, (double)predicted),
                                           .recall = ratio(hits, (double)support),
                                           .f1 = ratio(2 * hits, (double)(predicted + support)),
                                           .support = support};
    }
}

typedef struct evaluation_run {
    nin_session *session;
    const nin_evaluation_task *task;
    nin_loader *loader;
    nin_loader *mirrored; /* the same pictures as mirror images; NULL: not asked for */
    float *logits;        /* one batch */
    float *mirror_logits;
    size_t total;
    /* Where a device holds the pictures, and loaders only say what is to be done to them: */
    ninp_resident_device device; /* no functions: none does */
    ninp_resident_place *places; /* one batch, as all below */
    int32_t *labels;
    uint32_t *indices;
    int next; /* batch */
} evaluation_run;

static void free_run(evaluation_run *run) {
    nin_loader_free(run->loader);
    nin_loader_free(run->mirrored);
    ninp_free_aligned(run->logits);
    ninp_free_aligned(run->mirror_logits);
    free(run->places);
    free(run->labels);
    free(run->indices);
}

/* Leaves the pictures to the session's device where it has room for them and can do all that is
 * asked for. */
static nin_status hold(evaluation_run *run, size_t batch, nin_error *err) {
    const ninp_resident_device device = ninp_session_resident(run->session);
    if (!device.functions || !ninp_held_fits(run->loader)) {
        return NIN_OK;
    }
    nin_error why = {0};
    const nin_status status = ninp_held_copy(&device, run->loader, &why);
    if (status == NIN_ERROR_MEMORY) {
        return NIN_OK;
    }
    if (status != NIN_OK) {
        if (err) {
            *err = why;
        }
        return status;
    }
    run->places = ninp_calloc(batch, sizeof *run->places);
    run->labels = ninp_calloc(batch, sizeof *run->labels);
    run->indices = ninp_calloc(batch, sizeof *run->indices);
    run->device = device;
    return run->places && run->labels && run->indices
               ? NIN_OK
               : ninp_fail_memory(err, batch * sizeof *run->places, "an evaluation");
}

static nin_status open_run(evaluation_run *run, int classes, nin_error *err) {
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = *run->task->preprocess;
    options.batch = nin_session_get_info(run->session).batch;
    size_t count = (size_t)options.batch * (size_t)classes;
    run->logits = ninp_calloc_aligned(count, sizeof *run->logits);
    run->mirror_logits = ninp_calloc_aligned(count, sizeof *run->mirror_logits);
    if (!run->logits || !run->mirror_logits) {
        return ninp_fail_memory(err, count * sizeof *run->logits, "logits");
    }
    nin_status status = nin_loader_create(run->task->dataset, &options, &run->loader, err);
    if (status == NIN_OK && run->task->flip) {
        options.mirror = true;
        status = nin_loader_create(run->task->dataset, &options, &run->mirrored, err);
    }
    return status == NIN_OK ? hold(run, (size_t)options.batch, err) : status;
}

/* Logits of a batch, or of its mirror images as another loader gives them. */
static nin_status compute(const evaluation_run *run, const nin_loader *loader,
                          const nin_batch *batch, float *logits, nin_error *err) {
    if (!run->device.functions) {
        return nin_session_logits(run->session, batch->images, batch->count, logits, err);
    }
    for (int i = 0; i < batch->count; i++) {
        run->places[i] = ninp_held_place(loader, 0, batch->indices[i]);
    }
    const nin_status status =
        run->device.functions->logits(run->device.state, run->places, batch->count, logits, err);
    return ninp_resident_told(&run->device, batch->count, status, err);
}

/* Into run->logits; mirrored NULL: without the mirror images. */
static nin_status compute_logits(const evaluation_run *run, const nin_batch *batch,
                                 const nin_batch *mirrored, int classes, nin_error *err) {
    nin_status status = compute(run, run->loader, batch, run->logits, err);
    if (status != NIN_OK || !mirrored) {
        return status;
    }
    assert(mirrored->count == batch->count);
    status = compute(run, run->mirrored, mirrored, run->mirror_logits, err);
    for (int i = 0; status == NIN_OK && i < batch->count * classes; i++) {
        run->logits[i] = 0.5F * (run->logits[i] + run->mirror_logits[i]);
    }
    return status;
}

/* The next batch, without pictures, of those that a device holds; count 0: there is none. */
static nin_batch next_held(evaluation_run *run) {
    nin_batch batch = {.labels = run->labels, .indices = run->indices, .index = run->next};
    if (run->next < nin_loader_batches(run->loader)) {
        batch.count = ninp_loader_batch_size(run->loader, run->next++);
    }
    const size_t first = (size_t)batch.index * (size_t)nin_session_get_info(run->session).batch;
    for (int i = 0; i < batch.count; i++) {
        run->indices[i] = (uint32_t)(first + (size_t)i);
        run->labels[i] = nin_dataset_label(run->task->dataset, run->indices[i]);
    }
    return batch;
}

/* False: there is none. *mirrored: the same pictures as mirror images, or NULL. */
static bool next_batch(evaluation_run *run, nin_batch *batch, const nin_batch **mirrored) {
    if (run->device.functions) {
        *batch = next_held(run);
        *mirrored = run->mirrored ? batch : NULL;
        return batch->count > 0;
    }
    const nin_batch *loaded = nin_loader_next(run->loader);
    *mirrored = run->mirrored ? nin_loader_next(run->mirrored) : NULL;
    if (loaded) {
        *batch = *loaded;
    }
    return loaded != NULL;
}

static void start_loaders(const evaluation_run *run) {
    if (run->device.functions) {
        return;
    }
    nin_loader_start(run->loader, 0, 0);
    if (run->mirrored) {
        nin_loader_start(run->mirrored, 0, 0);
    }
}

static nin_status evaluate_batches(evaluation_run *run, nin_evaluation *out, nin_error *err) {
    double loss_sum = 0;
    size_t correct = 0;
    nin_batch batch;
    const nin_batch *mirrored;
    start_loaders(run);
    while (next_batch(run, &batch, &mirrored)) {
        double start = ninp_clock();
        nin_status status = compute_logits(run, &batch, mirrored, out->classes, err);
        if (status != NIN_OK) {
            return status;
        }
        const nin_examples examples = {.labels = batch.labels, .count = batch.count};
        nin_loss loss = nin_cross_entropy(&examples, run->logits, out->classes, NULL);
        out->seconds += ninp_clock() - start;
        loss_sum += loss.loss_sum;
        correct += (size_t)loss.correct;
        for (int i = 0; i < batch.count; i++) {
            count_example(out, batch.indices[i], batch.labels[i],
                          run->logits + (size_t)i * (size_t)out->classes);
        }
        out->examples += (size_t)batch.count;
        if (run->task->progress &&
            !run->task->progress(out->examples, run->total, run->task->context)) {
            break;
        }
    }
    out->loss = loss_sum / (double)out->examples;
    out->accuracy = (double)correct / (double)out->examples;
    score_classes(out);
    return NIN_OK;
}

nin_status nin_evaluate(nin_session *session, const nin_evaluation_task *task, nin_evaluation *out,
                        nin_error *err) {
    *out = (nin_evaluation){0};
    const nin_net *net = nin_session_net(session);
    nin_status status = ninp_fit_check(net, task->dataset, task->preprocess, err);
    if (status != NIN_OK) {
        return status;
    }
    const int classes = nin_net_output(net).channels;
    evaluation_run run = {
        .session = session, .task = task, .total = nin_dataset_get_info(task->dataset).count};
    status = allocate(out, run.total, classes, err);
    if (status == NIN_OK) {
        status = open_run(&run, classes, err);
    }
    if (status == NIN_OK) {
        status = evaluate_batches(&run, out, err);
    }
    free_run(&run);
    if (status != NIN_OK) {
        nin_evaluation_free(out);
    }
    return status;
}

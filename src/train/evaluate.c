#include <nin/train.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/clock.h"
#include "train/fit.h"

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
    nin_loader *loader;
    float *logits; /* one batch */
    size_t total;
    bool (*progress)(size_t done, size_t count, void *context);
    void *context;
} evaluation_run;

static nin_status evaluate_batches(const evaluation_run *run, nin_evaluation *out, nin_error *err) {
    double loss_sum = 0;
    size_t correct = 0;
    const nin_batch *batch;
    nin_loader_start(run->loader, 0, 0);
    while ((batch = nin_loader_next(run->loader)) != NULL) {
        double start = ninp_clock();
        nin_status status =
            nin_session_logits(run->session, batch->images, batch->count, run->logits, err);
        if (status != NIN_OK) {
            return status;
        }
        const nin_examples examples = {.labels = batch->labels, .count = batch->count};
        nin_loss loss = nin_cross_entropy(&examples, run->logits, out->classes, NULL);
        out->seconds += ninp_clock() - start;
        loss_sum += loss.loss_sum;
        correct += (size_t)loss.correct;
        for (int i = 0; i < batch->count; i++) {
            count_example(out, batch->indices[i], batch->labels[i],
                          run->logits + (size_t)i * (size_t)out->classes);
        }
        out->examples += (size_t)batch->count;
        if (run->progress && !run->progress(out->examples, run->total, run->context)) {
            break;
        }
    }
    out->loss = loss_sum / (double)out->examples;
    out->accuracy = (double)correct / (double)out->examples;
    score_classes(out);
    return NIN_OK;
}

nin_status nin_evaluate(nin_session *session, const nin_dataset *dataset,
                        const nin_preprocess *preprocess,
                        bool (*progress)(size_t done, size_t count, void *context), void *context,
                        nin_evaluation *out, nin_error *err) {
    *out = (nin_evaluation){0};
    const nin_net *net = nin_session_net(session);
    nin_status status = ninp_fit_check(net, dataset, preprocess, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t count = nin_dataset_get_info(dataset).count;
    int classes = nin_net_output(net).channels;
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = *preprocess;
    options.batch = nin_session_get_info(session).batch;
    evaluation_run run = {
        .session = session, .total = count, .progress = progress, .context = context};
    status = allocate(out, count, classes, err);
    if (status == NIN_OK) {
        run.logits = ninp_calloc_aligned((size_t)options.batch * (size_t)classes, sizeof(float));
        status = run.logits ? nin_loader_create(dataset, &options, &run.loader, err)
                            : ninp_fail_memory(err, (size_t)options.batch, "logits");
    }
    if (status == NIN_OK) {
        status = evaluate_batches(&run, out, err);
    }
    nin_loader_free(run.loader);
    ninp_free_aligned(run.logits);
    if (status != NIN_OK) {
        nin_evaluation_free(out);
    }
    return status;
}

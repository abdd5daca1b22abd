/* The health watch: looks at a run of training now and then and finds what goes wrong without an
 * error. It reads and never writes what is trained. What it found and its memory can be saved, so
 * that a resumed run finds the same at the same steps. */
#ifndef NINP_TRAIN_HEALTH_WATCH_H
#define NINP_TRAIN_HEALTH_WATCH_H

#include "engine/session.h"

#include <nin/train.h>

#include <jansson.h>

typedef struct ninp_health ninp_health;

/* Everything must outlive the watch; the session is the one that trains. NIN_ERROR_MEMORY. */
nin_status ninp_health_create(const nin_model *model, const nin_session *session,
                              const nin_dataset *train, const nin_train_options *options,
                              ninp_health **out, nin_error *err);
void ninp_health_free(ninp_health *health);

/* From now on weights and pictures are looked at on a device that keeps them. */
void ninp_health_look_at(ninp_health *health, const ninp_resident_device *device);
/* Whether step `number` is one of those that are looked at. */
bool ninp_health_looks(uint64_t number);

/* Before the first step of a run: what can be said of its data. */
void ninp_health_begin(ninp_health *health);

/* A step that was computed. */
typedef struct ninp_health_step {
    uint64_t number;      /* from 1 */
    const float *images;  /* of the batch, as the net takes them; NULL: the device has them */
    int count;            /* of them */
    double loss;          /* mean of the batch */
    double gradient_norm; /* L2, of the whole gradient, before clipping */
    float lr;
} ninp_health_step;

/* Around the update of the weights of step `number`, every step. Most steps are only counted: the
 * first ten and every twentieth are looked at. */
void ninp_health_before_update(ninp_health *health, uint64_t number);
void ninp_health_after_update(ninp_health *health, const ninp_health_step *step);

/* After the evaluation at the end of an epoch; `number` steps are done. */
void ninp_health_evaluated(ninp_health *health, const nin_evaluation *evaluation, uint64_t number);

/* Values that are not finite, found by the step itself (finite.h); the finding of it. */
const nin_finding *ninp_health_nonfinite(ninp_health *health, uint64_t step, const char *text);

/* What is new since the last call: one finding that began or is over (until is set then), the most
 * fundamental first; NULL: nothing is. Valid until the next call about this watch. */
const nin_finding *ninp_health_news(ninp_health *health);

/* The latest finding of a kind; NULL: there was none. */
const nin_finding *ninp_health_finding(const ninp_health *health, nin_finding_kind kind);

/* The finding because of which a run after `step` steps has failed (nin/health.h says when that
 * is), or NULL. Depends on nothing that is not saved. */
const nin_finding *ninp_health_failure(const ninp_health *health, uint64_t step, bool epoch_done,
                                       bool run_done);

/* How much the weights of a layer changed in one step at the last look, in parts of their size: the
 * largest of all layers; 0 before the first look. */
double ninp_health_largest_update(const ninp_health *health);

/* The memory of the watch as a JSON object (NULL when out of memory), and back. NIN_ERROR_DATA: it
 * was not made by ninp_health_save. */
json_t *ninp_health_save(const ninp_health *health);
nin_status ninp_health_load(ninp_health *health, const json_t *saved, nin_error *err);

#endif

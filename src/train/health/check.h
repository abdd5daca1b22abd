/* One check of the health watch: what it looks at, and when it tells. checks.c lists them all;
 * adding one is a line there, a kind in nin/health.h and two functions. */
#ifndef NINP_TRAIN_HEALTH_CHECK_H
#define NINP_TRAIN_HEALTH_CHECK_H

#include "train/health/view.h"

/* When a check is made. */
typedef enum ninp_health_moment {
    NINP_HEALTH_START,     /* before the first step: view->train */
    NINP_HEALTH_STEP,      /* at a look */
    NINP_HEALTH_EVALUATION /* after an epoch: view->evaluation */
} ninp_health_moment;

typedef struct ninp_health_check {
    const char *title; /* for people: "dead class maps" */
    ninp_health_moment moment;
    uint64_t patience;  /* steps for which every look sees it before it is told, and none before it
                           is over */
    bool tells_worse;   /* tells again when twice as many are concerned, or all */
    unsigned hidden_by; /* bits 1 << kind of findings whose consequence this would be */
    /* Whether something is wrong now; fills layer, count, of, value and limit. */
    bool (*sees)(const ninp_health_view *view, nin_finding *finding);
    /* Writes the text of a finding that is told now. */
    void (*say)(const ninp_health_view *view, nin_finding *finding);
    /* Whether a run has failed that has had this finding, or where all are concerned this finding
     * with all of them, for so many steps; NULL: it never has. */
    bool (*fails)(const nin_finding *finding, uint64_t steps, bool epoch_done);
} ninp_health_check;

/* By kind. */
extern const ninp_health_check ninp_health_checks[NIN_FINDING_KINDS];

/* sprintf into the finding's text. */
void ninp_health_say(nin_finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "step 40", or "the start". */
typedef struct ninp_health_words {
    char text[160];
} ninp_health_words;
ninp_health_words ninp_health_since(const nin_finding *finding);
/* The names of those classes for which wanted[class] is set: "shirt, bag, sneaker", or of many
 * "shirt, bag, sneaker, coat and 2 more". */
ninp_health_words ninp_health_classes(const nin_model *model, const bool *wanted, int classes);
/* A learning rate that is `factor` times as large, with one significant digit: "0.003". */
ninp_health_words ninp_health_lr(float lr, double factor);

#define NINP_HEALTH_CHECK(name)                                                         \
    bool ninp_health_##name##_sees(const ninp_health_view *view, nin_finding *finding); \
    void ninp_health_##name##_say(const ninp_health_view *view, nin_finding *finding)
NINP_HEALTH_CHECK(labels);
NINP_HEALTH_CHECK(constant);
NINP_HEALTH_CHECK(range);
NINP_HEALTH_CHECK(large);
NINP_HEALTH_CHECK(small);
NINP_HEALTH_CHECK(frozen);
NINP_HEALTH_CHECK(exploding);
NINP_HEALTH_CHECK(vanishing);
NINP_HEALTH_CHECK(maps);
NINP_HEALTH_CHECK(units);
NINP_HEALTH_CHECK(standstill);
NINP_HEALTH_CHECK(recall);
#undef NINP_HEALTH_CHECK

#endif

/* The table of checks, and what their sentences have in common. */
#include "train/health/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- when a run has failed ----------------------------------------------------------------- */

/* Single maps come back while the layers before them still move; when none gives anything, nothing
 * moves any more. */
static bool maps_fail(const nin_finding *finding, uint64_t steps, bool epoch_done) {
    enum { ALL_STEPS = 100, SOME_STEPS = 500 };
    (void)epoch_done;
    return steps >= (finding->count == finding->of ? ALL_STEPS : SOME_STEPS);
}

/* Runs of the lecture's recipe that learn in the end have been seen to stand for some hundred
 * steps. */
static bool standstill_fails(const nin_finding *finding, uint64_t steps, bool epoch_done) {
    enum { STEPS = 1000 };
    (void)finding;
    (void)epoch_done;
    return steps >= STEPS;
}

static bool recall_fails(const nin_finding *finding, uint64_t steps, bool epoch_done) {
    (void)steps;
    return epoch_done && finding->count > 1;
}

/* ---- the table ----------------------------------------------------------------------------- */

#define BY(kind) (1U << NIN_FINDING_##kind)

/* In the order of nin_finding_kind: causes before consequences. */
const ninp_health_check ninp_health_checks[NIN_FINDING_KINDS] = {
    [NIN_FINDING_LABELS] = {.title = "labels that do not go with the classes",
                            .moment = NINP_HEALTH_START,
                            .sees = ninp_health_labels_sees,
                            .say = ninp_health_labels_say},
    [NIN_FINDING_INPUT_CONSTANT] = {.title = "pictures that are all the same",
                                    .moment = NINP_HEALTH_STEP,
                                    .sees = ninp_health_constant_sees,
                                    .say = ninp_health_constant_say},
    [NIN_FINDING_INPUT_RANGE] = {.title = "pictures that are not scaled",
                                 .moment = NINP_HEALTH_STEP,
                                 .hidden_by = BY(INPUT_CONSTANT),
                                 .sees = ninp_health_range_sees,
                                 .say = ninp_health_range_say},
    /* told by ninp_health_nonfinite */
    [NIN_FINDING_NOT_FINITE] = {.title = "values that are not finite"},
    [NIN_FINDING_LARGE_UPDATES] = {.title = "updates as large as the weights",
                                   .moment = NINP_HEALTH_STEP,
                                   .patience = 2,
                                   .hidden_by = BY(INPUT_RANGE),
                                   .sees = ninp_health_large_sees,
                                   .say = ninp_health_large_say},
    [NIN_FINDING_EXPLODING_GRADIENT] = {.title = "exploding gradient",
                                        .moment = NINP_HEALTH_STEP,
                                        .hidden_by = BY(INPUT_RANGE) | BY(LARGE_UPDATES),
                                        .sees = ninp_health_exploding_sees,
                                        .say = ninp_health_exploding_say},
    [NIN_FINDING_DEAD_MAPS] = {.title = "dead class maps",
                               .moment = NINP_HEALTH_STEP,
                               .patience = 40,
                               .tells_worse = true,
                               .sees = ninp_health_maps_sees,
                               .say = ninp_health_maps_say,
                               .fails = maps_fail},
    [NIN_FINDING_DEAD_UNITS] = {.title = "dead units",
                                .moment = NINP_HEALTH_STEP,
                                .patience = 60,
                                .hidden_by = BY(INPUT_CONSTANT),
                                .sees = ninp_health_units_sees,
                                .say = ninp_health_units_say},
    [NIN_FINDING_FROZEN_LAYER] = {.title = "frozen layer",
                                  .moment = NINP_HEALTH_STEP,
                                  .patience = 60,
                                  .hidden_by = BY(INPUT_CONSTANT) | BY(DEAD_UNITS),
                                  .sees = ninp_health_frozen_sees,
                                  .say = ninp_health_frozen_say},
    [NIN_FINDING_VANISHING_GRADIENT] = {.title = "vanishing gradient",
                                        .moment = NINP_HEALTH_STEP,
                                        .patience = 60,
                                        .hidden_by = BY(INPUT_CONSTANT) | BY(DEAD_UNITS),
                                        .sees = ninp_health_vanishing_sees,
                                        .say = ninp_health_vanishing_say},
    [NIN_FINDING_SMALL_UPDATES] = {.title = "updates too small for the weights",
                                   .moment = NINP_HEALTH_STEP,
                                   .patience = 100,
                                   .hidden_by = BY(INPUT_CONSTANT) | BY(DEAD_UNITS) |
                                                BY(FROZEN_LAYER) | BY(VANISHING_GRADIENT),
                                   .sees = ninp_health_small_sees,
                                   .say = ninp_health_small_say},
    [NIN_FINDING_STANDSTILL] = {.title = "loss at guessing",
                                .moment = NINP_HEALTH_STEP,
                                .patience = 100,
                                .hidden_by = BY(INPUT_CONSTANT),
                                .sees = ninp_health_standstill_sees,
                                .say = ninp_health_standstill_say,
                                .fails = standstill_fails},
    [NIN_FINDING_ZERO_RECALL] = {.title = "classes that are never recognised",
                                 .moment = NINP_HEALTH_EVALUATION,
                                 .hidden_by = BY(DEAD_MAPS) | BY(STANDSTILL),
                                 .sees = ninp_health_recall_sees,
                                 .say = ninp_health_recall_say,
                                 .fails = recall_fails},
};

const char *nin_finding_word(nin_finding_kind kind) {
#define WORD(name, word) [NIN_FINDING_##name] = word,
    static const char *const words[] = {NIN_FINDING_MAP(WORD)};
#undef WORD
    return (size_t)kind < NIN_FINDING_KINDS ? words[kind] : NULL;
}

/* ---- words --------------------------------------------------------------------------------- */

void ninp_health_say(nin_finding *finding, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(finding->text, sizeof finding->text, format, list);
    va_end(list);
}

ninp_health_words ninp_health_since(const nin_finding *finding) {
    ninp_health_words words = {"the start"};
    if (finding->since > 1) {
        snprintf(words.text, sizeof words.text, "step %" PRIu64, finding->since);
    }
    return words;
}

/* Bytes of a name that stand in a list, whole characters of UTF-8 only. */
static int name_length(const char *name) {
    enum { LONGEST = 24 };
    size_t length = strnlen(name, LONGEST);
    while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80) {
        length--;
    }
    return (int)length;
}

ninp_health_words ninp_health_classes(const nin_model *model, const bool *wanted, int classes) {
    enum { NAMED = 4 };
    ninp_health_words words = {""};
    int count = 0;
    size_t length = 0;
    for (int c = 0; c < classes; c++) {
        if (!wanted[c] || count++ >= NAMED) {
            continue;
        }
        char number[16];
        const char *name = number;
        snprintf(number, sizeof number, "%d", c);
        if (model->class_names && model->class_names[c]) {
            name = model->class_names[c];
        }
        length += (size_t)snprintf(words.text + length, sizeof words.text - length, "%s%.*s",
                                   count > 1 ? ", " : "", name_length(name), name);
    }
    if (count > NAMED) {
        snprintf(words.text + length, sizeof words.text - length, " and %d more", count - NAMED);
    }
    return words;
}

ninp_health_words ninp_health_lr(float lr, double factor) {
    ninp_health_words words;
    snprintf(words.text, sizeof words.text, "%.1g", (double)lr * factor);
    return words;
}

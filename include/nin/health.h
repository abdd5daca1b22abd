/* What training tells about its own health: findings, and what to do when a run has failed. */
#ifndef NIN_HEALTH_H
#define NIN_HEALTH_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What goes wrong in training without an error. X(name, word) */
#define NIN_FINDING_MAP(X)                                                                  \
    X(LABELS, "labels")                         /* labels do not go with the classes */     \
    X(INPUT_CONSTANT, "constant-input")         /* pictures that are all the same */        \
    X(INPUT_RANGE, "input-range")               /* pictures that are not scaled */          \
    X(NOT_FINITE, "not-finite")                 /* NaN or infinity; nin_train then fails */ \
    X(LARGE_UPDATES, "large-updates")           /* steps as large as the weights */         \
    X(EXPLODING_GRADIENT, "exploding-gradient") /* its norm */                              \
    X(DEAD_MAPS, "dead-class-maps")             /* classes that can never be predicted */   \
    X(DEAD_UNITS, "dead-units")                 /* a layer whose ReLU gives nothing */      \
    X(FROZEN_LAYER, "frozen-layer")             /* weights and loss that do not move */     \
    X(VANISHING_GRADIENT, "vanishing-gradient") /* its norm */                              \
    X(SMALL_UPDATES, "small-updates")           /* weights that hardly move */              \
    X(STANDSTILL, "standstill")                 /* the loss stands at ln(classes) */        \
    X(ZERO_RECALL, "zero-recall")               /* classes of which nothing is recognised */

typedef enum nin_finding_kind {
#define NIN_FINDING_ENUM(name, word) NIN_FINDING_##name,
    NIN_FINDING_MAP(NIN_FINDING_ENUM)
#undef NIN_FINDING_ENUM
} nin_finding_kind;

#define NIN_FINDING_ONE(name, word) +1
enum { NIN_FINDING_KINDS = 0 NIN_FINDING_MAP(NIN_FINDING_ONE) };
#undef NIN_FINDING_ONE

/* "dead-class-maps"; NULL for a number that is no kind. */
NIN_API const char *nin_finding_word(nin_finding_kind kind);

typedef struct nin_finding {
    nin_finding_kind kind;
    char layer[64];      /* of the net, the worst one of several; "" where it is about none */
    uint64_t since;      /* step at which it was first seen, from 1; 0: before the first step */
    uint64_t until;      /* step at which it was seen to be over; 0: it lasts */
    int count, of;       /* class maps, units, layers or classes that are concerned, and how many
                            there are; 0 where nothing is counted */
    double value, limit; /* what was measured, and what it should not have passed */
    char text[600];      /* one sentence for people: what was seen, where, since when, the likely
                            cause, what to change; once it is over, that it is */
} nin_finding;

/* What to do when a run has failed, which it has when its weights are no longer finite (then
 * `continue` too ends it), all class maps have been dead for 100 steps or some for 500, the loss
 * has stood at ln(classes) for 1000 steps, an epoch ends with several classes of which nothing is
 * recognised, or one of these still holds when the last epoch ends. */
typedef enum nin_on_failure {
    NIN_ON_FAILURE_CONTINUE,
    NIN_ON_FAILURE_STOP,   /* save and return */
    NIN_ON_FAILURE_RESTART /* begin again with the next seed; see `restarts` */
} nin_on_failure;

#ifdef __cplusplus
}
#endif

#endif

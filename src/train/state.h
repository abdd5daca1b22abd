/* The file `state`: where a run is, with everything that going on exactly needs. It is a
 * safetensors file: the net's tensors, arrays that the run keeps beside them ("momentum"), and
 * "nin.state" in the metadata. */
#ifndef NINP_TRAIN_STATE_H
#define NINP_TRAIN_STATE_H

#include "format/safetensors.h"

#include <nin/train.h>

#include <jansson.h>

/* Counters and sums. */
typedef struct ninp_run_position {
    int epoch;                       /* that is being trained, from 0 */
    int batch;                       /* of it that are done; all: it has yet to be evaluated */
    uint64_t step;                   /* done in all */
    double loss_sum;                 /* since the epoch began, or of the whole epoch before it */
    uint64_t correct, examples;      /* likewise */
    uint64_t all_examples;           /* trained in all */
    double step_seconds;             /* spent in steps in all */
    double test_loss, test_accuracy; /* after the last epoch; NaN: not measured */
    double best_accuracy;            /* NaN: none yet */
    int best_epoch;                  /* -1: none yet */
    uint64_t log_bytes;              /* of log.jsonl that belong to this position */
    int restart;                     /* how many there were; the seed is that much larger */
} ninp_run_position;

typedef struct ninp_run_state {
    ninp_run_position at;
    json_t *identity; /* see identity.h */
    json_t *engine;   /* what the run computes with: {"device", "isa", "math", "algorithms",
                         "test_algorithms"} */
    json_t *health;   /* the memory of the health watch; NULL: it does not watch */
} ninp_run_state;

void ninp_run_state_free(ninp_run_state *state);

/* Numbers that a run keeps beside the net, under a name of their own. */
typedef struct ninp_run_array {
    const char *name;
    float *values;
    size_t count;
} ninp_run_array;

enum { NINP_RUN_ARRAYS = 3 }; /* at most */

/* Replaces the file at `path` atomically. */
nin_status ninp_run_state_save(const char *path, const ninp_run_state *state,
                               const nin_model *model, const ninp_run_array *arrays,
                               size_t array_count, nin_error *err);

/* Opens a state and reads all but the tensors. NIN_ERROR_NO_INPUT: there is none; NIN_ERROR_DATA:
 * it is damaged. *file is open on success. Whether the position is one of this run is for the
 * caller to check. */
nin_status ninp_run_state_open(const char *path, ninp_run_state *state, ninp_safetensors **file,
                               nin_error *err);

/* Reads the tensors: the net's, and into the arrays, which must be those that were saved. */
nin_status ninp_run_state_read(ninp_safetensors *file, nin_net *net, const ninp_run_array *arrays,
                               size_t array_count, nin_error *err);

#endif

/* What came of the runs of a study: one JSON object a run in results.jsonl. */
#ifndef CLI_STUDY_RESULTS_H
#define CLI_STUDY_RESULTS_H

#include <nin/base.h>

#include <jansson.h>

/* How a run ended, best first. */
typedef enum cli_outcome {
    CLI_HEALTHY,  /* it has learnt all classes */
    CLI_DEGRADED, /* it learns, but too little, or without some classes */
    CLI_PLATEAU,  /* it still guesses, with class maps that live: it may learn yet */
    CLI_DEAD,     /* every class map is dead: no gradient will ever come again */
    CLI_DIVERGED, /* a loss or gradient was not finite, or the loss is far above guessing */
    CLI_OUTCOMES
} cli_outcome;

/* "healthy", ... */
const char *cli_outcome_name(cli_outcome outcome);

typedef struct cli_study_run {
    char *row;
    uint64_t seed;
    bool finite;                       /* false: there are no figures */
    double train_loss, train_accuracy; /* means of the last epoch, as the lecture's */
    double test_accuracy;              /* of the weights at the end, on the first test pictures */
    int classes;
    int dead_maps; /* classes whose logit is 0 on all pictures looked at: behind
                      a ReLU and a mean, a class map that is 0 everywhere */
    uint64_t steps;
    double seconds;   /* of training steps */
    char *isa;        /* it was made with */
    json_t *findings; /* of the health watch: their words, such as "dead-units"; an array */
} cli_study_run;

/* Diverged: figures that are not finite, or a loss above twice that of guessing, ln(classes). Dead:
 * all maps are. Plateau: the loss is not 0.02 better than that of guessing.
 * Healthy: the training accuracy is at least `healthy_at` and no map is dead. */
cli_outcome cli_study_outcome(const cli_study_run *run, double healthy_at);

typedef struct cli_study_results {
    char *path;
    cli_study_run *runs;
    size_t count, capacity;
} cli_study_results;

/* Reads the file, if there is one. A last line that was cut off when the machine stopped is removed
 * from it. NIN_ERROR_DATA: a line is wrong, named by its number. *out is freed in any case. */
nin_status cli_study_results_open(const char *path, cli_study_results *out, nin_error *err);
void cli_study_results_free(cli_study_results *results);

/* The run, or NULL. */
const cli_study_run *cli_study_results_find(const cli_study_results *results, const char *row,
                                            uint64_t seed);

/* Appends a run to the file, at once and whole, and takes over what it owns. */
nin_status cli_study_results_add(cli_study_results *results, cli_study_run run, nin_error *err);

#endif

/* What is known of nets that are compared, and how it is shown. */
#ifndef CLI_COMPARED_H
#define CLI_COMPARED_H

#include <nin/nin.h>

#include <jansson.h>

/* Steps of training or of prediction. */
typedef struct cli_times {
    double *seconds; /* of each step, while it is measured */
    size_t count;
    double rate;  /* examples a second, the median step's; 0: not measured */
    double bytes; /* of weights, gradients and session */
} cli_times;

typedef struct cli_compared {
    const char *name;
    nin_model model;
    bool has_weights; /* those of a trained model */
    uint64_t parameters, macs;
    uint64_t dense; /* weights of the first dense layer; 0: there is none */
    cli_times train, predict;
    int epochs;                           /* trained for; 0: not */
    double train_accuracy, test_accuracy; /* NaN: not measured */
} cli_compared;

typedef struct cli_compared_report {
    const cli_compared *nets;
    size_t count;
    int batch;                /* of the measurement */
    nin_session_info session; /* likewise; threads 0: speed was not measured */
} cli_compared_report;

/* Fills in what the net itself tells. */
void cli_compared_count(cli_compared *net);

/* Prints a table on the standard output. */
void cli_compared_print(const cli_compared_report *report);

/* The same as one object; freed by the caller. */
json_t *cli_compared_json(const cli_compared_report *report);

/* The same as bars. */
nin_status cli_compared_draw(const cli_compared_report *report, const char *path, nin_error *err);

#endif

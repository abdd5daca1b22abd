/* What a study found, for people and scripts. */
#ifndef CLI_STUDY_REPORT_H
#define CLI_STUDY_REPORT_H

#include "../rows.h"
#include "results.h"

#include <jansson.h>

typedef struct cli_study_report {
    const cli_rows *rows;
    const cli_study_results *results;
    uint64_t first_seed; /* runs of other seeds are left out */
    uint64_t seeds;
    double healthy_at;
    const char *title; /* of the picture, with how long the runs were */
} cli_study_report;

/* Prints the table on the standard output. */
void cli_study_print(const cli_study_report *report);

/* The same as JSON; freed by the caller. */
json_t *cli_study_json(const cli_study_report *report);

/* Writes table.md, table.json, and plot.svg and plot.png where there is a run to show. */
nin_status cli_study_write(const cli_study_report *report, const char *directory, nin_error *err);

#endif

/* What a training run tells people: how it begins, how far it is, how it ends. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "options.h"
#include "run_directory.h"

#include <nin/nin.h>

typedef struct cli_report cli_report;

/* Says what will be trained on what, and where the results will be. */
void cli_report_plan(const cli_settings *settings, const nin_net *net, const cli_run_record *record,
                     const char *directory);

/* Follows a run whose curves go into `directory` (must outlive the report). */
cli_report *cli_report_start(const cli_settings *settings, const char *directory);

/* The callback for nin_train; its context is the report. Answers false after a signal. */
bool cli_report_event(nin_event event, const nin_progress *progress, void *context);

/* Ends the progress line, and draws the curves a last time if there is a log. */
void cli_report_free(cli_report *report);

/* Says on the standard error where a run stands that ended or was stopped, and prints the lecture's
 * two lines, or with `json` one object, on the standard output. */
void cli_report_end(const cli_settings *settings, const cli_run_record *record,
                    const char *directory, const nin_train_result *result, bool json);

#endif

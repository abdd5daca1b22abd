/* Findings of the health watch, told to people and to scripts. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "progress.h"

#include <nin/health.h>
#include <nin/train.h>

#include <jansson.h>

/* Prints a finding above the progress line, broken into lines of the terminal's width. `restart` >
 * 0: the run begins again because of it, for the restart-th time, with `seed`. */
void cli_finding_note(cli_progress *line, const nin_finding *finding);
void cli_finding_note_restart(cli_progress *line, const nin_finding *finding, int restart,
                              uint64_t seed);

/* What is still wrong, or was, at the end of a run that began with `seed`, on the standard error;
 * nothing for healthy ones. */
void cli_findings_summary(const nin_train_result *result, uint64_t seed);

/* An array of objects. */
json_t *cli_findings_json(const nin_train_result *result);

#endif

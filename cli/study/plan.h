/* What a study compares, as its directory records it in rows.json, so that all its runs are made
 * under the same conditions however often it is stopped. */
#ifndef CLI_STUDY_PLAN_H
#define CLI_STUDY_PLAN_H

#include "../rows.h"

#include <nin/data.h>

/* Compares the rows with those recorded in the directory, and records the new ones. Settings that
 * no result depends on (threads, where data lie) may differ. NIN_ERROR_ARGUMENT: a row was recorded
 * with other settings, or the study with other data; the message says which. */
nin_status cli_study_record(const char *directory, const cli_rows *rows,
                            const nin_dataset_info *train, const nin_dataset_info *test,
                            nin_error *err);

#endif

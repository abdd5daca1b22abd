/* log.jsonl: one JSON object a line for each curve point, each epoch, and each finding of the
 * health watch, and one that says why a run stopped early. */
#ifndef NINP_TRAIN_RUNLOG_H
#define NINP_TRAIN_RUNLOG_H

#include "train/state.h"

#include <nin/train.h>

typedef struct ninp_run_log {
    const char *path; /* borrowed */
    int fd;
    uint64_t length; /* bytes */
} ninp_run_log;

/* Opens or creates the log and cuts off what stands behind its first `length` bytes: lines that a
 * stopped run wrote after its last checkpoint and that will be written again. NIN_ERROR_DATA: it is
 * shorter than that. `path` must outlive the log. */
nin_status ninp_run_log_open(const char *path, uint64_t length, ninp_run_log *out, nin_error *err);
/* An empty one (all zeros) is allowed. */
void ninp_run_log_close(ninp_run_log *log);

/* Adds the line of this moment; test_loss and test_acc are null where they are NaN. */
nin_status ninp_run_log_add(ninp_run_log *log, const nin_progress *progress, nin_error *err);

/* Adds the line of a run that options.patience stops: {"stopped": "patience", "step", "epochs"
 * (done), "best_epoch" (from 1), "best_acc"}. */
nin_status ninp_run_log_stop(ninp_run_log *log, const ninp_run_position *at, nin_error *err);

/* Adds progress->finding: an object {"step", "finding", ...}, or with NIN_EVENT_RESTART {"step",
 * "restart", "finding", ...}, whose "restart" counts from 1. */
nin_status ninp_run_log_add_finding(ninp_run_log *log, nin_event event,
                                    const nin_progress *progress, nin_error *err);

/* Puts it on the disk. */
nin_status ninp_run_log_sync(const ninp_run_log *log, nin_error *err);

#endif

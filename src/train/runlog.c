#include "train/runlog.h"

#include "base/error.h"
#include "base/file.h"
#include "format/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ninp_run_log_close(ninp_run_log *log) {
    if (log->path && log->fd >= 0) {
        close(log->fd);
    }
    *log = (ninp_run_log){0};
}

static nin_status fail(const ninp_run_log *log, const char *what, nin_error *err) {
    return ninp_fail(err, NIN_ERROR_IO, "%s: cannot %s: %s", log->path, what, strerror(errno));
}

static nin_status cut(const ninp_run_log *log, nin_error *err) {
    struct stat about;
    if (fstat(log->fd, &about) != 0) {
        return fail(log, "inspect", err);
    }
    if (!S_ISREG(about.st_mode)) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: not a regular file", log->path);
    }
    if ((uint64_t)about.st_size < log->length) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: %" PRIu64 " bytes belong to the run, %" PRIu64 " are there",
                         log->path, log->length, (uint64_t)about.st_size);
    }
    return ftruncate(log->fd, (off_t)log->length) == 0 ? NIN_OK : fail(log, "shorten", err);
}

nin_status ninp_run_log_open(const char *path, uint64_t length, ninp_run_log *out, nin_error *err) {
    *out = (ninp_run_log){.path = path, .length = length};
    /* O_NONBLOCK: a FIFO of that name would otherwise wait for a reader. */
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
    out->fd = open(path, flags, 0666);
    nin_status status = out->fd < 0 ? fail(out, "open", err) : cut(out, err);
    if (status != NIN_OK) {
        ninp_run_log_close(out);
    }
    return status;
}

static json_t *line_json(const nin_progress *progress) {
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"epoch", progress->epoch_position},
                   {"loss", progress->train_loss},
                   {"train_acc", progress->train_accuracy},
                   {"test_loss", progress->test_loss},
                   {"test_acc", progress->test_accuracy},
                   {"lr", (double)progress->lr},
                   {"examples_per_s", progress->examples_per_second},
                   {"seconds", progress->step_seconds}};
    json_t *line = json_pack("{s:I}", "step", (json_int_t)progress->step);
    for (size_t i = 0; line && i < sizeof numbers / sizeof *numbers; i++) {
        if (json_object_set_new(line, numbers[i].key, ninp_json_number(numbers[i].value)) != 0) {
            json_decref(line);
            return NULL;
        }
    }
    return line;
}

/* Takes `json` over. */
static nin_status add_line(ninp_run_log *log, json_t *json, nin_error *err) {
    char *line = ninp_json_line(json, NINP_JSON_SHORT);
    json_decref(json);
    if (!line) {
        return ninp_fail_memory(err, sizeof *json, "a line of the log");
    }
    size_t length = strlen(line);
    line[length++] = '\n'; /* in the place of the NUL: the line is written by its length */
    nin_status status = ninp_file_put(log->fd, log->path, line, length, err);
    free(line);
    log->length += status == NIN_OK ? length : 0;
    return status;
}

nin_status ninp_run_log_add(ninp_run_log *log, const nin_progress *progress, nin_error *err) {
    return add_line(log, line_json(progress), err);
}

nin_status ninp_run_log_stop(ninp_run_log *log, const ninp_run_position *at, nin_error *err) {
    return add_line(log,
                    json_pack("{s:s, s:I, s:i, s:i, s:o}", "stopped", "patience", "step",
                              (json_int_t)at->step, "epochs", at->epoch, "best_epoch",
                              at->best_epoch + 1, "best_acc", ninp_json_number(at->best_accuracy)),
                    err);
}

nin_status ninp_run_log_add_finding(ninp_run_log *log, nin_event event,
                                    const nin_progress *progress, nin_error *err) {
    const nin_finding *finding = progress->finding;
    json_t *line = json_pack("{s:I}", "step", (json_int_t)progress->step);
    if (line && event == NIN_EVENT_RESTART) {
        json_object_set_new(line, "restart", json_integer(progress->restart));
    }
    json_t *rest = json_pack(
        "{s:s, s:s, s:I, s:o, s:i, s:i, s:o, s:o, s:s}", "finding", nin_finding_word(finding->kind),
        "layer", finding->layer, "since", (json_int_t)finding->since, "until",
        finding->until ? json_integer((json_int_t)finding->until) : json_null(), "count",
        finding->count, "of", finding->of, "value", ninp_json_number(finding->value), "limit",
        ninp_json_number(finding->limit), "text", finding->text);
    bool whole = line && rest && json_object_update(line, rest) == 0;
    json_decref(rest);
    if (!whole) {
        json_decref(line);
        line = NULL;
    }
    return add_line(log, line, err);
}

nin_status ninp_run_log_sync(const ninp_run_log *log, nin_error *err) {
    return ninp_file_sync(log->fd, log->path, err);
}

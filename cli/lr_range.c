#include "lr_range.h"

#include "fail.h"
#include "files.h"
#include "json.h"
#include "progress.h"
#include "signals.h"
#include "terminal.h"
#include "text.h"

#include <nin/draw.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool show_step(nin_event event, const nin_progress *now, void *context) {
    (void)event;
    cli_progress_set(context, "range test  step %llu/%llu  lr %.2g  loss %.3f",
                     (unsigned long long)now->step, (unsigned long long)now->steps, (double)now->lr,
                     now->train_loss);
    return cli_signal_seen() == 0;
}

/* ---- the picture ------------------------------------------------------------------------- */

/* Losses beyond this many times the first one are drawn as if they were there: what diverges would
 * leave no room for what does not. */
static const double HIGHEST = 1.5;

/* lr-range.png and lr-range.svg: losses over the logarithm of the learning rate. */
static nin_status draw(const nin_lr_range *range, const char *directory, nin_error *err) {
    enum { SMOOTHED, SINGLE, SUGGESTED, CURVES };
    double *x = cli_allocate(range->count, sizeof *x);
    double *smoothed = cli_allocate(range->count, sizeof *smoothed);
    double *single = cli_allocate(range->count, sizeof *single);
    const double limit = HIGHEST * range->points[0].loss;
    double least = (double)INFINITY;
    double most = 0;
    for (size_t i = 0; i < range->count; i++) {
        x[i] = log10((double)range->points[i].lr);
        smoothed[i] = fmin(range->points[i].smoothed, limit);
        single[i] = fmin(range->points[i].loss, limit);
        least = fmin(least, fmin(smoothed[i], single[i]));
        most = fmax(most, fmax(smoothed[i], single[i]));
    }
    const bool found = !isnan(range->suggestion);
    const double mark_x[2] = {log10((double)range->suggestion), log10((double)range->suggestion)};
    const double mark_y[2] = {least, most};
    char *label = cli_format("steepest at lr %.2g", (double)range->suggestion);
    const nin_curve curves[CURVES] = {
        [SMOOTHED] = {"smoothed loss", x, smoothed, range->count, NIN_LINE_SOLID},
        [SINGLE] = {"loss of a step", x, single, range->count, NIN_LINE_DOTTED},
        [SUGGESTED] = {label, mark_x, mark_y, 2, NIN_LINE_DASHED},
    };
    const nin_plot plot = {.x_label = "log10 of the learning rate",
                           .y_label = "loss",
                           .curves = curves,
                           .curve_count = found ? CURVES : SUGGESTED};
    static const char *const names[] = {"lr-range.svg", "lr-range.png"};
    nin_status status = NIN_OK;
    for (size_t i = 0; i < 2 && status == NIN_OK; i++) {
        char *path = cli_join(directory, names[i]);
        status = nin_draw_plot(path, &plot, err);
        free(path);
    }
    free(label);
    free(x);
    free(smoothed);
    free(single);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------- */

static json_t *summary(const nin_lr_range *range) {
    json_t *object = cli_json_object();
    cli_json_set(object, "suggestion", cli_json_real((double)range->suggestion));
    cli_json_set(object, "steps", cli_json_integer(range->count));
    cli_json_set(object, "diverged", json_boolean(range->diverged));
    return object;
}

static nin_status write_json(const nin_lr_range *range, const nin_lr_range_options *options,
                             const char *directory, nin_error *err) {
    json_t *object = summary(range);
    cli_json_set(object, "from", cli_json_real((double)options->from));
    cli_json_set(object, "to", cli_json_real((double)options->to));
    json_t *points = cli_json_array();
    for (size_t i = 0; i < range->count; i++) {
        json_t *point = cli_json_object();
        cli_json_set(point, "lr", cli_json_real((double)range->points[i].lr));
        cli_json_set(point, "loss", cli_json_real(range->points[i].loss));
        cli_json_set(point, "smoothed", cli_json_real(range->points[i].smoothed));
        cli_json_append(points, point);
    }
    cli_json_set(object, "points", points);
    nin_status status = cli_json_write(object, directory, "lr-range.json", err);
    json_decref(object);
    return status;
}

/* ---- the test ---------------------------------------------------------------------------- */

static void print_result(const nin_lr_range *range, const char *directory, bool json) {
    cli_note("%s after %zu steps; %s/lr-range.png shows the losses",
             range->diverged ? "the loss diverged" : "the range ended", range->count, directory);
    if (json) {
        json_t *object = summary(range);
        cli_json_set(object, "directory", cli_json_text(directory));
        cli_json_print(object);
    } else if (isnan(range->suggestion)) {
        printf("no suggestion: the smoothed loss falls nowhere\n");
    } else {
        printf("suggested learning rate: %.2g\n", (double)range->suggestion);
    }
}

int cli_lr_range(const nin_train_task *task, const nin_lr_range_options *options, bool json) {
    cli_catch_signals(NULL);
    cli_progress *line = cli_progress_start("preparing the net");
    nin_train_task shown = *task;
    shown.callback = show_step;
    shown.context = line;
    nin_lr_range range;
    nin_error err = {0};
    nin_status status = nin_lr_range_measure(&shown, options, &range, &err);
    cli_progress_free(line);
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    int code = CLI_DONE;
    if (range.stopped) {
        cli_note("nin: stopped; nothing was written");
        code = 128 + cli_signal_seen();
    } else if (range.count == 0) {
        code = cli_fail_with(CLI_DATA,
                             "the first step at learning rate %g diverged: "
                             "--find-lr-from has to be smaller",
                             (double)options->from);
    } else if (write_json(&range, options, task->directory, &err) != NIN_OK ||
               draw(&range, task->directory, &err) != NIN_OK) {
        code = cli_fail(&err);
    } else {
        print_result(&range, task->directory, json);
    }
    nin_lr_range_free(&range);
    return code;
}

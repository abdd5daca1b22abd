#include "report.h"

#include "curves.h"
#include "datasets.h"
#include "device.h"
#include "fail.h"
#include "files.h"
#include "findings.h"
#include "json.h"
#include "models.h"
#include "progress.h"
#include "signals.h"
#include "terminal.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct cli_report {
    cli_progress *line;
    const char *directory;
    int epochs;
    uint64_t last_step;   /* where it will end */
    double first_seconds; /* wall time before the last restart; 0: none */
    uint64_t first_step;  /* steps done before this process; 0 after a restart */
    double drawn_time;    /* when the curves were last drawn */
    bool cannot_draw;     /* said once */
    uint64_t seed;
};

/* ---- the beginning ---------------------------------------------------------------------- */

static void plan_row(const char *head, char *text) {
    cli_note("%-7s %s", head, text);
    free(text);
}

static char *rule_text(const cli_settings *settings) {
    const nin_train_options *train = &settings->train;
    char *schedule = cli_setting_text(cli_setting_find("schedule"), settings);
    char *init = cli_setting_text(cli_setting_find("init"), settings);
    char *optimizer = cli_setting_text(cli_setting_find("optimizer"), settings);
    char *own = train->optimizer == NIN_OPTIMIZER_SGD
                    ? cli_format("%smomentum %s", train->nesterov ? "Nesterov " : "",
                                 cli_float(train->momentum).text)
                    : cli_format("%s, betas %s and %s", optimizer, cli_float(train->beta1).text,
                                 cli_float(train->beta2).text);
    char *clipped = train->clip_norm > 0
                        ? cli_format(", gradient norm up to %s", cli_float(train->clip_norm).text)
                        : cli_copy("");
    char *text =
        cli_format("lr %s %s, %s%s, weight decay %s, %s weights, seed %llu",
                   cli_float(train->lr).text, schedule, own, clipped,
                   cli_float(train->weight_decay).text, init, (unsigned long long)train->seed);
    free(clipped);
    free(schedule);
    free(init);
    free(optimizer);
    free(own);
    return text;
}

/* Which tensors of the net are not those of the model it starts from. */
static char *drawn_text(const nin_net *net, const nin_net *from) {
    char *text = cli_copy("");
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        if (tensor.count != nin_net_tensor(from, i).count) {
            char *longer = cli_format("%s%s%s", text, text[0] ? ", " : "", tensor.name);
            free(text);
            text = longer;
        }
    }
    return text;
}

static void show_start(const cli_settings *settings, const nin_net *net, const nin_net *from) {
    char *drawn = drawn_text(net, from);
    if (drawn[0]) {
        plan_row("from",
                 cli_format("%s, for %d classes instead of %d: drawn anew are %s", settings->from,
                            nin_net_output(net).channels, nin_net_output(from).channels, drawn));
    } else {
        plan_row("from", cli_format("%s, all weights", settings->from));
    }
    free(drawn);
}

static bool is_given(const char *text) {
    return text && text[0];
}

/* What applies to single tensors, and averages. */
static void show_exceptions(const cli_settings *settings) {
    if (is_given(settings->lr_scale)) {
        plan_row("lr", cli_format("times %s", settings->lr_scale));
    }
    if (is_given(settings->decay_scale)) {
        plan_row("decay", cli_format("times %s", settings->decay_scale));
    }
    if (is_given(settings->freeze)) {
        plan_row("frozen", cli_copy(settings->freeze));
    }
    if (settings->train.ema > 0) {
        plan_row("average", cli_format("of the weights, decay %s a step: tested and saved in their "
                                       "place",
                                       cli_float(settings->train.ema).text));
    }
}

static char *length_text(const nin_train_options *train, size_t pictures) {
    const uint64_t batch = (uint64_t)train->batch * (uint64_t)train->accumulate;
    const uint64_t steps = (pictures + batch - 1) / batch;
    char *several = train->accumulate > 1 ? cli_format("%d x ", train->accumulate) : cli_copy("");
    char *text = cli_format("%d epoch%s of %s step%s, %s%d pictures a step", train->epochs,
                            train->epochs == 1 ? "" : "s", cli_thousands(steps).text,
                            steps == 1 ? "" : "s", several, train->batch);
    free(several);
    return text;
}

void cli_report_plan(const cli_settings *settings, const nin_net *net, const cli_run_record *record,
                     const char *directory) {
    const nin_dataset_info *train = &record->train;
    uint64_t macs = 0;
    for (size_t i = 0; i < nin_net_layer_count(net); i++) {
        nin_layer layer = nin_net_layer(net, i);
        macs += layer.depth == 0 ? layer.macs : 0;
    }
    plan_row("data",
             cli_format("%s: %s training and %s test pictures, %s, %d classes (%s)", train->name,
                        cli_thousands(train->count).text, cli_thousands(record->test.count).text,
                        cli_picture_kind(train->channels, train->height, train->width).text,
                        train->classes, train->place));
    plan_row("net", cli_format("%s: input %s, %s parameters, %s multiply-accumulates a picture",
                               settings->model, cli_shape(nin_net_input(net)).text,
                               cli_thousands(nin_net_parameter_count(net)).text,
                               cli_thousands(macs).text));
    if (record->from) {
        show_start(settings, net, record->from);
    }
    plan_row("length", length_text(&settings->train, train->count));
    if (record->recipe) {
        plan_row("recipe", cli_copy(record->recipe));
    }
    plan_row("rule", rule_text(settings));
    show_exceptions(settings);
    char *details = cli_device_details(&record->session);
    plan_row("device", cli_format("%s, %s", record->session.device, details));
    free(details);
    plan_row("into", cli_copy(directory));
    cli_note("%s", "");
}

/* ---- the way ---------------------------------------------------------------------------- */

cli_report *cli_report_start(const cli_settings *settings, const char *directory) {
    cli_report *report = cli_allocate(1, sizeof *report);
    report->directory = directory;
    report->epochs = settings->train.epochs;
    report->seed = settings->train.seed;
    report->last_step = settings->train.max_steps ? settings->train.max_steps : UINT64_MAX;
    report->line = cli_progress_start("preparing the net");
    return report;
}

static void draw_curves(cli_report *report) {
    nin_error err = {0};
    if (!report->cannot_draw &&
        cli_curves_draw(report->directory, report->epochs, &err) != NIN_OK) {
        report->cannot_draw = true;
        cli_progress_note(report->line, "nin: no curves: %s", err.message);
    }
}

/* Drawing takes a tenth of a second: epochs that are shorter than that are not all drawn. */
static void draw_curves_sometimes(cli_report *report) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    double now = (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
    if (now - report->drawn_time >= 2) {
        draw_curves(report);
        report->drawn_time = now;
    }
}

/* A bar for terminals: "[#####-----] ". */
static cli_short_text bar(int done, int whole) {
    enum { WIDTH = 20 };
    cli_short_text out = {""};
    if (cli_is_live() && cli_terminal_width() >= 90 && whole > 0) {
        out.text[0] = '[';
        for (int i = 0; i < WIDTH; i++) {
            out.text[1 + i] = (long long)i * whole < (long long)done * WIDTH ? '#' : '-';
        }
        out.text[WIDTH + 1] = ']';
        out.text[WIDTH + 2] = ' ';
    }
    return out;
}

static void show_step(cli_report *report, const nin_progress *now) {
    uint64_t end = now->steps < report->last_step ? now->steps : report->last_step;
    uint64_t done = now->step - report->first_step;
    double left = end > now->step ? (double)(end - now->step) : 0;
    double seconds = done ? (now->wall_seconds - report->first_seconds) / (double)done * left : -1;
    cli_progress_set(report->line,
                     "epoch %d/%d  %sstep %d/%d  loss %.3f  acc %.3f  %s examples/s  ETA %s",
                     now->epoch + 1, now->epochs, bar(now->batch_index + 1, now->batches).text,
                     now->batch_index + 1, now->batches, now->train_loss, now->train_accuracy,
                     cli_rate(now->examples_per_second).text, cli_duration(seconds).text);
}

static void show_epoch(cli_report *report, const nin_progress *now) {
    cli_progress_note(
        report->line, "epoch %d/%d  loss %.3f  train acc %.3f  test acc %.3f  %s examples/s  %s",
        now->epoch + 1, now->epochs, now->train_loss, now->train_accuracy, now->test_accuracy,
        cli_rate(now->examples_per_second).text, cli_duration(now->wall_seconds).text);
    draw_curves_sometimes(report);
}

bool cli_report_event(nin_event event, const nin_progress *progress, void *context) {
    cli_report *report = context;
    switch (event) {
    case NIN_EVENT_BEGIN: report->first_step = progress->step; break;
    case NIN_EVENT_STEP: show_step(report, progress); break;
    case NIN_EVENT_POINT: break;
    case NIN_EVENT_TESTING:
        cli_progress_set(report->line, "epoch %d/%d  %stesting %d/%d", progress->epoch + 1,
                         progress->epochs, bar(progress->batch_index, progress->batches).text,
                         progress->batch_index, progress->batches);
        break;
    case NIN_EVENT_EPOCH: show_epoch(report, progress); break;
    case NIN_EVENT_SAVED:
        if (cli_is_verbose()) {
            cli_progress_note(report->line, "saved at step %llu",
                              (unsigned long long)progress->step);
        }
        break;
    case NIN_EVENT_FINDING: cli_finding_note(report->line, progress->finding); break;
    case NIN_EVENT_RESTART:
        cli_finding_note_restart(report->line, progress->finding, progress->restart,
                                 report->seed + (uint64_t)progress->restart);
        report->first_step = 0;
        report->first_seconds = progress->wall_seconds;
        break;
    }
    return cli_signal_seen() == 0;
}

void cli_report_free(cli_report *report) {
    char *log = cli_join(report->directory, "log.jsonl");
    if (cli_exists(log)) {
        draw_curves(report);
    }
    free(log);
    cli_progress_free(report->line);
    free(report);
}

/* ---- the end ---------------------------------------------------------------------------- */

static void show_curves(const cli_settings *settings, const char *directory) {
    nin_error err = {0};
    char *text;
    if (cli_is_live() &&
        cli_curves_text(directory, settings->train.epochs, cli_terminal_width() - 1, !cli_is_utf8(),
                        &text, &err) == NIN_OK) {
        fprintf(stderr, "\n%s\n", text);
        nin_text_free(text);
    }
}

static void say_where(const cli_settings *settings, const char *directory,
                      const nin_train_result *result) {
    cli_findings_summary(result, settings->train.seed);
    if (result->out_of_patience) {
        int waited = result->last.epoch - result->best_epoch;
        cli_note("nin: stopped early, after epoch %d: the test accuracy has not been better than "
                 "%.3f for %d epoch%s",
                 result->last.epoch + 1, result->best_accuracy, waited, waited == 1 ? "" : "s");
    }
    if (result->failed) {
        cli_note(
            "nin: the run has failed (%s) and was stopped after step %llu; everything is saved "
            "in %s",
            nin_finding_word(result->failure), (unsigned long long)result->last.step, directory);
    } else if (result->stopped) {
        cli_note("nin: stopped after step %llu; everything is saved in %s",
                 (unsigned long long)result->last.step, directory);
    } else {
        if (result->best_epoch >= 0) {
            cli_note("best    %s/best.safetensors (test acc %.3f, epoch %d)", directory,
                     result->best_accuracy, result->best_epoch + 1);
        }
        cli_note("last    %s/last.safetensors", directory);
        char *curves = cli_join(directory, "curves.png");
        if (cli_exists(curves)) {
            cli_note("curves  %s, curves.svg", curves);
        }
        free(curves);
    }
    if (!result->stopped && !result->failed && isnan(result->last.test_accuracy)) {
        cli_note("to test: nin eval %s/last.safetensors --data %s", directory, settings->data);
    }
    if (result->out_of_patience) {
        cli_note("to go on all the same: nin train --resume %s --patience 0", directory);
    } else if (!result->finished) {
        cli_note("to go on: nin train --resume %s", directory);
    }
}

static void print_json(const cli_settings *settings, const cli_run_record *record,
                       const char *directory, const nin_train_result *result) {
    const nin_progress *last = &result->last;
    json_t *object = cli_json_object();
    cli_json_set(object, "loss", cli_json_real(last->train_loss));
    cli_json_set(object, "train_acc", cli_json_real(last->train_accuracy));
    cli_json_set(object, "test_acc", cli_json_real(last->test_accuracy));
    cli_json_set(object, "examples_per_s", cli_json_real(last->examples_per_second));
    cli_device_add_json(&record->session, object);
    cli_json_set(object, "steps", cli_json_integer(last->step));
    cli_json_set(object, "seconds", cli_json_real(last->step_seconds));
    bool measured = result->best_epoch >= 0;
    cli_json_set(object, "best_acc", cli_json_real(result->best_accuracy));
    cli_json_set(object, "best_epoch",
                 measured ? cli_json_integer((unsigned)result->best_epoch + 1) : json_null());
    cli_json_set(object, "finished", json_boolean(result->finished));
    cli_json_set(object, "stopped", json_boolean(result->stopped));
    cli_json_set(object, "out_of_patience", json_boolean(result->out_of_patience));
    cli_json_set(object, "failed",
                 result->failed ? cli_json_text(nin_finding_word(result->failure)) : json_null());
    cli_json_set(object, "restarts", cli_json_integer((unsigned)last->restart));
    cli_json_set(object, "seed", cli_json_integer(settings->train.seed + (unsigned)last->restart));
    cli_json_set(object, "findings", cli_findings_json(result));
    cli_json_set(object, "directory", cli_json_text(directory));
    cli_json_print(object);
}

void cli_report_end(const cli_settings *settings, const cli_run_record *record,
                    const char *directory, const nin_train_result *result, bool json) {
    const nin_progress *last = &result->last;
    if (!result->stopped) {
        show_curves(settings, directory);
    }
    say_where(settings, directory, result);
    if (json) {
        print_json(settings, record, directory, result);
    } else if (!result->stopped && !result->failed) {
        printf("loss %.3f, train acc %.3f, test acc %.3f\n", last->train_loss, last->train_accuracy,
               last->test_accuracy);
        printf("%.1f examples/sec on %s\n", last->examples_per_second, record->session.device);
    }
}

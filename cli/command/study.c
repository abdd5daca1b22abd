/* nin study: the same training with many seeds, a row of settings each, and how the runs ended. */
#include "../command.h"
#include "../datasets.h"
#include "../fail.h"
#include "../files.h"
#include "../json.h"
#include "../measure.h"
#include "../progress.h"
#include "../rows.h"
#include "../signals.h"
#include "../study/plan.h"
#include "../study/report.h"
#include "../study/results.h"
#include "../table.h"
#include "../terminal.h"
#include "../text.h"
#include "../trial.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_OUT = 'o',
    KEY_SEEDS = CLI_OWN_KEY,
    KEY_ROWS,
    KEY_ONLY,
    KEY_HEALTHY,
    KEY_PROBE,
    KEY_REPORT,
    KEY_LIST
};
enum { MOST_ONLY = 100 };

static const struct argp_option own_options[] = {
    {NULL, 0, NULL, 0, "The study:", 10},
    {"out", KEY_OUT, "DIR", 0,
     "keep the study in DIR, and go on with the one there (default runs/study-NAME)", 10},
    {"seeds", KEY_SEEDS, "N", 0, "runs of each row, with seeds from --seed on (default 20)", 10},
    {"rows", KEY_ROWS, "FILE", 0, "compare the rows of FILE and not the built-in ones", 10},
    {"only", KEY_ONLY, "ROW", 0, "only this row; may be given several times", 10},
    {"healthy-at", KEY_HEALTHY, "X", 0,
     "training accuracy, mean of the last epoch, from which a run is called healthy (default 0.6)",
     10},
    {"probe", KEY_PROBE, "N", 0, "test finished runs on the first N test pictures (default 5000)",
     10},
    {"list", KEY_LIST, NULL, 0, "list the rows, and run nothing", 10},
    {"report", KEY_REPORT, NULL, 0, "make table and plot of the runs that are there, and run none",
     10},
    CLI_OPTION_JSON,
    {0},
};

/* The studies: experiments/NAME.rows. */
static const char *const studies[] = {"stability", "best"};
enum { STUDIES = sizeof studies / sizeof *studies };

static const char doc[] =
    "Train a net again and again, with one change a row and many seeds each, and count how the "
    "runs end: healthy, degraded, still on the plateau of guessing, dead, or diverged. 'stability' "
    "asks why NiN fails to learn and what cures it, 'best' what each ingredient of the recipe best "
    "earns.\v"
    "Defaults shown are those of stability. "
    "Settings given here count for all rows, before their own. The directory gets results.jsonl, "
    "one line a run; rows.json, what is compared; table.md, table.json, plot.svg and plot.png; and "
    "the log of each run in logs. No run is made twice: started again with the same DIR, a study "
    "goes on where it was stopped. Ctrl-C finishes the step and saves.";

typedef struct study_request {
    const char *out, *rows;
    const char *only[MOST_ONLY];
    size_t only_count;
    long long seeds, probe;
    double healthy_at;
    bool report, list, json;
} study_request;

static bool read_share(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= 0 && *value <= 1;
}

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    study_request *request = context;
    switch (key) {
    case KEY_OUT:
    case KEY_ROWS:
        *wrong = "a name";
        *(key == KEY_OUT ? &request->out : &request->rows) = value;
        return value[0] != '\0';
    case KEY_ONLY:
        *wrong = "one of at most 100 rows";
        if (request->only_count == MOST_ONLY) {
            return false;
        }
        request->only[request->only_count++] = value;
        return true;
    case KEY_SEEDS:
        *wrong = "a whole number from 1 to 100000";
        return cli_read_count(value, 1, 100000, &request->seeds);
    case KEY_PROBE:
        *wrong = "a whole number from 1 to 1000000000";
        return cli_read_count(value, 1, 1000000000, &request->probe);
    case KEY_HEALTHY:
        *wrong = "a number from 0 to 1";
        return read_share(value, &request->healthy_at);
    case KEY_REPORT: request->report = true; return true;
    case KEY_LIST: request->list = true; return true;
    default: request->json = true; return true;
    }
}

/* A study as it goes on. */
typedef struct study_job {
    const study_request *request;
    const char *directory;
    cli_rows rows;
    nin_dataset *train;
    nin_dataset *probe; /* test pictures to measure finished runs on */
    cli_study_results results;
    uint64_t first_seed;
    /* what the line of progress says */
    cli_progress *progress;
    const char *row;
    uint64_t seed;
    size_t done, total; /* runs */
    size_t made;        /* by this process, in these seconds: */
    double started;
} study_job;

static void free_study(study_job *study) {
    cli_rows_free(&study->rows);
    nin_dataset_free(study->train);
    nin_dataset_free(study->probe);
    cli_study_results_free(&study->results);
}

/* ---- one run ------------------------------------------------------------------------------ */

static bool on_event(nin_event event, const nin_progress *progress, void *context) {
    study_job *study = context;
    if (event == NIN_EVENT_STEP) {
        double share = progress->steps ? (double)progress->step / (double)progress->steps : 0;
        double made = (double)study->made + share;
        double left = made > 0 ? (cli_clock() - study->started) / made *
                                     ((double)(study->total - study->done) - share)
                               : -1;
        cli_progress_set(study->progress,
                         "run %zu/%zu  %s, seed %llu  step %llu/%llu  loss %.3f  acc %.3f  %s "
                         "examples/s  ETA %s",
                         study->done + 1, study->total, study->row, (unsigned long long)study->seed,
                         (unsigned long long)progress->step, (unsigned long long)progress->steps,
                         progress->train_loss, progress->train_accuracy,
                         cli_rate(progress->examples_per_second).text, cli_duration(left).text);
    }
    return cli_signal_seen() == 0;
}

/* Counts the classes whose logit is 0 on all pictures of the first batches. */
static nin_status count_dead_maps(const study_job *study, nin_session *session,
                                  const nin_preprocess *preprocess, int *dead, nin_error *err) {
    enum { PICTURES = 1000 };
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = *preprocess;
    options.batch = nin_session_get_info(session).batch;
    nin_loader *loader;
    nin_status status = nin_loader_create(study->probe, &options, &loader, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t classes = (size_t)nin_net_output(nin_session_net(session)).channels;
    float *logits = cli_allocate(classes * (size_t)options.batch, sizeof *logits);
    bool *alive = cli_allocate(classes, sizeof *alive);
    const nin_batch *batch;
    int seen = 0;
    nin_loader_start(loader, 0, 0);
    while (status == NIN_OK && seen < PICTURES && (batch = nin_loader_next(loader))) {
        status = nin_session_logits(session, batch->images, batch->count, logits, err);
        for (size_t i = 0; status == NIN_OK && i < classes * (size_t)batch->count; i++) {
            alive[i % classes] = alive[i % classes] || logits[i] != 0;
        }
        seen += batch->count;
    }
    *dead = 0;
    for (size_t c = 0; c < classes; c++) {
        *dead += !alive[c];
    }
    free(alive);
    free(logits);
    nin_loader_free(loader);
    return status;
}

/* Fills in what the weights at the end give. */
static nin_status measure(const study_job *study, const cli_trial *trial, cli_study_run *run,
                          nin_error *err) {
    cli_progress_set(study->progress, "run %zu/%zu  %s, seed %llu  measuring", study->done + 1,
                     study->total, study->row, (unsigned long long)study->seed);
    nin_session_options options = cli_session_options(trial->settings);
    options.algorithms = NULL;
    nin_session *session;
    nin_status status = nin_session_create(trial->model.net, &options, &session, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_evaluation evaluation = {0};
    run->classes = nin_net_output(trial->model.net).channels;
    const nin_evaluation_task task = {.dataset = study->probe,
                                      .preprocess = &trial->model.preprocess,
                                      .flip = trial->settings->train.test_flip};
    status = nin_evaluate(session, &task, &evaluation, err);
    run->test_accuracy = evaluation.accuracy;
    nin_evaluation_free(&evaluation);
    if (status == NIN_OK) {
        status = count_dead_maps(study, session, &trial->model.preprocess, &run->dead_maps, err);
    }
    run->isa = cli_copy(nin_session_get_info(session).isa);
    nin_session_free(session);
    return status;
}

/* The run's log is kept; weights and state are not. */
static void tidy(const study_job *study, const char *directory) {
    char *name = cli_format("%s-%llu.jsonl", study->row, (unsigned long long)study->seed);
    char *logs = cli_join(study->directory, "logs");
    char *from = cli_join(directory, "log.jsonl");
    char *to = cli_join(logs, name);
    nin_error err = {0};
    if (cli_make_directories(logs, &err) == NIN_OK) {
        (void)!rename(from, to);
    }
    cli_trial_remove(directory);
    free(to);
    free(from);
    free(logs);
    free(name);
}

static void tell(const study_job *study, const cli_study_run *run) {
    const char *outcome = cli_outcome_name(cli_study_outcome(run, study->request->healthy_at));
    if (run->finite) {
        cli_progress_note(study->progress,
                          "%-16s seed %-4llu %-9s train acc %.3f  test acc %.3f  dead maps %d",
                          run->row, (unsigned long long)run->seed, outcome, run->train_accuracy,
                          run->test_accuracy, run->dead_maps);
    } else {
        cli_progress_note(study->progress, "%-16s seed %-4llu %-9s", run->row,
                          (unsigned long long)run->seed, outcome);
    }
}

static json_t *finding_words(const nin_train_result *result) {
    json_t *words = cli_json_array();
    for (int i = 0; i < result->finding_count; i++) {
        cli_json_append(words, cli_json_text(nin_finding_word(result->findings[i].kind)));
    }
    return words;
}

/* Makes the run that the study stands at. *stopped: it was not finished. */
static nin_status make_run(study_job *study, const cli_settings *settings, const char *directory,
                           bool *stopped, nin_error *err) {
    cli_trial trial = {.settings = settings,
                       .train = study->train,
                       .directory = directory,
                       .callback = on_event,
                       .context = study};
    cli_study_run run = {.seed = study->seed, .test_accuracy = (double)NAN};
    nin_status status = cli_trial_run(&trial, err);
    *stopped = status == NIN_OK && trial.result.stopped;
    run.finite = status == NIN_OK;
    if (status == NIN_OK && !*stopped) {
        status = measure(study, &trial, &run, err);
    } else if (status == NIN_ERROR_NOT_FINITE) {
        status = NIN_OK;
        run.classes = nin_net_output(trial.model.net).channels;
        run.isa = cli_copy(settings->isa);
    }
    if (status == NIN_OK && !*stopped) {
        run.train_loss = run.finite ? trial.result.last.train_loss : (double)NAN;
        run.train_accuracy = run.finite ? trial.result.last.train_accuracy : (double)NAN;
        run.row = cli_copy(study->row);
        run.steps = trial.result.last.step;
        run.seconds = trial.result.last.step_seconds;
        run.findings = finding_words(&trial.result);
        status = cli_study_results_add(&study->results, run, err);
    } else {
        free(run.isa);
    }
    cli_trial_free(&trial);
    return status;
}

/* Makes a run that is not there yet, and tells how it ended. */
static nin_status visit(study_job *study, cli_row *row, bool *stopped, nin_error *err) {
    study->row = row->name;
    char *name = cli_format("run-%s-%llu", row->name, (unsigned long long)study->seed);
    char *directory = cli_join(study->directory, name);
    nin_status status = NIN_OK;
    bool there = cli_study_results_find(&study->results, row->name, study->seed) != NULL;
    if (!there) {
        row->settings.train.seed = study->seed;
        status = make_run(study, &row->settings, directory, stopped, err);
    }
    if (status == NIN_OK && !*stopped) {
        tidy(study, directory);
    }
    if (status == NIN_OK && !*stopped && !there) {
        study->done++;
        study->made++;
        tell(study, cli_study_results_find(&study->results, row->name, study->seed));
    }
    free(directory);
    free(name);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void count_runs(study_job *study) {
    study->total = study->rows.count * (size_t)study->request->seeds;
    for (size_t r = 0; r < study->rows.count; r++) {
        for (long long i = 0; i < study->request->seeds; i++) {
            study->done += cli_study_results_find(&study->results, study->rows.rows[r].name,
                                                  study->first_seed + (uint64_t)i) != NULL;
        }
    }
}

/* All rows with the first seed, then with the next one: what is there early says something about
 * all of them. */
static nin_status make_runs(study_job *study, bool *stopped, nin_error *err) {
    nin_status status = NIN_OK;
    cli_catch_signals(cli_is_quiet() ? NULL
                                     : "\nnin: finishing this step, then saving; once more stops "
                                       "at once\n");
    study->started = cli_clock();
    study->progress = cli_progress_start("preparing");
    for (long long i = 0; i < study->request->seeds && status == NIN_OK && !*stopped; i++) {
        study->seed = study->first_seed + (uint64_t)i;
        for (size_t r = 0; r < study->rows.count && status == NIN_OK && !*stopped; r++) {
            status = visit(study, &study->rows.rows[r], stopped, err);
        }
    }
    cli_progress_free(study->progress);
    return status;
}

/* "Fashion-MNIST at 67 x 67, 8 epochs of 10,000 pictures, 20 seeds a row", of the first row. */
static char *conditions(const study_job *study) {
    const cli_settings *settings = &study->rows.rows[0].settings;
    nin_dataset_info train = nin_dataset_get_info(study->train);
    char *size = settings->resize ? cli_format(" at %d x %d", settings->resize, settings->resize)
                                  : cli_copy("");
    char *limit =
        settings->train.max_steps
            ? cli_format(", at most %llu steps", (unsigned long long)settings->train.max_steps)
            : cli_copy("");
    char *text = cli_format("%s%s, %d epoch%s of %s pictures%s, %lld seed%s a row", train.name,
                            size, settings->train.epochs, settings->train.epochs == 1 ? "" : "s",
                            cli_thousands(train.count).text, limit, study->request->seeds,
                            study->request->seeds == 1 ? "" : "s");
    free(limit);
    free(size);
    return text;
}

static nin_status report(const study_job *study, nin_error *err) {
    char *title = conditions(study);
    const cli_study_report found = {.rows = &study->rows,
                                    .results = &study->results,
                                    .first_seed = study->first_seed,
                                    .seeds = (uint64_t)study->request->seeds,
                                    .healthy_at = study->request->healthy_at,
                                    .title = title};
    nin_status status = cli_study_write(&found, study->directory, err);
    if (status == NIN_OK && study->request->json) {
        cli_json_print(cli_study_json(&found));
    } else if (status == NIN_OK) {
        cli_study_print(&found);
    }
    free(title);
    return status;
}

static int open_data(study_job *study) {
    assert(study->rows.count > 0);
    cli_settings *settings = &study->rows.rows[0].settings;
    for (size_t r = 1; r < study->rows.count; r++) {
        const cli_settings *other = &study->rows.rows[r].settings;
        if (strcmp(other->data, settings->data) != 0 || other->limit != settings->limit) {
            return cli_fail_with(CLI_USAGE,
                                 "rows %s and %s have other --data or --limit: a study "
                                 "compares on the same pictures",
                                 study->rows.rows[0].name, study->rows.rows[r].name);
        }
    }
    uint64_t limit = settings->limit;
    int code = cli_dataset_open(settings, NIN_SPLIT_TRAIN, &study->train);
    if (code == CLI_DONE) {
        settings->limit = (uint64_t)study->request->probe;
        code = cli_dataset_open(settings, NIN_SPLIT_TEST, &study->probe);
    }
    settings->limit = limit;
    return code;
}

/* Before anything is written. */
static nin_status check_rows(const study_job *study, nin_error *err) {
    nin_status status = NIN_OK;
    for (size_t r = 0; r < study->rows.count && status == NIN_OK; r++) {
        status = cli_trial_check(&study->rows.rows[r].settings, study->train, NULL, err);
    }
    return status;
}

static int open_study(study_job *study) {
    int code = open_data(study);
    if (code != CLI_DONE) {
        return code;
    }
    nin_error err = {0};
    const nin_dataset_info train = nin_dataset_get_info(study->train);
    const nin_dataset_info test = nin_dataset_get_info(study->probe);
    char *path = cli_join(study->directory, "results.jsonl");
    nin_status status = check_rows(study, &err);
    if (status == NIN_OK) {
        status = cli_make_directories(study->directory, &err);
    }
    if (status == NIN_OK) {
        status = cli_study_record(study->directory, &study->rows, &train, &test, &err);
    }
    if (status == NIN_OK) {
        status = cli_study_results_open(path, &study->results, &err);
    }
    free(path);
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

static int run_study(study_job *study) {
    nin_error err = {0};
    bool stopped = false;
    nin_status status = NIN_OK;
    study->first_seed = study->rows.rows[0].settings.train.seed;
    count_runs(study);
    if (!study->request->report && study->done < study->total) {
        cli_note("study: %s%s%zu row%s, %zu of %zu runs are there; in %s", study->rows.summary,
                 study->rows.summary[0] ? "; " : "", study->rows.count,
                 study->rows.count == 1 ? "" : "s", study->done, study->total, study->directory);
        status = make_runs(study, &stopped, &err);
    }
    if (status == NIN_OK) {
        status = report(study, &err);
    }
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    if (stopped) {
        cli_note("nin: stopped with %zu of %zu runs; the same command goes on", study->done,
                 study->total);
        return 128 + cli_signal_seen();
    }
    cli_note("in %s: table.md, table.json, plot.svg, plot.png, results.jsonl", study->directory);
    return CLI_DONE;
}

static void list_rows(const cli_rows *rows) {
    cli_table *table = cli_table_create("ll");
    for (size_t i = 0; i < rows->count; i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", rows->rows[i].name);
        cli_table_add(table, "%s", rows->rows[i].about);
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
}

static int read_rows(const study_request *request, const char *study, const cli_line *line,
                     cli_rows *rows) {
    nin_error err = {0};
    nin_status status = NIN_OK;
    char *file = NULL;
    size_t size;
    const char *text = cli_experiment_text(study);
    if (request->rows) {
        status = cli_read_file(request->rows, (size_t)1 << 20, &file, &size, &err);
        text = file;
        if (status == NIN_OK && strlen(file) != size) {
            status = cli_error(&err, NIN_ERROR_DATA, "%s: not a text file", request->rows);
        }
    }
    if (status == NIN_OK) {
        status = cli_rows_parse(text, request->rows ? request->rows : study, line, rows, &err);
    }
    if (status == NIN_OK) {
        status = cli_rows_keep(rows, request->only, request->only_count, &err);
    }
    free(file);
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

static const char *find_study(const char *word) {
    for (size_t i = 0; i < STUDIES; i++) {
        if (strcmp(studies[i], word) == 0) {
            return studies[i];
        }
    }
    return NULL;
}

int cli_command_study(int argc, char **argv) {
    study_request request = {.seeds = 20, .probe = 5000, .healthy_at = 0.6};
    cli_line line = cli_line_create();
    line.name = "study";
    line.arguments = "stability|best";
    line.doc = doc;
    line.settings = CLI_FOR_TRAIN;
    line.headings = true;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.fewest = 1;
    line.most = 1;
    nin_error err = {0};
    if (cli_rows_parse_row(cli_experiment_text("stability"), "stability", NULL, &line.defaults,
                           &err) != NIN_OK) {
        return cli_fail(&err);
    }
    cli_line_parse(&line, argc, argv);
    const char *name = find_study(line.words[0]);
    if (!name) {
        cli_line_usage_error(&line, "there is no study '%s', only stability and best",
                             line.words[0]);
    }
    char *place = cli_format("runs/study-%s", name);
    study_job study = {.request = &request, .directory = request.out ? request.out : place};
    int code = read_rows(&request, name, &line, &study.rows);
    if (code == CLI_DONE && request.list) {
        list_rows(&study.rows);
    } else if (code == CLI_DONE) {
        code = open_study(&study);
        if (code == CLI_DONE) {
            code = run_study(&study);
        }
    }
    free_study(&study);
    free(place);
    cli_line_free(&line);
    return code;
}

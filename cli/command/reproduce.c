/* nin reproduce: tables and figures of the NiN paper, run again. */
#include "../command.h"
#include "../datasets.h"
#include "../fail.h"
#include "../files.h"
#include "../json.h"
#include "../progress.h"
#include "../reproduce/reproduction.h"
#include "../rows.h"
#include "../signals.h"
#include "../table.h"
#include "../terminal.h"
#include "../text.h"
#include "../trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o' };

/* What is made of the runs beside a table. */
typedef enum figure { TABLE, ERRORS, MAPS } figure;

static const struct {
    const char *name; /* of the experiment */
    figure figure;
} known[] = {
    {"figure3", ERRORS}, {"figure4", MAPS}, {"table1", TABLE}, {"table2", TABLE},
    {"table3", TABLE},   {"table4", TABLE}, {"table5", TABLE},
};
enum { KNOWN = sizeof known / sizeof known[0] };

static const struct argp_option own_options[] = {
    {NULL, 0, NULL, 0, "The reproduction:", 10},
    {"out", KEY_OUT, "DIR", 0, "write into DIR (default runs/reproduce)", 10},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "Run tables and figures of the paper 'Network in Network' (Lin, Chen, Yan 2014) again: the "
    "nets "
    "are trained with the paper's settings, and the result stands beside the paper's. 'nin "
    "reproduce list' says which there are.\v"
    "Settings given here take the place of the paper's. --data runs it on other pictures, --epochs "
    "and --limit shorten it; every output then says so. Each net is trained in DIR/DATA/ROW, once "
    "for all tables and figures that show it; started again, a reproduction goes on where it was "
    "stopped. Ctrl-C finishes the step and saves.";

typedef struct reproduce_request {
    const char *out;
    bool json;
} reproduce_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    reproduce_request *request = context;
    if (key == CLI_KEY_JSON) {
        request->json = true;
        return true;
    }
    *wrong = "a name";
    request->out = value;
    return value[0] != '\0';
}

/* A table or figure on the way. */
typedef struct reproduction_job {
    const reproduce_request *request;
    figure figure;
    cli_rows rows;
    cli_reproduction result;
    char *paper_data, *length, *remark;
    nin_dataset *train, *test;
    nin_model model; /* of the first row, for its maps */
} reproduction_job;

static void free_job(reproduction_job *job) {
    for (size_t i = 0; i < job->result.count; i++) {
        free(job->result.rows[i].directory);
    }
    free(job->result.rows);
    free(job->paper_data);
    free(job->length);
    free(job->remark);
    nin_dataset_free(job->train);
    nin_dataset_free(job->test);
    nin_model_free(&job->model);
    cli_rows_free(&job->rows);
}

static const char *out_directory(const reproduction_job *job) {
    return job->request->out ? job->request->out : "runs/reproduce";
}

/* ---- the plan ----------------------------------------------------------------------------- */

/* Fewer epochs keep the paper's proportion of them before the rate changes. */
static void scale_schedule(const cli_line *line, cli_settings *settings,
                           const cli_settings *paper) {
    if (!cli_line_has(line, "step-epochs")) {
        double share = (double)settings->train.epochs / paper->train.epochs;
        int steps = (int)lround(paper->train.step_epochs * share);
        settings->train.step_epochs = steps > 1 ? steps : 1;
    }
}

/* "2 of 230 epochs, only 1,000 pictures"; "" of a whole run. */
static char *describe_length(const cli_settings *settings, int paper_epochs) {
    char *epochs = settings->train.epochs < paper_epochs
                       ? cli_format("%d of %d epochs", settings->train.epochs, paper_epochs)
                       : cli_copy("");
    char *steps = settings->train.max_steps
                      ? cli_format("%sat most %s steps", epochs[0] ? ", " : "",
                                   cli_thousands(settings->train.max_steps).text)
                      : cli_copy("");
    const bool more = epochs[0] || steps[0];
    char *text = settings->limit ? cli_format("%s%s%sonly %s pictures", epochs, steps,
                                              more ? ", " : "", cli_thousands(settings->limit).text)
                                 : cli_format("%s%s", epochs, steps);
    free(steps);
    free(epochs);
    return text;
}

/* "shortened: 2 of 230 epochs; fashion-mnist in place of cifar10"; "" of the paper's own. */
static char *describe(const char *length, const char *data, const char *paper_data) {
    const bool other = strcmp(data, paper_data) != 0;
    char *shorter =
        length[0] ? cli_format("shortened: %s%s", length, other ? "; " : "") : cli_copy("");
    char *text =
        other ? cli_format("%s%s in place of %s", shorter, data, paper_data) : cli_copy(shorter);
    free(shorter);
    return text;
}

static nin_status plan(const cli_line *line, const char *name, reproduction_job *job,
                       nin_error *err) {
    const char *text = cli_experiment_text(name);
    nin_status status = cli_rows_parse(text, name, line, &job->rows, err);
    if (status != NIN_OK) {
        return status;
    }
    job->result.rows = cli_allocate(job->rows.count, sizeof *job->result.rows);
    for (size_t i = 0; i < job->rows.count && status == NIN_OK; i++) {
        cli_row *row = &job->rows.rows[i];
        cli_settings paper = cli_settings_defaults();
        status = cli_rows_parse_row(text, name, row->name, &paper, err);
        scale_schedule(line, &row->settings, &paper);
        char *data = cli_join(out_directory(job), cli_base_name(row->settings.data));
        job->result.rows[job->result.count++] =
            (cli_reproduced){.row = row,
                             .directory = cli_join(data, row->name),
                             .paper_epochs = paper.train.epochs,
                             .train_accuracy = (double)NAN,
                             .test_accuracy = (double)NAN};
        free(data);
        if (i == 0) {
            job->paper_data = cli_copy(paper.data);
        }
        cli_settings_free(&paper);
    }
    const cli_settings *settings = &job->rows.rows[0].settings;
    const int paper_epochs = job->result.rows[0].paper_epochs;
    job->length = describe_length(settings, paper_epochs);
    job->remark = describe(job->length, settings->data, job->paper_data);
    job->result.name = name;
    job->result.summary = job->rows.summary;
    job->result.paper_data = job->paper_data;
    job->result.data = settings->data;
    job->result.length = job->length;
    job->result.remark = job->remark;
    return status;
}

static int open_data(reproduction_job *job) {
    const cli_settings *settings = &job->rows.rows[0].settings;
    int code = cli_dataset_open(settings, NIN_SPLIT_TRAIN, &job->train);
    if (code == CLI_DONE) {
        code = cli_dataset_open(settings, NIN_SPLIT_TEST, &job->test);
    }
    if (code == CLI_NO_INPUT && strcmp(settings->data, job->paper_data) == 0) {
        fprintf(
            stderr,
            "  --data fashion-mnist   runs it on other pictures than the paper's, and says so\n");
    }
    return code;
}

/* ---- the runs ----------------------------------------------------------------------------- */

/* A run that is no longer finite is a result. */
static nin_status train_row(reproduction_job *job, cli_reproduced *row, cli_progress *progress,
                            bool *stopped, nin_error *err) {
    cli_trial_follower follower = {progress, row->row->name};
    cli_trial trial = {.settings = &row->row->settings,
                       .train = job->train,
                       .test = job->test,
                       .directory = row->directory,
                       .callback = cli_trial_follow,
                       .context = &follower};
    nin_status status = cli_trial_run(&trial, err);
    if (trial.model.net) {
        row->parameters = nin_net_parameter_count(trial.model.net);
    }
    row->finite = status == NIN_OK;
    if (status == NIN_ERROR_NOT_FINITE) {
        cli_progress_note(progress, "%s: %s", row->row->name, err->message);
        status = NIN_OK;
    } else if (status == NIN_OK) {
        *stopped = trial.result.stopped;
        row->train_accuracy = trial.result.last.train_accuracy;
        row->test_accuracy = trial.result.last.test_accuracy;
        if (!job->model.net) {
            job->model = trial.model;
            trial.model = (nin_model){0};
        }
    }
    cli_trial_free(&trial);
    return status;
}

static nin_status train_rows(reproduction_job *job, bool *stopped, nin_error *err) {
    nin_status status = NIN_OK;
    for (size_t i = 0; i < job->rows.count && status == NIN_OK; i++) {
        status = cli_trial_check(&job->rows.rows[i].settings, job->train, job->test, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    cli_catch_signals(cli_is_quiet() ? NULL
                                     : "\nnin: finishing this step, then saving; once more stops "
                                       "at once\n");
    cli_progress *progress = cli_progress_start("preparing");
    for (size_t i = 0; i < job->result.count && status == NIN_OK && !*stopped; i++) {
        status = train_row(job, &job->result.rows[i], progress, stopped, err);
    }
    cli_progress_free(progress);
    return status;
}

/* ---- the result --------------------------------------------------------------------------- */

static nin_status write_json(const reproduction_job *job, json_t *object, nin_error *err) {
    char *name = cli_format("%s.json", job->result.name);
    nin_status status = cli_json_write(object, out_directory(job), name, err);
    free(name);
    return status;
}

static nin_status draw(reproduction_job *job, json_t *object, nin_error *err) {
    if (job->figure == ERRORS) {
        return cli_reproduction_draw_errors(&job->result, out_directory(job), err);
    }
    int pictures;
    int right;
    nin_status status = cli_reproduction_draw_maps(&job->result, &job->model, job->test,
                                                   out_directory(job), &pictures, &right, err);
    if (status == NIN_OK) {
        cli_json_set(object, "pictures", cli_json_integer((unsigned)pictures));
        cli_json_set(object, "strongest_in_own_map", cli_json_integer((unsigned)right));
        cli_note("in %d of %d pictures the strongest value is in the map of their class", right,
                 pictures);
    }
    return status;
}

static int show(reproduction_job *job) {
    nin_error err = {0};
    json_t *object = cli_reproduction_json(&job->result);
    nin_status status = cli_reproduction_write_table(&job->result, out_directory(job), &err);
    bool drawn = job->figure != TABLE && job->result.rows[0].finite;
    if (status == NIN_OK && drawn) {
        status = draw(job, object, &err);
    }
    if (status == NIN_OK) {
        status = write_json(job, object, &err);
    }
    if (status != NIN_OK) {
        json_decref(object);
        return cli_fail(&err);
    }
    if (job->request->json) {
        cli_json_print(object);
    } else {
        json_decref(object);
        cli_reproduction_print(&job->result);
    }
    const char *name = job->result.name;
    cli_note("in %s: %s.md, %s.json%s%s%s%s%s", out_directory(job), name, name, drawn ? ", " : "",
             drawn ? name : "", drawn ? ".svg, " : "", drawn ? name : "", drawn ? ".png" : "");
    return CLI_DONE;
}

static int reproduce(const cli_line *line, size_t index, const reproduce_request *request) {
    reproduction_job job = {.request = request, .figure = known[index].figure};
    nin_error err = {0};
    bool stopped = false;
    int code = plan(line, known[index].name, &job, &err) == NIN_OK ? CLI_DONE : cli_fail(&err);
    if (code == CLI_DONE) {
        code = open_data(&job);
    }
    if (code == CLI_DONE) {
        cli_note("%s", job.rows.summary);
        if (job.remark[0]) {
            cli_note("%s", job.remark);
        }
        code = train_rows(&job, &stopped, &err) == NIN_OK ? CLI_DONE : cli_fail(&err);
    }
    if (code == CLI_DONE && stopped) {
        cli_note("nin: stopped; the same command goes on");
        code = 128 + cli_signal_seen();
    } else if (code == CLI_DONE) {
        code = show(&job);
    }
    free_job(&job);
    return code;
}

static int list(bool json) {
    cli_table *table = cli_table_create("ll");
    for (size_t i = 0; i < KNOWN; i++) {
        const char *summary = cli_experiment_summary(known[i].name);
        if (json) {
            json_t *object = cli_json_object();
            cli_json_set(object, "name", cli_json_text(known[i].name));
            cli_json_set(object, "summary", cli_json_text(summary));
            cli_json_print(object);
        } else {
            cli_table_add_styled(table, CLI_BOLD, "%s", known[i].name);
            cli_table_add(table, "%s", summary);
        }
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return CLI_DONE;
}

/* The place in the list of what is known; ends the program where it is not. */
static size_t find(const cli_line *line, const char *word) {
    const char *names[KNOWN + 1];
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].name, word) == 0) {
            return i;
        }
        names[i] = known[i].name;
    }
    names[KNOWN] = "list";
    const char *nearest = cli_nearest(word, names, KNOWN + 1);
    cli_line_usage_error(line, "there is nothing called '%s' to reproduce%s%s%s", word,
                         nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
}

int cli_command_reproduce(int argc, char **argv) {
    reproduce_request request = {0};
    cli_line line = cli_line_create();
    line.name = "reproduce";
    line.arguments = "list|figure3|figure4|table1...table5";
    line.doc = doc;
    line.settings = CLI_FOR_TRAIN;
    line.headings = true;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.fewest = 1;
    line.most = 1;
    nin_error err = {0};
    if (cli_rows_parse_row(cli_experiment_text("table1"), "table1", NULL, &line.defaults, &err) !=
        NIN_OK) {
        return cli_fail(&err);
    }
    cli_line_parse(&line, argc, argv);
    int code = strcmp(line.words[0], "list") == 0
                   ? list(request.json)
                   : reproduce(&line, find(&line, line.words[0]), &request);
    cli_line_free(&line);
    return code;
}

/* nin compare: nets side by side: size, work, memory, speed, and accuracy when trained. */
#include "../command.h"
#include "../compare/compared.h"
#include "../datasets.h"
#include "../device.h"
#include "../fail.h"
#include "../files.h"
#include "../json.h"
#include "../measure.h"
#include "../models.h"
#include "../progress.h"
#include "../rows.h"
#include "../signals.h"
#include "../speed.h"
#include "../terminal.h"
#include "../text.h"
#include "../trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_PICTURE = 'o', KEY_OUT = CLI_OWN_KEY, KEY_TRAIN, KEY_SECONDS, KEY_BATCH };
enum { MOST_NETS = 50, ROUNDS = 3, MOST_STEPS = 3000 };

static const struct argp_option own_options[] = {
    {NULL, 0, NULL, 0, "The comparison:", 10},
    {"train", KEY_TRAIN, NULL, 0, "train each net too, in a run directory of its own", 10},
    {"out", KEY_OUT, "DIR", 0,
     "with --train: the runs go into DIR/NET, and go on there (default runs/compare)", 10},
    {"picture", KEY_PICTURE, "FILE", 0, "draw bars into FILE, a .png, .svg or .pdf", 10},
    {"seconds", KEY_SECONDS, "N", 0,
     "measure each net for at least N seconds in training, and as long in prediction; 0: not at "
     "all (default 3)",
     10},
    {"measure-batch", KEY_BATCH, "N", 0, "pictures a step while speed is measured (default 16)",
     10},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "Compare nets: parameters, size of the first dense layer, multiply-accumulates of a picture, "
    "memory, measured speed, and with --train accuracy. Without a name, compare the lecture's "
    "LeNet, AlexNet, VGG-11, VGG-11 with a quarter of the channels, and NiN, each with the "
    "lecture's input and learning rate. Of a .safetensors model, --data measures the accuracy.\v"
    "Speeds are medians of steps on made-up pictures, in three rounds in which the nets take "
    "turns. "
    "Memory is that of weights, gradients and session at the measured batch. Settings of training "
    "count for all nets.";

typedef struct compare_request {
    const char *out, *picture;
    bool train, json;
    long long seconds, batch;
} compare_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    compare_request *request = context;
    switch (key) {
    case KEY_OUT:
        *wrong = "a name";
        request->out = value;
        return value[0] != '\0';
    case KEY_PICTURE:
        *wrong = "a name that ends in .png, .svg or .pdf";
        request->picture = value;
        return cli_ends_with(value, ".png") || cli_ends_with(value, ".svg") ||
               cli_ends_with(value, ".pdf");
    case KEY_SECONDS:
        *wrong = "a whole number from 0 to 3600";
        return cli_read_count(value, 0, 3600, &request->seconds);
    case KEY_BATCH:
        *wrong = "a whole number from 1 to 65536";
        return cli_read_count(value, 1, 65536, &request->batch);
    case KEY_TRAIN: request->train = true; return true;
    default: request->json = true; return true;
    }
}

/* What is compared. */
typedef struct comparison {
    const compare_request *request;
    cli_rows rows;
    cli_compared *nets; /* one a row */
    nin_dataset *train, *test;
    cli_device device;
    int threads; /* of the session that had most */
    cli_progress *progress;
} comparison;

static void free_comparison(comparison *all) {
    for (size_t i = 0; all->nets && i < all->rows.count; i++) {
        nin_model_free(&all->nets[i].model);
    }
    free(all->nets);
    cli_device_free(&all->device);
    nin_dataset_free(all->train);
    nin_dataset_free(all->test);
    cli_rows_free(&all->rows);
}

/* ---- which nets --------------------------------------------------------------------------- */

/* The name of a net or file without folders and ending. */
static char *short_name(const char *word) {
    char *name = cli_copy(cli_base_name(word));
    static const char *const endings[] = {".net", ".safetensors"};
    for (size_t i = 0; i < 2; i++) {
        if (cli_ends_with(name, endings[i])) {
            name[strlen(name) - strlen(endings[i])] = '\0';
        }
    }
    return name;
}

/* Nets named on the command line, with the lecture's settings where it has them. */
static nin_status choose(const cli_line *line, cli_rows *rows, nin_error *err) {
    const char *text = cli_experiment_text("compare");
    cli_rows known;
    nin_status status = cli_rows_parse(text, "compare", line, &known, err);
    if (status != NIN_OK || line->word_count == 0) {
        *rows = known;
        return status;
    }
    *rows = (cli_rows){.summary = cli_copy("Nets side by side")};
    for (size_t i = 0; i < line->word_count && status == NIN_OK; i++) {
        const char *word = line->words[i];
        char *name = short_name(word);
        char *unique = cli_copy(name);
        for (int number = 2; cli_rows_find(rows, unique); number++) {
            free(unique);
            unique = cli_format("%s-%d", name, number);
        }
        cli_settings settings = cli_settings_defaults();
        status = cli_rows_parse_row(text, "compare", word, &settings, err);
        free(settings.model);
        settings.model = cli_copy(word);
        cli_line_apply(line, &settings);
        cli_rows_add(rows, unique, unique, settings);
        free(unique);
        free(name);
    }
    cli_rows_free(&known);
    return status;
}

static int open_data(comparison *all, bool wanted) {
    if (!wanted) {
        return CLI_DONE;
    }
    const cli_settings *settings = &all->rows.rows[0].settings;
    int code = cli_dataset_open(settings, NIN_SPLIT_TEST, &all->test);
    if (code == CLI_DONE && all->request->train) {
        code = cli_dataset_open(settings, NIN_SPLIT_TRAIN, &all->train);
    }
    return code;
}

/* A net with weights that have been drawn, or those of a model. */
static int open_net(const comparison *all, const cli_row *row, cli_compared *net) {
    const cli_settings *settings = &row->settings;
    net->name = row->name;
    if (cli_ends_with(settings->model, ".safetensors")) {
        net->has_weights = true;
        return cli_model_load(settings->model, &net->model);
    }
    nin_error err = {0};
    nin_status status;
    if (all->train) {
        status = cli_trial_check(settings, all->train, all->test, &err);
        if (status == NIN_OK) {
            status = cli_trial_model(settings, all->train, all->test, &net->model, &err);
        }
    } else {
        const nin_net_options options = {.height = settings->resize, .width = settings->resize};
        status = nin_net_open(settings->model, &options, &net->model.net, &err);
    }
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    nin_init_options init = nin_init_options_defaults();
    nin_net_initialize(net->model.net, &init);
    return CLI_DONE;
}

/* ---- speed -------------------------------------------------------------------------------- */

/* Steps of one round of one net; the first of them only warms up. */
static nin_status time_round(comparison *all, const cli_row *row, cli_compared *net, bool training,
                             int round, nin_error *err) {
    nin_session_options options = cli_session_options(&row->settings);
    options.training = training;
    options.batch = (int)all->request->batch;
    options.algorithms = NULL;
    cli_speed speed;
    cli_times *times = training ? &net->train : &net->predict;
    cli_progress_set(all->progress, "round %d/%d: %s, %s", round + 1, ROUNDS, net->name,
                     training ? "training" : "prediction");
    nin_status status = cli_speed_open(net->model.net, &options, &speed, err);
    if (status == NIN_OK) {
        double weights = (double)nin_net_parameter_count(net->model.net) * (double)sizeof(float);
        nin_session_info info = nin_session_get_info(speed.session);
        times->bytes = (double)info.bytes + (training ? 2 * weights : weights);
        all->threads = info.threads > all->threads ? info.threads : all->threads;
        status = cli_speed_step(&speed, err);
    }
    const double begin = cli_clock();
    const double wanted = (double)all->request->seconds / ROUNDS;
    for (int i = 0; status == NIN_OK && i < MOST_STEPS / ROUNDS; i++) {
        double start = cli_clock();
        status = cli_speed_step(&speed, err);
        times->seconds[times->count++] = cli_clock() - start;
        if (cli_clock() - begin >= wanted) {
            break;
        }
    }
    cli_speed_close(&speed);
    return status;
}

static void finish_times(cli_times *times, double batch) {
    if (times->count) {
        times->rate = batch / cli_median(times->seconds, times->count);
    }
    free(times->seconds);
    times->seconds = NULL;
}

static int measure_speed(comparison *all) {
    nin_error err = {0};
    nin_status status = NIN_OK;
    for (size_t i = 0; i < all->rows.count; i++) {
        all->nets[i].train.seconds = cli_allocate(MOST_STEPS, sizeof(double));
        all->nets[i].predict.seconds = cli_allocate(MOST_STEPS, sizeof(double));
    }
    all->progress = cli_progress_start("preparing");
    for (int round = 0; round < ROUNDS && all->request->seconds > 0; round++) {
        for (size_t i = 0; i < all->rows.count && status == NIN_OK; i++) {
            const cli_row *row = &all->rows.rows[i];
            status = time_round(all, row, &all->nets[i], true, round, &err);
            if (status == NIN_OK) {
                status = time_round(all, row, &all->nets[i], false, round, &err);
            }
        }
    }
    cli_progress_free(all->progress);
    for (size_t i = 0; i < all->rows.count; i++) {
        finish_times(&all->nets[i].train, (double)all->request->batch);
        finish_times(&all->nets[i].predict, (double)all->request->batch);
    }
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

/* What runs where: asked of a session of the first net. */
static int ask_device(comparison *all) {
    nin_error err = {0};
    return cli_device_ask(all->nets[0].model.net, &all->rows.rows[0].settings, &all->device,
                          &err) == NIN_OK
               ? CLI_DONE
               : cli_fail(&err);
}

/* ---- accuracy ----------------------------------------------------------------------------- */

/* A run that is no longer finite is a result, not a failure of the comparison. */
static int train_net(const comparison *all, const cli_row *row, cli_compared *net) {
    const char *parent = all->request->out ? all->request->out : "runs/compare";
    char *directory = cli_join(parent, row->name);
    cli_trial_follower follower = {all->progress, row->name};
    cli_trial trial = {.settings = &row->settings,
                       .train = all->train,
                       .test = all->test,
                       .directory = directory,
                       .callback = cli_trial_follow,
                       .context = &follower};
    nin_error err = {0};
    nin_status status = cli_trial_run(&trial, &err);
    if (status == NIN_ERROR_NOT_FINITE) {
        cli_progress_note(all->progress, "%s: %s", row->name, err.message);
        status = NIN_OK;
    } else if (status == NIN_OK && !trial.result.stopped) {
        net->train_accuracy = trial.result.last.train_accuracy;
        net->test_accuracy = trial.result.last.test_accuracy;
    }
    net->epochs = row->settings.train.epochs;
    cli_trial_free(&trial);
    free(directory);
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

static int evaluate_net(const comparison *all, const cli_row *row, cli_compared *net) {
    nin_session_options options = cli_session_options(&row->settings);
    options.algorithms = NULL;
    nin_session *session;
    nin_evaluation evaluation;
    nin_error err = {0};
    nin_status status = nin_session_create(net->model.net, &options, &session, &err);
    if (status == NIN_OK) {
        cli_progress_set(all->progress, "%s: testing", row->name);
        const nin_evaluation_task task = {.dataset = all->test,
                                          .preprocess = &net->model.preprocess};
        status = nin_evaluate(session, &task, &evaluation, &err);
        nin_session_free(session);
    }
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    net->test_accuracy = evaluation.accuracy;
    nin_evaluation_free(&evaluation);
    return CLI_DONE;
}

static int find_accuracies(comparison *all) {
    cli_catch_signals(cli_is_quiet() ? NULL
                                     : "\nnin: finishing this step, then saving; once more stops "
                                       "at once\n");
    int code = CLI_DONE;
    all->progress = cli_progress_start("preparing");
    for (size_t i = 0; i < all->rows.count && code == CLI_DONE && !cli_signal_seen(); i++) {
        const cli_row *row = &all->rows.rows[i];
        if (all->nets[i].has_weights) {
            code = evaluate_net(all, row, &all->nets[i]);
        } else if (all->request->train) {
            code = train_net(all, row, &all->nets[i]);
        }
    }
    cli_progress_free(all->progress);
    return code;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int show(const comparison *all) {
    cli_compared_report report = {.nets = all->nets,
                                  .count = all->rows.count,
                                  .batch = (int)all->request->batch,
                                  .session = all->device.info};
    report.session.threads = all->threads;
    if (all->request->json) {
        cli_json_print(cli_compared_json(&report));
    } else {
        cli_compared_print(&report);
    }
    nin_error err = {0};
    if (all->request->picture &&
        cli_compared_draw(&report, all->request->picture, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    return CLI_DONE;
}

static int compare(comparison *all, bool data_given) {
    int code = open_data(all, data_given || all->request->train);
    all->nets = cli_allocate(all->rows.count, sizeof *all->nets);
    for (size_t i = 0; i < all->rows.count && code == CLI_DONE; i++) {
        all->nets[i].train_accuracy = (double)NAN;
        all->nets[i].test_accuracy = (double)NAN;
        code = open_net(all, &all->rows.rows[i], &all->nets[i]);
        if (code == CLI_DONE) {
            cli_compared_count(&all->nets[i]);
        }
    }
    if (code == CLI_DONE) {
        code = ask_device(all);
    }
    if (code == CLI_DONE) {
        code = measure_speed(all);
    }
    if (code == CLI_DONE && all->test) {
        code = find_accuracies(all);
    }
    if (code == CLI_DONE && cli_signal_seen()) {
        cli_note("nin: stopped; the same command goes on");
        return 128 + cli_signal_seen();
    }
    return code == CLI_DONE ? show(all) : code;
}

int cli_command_compare(int argc, char **argv) {
    compare_request request = {.seconds = 3, .batch = 16};
    cli_line line = cli_line_create();
    line.name = "compare";
    line.arguments = "[NAME|FILE.net|MODEL.safetensors]...";
    line.doc = doc;
    line.settings = CLI_FOR_TRAIN;
    line.headings = true;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.most = MOST_NETS;
    nin_error err = {0};
    if (cli_rows_parse_row(cli_experiment_text("compare"), "compare", NULL, &line.defaults, &err) !=
        NIN_OK) {
        return cli_fail(&err);
    }
    cli_line_parse(&line, argc, argv);
    if (cli_line_has(&line, "model")) {
        cli_line_usage_error(&line, "nets are named without --model");
    }
    comparison all = {.request = &request};
    int code = CLI_DONE;
    if (choose(&line, &all.rows, &err) != NIN_OK) {
        code = cli_fail(&err);
    } else {
        code = compare(&all, cli_line_has(&line, "data"));
    }
    free_comparison(&all);
    cli_line_free(&line);
    return code;
}

/* nin train: trains a net into a run directory, or goes on with one. */
#include "../command.h"
#include "../config.h"
#include "../datasets.h"
#include "../device.h"
#include "../fail.h"
#include "../files.h"
#include "../lr_range.h"
#include "../models.h"
#include "../preprocess.h"
#include "../report.h"
#include "../run_directory.h"
#include "../signals.h"
#include "../terminal.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_OUT = 'o', KEY_RESUME = CLI_OWN_KEY, KEY_RECIPE, KEY_CONFIG, KEY_PRINT };
enum { KEY_FIND_LR = CLI_OWN_KEY + 20, KEY_FROM, KEY_TO, KEY_STEPS };
enum { GROUP_RUN = 10, GROUP_RANGE };

static const struct argp_option own_options[] = {
    {NULL, 0, NULL, 0, "The run:", GROUP_RUN},
    {"out", KEY_OUT, "DIR", 0, "write the run into DIR (default runs/MODEL-DATE-TIME)", GROUP_RUN},
    {"resume", KEY_RESUME, "DIR", 0, "go on with the run in DIR where it stopped", GROUP_RUN},
    {"recipe", KEY_RECIPE, "NAME", 0,
     "start from the settings of a recipe: steady, quick, lecture, best, paper (default steady)",
     GROUP_RUN},
    {"config", KEY_CONFIG, "FILE", 0,
     "take settings from FILE, as --print-config prints them, or from a run's config.json",
     GROUP_RUN},
    {"print-config", KEY_PRINT, NULL, 0, "print the settings in force, and train nothing",
     GROUP_RUN},
    CLI_OPTION_JSON,
    {NULL, 0, NULL, 0, "Finding a learning rate:", GROUP_RANGE},
    {"find-lr", KEY_FIND_LR, NULL, 0,
     "raise the learning rate step by step, show what the loss does, and train nothing else",
     GROUP_RANGE},
    {"find-lr-from", KEY_FROM, "X", 0, "begin with X (default 1e-06)", GROUP_RANGE},
    {"find-lr-to", KEY_TO, "X", 0, "end with X, or when the loss diverges (default 10)",
     GROUP_RANGE},
    {"find-lr-steps", KEY_STEPS, "N", 0, "in N steps, an epoch at most (default 100)", GROUP_RANGE},
    {0},
};

static const char DEFAULT_RECIPE[] = "steady";

static const char doc[] =
    "Train a net on pictures.\v"
    "Settings given here count before those of --config, and these before those of --recipe; the "
    "defaults shown are those of the recipe steady. Results go into the run's directory: "
    "best.safetensors and last.safetensors, curves.svg and curves.png, log.jsonl, config.json, and "
    "state, from which --resume goes on to the same bits as if nothing had happened. Ctrl-C "
    "finishes the step and saves.";

typedef struct train_request {
    char *out;
    const char *resume, *recipe, *config;
    bool print, json, find_lr;
    bool range_given; /* an option of the range test was given */
    nin_lr_range_options range;
} train_request;

static bool read_rate(const char *text, float *rate) {
    char *end;
    *rate = strtof(text, &end);
    return end != text && *end == '\0' && *rate > 0 && (double)*rate <= 1e6;
}

/* The options of the range test. */
static bool set_range(int key, const char *value, nin_lr_range_options *range, const char **wrong) {
    if (key == KEY_STEPS) {
        long long steps;
        bool right = cli_read_count(value, 2, 1000000, &steps);
        range->steps = right ? (int)steps : 0;
        *wrong = "a whole number from 2 to 1000000";
        return right;
    }
    *wrong = "a number above 0, up to 1e+06";
    return read_rate(value, key == KEY_FROM ? &range->from : &range->to);
}

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    train_request *request = context;
    switch (key) {
    case KEY_OUT: request->out = cli_copy(value); break;
    case KEY_RESUME: request->resume = value; break;
    case KEY_RECIPE: request->recipe = value; break;
    case KEY_CONFIG: request->config = value; break;
    case KEY_PRINT: request->print = true; break;
    case KEY_FIND_LR: request->find_lr = true; break;
    case KEY_FROM:
    case KEY_TO:
    case KEY_STEPS:
        request->range_given = true;
        return set_range(key, value, &request->range, wrong);
    default: request->json = true; break;
    }
    *wrong = "a name";
    return !value || value[0];
}

/* A run as it is put together; what is not there yet is NULL. */
typedef struct train_run {
    cli_settings settings;
    json_t *config; /* of the run that goes on */
    nin_dataset *train, *test;
    nin_model model;
    nin_model from;    /* the one to start from */
    cli_device device; /* whose texts the record's session has */
    bool moves;        /* a run that goes on may do so on another device, or with other math */
    cli_run_record record;
} train_run;

static void free_run(train_run *run) {
    cli_settings_free(&run->settings);
    json_decref(run->config);
    nin_dataset_free(run->train);
    nin_dataset_free(run->test);
    nin_model_free(&run->model);
    nin_model_free(&run->from);
    cli_device_free(&run->device);
}

/* Ends the program when the command line would change what a run depends on. */
static void check_unchanged(const cli_line *line, const cli_settings *before,
                            const cli_settings *after, const char *directory) {
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (setting->use & (CLI_MAY_CHANGE | CLI_MAY_MOVE)) {
            continue;
        }
        char *was = cli_setting_text(setting, before);
        char *is = cli_setting_text(setting, after);
        const bool same = strcmp(was, is) == 0;
        free(is);
        if (!same) {
            cli_line_usage_error(line, "--%s is '%s' in the run in %s and cannot change",
                                 setting->name, was, directory);
        }
        free(was);
    }
}

static void replace_text(char **text, const char *value) {
    char *copy = cli_copy(value);
    free(*text);
    *text = copy;
}

/* A run goes on where it was, on the same instruction set, for the same bits; unless another device
 * is named, for which nothing of that holds. */
static void settle_device(const cli_line *line, train_run *run) {
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        run->moves =
            run->moves || (setting->use & CLI_MAY_MOVE && cli_line_has(line, setting->name));
    }
    const char *device = cli_run_text(run->config, "session", "device");
    const char *isa = cli_run_text(run->config, "session", "isa");
    const bool named = cli_line_has(line, "device");
    const bool stays = !named || nin_device_fits(run->settings.device, device);
    if (stays && device[0]) {
        replace_text(&run->settings.device, device);
    }
    if (!cli_line_has(line, "isa")) {
        const bool known = stays && isa[0] && !cli_device_is_cuda(device);
        replace_text(&run->settings.isa, known ? isa : "auto");
    }
}

/* The settings of the run that goes on. How far it goes is asked anew. */
static int settle_resumed(const cli_line *line, const train_request *request, train_run *run) {
    if (request->find_lr) {
        cli_line_usage_error(line, "--find-lr starts anew; leave out --resume");
    }
    if (request->recipe || request->config || request->out) {
        cli_line_usage_error(line, "--resume takes everything from the run; leave out --%s",
                             request->recipe   ? "recipe"
                             : request->config ? "config"
                                               : "out");
    }
    nin_error err = {0};
    cli_settings before = cli_settings_defaults();
    if (cli_run_read(request->resume, &run->settings, &run->config, &err) != NIN_OK ||
        cli_config_apply_json(json_object_get(run->config, "settings"), "config.json", &before,
                              &err) != NIN_OK) {
        cli_settings_free(&before);
        return cli_fail(&err);
    }
    run->settings.train.max_steps = 0;
    cli_line_apply(line, &run->settings);
    check_unchanged(line, &before, &run->settings, request->resume);
    cli_settings_free(&before);
    settle_device(line, run);
    return CLI_DONE;
}

/* A recipe's momentum is for its own optimizer: whoever takes another one need not take it back. */
static void drop_momentum(const cli_line *line, float of_recipe, nin_train_options *train) {
    if (train->optimizer != NIN_OPTIMIZER_SGD && train->momentum == of_recipe &&
        !cli_line_has(line, "momentum")) {
        train->momentum = 0;
    }
}

static int settle_new(const cli_line *line, const train_request *request, train_run *run) {
    nin_error err = {0};
    nin_status status = cli_config_apply_recipe(request->recipe, &run->settings, &err);
    const float momentum = run->settings.train.momentum;
    if (status == NIN_OK && request->config) {
        status = cli_config_apply_file(request->config, &run->settings, &err);
    }
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    cli_line_apply(line, &run->settings);
    drop_momentum(line, momentum, &run->settings.train);
    if (run->settings.from && !cli_line_has(line, "model")) {
        replace_text(&run->settings.model, run->settings.from);
    }
    return CLI_DONE;
}

static int open_data(train_run *run) {
    int code = cli_dataset_open(&run->settings, NIN_SPLIT_TRAIN, &run->train);
    if (code == CLI_DONE) {
        code = cli_dataset_open(&run->settings, NIN_SPLIT_TEST, &run->test);
    }
    if (code == CLI_DONE) {
        run->record.train = nin_dataset_get_info(run->train);
        run->record.test = nin_dataset_get_info(run->test);
    }
    return code;
}

/* Of the model that the run starts from, which hands over what it owns of it, or as the settings
 * say. */
static int settle_preprocess(train_run *run) {
    const nin_shape input = nin_net_input(run->model.net);
    nin_preprocess *out = &run->model.preprocess;
    nin_preprocess *given = &run->from.preprocess;
    nin_error err = {0};
    if (!run->from.net) {
        return cli_preprocess_create(&run->settings, run->train, input, out, &err) == NIN_OK
                   ? CLI_DONE
                   : cli_fail(&err);
    }
    const char *other = cli_preprocess_setting(&run->settings);
    if (other) {
        return cli_fail_with(CLI_USAGE, "--from takes the preprocessing of %s; leave out --%s",
                             run->settings.from, other);
    }
    if (given->whiten && (given->height != input.height || given->width != input.width)) {
        return cli_fail_with(
            CLI_USAGE, "%s whitens pictures of %dx%d, so the net cannot take them in %dx%d",
            run->settings.from, given->width, given->height, input.width, input.height);
    }
    *out = *given;
    out->height = input.height;
    out->width = input.width;
    given->whitening = NULL;
    return CLI_DONE;
}

static int open_net(train_run *run) {
    const nin_dataset_info *train = &run->record.train;
    const nin_dataset_info *test = &run->record.test;
    const nin_dataset_info *larger = test->classes > train->classes ? test : train;
    nin_error err = {0};
    if (run->config) {
        const char *text = cli_run_text(run->config, "net", NULL);
        if (nin_net_parse(text, strlen(text), "config.json: net", NULL, &run->model.net, &err)) {
            return cli_fail(&err);
        }
    } else {
        nin_net_options options = {.classes = larger->classes,
                                   .channels = run->from.net ? run->from.preprocess.channels
                                                             : train->channels,
                                   .height = run->settings.resize,
                                   .width = run->settings.resize};
        int code = cli_net_open(run->settings.model, &options, &run->model.net);
        if (code != CLI_DONE) {
            return code;
        }
    }
    cli_name_classes(&run->model, larger, nin_net_output(run->model.net).channels);
    run->record.net = nin_net_text(run->model.net);
    run->record.from = run->config ? NULL : run->from.net;
    return settle_preprocess(run);
}

/* A run that goes on still needs the preprocessing, which is in its own model too, once there is
 * one: the model that it started from may be gone. */
static int open_from(train_run *run, const char *resumed) {
    if (!run->settings.from) {
        return CLI_DONE;
    }
    char *last = resumed ? cli_join(resumed, "last.safetensors") : NULL;
    const char *path = last && cli_exists(last) ? last : run->settings.from;
    int code = cli_model_load(path, &run->from);
    free(last);
    return code;
}

static int ask_device(train_run *run) {
    nin_error err = {0};
    if (cli_device_ask(run->model.net, &run->settings, &run->device, &err) != NIN_OK) {
        return run->config && err.status == NIN_ERROR_UNAVAILABLE &&
                       cli_device_is_cuda(run->settings.device)
                   ? cli_fail_with(CLI_UNAVAILABLE,
                                   "%s; --device cpu goes on without it, to other bits",
                                   err.message)
                   : cli_fail(&err);
    }
    run->record.session = run->device.info;
    return CLI_DONE;
}

/* A new run gets a directory with its config.json in it. */
static int prepare_directory(const train_run *run, const char *directory) {
    nin_error err = {0};
    nin_status status = run->config ? NIN_OK : cli_run_create(directory, &err);
    if (status == NIN_OK && !run->config) {
        status = cli_run_write(directory, &run->settings, &run->record, &err);
    }
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

/* Who looks on while a run is trained. */
typedef struct train_watch {
    train_run *run;
    const char *directory;
    cli_report *report;
    nin_error err; /* of writing config.json */
} train_watch;

/* Once the algorithms are known, config.json of a new run says which they are, and that of a run
 * that goes on elsewhere, where that is. */
static bool on_event(nin_event event, const nin_progress *progress, void *context) {
    train_watch *watch = context;
    train_run *run = watch->run;
    nin_status status = NIN_OK;
    if (event == NIN_EVENT_BEGIN && (!run->config || run->moves)) {
        run->record.session.algorithms = progress->algorithms;
        status = run->config
                     ? cli_run_move(watch->directory, run->config, &run->settings,
                                    &run->record.session, &watch->err)
                     : cli_run_write(watch->directory, &run->settings, &run->record, &watch->err);
        run->record.session.algorithms = NULL;
    }
    return cli_report_event(event, progress, watch->report) && status == NIN_OK;
}

/* What the library will be asked for; `options` must outlive it. */
static nin_train_task task_of(train_run *run, const nin_train_options *options,
                              const char *directory) {
    return (nin_train_task){.model = &run->model,
                            .train = run->train,
                            .test = run->test,
                            .options = options,
                            .directory = directory,
                            .resume = run->config != NULL,
                            .from = run->record.from};
}

/* Before anything is promised or written. */
static int check(train_run *run, const char *directory) {
    nin_train_options options = cli_train_options(&run->settings);
    nin_train_task task = task_of(run, &options, directory);
    nin_error err = {0};
    nin_status status = nin_train_check(&task, &err);
    if (status == NIN_OK && !run->config) { /* a run that goes on has its own */
        status = cli_preprocess_fit(&run->model.preprocess, run->train, &err);
    }
    return status == NIN_OK ? CLI_DONE : cli_fail(&err);
}

static int train(train_run *run, const char *directory, bool json) {
    cli_report_plan(&run->settings, run->model.net, &run->record, directory);
    cli_catch_signals(cli_is_quiet() ? NULL
                                     : "\nnin: finishing this step, then saving; once more stops "
                                       "at once\n");
    train_watch watch = {
        .run = run, .directory = directory, .report = cli_report_start(&run->settings, directory)};
    nin_train_options options = cli_train_options(&run->settings);
    nin_train_task task = task_of(run, &options, directory);
    task.callback = on_event;
    task.context = &watch;
    nin_train_result result;
    nin_error err = {0};
    nin_status status = nin_train(&task, &result, &err);
    cli_report_free(watch.report);
    if (status == NIN_OK && watch.err.status != NIN_OK) {
        return cli_fail(&watch.err);
    }
    if (status != NIN_OK) {
        int code = cli_fail(&err);
        if (!run->config) {
            cli_run_discard(directory);
        }
        return code;
    }
    cli_report_end(&run->settings, &run->record, directory, &result, json);
    return result.failed ? CLI_FAILED : result.stopped ? 128 + cli_signal_seen() : CLI_DONE;
}

/* The range test leaves its files in a directory without a run. */
static int find_lr(train_run *run, const train_request *request) {
    nin_error err = {0};
    if (cli_run_create(request->out, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    nin_train_options options = cli_train_options(&run->settings);
    nin_train_task task = task_of(run, &options, request->out);
    int code = cli_lr_range(&task, &request->range, request->json);
    if (code != CLI_DONE) {
        rmdir(request->out); /* fails where there is something in it, as it should */
    }
    return code;
}

/* Everything that training needs, and whether it goes together. */
static int open_all(train_run *run, train_request *request) {
    int code = open_data(run);
    if (code == CLI_DONE) {
        code = open_from(run, request->resume);
    }
    if (code == CLI_DONE) {
        code = open_net(run);
    }
    if (code == CLI_DONE) {
        code = ask_device(run);
    }
    if (code == CLI_DONE) {
        run->record.recipe = request->recipe;
        if (!request->out) {
            request->out = request->resume ? cli_copy(request->resume)
                                           : cli_run_default_directory(run->settings.model);
        }
        code = check(run, request->out);
    }
    return code;
}

static int open_and_train(train_run *run, train_request *request) {
    int code = open_all(run, request);
    if (code == CLI_DONE && request->find_lr) {
        return find_lr(run, request);
    }
    if (code == CLI_DONE) {
        code = prepare_directory(run, request->out);
    }
    if (code == CLI_DONE) {
        code = train(run, request->out, request->json);
    }
    return code;
}

int cli_command_train(int argc, char **argv) {
    train_request request = {.range = nin_lr_range_options_defaults()};
    nin_error err = {0};
    cli_line line = cli_line_create();
    line.name = "train";
    line.doc = doc;
    line.settings = CLI_FOR_TRAIN;
    line.headings = true;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    if (cli_config_apply_recipe(DEFAULT_RECIPE, &line.defaults, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    cli_line_parse(&line, argc, argv);
    if (request.range_given && !request.find_lr) {
        cli_line_usage_error(&line, "--find-lr-from, --find-lr-to and --find-lr-steps are for "
                                    "--find-lr");
    }

    train_run run = {.settings = cli_settings_defaults()};
    if (!request.resume && !request.recipe) {
        request.recipe = DEFAULT_RECIPE;
    }
    int code =
        request.resume ? settle_resumed(&line, &request, &run) : settle_new(&line, &request, &run);
    if (code == CLI_DONE && request.print) {
        cli_config_print(&run.settings);
    } else if (code == CLI_DONE) {
        code = open_and_train(&run, &request);
    }
    free_run(&run);
    free(request.out);
    cli_line_free(&line);
    return code;
}

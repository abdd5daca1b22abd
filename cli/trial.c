#include "trial.h"

#include "device.h"
#include "files.h"
#include "models.h"
#include "preprocess.h"
#include "run_directory.h"
#include "signals.h"
#include "text.h"

#include <stdlib.h>
#include <unistd.h>

nin_status cli_trial_model(const cli_settings *settings, const nin_dataset *train,
                           const nin_dataset *test, nin_model *out, nin_error *err) {
    *out = (nin_model){0};
    if (settings->from) {
        return cli_error(err, NIN_ERROR_ARGUMENT,
                         "from: nets side by side start from weights that are drawn");
    }
    nin_dataset_info larger = nin_dataset_get_info(train);
    if (test && nin_dataset_get_info(test).classes > larger.classes) {
        larger = nin_dataset_get_info(test);
    }
    nin_net_options options = {.classes = larger.classes,
                               .channels = larger.channels,
                               .height = settings->resize,
                               .width = settings->resize};
    nin_status status = nin_net_open(settings->model, &options, &out->net, err);
    if (status == NIN_OK) {
        nin_shape input = nin_net_input(out->net);
        cli_name_classes(out, &larger, nin_net_output(out->net).channels);
        status = cli_preprocess_create(settings, train, input, &out->preprocess, err);
    }
    return status;
}

/* algorithms NULL: not known yet. */
static nin_status write_config(const cli_trial *trial, const char *algorithms, nin_error *err) {
    cli_device device;
    nin_status status = cli_device_ask(trial->model.net, trial->settings, &device, err);
    if (status != NIN_OK) {
        return status;
    }
    const nin_dataset *test = trial->test ? trial->test : trial->train;
    cli_run_record record = {.net = nin_net_text(trial->model.net),
                             .train = nin_dataset_get_info(trial->train),
                             .test = nin_dataset_get_info(test),
                             .session = device.info};
    record.session.algorithms = algorithms;
    status = cli_run_write(trial->directory, trial->settings, &record, err);
    cli_device_free(&device);
    return status;
}

/* Who looks on while a trial is run. */
typedef struct trial_watch {
    const cli_trial *trial;
    bool fresh;    /* it does not go on with a run */
    nin_error err; /* of writing config.json */
} trial_watch;

/* Once the algorithms are known, config.json says which they are. */
static bool on_event(nin_event event, const nin_progress *progress, void *context) {
    trial_watch *watch = context;
    const cli_trial *trial = watch->trial;
    if (event == NIN_EVENT_BEGIN && watch->fresh &&
        write_config(trial, progress->algorithms, &watch->err) != NIN_OK) {
        return false;
    }
    return !trial->callback || trial->callback(event, progress, trial->context);
}

nin_status cli_trial_check(const cli_settings *settings, const nin_dataset *train,
                           const nin_dataset *test, nin_error *err) {
    nin_model model;
    nin_status status = cli_trial_model(settings, train, test, &model, err);
    if (status == NIN_OK) {
        const nin_train_options options = cli_train_options(settings);
        const nin_train_task task = {
            .model = &model, .train = train, .test = test, .options = &options};
        status = nin_train_check(&task, err);
    }
    nin_model_free(&model);
    return status;
}

nin_status cli_trial_run(cli_trial *trial, nin_error *err) {
    trial->result = (nin_train_result){0};
    nin_status status =
        cli_trial_model(trial->settings, trial->train, trial->test, &trial->model, err);
    if (status != NIN_OK) {
        return status;
    }
    char *state = cli_join(trial->directory, "state");
    trial_watch watch = {.trial = trial, .fresh = !cli_exists(state)};
    const nin_train_options options = cli_train_options(trial->settings);
    const nin_train_task task = {.model = &trial->model,
                                 .train = trial->train,
                                 .test = trial->test,
                                 .options = &options,
                                 .directory = trial->directory,
                                 .resume = !watch.fresh,
                                 .callback = on_event,
                                 .context = &watch};
    free(state);
    if (watch.fresh) {
        status = cli_run_create(trial->directory, err);
        if (status == NIN_OK) {
            status = write_config(trial, NULL, err);
        }
        if (status == NIN_OK) {
            status = nin_preprocess_fit(&trial->model.preprocess, trial->train, err);
        }
    }
    if (status == NIN_OK) {
        status = nin_train(&task, &trial->result, err);
        if (status == NIN_OK && watch.err.status != NIN_OK) {
            *err = watch.err;
            status = err->status;
        }
        if (status != NIN_OK && watch.fresh) {
            cli_run_discard(trial->directory);
        }
    }
    return status;
}

void cli_trial_free(cli_trial *trial) {
    nin_model_free(&trial->model);
}

bool cli_trial_follow(nin_event event, const nin_progress *progress, void *context) {
    const cli_trial_follower *follower = context;
    if (event == NIN_EVENT_STEP) {
        cli_progress_set(follower->line,
                         "%s: epoch %d/%d  step %d/%d  loss %.3f  acc %.3f  %s examples/s",
                         follower->name, progress->epoch + 1, progress->epochs,
                         progress->batch_index + 1, progress->batches, progress->train_loss,
                         progress->train_accuracy, cli_rate(progress->examples_per_second).text);
    } else if (event == NIN_EVENT_EPOCH) {
        cli_progress_note(follower->line,
                          "%s: epoch %d/%d  loss %.3f  train acc %.3f  test acc %.3f",
                          follower->name, progress->epoch + 1, progress->epochs,
                          progress->train_loss, progress->train_accuracy, progress->test_accuracy);
    }
    return cli_signal_seen() == 0;
}

void cli_trial_remove(const char *directory) {
    static const char *const files[] = {"state",     "last.safetensors", "best.safetensors",
                                        "log.jsonl", "config.json",      "curves.svg",
                                        "curves.png"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = cli_join(directory, files[i]);
        unlink(path);
        free(path);
    }
    rmdir(directory);
}

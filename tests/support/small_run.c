#include "support/small_run.h"

#include "format/digest.h"
#include "train/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

enum { PICTURES = 100, BATCH = 16, TEST_PICTURES = 60 };

static const char net_text[] = "input 1x14x14\n"
                               "conv2d 8 kernel=3 padding=1\n"
                               "batch_norm\n"
                               "relu\n"
                               "max_pool kernel=2 stride=2\n"
                               "dropout 0.2\n"
                               "flatten\n"
                               "linear 20\n"
                               "relu\n"
                               "linear classes\n";

static nin_dataset *open_drawn(nin_split split, size_t count) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = split;
    options.drawn_count = count;
    nin_dataset *dataset;
    nin_error err = {0};
    if (nin_dataset_open("drawn", &options, &dataset, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return dataset;
}

void small_run_expect_ok(nin_status status, const nin_error *err) {
    if (status != NIN_OK) {
        fail_msg("status %d: %s", status, err->message);
    }
}

small_run small_run_open(void) {
    small_run run = {.train = open_drawn(NIN_SPLIT_TRAIN, PICTURES),
                     .test = open_drawn(NIN_SPLIT_TEST, TEST_PICTURES),
                     .options = nin_train_options_defaults()};
    run.options.epochs = SMALL_RUN_EPOCHS;
    run.options.batch = BATCH;
    run.options.seed = 5;
    run.options.lr = 0.05F;
    run.options.momentum = 0.9F;
    run.options.nesterov = true;
    run.options.weight_decay = 5e-4F;
    run.options.schedule = NIN_SCHEDULE_ONE_CYCLE;
    run.options.warmup_steps = 3;
    run.options.clip_norm = 5;
    run.options.label_smoothing = 0.1F;
    run.options.augmentation = (nin_augmentation){
        .flip = true, .crop_padding = 2, .erase = 0.25F, .mixup = 0.4F, .cutmix = 1};
    run.options.init.weights = NIN_INIT_HE;
    run.options.session.threads = 1;
    return run;
}

void small_run_close(small_run *run) {
    nin_dataset_free(run->train);
    nin_dataset_free(run->test);
}

nin_model small_run_model(void) {
    nin_model model = {.preprocess = nin_preprocess_plain(1, 14, 14)};
    nin_error err = {0};
    if (nin_net_parse(net_text, strlen(net_text), "small run", NULL, &model.net, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return model;
}

nin_status small_run_train(const small_run *run, const char *directory, bool resume,
                           nin_train_callback callback, void *context, nin_train_result *result,
                           nin_error *err) {
    nin_model model = small_run_model();
    if (run->whiten) {
        model.preprocess.gcn = 10;
        model.preprocess.whiten = true;
        nin_error why = {0};
        /* A run that goes on has its own whitening. */
        if (!resume && nin_preprocess_fit(&model.preprocess, run->train, &why) != NIN_OK) {
            fail_msg("%s", why.message);
        }
    }
    const nin_train_task task = {.model = &model,
                                 .train = run->train,
                                 .test = run->test,
                                 .options = &run->options,
                                 .directory = directory,
                                 .resume = resume,
                                 .callback = callback,
                                 .context = context};
    nin_status status = nin_train(&task, result, err);
    nin_model_free(&model);
    return status;
}

void small_run_whole(const small_run *run, const char *directory) {
    nin_error err = {0};
    nin_train_result result;
    if (small_run_train(run, directory, false, NULL, NULL, &result, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(result.finished);
}

const char *small_run_path(const char *directory, const char *name) {
    static char paths[4][4200];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", directory, name);
    return paths[next];
}

void small_run_digest(const char *directory, const char *name, char hex[SMALL_RUN_DIGEST]) {
    FILE *file = fopen(small_run_path(directory, name), "rb");
    assert_non_null(file);
    ninp_digest *digest = ninp_digest_create();
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0) {
        ninp_digest_add(digest, bytes, got);
    }
    ninp_digest_finish(digest, hex);
    ninp_digest_free(digest);
    fclose(file);
}

/* The log as one JSON array, without what depends on the clock. */
static json_t *read_log(const char *directory) {
    FILE *file = fopen(small_run_path(directory, "log.jsonl"), "r");
    assert_non_null(file);
    json_t *lines = json_array();
    json_t *line;
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        if (!json_object_get(line, "finding")) {
            assert_int_equal(json_object_del(line, "seconds"), 0);
            assert_int_equal(json_object_del(line, "examples_per_s"), 0);
        }
        json_array_append_new(lines, line);
    }
    fclose(file);
    return lines;
}

void small_run_expect_same(const char *directory, const char *other) {
    static const char *const names[] = {"last.safetensors", "best.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        char hex[SMALL_RUN_DIGEST];
        char expected[SMALL_RUN_DIGEST];
        small_run_digest(directory, names[i], hex);
        small_run_digest(other, names[i], expected);
        assert_string_equal(hex, expected);
    }
    json_t *log = read_log(directory);
    json_t *expected = read_log(other);
    assert_true(json_array_size(expected) > 0);
    assert_true(json_equal(log, expected));
    json_decref(log);
    json_decref(expected);
}

void small_run_expect_whole(const char *directory) {
    static const char *const names[] = {"last.safetensors", "best.safetensors"};
    nin_error err = {0};
    for (size_t i = 0; i < 2; i++) {
        const char *path = small_run_path(directory, names[i]);
        nin_model model;
        if (access(path, F_OK) == 0) {
            if (nin_model_load(path, false, &model, &err) != NIN_OK) {
                fail_msg("%s", err.message);
            }
            nin_model_free(&model);
        }
    }
    const char *path = small_run_path(directory, "state");
    if (access(path, F_OK) == 0) {
        ninp_run_state state;
        ninp_safetensors *file;
        if (ninp_run_state_open(path, &state, &file, &err) != NIN_OK) {
            fail_msg("%s", err.message);
        }
        ninp_run_state_free(&state);
        ninp_safetensors_close(file);
    }
}

void small_run_finish(const small_run *run, const char *directory, const char *whole) {
    small_run rest = *run;
    rest.options.max_steps = 0;
    nin_train_result result;
    nin_error err = {0};
    if (small_run_train(&rest, directory, true, NULL, NULL, &result, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(result.finished && !result.stopped);
    small_run_expect_same(directory, whole);
}

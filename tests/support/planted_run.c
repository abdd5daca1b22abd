#include "support/planted_run.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char planted_map_net[] = "input 1x14x14\n"
                               "conv2d 8 kernel=5 padding=2\nbatch_norm\nrelu\n"
                               "max_pool kernel=2 stride=2\n"
                               "conv2d 24 kernel=3 padding=1\nbatch_norm\nrelu\n"
                               "conv2d classes kernel=1\nrelu\n"
                               "global_avg_pool\nflatten\n";
const char planted_linear_net[] = "input 1x14x14\n"
                                  "conv2d 8 kernel=5 padding=2\nrelu\n"
                                  "max_pool kernel=2 stride=2\nflatten\n"
                                  "linear 24\nrelu\nlinear classes\n";

const char planted_product_net[] = "input 1x14x14\nflatten\nlinear 32\nlinear 32\nlinear classes\n";

char *planted_directory;
nin_dataset *planted_large_test_set;
static nin_dataset *planted_train_set, *planted_test_set;

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

int planted_open_data(void **state) {
    (void)state;
    planted_train_set = open_drawn(NIN_SPLIT_TRAIN, PLANTED_PICTURES);
    planted_test_set = open_drawn(NIN_SPLIT_TEST, PLANTED_TEST_PICTURES);
    planted_large_test_set = open_drawn(NIN_SPLIT_TEST, PLANTED_LARGE_TEST);
    return 0;
}

int planted_close_data(void **state) {
    (void)state;
    nin_dataset_free(planted_train_set);
    nin_dataset_free(planted_test_set);
    nin_dataset_free(planted_large_test_set);
    return 0;
}

int planted_make_directory(void **state) {
    (void)state;
    planted_directory = scratch_make();
    return 0;
}

int planted_remove_directory(void **state) {
    (void)state;
    scratch_remove(planted_directory);
    return 0;
}

planted_run planted_run_healthy(const char *net, uint64_t seed) {
    planted_run run = {.net = net,
                       .options = nin_train_options_defaults(),
                       .preprocess = nin_preprocess_plain(1, PLANTED_SIZE, PLANTED_SIZE)};
    run.options.epochs = PLANTED_STEPS / PLANTED_EPOCH;
    run.options.batch = PLANTED_BATCH;
    run.options.seed = seed;
    run.options.lr = 0.05F;
    run.options.momentum = 0.9F;
    run.options.schedule = NIN_SCHEDULE_ONE_CYCLE;
    run.options.init.weights = NIN_INIT_HE;
    run.options.init.zero_bias = true;
    if (net == planted_map_net) {
        run.options.lr = 0.1F;
        run.options.init.last_scale = 0.3F;
        run.options.init.last_bias = 1;
    }
    run.options.session.threads = 1;
    return run;
}

static bool follow(nin_event event, const nin_progress *progress, void *context) {
    planted_run *run = context;
    bool wanted = event == NIN_EVENT_FINDING || event == NIN_EVENT_RESTART;
    assert_int_equal(progress->finding != NULL, wanted);
    if (progress->finding) {
        assert_true(run->event_count < sizeof run->events / sizeof *run->events);
        run->events[run->event_count].event = event;
        run->events[run->event_count].step = progress->step;
        run->events[run->event_count++].finding = *progress->finding;
    }
    if (event == NIN_EVENT_STEP && progress->step == run->plant_step && run->plant_count &&
        !(run->once && progress->restart > 0)) {
        nin_tensor tensor = nin_net_tensor(run->model.net, run->plant_tensor);
        for (size_t i = 0; i < run->plant_count; i++) {
            tensor.values[run->plant_at[i]] = run->plant_value;
        }
    }
    return !(event == NIN_EVENT_STEP && progress->step == run->stop_step);
}

nin_status planted_run_try(planted_run *run) {
    run->model = (nin_model){.preprocess = run->preprocess};
    nin_net_options options = {.classes = 10};
    if (nin_net_parse(run->net, strlen(run->net), "test", &options, &run->model.net, &run->err) !=
        NIN_OK) {
        fail_msg("%s", run->err.message);
    }
    const nin_dataset *test = run->test ? run->test : planted_test_set;
    const nin_train_task task = {.model = &run->model,
                                 .train = run->train ? run->train : planted_train_set,
                                 .test = run->untested ? NULL : test,
                                 .options = &run->options,
                                 .directory = planted_directory,
                                 .resume = run->resume,
                                 .callback = follow,
                                 .context = run};
    nin_status status = nin_train(&task, &run->result, &run->err);
    nin_model_free(&run->model);
    return status;
}

void planted_run_perform(planted_run *run) {
    if (planted_run_try(run) != NIN_OK) {
        fail_msg("%s", run->err.message);
    }
}

void planted_empty_directory(void) {
    scratch_remove(planted_directory);
    planted_directory = scratch_make();
}

void planted_run_expect_nothing(const planted_run *run) {
    if (run->event_count) {
        fail_msg("seed %d, step %d: %s", (int)run->options.seed, (int)run->events[0].step,
                 run->events[0].finding.text);
    }
    assert_int_equal(run->result.finding_count, 0);
}

const nin_finding *planted_run_expect_first(const planted_run *run, nin_finding_kind kind,
                                            const char *words) {
    if (run->event_count == 0) {
        fail_msg("%s: nothing was found", nin_finding_word(kind));
    }
    const nin_finding *finding = &run->events[0].finding;
    if (finding->kind != kind || !strstr(finding->text, words)) {
        fail_msg("expected %s with '%s', told at step %d: %s: %s", nin_finding_word(kind), words,
                 (int)run->events[0].step, nin_finding_word(finding->kind), finding->text);
    }
    assert_true(run->events[0].step <= 200 || kind == NIN_FINDING_ZERO_RECALL);
    assert_true(finding->until == 0);
    return finding;
}

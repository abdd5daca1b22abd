/* The health watch in whole runs: a planted failure of each kind is named within 200 steps, healthy
 * runs give no finding, watching changes no bit, resumed runs find the same, and failed ones stop
 * or begin again as asked. */
#include "support/idx_set.h"
#include "support/scratch.h"
#include "support/small_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

enum {
    SIZE = 14,
    BATCH = 32,
    PICTURES = 960,
    EPOCH = 30,
    STEPS = 210,
    TEST_PICTURES = 100,
    LARGE_TEST = 600
};

/* A network in network in small: its last 1 x 1 convolution has a map for every class, and a ReLU
 * and global average pooling behind it. */
static const char map_net[] = "input 1x14x14\n"
                              "conv2d 8 kernel=5 padding=2\nbatch_norm\nrelu\n"
                              "max_pool kernel=2 stride=2\n"
                              "conv2d 24 kernel=3 padding=1\nbatch_norm\nrelu\n"
                              "conv2d classes kernel=1\nrelu\n"
                              "global_avg_pool\nflatten\n";
/* One whose logits may be negative. */
static const char linear_net[] = "input 1x14x14\n"
                                 "conv2d 8 kernel=5 padding=2\nrelu\n"
                                 "max_pool kernel=2 stride=2\nflatten\n"
                                 "linear 24\nrelu\nlinear classes\n";

/* One without a ReLU that could die before numbers grow too large. */
static const char product_net[] = "input 1x14x14\nflatten\nlinear 32\nlinear 32\nlinear classes\n";

/* Numbers of tensors. */
enum { MAP_BIAS = 9, FIRST_BIAS = 1, LAST_BIAS = 5 /* of linear_net */ };

static char *directory;
static nin_dataset *train_set, *test_set, *large_test_set;

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

static int open_data(void **state) {
    (void)state;
    train_set = open_drawn(NIN_SPLIT_TRAIN, PICTURES);
    test_set = open_drawn(NIN_SPLIT_TEST, TEST_PICTURES);
    large_test_set = open_drawn(NIN_SPLIT_TEST, LARGE_TEST);
    return 0;
}

static int close_data(void **state) {
    (void)state;
    nin_dataset_free(train_set);
    nin_dataset_free(test_set);
    nin_dataset_free(large_test_set);
    return 0;
}

static int make_directory(void **state) {
    (void)state;
    directory = scratch_make();
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    scratch_remove(directory);
    return 0;
}

/* ---- a run with a fault -------------------------------------------------------------------- */

typedef struct news {
    nin_event event;
    uint64_t step;
    nin_finding finding;
} news;

/* What is planted in a run, and what it told. */
typedef struct experiment {
    const char *net;
    nin_train_options options;
    nin_preprocess preprocess;
    const nin_dataset *train; /* NULL: the drawn one */
    const nin_dataset *test;  /* NULL: the small one */
    bool untested;
    bool resume;

    /* After step plant_step, and in the first start only where `once`, these values of a tensor
     * become plant_value. */
    uint64_t plant_step;
    bool once;
    size_t plant_tensor;
    size_t plant_at[10], plant_count;
    float plant_value;
    uint64_t stop_step; /* the callback stops the run; 0: never */

    nin_model model;
    news events[64];
    size_t event_count;
    nin_train_result result;
    nin_error err;
} experiment;

/* Settings that learn, at any seed. */
static experiment healthy(const char *net, uint64_t seed) {
    experiment run = {.net = net,
                      .options = nin_train_options_defaults(),
                      .preprocess = nin_preprocess_plain(1, SIZE, SIZE)};
    run.options.epochs = STEPS / EPOCH;
    run.options.batch = BATCH;
    run.options.seed = seed;
    run.options.lr = 0.05F;
    run.options.momentum = 0.9F;
    run.options.schedule = NIN_SCHEDULE_ONE_CYCLE;
    run.options.init.weights = NIN_INIT_HE;
    run.options.init.zero_bias = true;
    if (net == map_net) {
        run.options.lr = 0.1F;
        run.options.init.last_scale = 0.3F;
        run.options.init.last_bias = 1;
    }
    run.options.session.threads = 1;
    return run;
}

static bool follow(nin_event event, const nin_progress *progress, void *context) {
    experiment *run = context;
    bool wanted = event == NIN_EVENT_FINDING || event == NIN_EVENT_RESTART;
    assert_int_equal(progress->finding != NULL, wanted);
    if (wanted) {
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

static nin_status perform(experiment *run) {
    run->model = (nin_model){.preprocess = run->preprocess};
    nin_net_options options = {.classes = 10};
    if (nin_net_parse(run->net, strlen(run->net), "test", &options, &run->model.net, &run->err) !=
        NIN_OK) {
        fail_msg("%s", run->err.message);
    }
    const nin_dataset *test = run->test ? run->test : test_set;
    const nin_train_task task = {.model = &run->model,
                                 .train = run->train ? run->train : train_set,
                                 .test = run->untested ? NULL : test,
                                 .options = &run->options,
                                 .directory = directory,
                                 .resume = run->resume,
                                 .callback = follow,
                                 .context = run};
    nin_status status = nin_train(&task, &run->result, &run->err);
    nin_model_free(&run->model);
    return status;
}

static void perform_well(experiment *run) {
    if (perform(run) != NIN_OK) {
        fail_msg("%s", run->err.message);
    }
}

static void empty_directory(void) {
    scratch_remove(directory);
    directory = scratch_make();
}

static void expect_nothing(const experiment *run) {
    if (run->event_count) {
        fail_msg("seed %d, step %d: %s", (int)run->options.seed, (int)run->events[0].step,
                 run->events[0].finding.text);
    }
    assert_int_equal(run->result.finding_count, 0);
}

/* The first finding is of this kind, came within 200 steps, and says this. */
static const nin_finding *expect_first(const experiment *run, nin_finding_kind kind,
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

/* ---- healthy runs ---------------------------------------------------------------------------- */

static void test_healthy(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        experiment maps = healthy(map_net, seed);
        perform_well(&maps);
        expect_nothing(&maps);
        assert_true(maps.result.last.test_accuracy > 0.5);
        empty_directory();
    }
    for (uint64_t seed = 0; seed < 5; seed++) {
        experiment logits = healthy(linear_net, seed);
        perform_well(&logits);
        expect_nothing(&logits);
        assert_true(logits.result.last.test_accuracy > 0.5);
        empty_directory();
    }
}

static void test_changes_no_bit(void **state) {
    (void)state;
    char watched[SMALL_RUN_DIGEST];
    char alone[SMALL_RUN_DIGEST];
    experiment run = healthy(map_net, 1);
    run.options.session.threads = 2;
    perform_well(&run);
    small_run_digest(directory, "last.safetensors", watched);
    empty_directory();
    run = healthy(map_net, 1);
    run.options.health = false;
    perform_well(&run);
    small_run_digest(directory, "last.safetensors", alone);
    assert_string_equal(watched, alone);
}

/* ---- planted failures --------------------------------------------------------------------------
 */

static void test_dead_maps(void **state) {
    (void)state;
    experiment run = healthy(map_net, 1);
    run.plant_step = 35;
    run.plant_tensor = MAP_BIAS;
    run.plant_count = 3;
    run.plant_at[0] = 2;
    run.plant_at[1] = 5;
    run.plant_at[2] = 7;
    run.plant_value = -1e4F;
    perform_well(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_DEAD_MAPS, "3 of 10 class maps");
    assert_string_equal(finding->layer, "7");
    assert_int_equal(finding->since, 40);
    assert_int_equal(finding->count, 3);
    assert_int_equal(finding->of, 10);
    assert_non_null(strstr(finding->text, "2, 5, 7"));
    assert_non_null(strstr(finding->text, "since step 40"));
    assert_int_equal(run.result.finding_count, 1);
    assert_false(run.result.failed);
    assert_true(run.result.finished);
}

static void test_all_maps_dead(void **state) {
    (void)state;
    experiment run = healthy(map_net, 1);
    run.options.init.last_bias = -1e4F;
    perform_well(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_DEAD_MAPS, "all 10 class maps");
    assert_int_equal(finding->since, 1);
    assert_int_equal(run.event_count, 1); /* not what follows from it, such as the loss at ln 10 */
}

/* Maps that come back. */
static void test_healed(void **state) {
    (void)state;
    experiment run = healthy(map_net, 1);
    run.plant_step = 20;
    run.plant_tensor = MAP_BIAS;
    run.plant_count = 1;
    run.plant_at[0] = 4;
    run.plant_value = -1e4F;
    run.stop_step = 100;
    perform_well(&run);
    expect_first(&run, NIN_FINDING_DEAD_MAPS, "1 of 10 class maps");
    run.resume = true;
    run.plant_step = 101;
    run.plant_value = 1;
    run.stop_step = 0;
    perform_well(&run);
    assert_int_equal(run.event_count, 2);
    const nin_finding *finding = &run.events[1].finding;
    assert_int_equal(finding->kind, NIN_FINDING_DEAD_MAPS);
    assert_true(finding->until >= 140 && finding->until <= 160);
    assert_non_null(strstr(finding->text, "dead class maps in layer 7: over at step"));
    assert_int_equal(run.result.findings[0].until, finding->until);
}

static void test_dead_units(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.plant_step = 35;
    run.plant_tensor = FIRST_BIAS;
    run.plant_count = 8;
    for (size_t i = 0; i < 8; i++) {
        run.plant_at[i] = i;
    }
    run.plant_value = -1e4F;
    perform_well(&run);
    const nin_finding *finding =
        expect_first(&run, NIN_FINDING_DEAD_UNITS, "8 of 8 units of layer 0");
    assert_string_equal(finding->layer, "0");
    assert_int_equal(finding->since, 40);
}

/* Where a rate that is much too high kills everything within three steps, that is seen first. */
static void test_rate_too_high(void **state) {
    (void)state;
    static const struct {
        const char *net;
        float lr;
        nin_finding_kind kind;
        const char *words;
    } cases[] = {
        {map_net, 30, NIN_FINDING_LARGE_UPDATES, "the learning rate 30 is too high"},
        {product_net, 1e6F, NIN_FINDING_EXPLODING_GRADIENT,
         "the learning rate 1e+06 is probably too high"},
        {linear_net, 3, NIN_FINDING_DEAD_UNITS, "the learning rate 3 is probably too high"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        experiment run = healthy(cases[i].net, 1);
        run.options.lr = cases[i].lr;
        run.options.momentum = 0;
        run.options.schedule = NIN_SCHEDULE_CONSTANT;
        perform(&run);
        expect_first(&run, cases[i].kind, cases[i].words);
        empty_directory();
    }
}

static void test_not_finite(void **state) {
    (void)state;
    experiment run = healthy(product_net, 1);
    run.options.lr = 1e6F;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    assert_int_equal(perform(&run), NIN_ERROR_NOT_FINITE);
    const nin_finding *last = &run.events[run.event_count - 1].finding;
    assert_int_equal(last->kind, NIN_FINDING_NOT_FINITE);
    assert_string_equal(last->text, run.err.message);
    assert_non_null(strstr(last->text, "the learning rate 1e+06 is probably too high"));
}

/* A std that makes values infinite: the picture is to blame, and no other seed would help. */
static void test_bad_picture(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.preprocess.std[0] = 1e-39F;
    run.options.on_failure = NIN_ON_FAILURE_RESTART;
    assert_int_equal(perform(&run), NIN_ERROR_NOT_FINITE);
    expect_first(&run, NIN_FINDING_NOT_FINITE,
                 " of the training data (counted from 0): channel 0, ");
    assert_int_equal(run.event_count, 1);
}

static void test_standstill(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.options.init.last_scale = 0.01F;
    run.options.lr = 1e-4F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    perform_well(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_STANDSTILL, "at ln 10 = 2.303");
    assert_int_equal(finding->since, 1);
    assert_non_null(strstr(finding->text, "since the start"));
}

static void test_small_updates(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.options.lr = 1e-9F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    perform_well(&run);
    expect_first(&run, NIN_FINDING_SMALL_UPDATES, "the learning rate 1e-09 is too low");
}

static void test_pictures_not_scaled(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.preprocess.std[0] = 1.0F / 255;
    run.options.max_steps = 20;
    perform(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_INPUT_RANGE, "go from 0 to 2");
    assert_non_null(strstr(finding->text, "not scaled"));
    assert_int_equal(finding->since, 1);
    empty_directory();
    run = healthy(linear_net, 1);
    run.preprocess.std[0] = 255;
    run.options.max_steps = 20;
    perform_well(&run);
    expect_first(&run, NIN_FINDING_INPUT_RANGE, "scaled twice");
}

/* A frozen layer does no harm while the loss falls; where it stands, that is why. */
static void test_frozen_layer(void **state) {
    (void)state;
    experiment run = healthy(linear_net, 1);
    run.options.freeze = "0.*";
    perform_well(&run);
    expect_nothing(&run);
    empty_directory();
    run = healthy(linear_net, 1);
    run.options.freeze = "0.*";
    run.options.lr = 1e-4F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    perform_well(&run);
    assert_true(run.event_count > 0 && run.events[run.event_count - 1].step <= 200);
    const nin_finding *finding = &run.events[run.event_count - 1].finding;
    assert_int_equal(finding->kind, NIN_FINDING_FROZEN_LAYER);
    assert_string_equal(finding->layer, "0");
    assert_int_equal(finding->count, 1);
    assert_int_equal(finding->of, 3);
    assert_non_null(strstr(finding->text, "layer 0 have not changed since step 120"));
}

/* ---- data sets that are wrong -------------------------------------------------------------- */

static nin_dataset *open_idx(idx_bytes images, idx_bytes labels) {
    nin_dataset *dataset;
    nin_error err = {0};
    char *place = scratch_make();
    idx_write(place, "train-images-idx3-ubyte", images);
    idx_write(place, "train-labels-idx1-ubyte", labels);
    idx_write_split(place, NIN_SPLIT_TEST, 10, SIZE, SIZE, 2, false);
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_status status = nin_dataset_open(place, &options, &dataset, &err);
    scratch_remove(place);
    if (status != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return dataset;
}

enum { IDX_LABELS_HEADER = 8, IDX_IMAGES_HEADER = 16 };

static void check_labels(uint32_t classes, unsigned scale, const char *words) {
    idx_bytes labels = idx_make_labels(PICTURES, classes);
    for (size_t i = IDX_LABELS_HEADER; i < labels.size; i++) {
        labels.bytes[i] = (uint8_t)(labels.bytes[i] * scale);
    }
    nin_dataset *dataset = open_idx(idx_make_images(PICTURES, SIZE, SIZE), labels);
    experiment run = healthy(linear_net, 1);
    run.train = dataset;
    run.untested = true;
    run.options.max_steps = 5;
    perform_well(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_LABELS, words);
    assert_int_equal(finding->since, 0);
    nin_dataset_free(dataset);
    empty_directory();
}

static void test_labels(void **state) {
    (void)state;
    check_labels(1, 1,
                 "only 1 of 10 classes occur in the labels of the 960 training pictures: all "
                 "960 pictures are of class 0");
    check_labels(3, 4,
                 "only 3 of 10 classes occur in the labels of the 960 training pictures: the "
                 "labels are multiples of 4, so they are on a wrong scale");
}

static void test_constant_pictures(void **state) {
    (void)state;
    idx_bytes images = idx_make_images(PICTURES, SIZE, SIZE);
    memset(images.bytes + IDX_IMAGES_HEADER, 51, images.size - IDX_IMAGES_HEADER);
    nin_dataset *dataset = open_idx(images, idx_make_labels(PICTURES, 10));
    experiment run = healthy(linear_net, 1);
    run.train = dataset;
    run.untested = true;
    run.options.max_steps = 20;
    perform_well(&run);
    expect_first(&run, NIN_FINDING_INPUT_CONSTANT, "every value of every picture is 0.2");
    nin_dataset_free(dataset);
}

/* ---- classes that are lost ---------------------------------------------------------------------
 */

enum { LOST_STEP = 14 * EPOCH }; /* the end of an epoch, before it is evaluated */

static experiment losing(size_t classes) {
    experiment run = healthy(linear_net, 1);
    run.test = large_test_set;
    run.options.epochs = 15;
    run.plant_step = LOST_STEP;
    run.plant_tensor = LAST_BIAS;
    run.plant_count = classes;
    run.plant_at[0] = 3;
    run.plant_at[1] = 6;
    run.plant_value = -1e4F;
    return run;
}

static void test_zero_recall(void **state) {
    (void)state;
    experiment run = losing(1);
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    perform_well(&run);
    const nin_finding *finding = expect_first(&run, NIN_FINDING_ZERO_RECALL, "(3)");
    assert_int_equal(finding->since, LOST_STEP);
    assert_int_equal(finding->count, 1);
    assert_false(run.result.failed); /* one class may be learnt later */
    empty_directory();
    run = losing(2);
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    perform_well(&run);
    expect_first(&run, NIN_FINDING_ZERO_RECALL, "(3, 6)");
    assert_true(run.result.failed);
    assert_int_equal(run.result.failure, NIN_FINDING_ZERO_RECALL);
    assert_int_equal(run.result.last.step, LOST_STEP);
    assert_false(run.result.finished || run.result.stopped);
}

/* ---- stop and restart -------------------------------------------------------------------------
 */

/* All maps dead from step 25 on: seen at 40, a failure at 140. */
static experiment dying(nin_on_failure reaction) {
    experiment run = healthy(map_net, 1);
    run.options.on_failure = reaction;
    run.plant_step = 25;
    run.plant_tensor = MAP_BIAS;
    run.plant_count = 10;
    for (size_t i = 0; i < 10; i++) {
        run.plant_at[i] = i;
    }
    run.plant_value = -1e4F;
    return run;
}

static void test_stop(void **state) {
    (void)state;
    experiment run = dying(NIN_ON_FAILURE_STOP);
    perform_well(&run);
    assert_true(run.result.failed);
    assert_int_equal(run.result.failure, NIN_FINDING_DEAD_MAPS);
    assert_int_equal(run.result.last.step, 140);
    small_run_expect_whole(directory);
    /* It is still failed when it is resumed, and goes on when that is asked for. */
    run.resume = true;
    perform_well(&run);
    assert_true(run.result.failed);
    assert_int_equal(run.result.last.step, 140);
    run.options.on_failure = NIN_ON_FAILURE_CONTINUE;
    perform_well(&run);
    assert_true(run.result.finished && !run.result.failed);
}

/* The start after the failed one is, bit for bit, a run with the next seed. */
static void test_restart(void **state) {
    (void)state;
    experiment run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    perform_well(&run);
    assert_true(run.result.finished && !run.result.failed);
    assert_int_equal(run.result.last.restart, 1);
    assert_int_equal(run.result.last.step, STEPS);
    assert_int_equal(run.result.finding_count, 0);
    assert_int_equal(run.event_count, 2);
    assert_int_equal(run.events[1].event, NIN_EVENT_RESTART);
    assert_int_equal(run.events[1].finding.kind, NIN_FINDING_DEAD_MAPS);
    char hex[SMALL_RUN_DIGEST];
    char expected[SMALL_RUN_DIGEST];
    char best[SMALL_RUN_DIGEST];
    char expected_best[SMALL_RUN_DIGEST];
    small_run_digest(directory, "last.safetensors", hex);
    small_run_digest(directory, "best.safetensors", best);
    empty_directory();
    experiment next = healthy(map_net, 2);
    perform_well(&next);
    small_run_digest(directory, "last.safetensors", expected);
    small_run_digest(directory, "best.safetensors", expected_best);
    assert_string_equal(hex, expected);
    assert_string_equal(best, expected_best);
}

static void test_restarts_run_out(void **state) {
    (void)state;
    experiment run = dying(NIN_ON_FAILURE_RESTART);
    run.options.restarts = 2;
    perform_well(&run);
    assert_true(run.result.failed);
    assert_int_equal(run.result.last.restart, 2);
    int restarts = 0;
    for (size_t i = 0; i < run.event_count; i++) {
        restarts += run.events[i].event == NIN_EVENT_RESTART;
    }
    assert_int_equal(restarts, 2);
}

static void test_restart_after_not_finite(void **state) {
    (void)state;
    experiment run = healthy(map_net, 1);
    run.options.on_failure = NIN_ON_FAILURE_RESTART;
    run.plant_step = 12;
    run.plant_tensor = MAP_BIAS;
    run.plant_count = 1;
    run.plant_value = NAN;
    run.once = true;
    perform_well(&run);
    assert_true(run.result.finished);
    assert_int_equal(run.result.last.restart, 1);
    assert_int_equal(run.err.status, NIN_OK);
}

/* ---- saved and resumed -------------------------------------------------------------------------
 */

/* Stopped after any of these steps and resumed, a run with findings and a restart ends with the
 * same bits and the same log. Steps are counted anew after the restart, so the first stop comes
 * before it and, for steps that the failed start did not reach, behind it. */
static void test_resume(void **state) {
    (void)state;
    static const uint64_t stops[] = {1, 26, 60, 61, 99, 120, 139, 140, 150, 200};
    experiment run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    perform_well(&run);
    char *whole = directory;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        directory = scratch_make();
        run = dying(NIN_ON_FAILURE_RESTART);
        run.once = true;
        run.stop_step = stops[i];
        perform_well(&run);
        assert_true(run.result.stopped);
        run.resume = true;
        run.stop_step = 0;
        perform_well(&run);
        assert_true(run.result.finished);
        small_run_expect_same(directory, whole);
        scratch_remove(directory);
    }
    directory = whole;
}

static void test_log(void **state) {
    (void)state;
    experiment run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    perform_well(&run);
    FILE *file = fopen(small_run_path(directory, "log.jsonl"), "r");
    assert_non_null(file);
    char line[2000];
    int findings = 0;
    int restarts = 0;
    while (fgets(line, sizeof line, file)) {
        json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        if (json_object_get(json, "finding")) {
            assert_string_equal(json_string_value(json_object_get(json, "finding")),
                                "dead-class-maps");
            assert_int_equal(json_integer_value(json_object_get(json, "since")), 40);
            assert_int_equal(json_integer_value(json_object_get(json, "count")), 10);
            assert_true(json_is_null(json_object_get(json, "until")));
            assert_non_null(strstr(json_string_value(json_object_get(json, "text")), "layer 7"));
            bool restart = json_object_get(json, "restart") != NULL;
            assert_int_equal(json_integer_value(json_object_get(json, "step")), restart ? 140 : 80);
            findings += !restart;
            restarts += restart;
        }
        json_decref(json);
    }
    fclose(file);
    assert_int_equal(findings, 1);
    assert_int_equal(restarts, 1);
}

static void test_options(void **state) {
    (void)state;
    experiment run = healthy(map_net, 1);
    run.options.health = false;
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    assert_int_equal(perform(&run), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(run.err.message, "health"));
    assert_string_equal(nin_finding_word(NIN_FINDING_DEAD_MAPS), "dead-class-maps");
    assert_null(nin_finding_word((nin_finding_kind)NIN_FINDING_KINDS));
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_healthy),
        IN_DIRECTORY(test_changes_no_bit),
        IN_DIRECTORY(test_dead_maps),
        IN_DIRECTORY(test_all_maps_dead),
        IN_DIRECTORY(test_healed),
        IN_DIRECTORY(test_dead_units),
        IN_DIRECTORY(test_rate_too_high),
        IN_DIRECTORY(test_not_finite),
        IN_DIRECTORY(test_bad_picture),
        IN_DIRECTORY(test_standstill),
        IN_DIRECTORY(test_small_updates),
        IN_DIRECTORY(test_pictures_not_scaled),
        IN_DIRECTORY(test_frozen_layer),
        IN_DIRECTORY(test_labels),
        IN_DIRECTORY(test_constant_pictures),
        IN_DIRECTORY(test_zero_recall),
        IN_DIRECTORY(test_stop),
        IN_DIRECTORY(test_restart),
        IN_DIRECTORY(test_restarts_run_out),
        IN_DIRECTORY(test_restart_after_not_finite),
        IN_DIRECTORY(test_resume),
        IN_DIRECTORY(test_log),
        IN_DIRECTORY(test_options),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}

/* The health watch in whole runs: a planted failure of each kind is named within 200 steps, healthy
 * runs give no finding, and watching changes no bit. */
#include "support/idx_set.h"
#include "support/planted_run.h"
#include "support/scratch.h"
#include "support/small_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- healthy runs ---------------------------------------------------------------------------- */

static void test_healthy(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        planted_run maps = planted_run_healthy(planted_map_net, seed);
        planted_run_perform(&maps);
        planted_run_expect_nothing(&maps);
        assert_true(maps.result.last.test_accuracy > 0.5);
        planted_empty_directory();
    }
    for (uint64_t seed = 0; seed < 5; seed++) {
        planted_run logits = planted_run_healthy(planted_linear_net, seed);
        planted_run_perform(&logits);
        planted_run_expect_nothing(&logits);
        assert_true(logits.result.last.test_accuracy > 0.5);
        planted_empty_directory();
    }
}

static void test_changes_no_bit(void **state) {
    (void)state;
    char watched[SMALL_RUN_DIGEST];
    char alone[SMALL_RUN_DIGEST];
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.options.session.threads = 2;
    planted_run_perform(&run);
    small_run_digest(planted_directory, "last.safetensors", watched);
    planted_empty_directory();
    run = planted_run_healthy(planted_map_net, 1);
    run.options.health = false;
    planted_run_perform(&run);
    small_run_digest(planted_directory, "last.safetensors", alone);
    assert_string_equal(watched, alone);
}

/* ---- planted failures ---- */

static void test_dead_maps(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.plant_step = 35;
    run.plant_tensor = PLANTED_MAP_BIAS;
    run.plant_count = 3;
    run.plant_at[0] = 2;
    run.plant_at[1] = 5;
    run.plant_at[2] = 7;
    run.plant_value = -1e4F;
    planted_run_perform(&run);
    const nin_finding *finding =
        planted_run_expect_first(&run, NIN_FINDING_DEAD_MAPS, "3 of 10 class maps");
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
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.options.init.last_bias = -1e4F;
    planted_run_perform(&run);
    const nin_finding *finding =
        planted_run_expect_first(&run, NIN_FINDING_DEAD_MAPS, "all 10 class maps");
    assert_int_equal(finding->since, 1);
    assert_int_equal(run.event_count, 1); /* not what follows from it, such as the loss at ln 10 */
}

/* Maps that come back. */
static void test_healed(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.plant_step = 20;
    run.plant_tensor = PLANTED_MAP_BIAS;
    run.plant_count = 1;
    run.plant_at[0] = 4;
    run.plant_value = -1e4F;
    run.stop_step = 100;
    planted_run_perform(&run);
    planted_run_expect_first(&run, NIN_FINDING_DEAD_MAPS, "1 of 10 class maps");
    run.resume = true;
    run.plant_step = 101;
    run.plant_value = 1;
    run.stop_step = 0;
    planted_run_perform(&run);
    assert_int_equal(run.event_count, 2);
    const nin_finding *finding = &run.events[1].finding;
    assert_int_equal(finding->kind, NIN_FINDING_DEAD_MAPS);
    assert_true(finding->until >= 140 && finding->until <= 160);
    assert_non_null(
        strstr(finding->text, "dead class maps in layer 7: over (from step 40 to step 100)"));
    assert_int_equal(run.result.findings[0].until, finding->until);
}

static void test_dead_units(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.plant_step = 35;
    run.plant_tensor = PLANTED_FIRST_BIAS;
    run.plant_count = 8;
    for (size_t i = 0; i < 8; i++) {
        run.plant_at[i] = i;
    }
    run.plant_value = -1e4F;
    planted_run_perform(&run);
    const nin_finding *finding =
        planted_run_expect_first(&run, NIN_FINDING_DEAD_UNITS, "8 of 8 units of layer 0");
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
        {planted_map_net, 30, NIN_FINDING_LARGE_UPDATES, "the learning rate 30 is too high"},
        {planted_product_net, 1e6F, NIN_FINDING_EXPLODING_GRADIENT,
         "the learning rate 1e+06 is probably too high"},
        {planted_linear_net, 3, NIN_FINDING_DEAD_UNITS, "the learning rate 3 is probably too high"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        planted_run run = planted_run_healthy(cases[i].net, 1);
        run.options.lr = cases[i].lr;
        run.options.momentum = 0;
        run.options.schedule = NIN_SCHEDULE_CONSTANT;
        planted_run_try(&run);
        planted_run_expect_first(&run, cases[i].kind, cases[i].words);
        planted_empty_directory();
    }
}

static void test_not_finite(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_product_net, 1);
    run.options.lr = 1e6F;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    assert_int_equal(planted_run_try(&run), NIN_ERROR_NOT_FINITE);
    const nin_finding *last = &run.events[run.event_count - 1].finding;
    assert_int_equal(last->kind, NIN_FINDING_NOT_FINITE);
    assert_string_equal(last->text, run.err.message);
    assert_non_null(strstr(last->text, "the learning rate 1e+06 is probably too high"));
}

/* A std that makes values infinite: the picture is to blame, and no other seed would help. */
static void test_bad_picture(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.preprocess.std[0] = 1e-39F;
    run.options.on_failure = NIN_ON_FAILURE_RESTART;
    assert_int_equal(planted_run_try(&run), NIN_ERROR_NOT_FINITE);
    planted_run_expect_first(&run, NIN_FINDING_NOT_FINITE,
                             " of the training data (counted from 0): channel 0, ");
    assert_int_equal(run.event_count, 1);
}

static void test_standstill(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.options.init.last_scale = 0.01F;
    run.options.lr = 1e-4F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    planted_run_perform(&run);
    const nin_finding *finding =
        planted_run_expect_first(&run, NIN_FINDING_STANDSTILL, "at ln 10 = 2.303");
    assert_int_equal(finding->since, 1);
    assert_non_null(strstr(finding->text, "since the start"));
}

static void test_small_updates(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.options.lr = 1e-9F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    planted_run_perform(&run);
    planted_run_expect_first(&run, NIN_FINDING_SMALL_UPDATES, "the learning rate 1e-09 is too low");
}

static void test_pictures_not_scaled(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.preprocess.std[0] = 1.0F / 255;
    run.options.max_steps = 20;
    planted_run_try(&run);
    const nin_finding *finding =
        planted_run_expect_first(&run, NIN_FINDING_INPUT_RANGE, "go from 0 to 2");
    assert_non_null(strstr(finding->text, "not scaled"));
    assert_int_equal(finding->since, 1);
    planted_empty_directory();
    run = planted_run_healthy(planted_linear_net, 1);
    run.preprocess.std[0] = 255;
    run.options.max_steps = 20;
    planted_run_perform(&run);
    planted_run_expect_first(&run, NIN_FINDING_INPUT_RANGE, "scaled twice");
}

/* A frozen layer does no harm while the loss falls; where it stands, that is why. */
static void test_frozen_layer(void **state) {
    (void)state;
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.options.freeze = "0.*";
    planted_run_perform(&run);
    planted_run_expect_nothing(&run);
    planted_empty_directory();
    run = planted_run_healthy(planted_linear_net, 1);
    run.options.freeze = "0.*";
    run.options.lr = 1e-4F;
    run.options.momentum = 0;
    run.options.schedule = NIN_SCHEDULE_CONSTANT;
    planted_run_perform(&run);
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
    idx_write_split(place, NIN_SPLIT_TEST, 10, PLANTED_SIZE, PLANTED_SIZE, 2, false);
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
    idx_bytes labels = idx_make_labels(PLANTED_PICTURES, classes);
    for (size_t i = IDX_LABELS_HEADER; i < labels.size; i++) {
        labels.bytes[i] = (uint8_t)(labels.bytes[i] * scale);
    }
    nin_dataset *dataset =
        open_idx(idx_make_images(PLANTED_PICTURES, PLANTED_SIZE, PLANTED_SIZE), labels);
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.train = dataset;
    run.untested = true;
    run.options.max_steps = 5;
    planted_run_perform(&run);
    const nin_finding *finding = planted_run_expect_first(&run, NIN_FINDING_LABELS, words);
    assert_int_equal(finding->since, 0);
    nin_dataset_free(dataset);
    planted_empty_directory();
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
    idx_bytes images = idx_make_images(PLANTED_PICTURES, PLANTED_SIZE, PLANTED_SIZE);
    memset(images.bytes + IDX_IMAGES_HEADER, 51, images.size - IDX_IMAGES_HEADER);
    nin_dataset *dataset = open_idx(images, idx_make_labels(PLANTED_PICTURES, 10));
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.train = dataset;
    run.untested = true;
    run.options.max_steps = 20;
    planted_run_perform(&run);
    planted_run_expect_first(&run, NIN_FINDING_INPUT_CONSTANT,
                             "every value of every picture is 0.2");
    nin_dataset_free(dataset);
}

/* ---- classes that are lost ---- */

enum { LOST_STEP = 14 * PLANTED_EPOCH }; /* the end of an epoch, before it is evaluated */

static planted_run losing(size_t classes) {
    planted_run run = planted_run_healthy(planted_linear_net, 1);
    run.test = planted_large_test_set;
    run.options.epochs = 15;
    run.plant_step = LOST_STEP;
    run.plant_tensor = PLANTED_LAST_BIAS;
    run.plant_count = classes;
    run.plant_at[0] = 3;
    run.plant_at[1] = 6;
    run.plant_value = -1e4F;
    return run;
}

static void test_zero_recall(void **state) {
    (void)state;
    planted_run run = losing(1);
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    planted_run_perform(&run);
    const nin_finding *finding = planted_run_expect_first(&run, NIN_FINDING_ZERO_RECALL, "(3)");
    assert_int_equal(finding->since, LOST_STEP);
    assert_int_equal(finding->count, 1);
    assert_false(run.result.failed); /* one class may be learnt later */
    planted_empty_directory();
    run = losing(2);
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    planted_run_perform(&run);
    planted_run_expect_first(&run, NIN_FINDING_ZERO_RECALL, "(3, 6)");
    assert_true(run.result.failed);
    assert_int_equal(run.result.failure, NIN_FINDING_ZERO_RECALL);
    assert_int_equal(run.result.last.step, LOST_STEP);
    assert_false(run.result.finished || run.result.stopped);
}

int main(void) {
#define IN_DIRECTORY(test) \
    cmocka_unit_test_setup_teardown(test, planted_make_directory, planted_remove_directory)
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
    };
    return cmocka_run_group_tests(tests, planted_open_data, planted_close_data);
}

/* Runs that have failed: they stop or begin again as asked, and what the health watch found is
 * logged, saved and found again after a resume. */
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
#include <jansson.h>

/* ---- stop and restart ---- */

/* All maps dead from step 25 on: seen at 40, a failure at 140. */
static planted_run dying(nin_on_failure reaction) {
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.options.on_failure = reaction;
    run.plant_step = 25;
    run.plant_tensor = PLANTED_MAP_BIAS;
    run.plant_count = 10;
    for (size_t i = 0; i < 10; i++) {
        run.plant_at[i] = i;
    }
    run.plant_value = -1e4F;
    return run;
}

static void test_stop(void **state) {
    (void)state;
    planted_run run = dying(NIN_ON_FAILURE_STOP);
    planted_run_perform(&run);
    assert_true(run.result.failed);
    assert_int_equal(run.result.failure, NIN_FINDING_DEAD_MAPS);
    assert_int_equal(run.result.last.step, 140);
    small_run_expect_whole(planted_directory);
    /* It is still failed when it is resumed, and goes on when that is asked for. */
    run.resume = true;
    planted_run_perform(&run);
    assert_true(run.result.failed);
    assert_int_equal(run.result.last.step, 140);
    run.options.on_failure = NIN_ON_FAILURE_CONTINUE;
    planted_run_perform(&run);
    assert_true(run.result.finished && !run.result.failed);
}

/* The start after the failed one is, bit for bit, a run with the next seed. */
static void test_restart(void **state) {
    (void)state;
    planted_run run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    planted_run_perform(&run);
    assert_true(run.result.finished && !run.result.failed);
    assert_int_equal(run.result.last.restart, 1);
    assert_int_equal(run.result.last.step, PLANTED_STEPS);
    assert_int_equal(run.result.finding_count, 0);
    assert_int_equal(run.event_count, 2);
    assert_int_equal(run.events[1].event, NIN_EVENT_RESTART);
    assert_int_equal(run.events[1].finding.kind, NIN_FINDING_DEAD_MAPS);
    char hex[SMALL_RUN_DIGEST];
    char expected[SMALL_RUN_DIGEST];
    char best[SMALL_RUN_DIGEST];
    char expected_best[SMALL_RUN_DIGEST];
    small_run_digest(planted_directory, "last.safetensors", hex);
    small_run_digest(planted_directory, "best.safetensors", best);
    planted_empty_directory();
    planted_run next = planted_run_healthy(planted_map_net, 2);
    planted_run_perform(&next);
    small_run_digest(planted_directory, "last.safetensors", expected);
    small_run_digest(planted_directory, "best.safetensors", expected_best);
    assert_string_equal(hex, expected);
    assert_string_equal(best, expected_best);
}

static void test_restarts_run_out(void **state) {
    (void)state;
    planted_run run = dying(NIN_ON_FAILURE_RESTART);
    run.options.restarts = 2;
    planted_run_perform(&run);
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
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.options.on_failure = NIN_ON_FAILURE_RESTART;
    run.plant_step = 12;
    run.plant_tensor = PLANTED_MAP_BIAS;
    run.plant_count = 1;
    run.plant_value = NAN;
    run.once = true;
    planted_run_perform(&run);
    assert_true(run.result.finished);
    assert_int_equal(run.result.last.restart, 1);
    assert_int_equal(run.err.status, NIN_OK);
}

/* ---- saved and resumed ---- */

/* Stopped after any of these steps and resumed, a run with findings and a restart ends with the
 * same bits and the same log. Steps are counted anew after the restart, so the first stop comes
 * before it and, for steps that the failed start did not reach, behind it. */
static void test_resume(void **state) {
    (void)state;
    static const uint64_t stops[] = {1, 26, 60, 61, 99, 120, 139, 140, 150, 200};
    planted_run run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    planted_run_perform(&run);
    char *whole = planted_directory;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        planted_directory = scratch_make();
        run = dying(NIN_ON_FAILURE_RESTART);
        run.once = true;
        run.stop_step = stops[i];
        planted_run_perform(&run);
        assert_true(run.result.stopped);
        run.resume = true;
        run.stop_step = 0;
        planted_run_perform(&run);
        assert_true(run.result.finished);
        small_run_expect_same(planted_directory, whole);
        scratch_remove(planted_directory);
    }
    planted_directory = whole;
}

static void test_log(void **state) {
    (void)state;
    planted_run run = dying(NIN_ON_FAILURE_RESTART);
    run.once = true;
    planted_run_perform(&run);
    FILE *file = fopen(small_run_path(planted_directory, "log.jsonl"), "r");
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
    planted_run run = planted_run_healthy(planted_map_net, 1);
    run.options.health = false;
    run.options.on_failure = NIN_ON_FAILURE_STOP;
    assert_int_equal(planted_run_try(&run), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(run.err.message, "health"));
    assert_string_equal(nin_finding_word(NIN_FINDING_DEAD_MAPS), "dead-class-maps");
    assert_null(nin_finding_word((nin_finding_kind)NIN_FINDING_KINDS));
}

int main(void) {
#define IN_DIRECTORY(test) \
    cmocka_unit_test_setup_teardown(test, planted_make_directory, planted_remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_stop),
        IN_DIRECTORY(test_restart),
        IN_DIRECTORY(test_restarts_run_out),
        IN_DIRECTORY(test_restart_after_not_finite),
        IN_DIRECTORY(test_resume),
        IN_DIRECTORY(test_log),
        IN_DIRECTORY(test_options),
    };
    return cmocka_run_group_tests(tests, planted_open_data, planted_close_data);
}

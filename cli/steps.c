#include "steps.h"

#include "json.h"
#include "measure.h"
#include "progress.h"
#include "table.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEAST_RUNS = 5, MOST_RUNS = 1000 };

/* What is timed of a step; all times that were measured are [step][PARTS][run]. */
enum { FORWARD, BACKWARD, WEIGHT_GRADIENT, PARTS };

static double *part(double *all, size_t step, int number) {
    return all + (step * PARTS + (size_t)number) * MOST_RUNS;
}

static nin_status run_all(nin_session *session, const nin_examples *examples, double seconds,
                          cli_steps *steps, double *all, size_t *runs, nin_error *err) {
    cli_progress *progress = cli_progress_start("timing the steps");
    nin_status status = nin_session_profile(session, examples, steps->times, err); /* warms up */
    const double end = cli_clock() + seconds;
    while (status == NIN_OK && *runs < MOST_RUNS && (*runs < LEAST_RUNS || cli_clock() < end)) {
        status = nin_session_profile(session, examples, steps->times, err);
        for (size_t i = 0; i < steps->count; i++) {
            part(all, i, FORWARD)[*runs] = steps->times[i].forward;
            part(all, i, BACKWARD)[*runs] = steps->times[i].backward;
            part(all, i, WEIGHT_GRADIENT)[*runs] = steps->times[i].weight_gradient;
        }
        ++*runs;
    }
    cli_progress_free(progress);
    return status;
}

nin_status cli_steps_measure(nin_session *session, const nin_examples *examples, double seconds,
                             double whole, cli_steps *steps, nin_error *err) {
    const size_t count = nin_session_step_count(session);
    *steps = (cli_steps){.session = session,
                         .batch = examples->count,
                         .times = cli_allocate(count, sizeof *steps->times),
                         .count = count,
                         .whole = whole};
    double *all = cli_allocate(count * PARTS * MOST_RUNS, sizeof *all);
    size_t runs = 0;
    nin_status status = run_all(session, examples, seconds, steps, all, &runs, err);
    for (size_t i = 0; i < count && status == NIN_OK; i++) {
        steps->times[i] =
            (nin_step_time){.forward = cli_median(part(all, i, FORWARD), runs),
                            .backward = cli_median(part(all, i, BACKWARD), runs),
                            .weight_gradient = cli_median(part(all, i, WEIGHT_GRADIENT), runs)};
    }
    steps->peak = nin_session_peak(session);
    free(all);
    return status;
}

void cli_steps_free(cli_steps *steps) {
    free(steps->times);
    steps->times = NULL;
}

/* A pass of a step: its share of the time of a run, and its speed by direct counting. */
typedef struct step_pass {
    double seconds;
    double flops; /* a second; 0: it multiplies nothing, or there is no such pass */
} step_pass;

static step_pass pass_of(const cli_steps *steps, size_t index, double thread_seconds) {
    step_pass pass = {thread_seconds / nin_session_get_info(steps->session).threads, 0};
    if (pass.seconds > 0) {
        pass.flops = 2.0 * (double)nin_session_step(steps->session, index).macs * steps->batch /
                     pass.seconds;
    }
    return pass;
}

typedef struct step_passes {
    step_pass forward, input, weight;
} step_passes;

/* What both gradients need counts for the input's; a first layer has none. */
static step_passes passes_of(const cli_steps *steps, size_t index) {
    const nin_step_time *time = &steps->times[index];
    const double input = fmax(time->backward - time->weight_gradient, 0);
    return (step_passes){pass_of(steps, index, time->forward), pass_of(steps, index, input),
                         pass_of(steps, index, time->weight_gradient)};
}

static double seconds_of(const cli_steps *steps, size_t index) {
    const nin_step_time *time = &steps->times[index];
    return (time->forward + time->backward) / nin_session_get_info(steps->session).threads;
}

static double other_seconds(const cli_steps *steps) {
    double rest = steps->whole;
    for (size_t i = 0; i < steps->count; i++) {
        rest -= seconds_of(steps, i);
    }
    return fmax(rest, 0);
}

static void add_pass(cli_table *table, step_pass pass) {
    if (pass.seconds > 0) {
        cli_table_add(table, "%.3f", 1e3 * pass.seconds);
    } else {
        cli_table_add(table, "%s", "");
    }
    if (pass.flops > 0) {
        cli_table_add(table, "%.0f", 1e-9 * pass.flops);
    } else {
        cli_table_add(table, "%s", "");
    }
}

void cli_steps_print(const cli_steps *steps) {
    static const char *const heads[] = {"layers",  "algorithm", "forward ms", "GFLOP/s", "input ms",
                                        "GFLOP/s", "weight ms", "GFLOP/s",    "share"};
    cli_table *table = cli_table_create("llrrrrrrr");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[i]);
    }
    for (size_t i = 0; i < steps->count; i++) {
        const nin_plan_step step = nin_session_step(steps->session, i);
        const step_passes passes = passes_of(steps, i);
        cli_table_add(table, "%s", step.layers);
        cli_table_add(table, "%s", step.algorithm);
        add_pass(table, passes.forward);
        add_pass(table, passes.input);
        add_pass(table, passes.weight);
        cli_table_add(table, "%.1f %%", 100 * seconds_of(steps, i) / steps->whole);
    }
    putchar('\n');
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    printf("\n%.3f ms of %.3f ms are spent between the steps (%.1f %%)\n",
           1e3 * other_seconds(steps), 1e3 * steps->whole,
           100 * other_seconds(steps) / steps->whole);
    if (steps->peak > 0) {
        printf("bare multiply-adds: %.0f GFLOP/s\n", 1e-9 * steps->peak);
    }
}

/* null where there is no such pass. */
static json_t *pass_json(step_pass pass) {
    if (pass.seconds <= 0) {
        return json_null();
    }
    json_t *value = cli_json_object();
    cli_json_set(value, "ms", cli_json_real(1e3 * pass.seconds));
    cli_json_set(value, "gflops", cli_json_real(1e-9 * pass.flops));
    return value;
}

void cli_steps_add_json(const cli_steps *steps, json_t *object) {
    json_t *plan = cli_json_array();
    for (size_t i = 0; i < steps->count; i++) {
        const nin_plan_step step = nin_session_step(steps->session, i);
        const step_passes passes = passes_of(steps, i);
        json_t *row = cli_json_object();
        cli_json_set(row, "layers", cli_json_text(step.layers));
        cli_json_set(row, "work", cli_json_text(step.work));
        cli_json_set(row, "algorithm", cli_json_text(step.algorithm));
        cli_json_set(row, "share", cli_json_real(seconds_of(steps, i) / steps->whole));
        cli_json_set(row, "forward", pass_json(passes.forward));
        cli_json_set(row, "input_gradient", pass_json(passes.input));
        cli_json_set(row, "weight_gradient", pass_json(passes.weight));
        cli_json_append(plan, row);
    }
    cli_json_set(object, "peak_gflops",
                 steps->peak > 0 ? cli_json_real(1e-9 * steps->peak) : json_null());
    cli_json_set(object, "other_ms", cli_json_real(1e3 * other_seconds(steps)));
    cli_json_set(object, "plan", plan);
}

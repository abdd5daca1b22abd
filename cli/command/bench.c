/* nin bench: measures the speed of training or prediction steps. */
#include "../command.h"
#include "../device.h"
#include "../fail.h"
#include "../json.h"
#include "../measure.h"
#include "../models.h"
#include "../progress.h"
#include "../speed.h"
#include "../steps.h"
#include "../table.h"
#include "../text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { KEY_MODE = CLI_OWN_KEY, KEY_SECONDS, KEY_STEPS };

static const struct argp_option own_options[] = {
    {"mode", KEY_MODE, "train|infer", 0, "which steps to measure (default train)", 0},
    {"seconds", KEY_SECONDS, "N", 0, "measure for at least N seconds (default 3)", 0},
    {"steps", KEY_STEPS, NULL, 0, "time each step of the plan too, beside the machine's peak", 0},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "Measure speed: the median of repeated steps on made-up pictures, after a warm-up.\v"
    "A training step is the forward and backward pass of a batch and the update of the weights; "
    "data "
    "are not loaded. GFLOP/s count two operations for each multiply-accumulate of direct "
    "computation, whatever the algorithm does: forward once, backward twice, less the input "
    "gradient "
    "of the first layer, which nobody needs. --steps shows where the time goes: of steps that "
    "threads run on several pictures at once the sum over the threads, divided by their number.";

enum { LEAST_STEPS = 5, MOST_STEPS = 100000, WARM_UP_STEPS = 2 };

typedef struct bench_request {
    bool infer, json, steps;
    long long seconds;
} bench_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    bench_request *request = context;
    switch (key) {
    case KEY_MODE:
        *wrong = "train or infer";
        request->infer = strcmp(value, "infer") == 0;
        return request->infer || strcmp(value, "train") == 0;
    case KEY_SECONDS:
        *wrong = "a whole number from 0 to 3600";
        return cli_read_count(value, 0, 3600, &request->seconds);
    case KEY_STEPS: request->steps = true; return true;
    default: request->json = true; return true;
    }
}

/* *seconds: the median step; *steps: how many were measured. */
static nin_status measure(cli_speed *speed, double wanted, double *seconds, size_t *steps,
                          nin_error *err) {
    double *times = cli_allocate(MOST_STEPS, sizeof *times);
    cli_progress *progress = cli_progress_start("warming up");
    nin_status status = NIN_OK;
    for (int i = 0; i < WARM_UP_STEPS && status == NIN_OK; i++) {
        status = cli_speed_step(speed, err);
    }
    double begin = cli_clock();
    size_t count = 0;
    while (status == NIN_OK && count < MOST_STEPS &&
           (count < LEAST_STEPS || cli_clock() - begin < wanted)) {
        double start = cli_clock();
        status = cli_speed_step(speed, err);
        times[count++] = cli_clock() - start;
        cli_progress_set(progress, "step %zu: %s examples/s", count,
                         cli_rate(speed->examples.count / times[count - 1]).text);
    }
    cli_progress_free(progress);
    *seconds = count ? cli_median(times, count) : (double)NAN;
    *steps = count;
    free(times);
    return status;
}

/* Multiply-accumulates of one example in one step. */
static double step_macs(const nin_net *net, bool training) {
    double all = 0;
    double first = 0;
    size_t count = nin_net_layer_count(net);
    for (size_t i = 0; i < count; i++) {
        nin_layer layer = nin_net_layer(net, i);
        bool holds_layers = i + 1 < count && nin_net_layer(net, i + 1).depth > layer.depth;
        if (!holds_layers) {
            all += (double)layer.macs;
            first = first > 0 ? first : (double)layer.macs;
        }
    }
    return training ? 3 * all - first : all;
}

static double peak_bytes(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
}

/* timed NULL: the steps of the plan were not. */
static void print_result(const cli_speed *speed, const char *model, double seconds, size_t steps,
                         const cli_steps *timed, bool json) {
    nin_session_info info = nin_session_get_info(speed->session);
    const char *mode = speed->gradients ? "train" : "infer";
    cli_shape_text input = cli_shape(nin_net_input(speed->net));
    const int batch = speed->examples.count;
    double rate = batch / seconds;
    double gflops = 2e-9 * step_macs(speed->net, speed->gradients != NULL) * rate;
    if (json) {
        json_t *object = cli_json_object();
        cli_json_set(object, "model", cli_json_text(model));
        cli_json_set(object, "input", cli_json_text(input.text));
        cli_json_set(object, "mode", cli_json_text(mode));
        cli_device_add_json(&info, object);
        cli_json_set(object, "threads", cli_json_integer((unsigned)info.threads));
        cli_json_set(object, "batch", cli_json_integer((unsigned)batch));
        cli_json_set(object, "examples_per_s", cli_json_real(rate));
        cli_json_set(object, "ms_per_example", cli_json_real(1000 / rate));
        cli_json_set(object, "peak_rss_bytes", cli_json_integer((uint64_t)peak_bytes()));
        cli_json_set(object, "gflops", cli_json_real(gflops));
        cli_json_set(object, "steps", cli_json_integer(steps));
        if (timed) {
            cli_steps_add_json(timed, object);
        }
        cli_json_print(object);
        return;
    }
    char *details = cli_device_details(&info);
    printf("%s %s, input %s, batch %d, on %s (%s)\n", mode, model, input.text, batch, info.device,
           details);
    free(details);
    printf("%s examples/s, %.3g ms an example, %.1f GFLOP/s, %s at most\n", cli_rate(rate).text,
           1000 / rate, gflops, cli_bytes(peak_bytes()).text);
    printf("median of %zu steps\n", steps);
    if (timed) {
        cli_steps_print(timed);
    }
}

int cli_command_bench(int argc, char **argv) {
    bench_request request = {.seconds = 3};
    cli_line line = cli_line_create();
    line.name = "bench";
    line.doc = doc;
    line.settings = CLI_FOR_BENCH | CLI_FOR_ENGINE | CLI_FOR_BATCHES;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.defaults.train.batch = 64;
    cli_line_parse(&line, argc, argv);
    const cli_settings *settings = cli_line_settings(&line);

    nin_net *net;
    cli_speed speed = {0};
    nin_net_options options = {.height = settings->resize, .width = settings->resize};
    nin_error err = {0};
    double seconds = 0;
    size_t steps = 0;
    int code = cli_net_open(settings->model, &options, &net);
    if (code == CLI_DONE) {
        nin_init_options init = nin_init_options_defaults();
        nin_session_options session = cli_session_options(settings);
        session.training = !request.infer;
        nin_net_initialize(net, &init);
        if (cli_speed_open(net, &session, &speed, &err) != NIN_OK ||
            measure(&speed, (double)request.seconds, &seconds, &steps, &err) != NIN_OK) {
            code = cli_fail(&err);
        }
    }
    cli_steps timed = {0};
    if (code == CLI_DONE && request.steps) {
        if (cli_steps_measure(speed.session, &speed.examples, (double)request.seconds, seconds,
                              &timed, &err) != NIN_OK) {
            code = cli_fail(&err);
        }
    }
    if (code == CLI_DONE) {
        print_result(&speed, settings->model, seconds, steps, request.steps ? &timed : NULL,
                     request.json);
    }
    cli_steps_free(&timed);
    cli_speed_close(&speed);
    nin_net_free(net);
    cli_line_free(&line);
    return code;
}

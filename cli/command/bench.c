/* nin bench: measures the speed of training or prediction steps. */
#include "../command.h"
#include "../fail.h"
#include "../json.h"
#include "../measure.h"
#include "../models.h"
#include "../progress.h"
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

/* A net with its session and the batch that all steps use. */
typedef struct bench_job {
    nin_net *net;
    nin_session *session;
    bool infer;
    int batch;
    float *images, *gradients, *logits;
    int32_t *labels;
    uint64_t step;
} bench_job;

/* Even noise in [0, 1), from a linear congruential generator (Knuth, MMIX). */
static void fill_noise(float *values, size_t count) {
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)(state >> 40) * 0x1p-24F;
    }
}

static int open_bench(bench_job *job, const cli_settings *settings, nin_error *err) {
    nin_session_options options = cli_session_options(settings);
    options.training = !job->infer;
    job->batch = options.batch;
    nin_init_options init = nin_init_options_defaults();
    nin_net_initialize(job->net, &init);
    if (nin_session_create(job->net, &options, &job->session, err) != NIN_OK) {
        return cli_fail(err);
    }
    nin_shape input = nin_net_input(job->net);
    size_t classes = (size_t)nin_net_output(job->net).channels;
    size_t batch = (size_t)job->batch;
    size_t pixels = (size_t)input.channels * (size_t)input.height * (size_t)input.width;
    job->images = cli_allocate(batch * pixels, sizeof *job->images);
    job->logits = cli_allocate(batch * classes, sizeof *job->logits);
    job->labels = cli_allocate(batch, sizeof *job->labels);
    job->gradients =
        cli_allocate(job->infer ? 1 : nin_net_parameter_count(job->net), sizeof *job->gradients);
    fill_noise(job->images, batch * pixels);
    for (size_t i = 0; i < batch; i++) {
        job->labels[i] = (int32_t)(i % classes);
    }
    return CLI_DONE;
}

static void close_bench(bench_job *job) {
    nin_session_free(job->session);
    nin_net_free(job->net);
    free(job->images);
    free(job->logits);
    free(job->labels);
    free(job->gradients);
}

/* Plain SGD, so slow that the net stays what it is; on all threads, as training does it. */
static void update(const bench_job *job) {
    const float rate = 1e-6F;
    float *weights = nin_net_tensor(job->net, 0).values;
    size_t count = nin_net_parameter_count(job->net);
#pragma omp parallel for num_threads(nin_session_get_info(job->session).threads) schedule(static)
    for (size_t i = 0; i < count; i++) {
        weights[i] -= rate * job->gradients[i];
    }
    nin_session_weights_changed(job->session);
}

static nin_examples examples_of(const bench_job *job) {
    return (nin_examples){
        .images = job->images, .labels = job->labels, .count = job->batch, .step = job->step};
}

static nin_status run_step(bench_job *job, nin_error *err) {
    if (job->infer) {
        return nin_session_logits(job->session, job->images, job->batch, job->logits, err);
    }
    nin_loss loss;
    const nin_examples examples = examples_of(job);
    job->step++;
    nin_status status = nin_session_gradients(job->session, &examples, job->gradients, &loss, err);
    if (status == NIN_OK) {
        update(job);
    }
    return status;
}

/* *seconds: the median step; *steps: how many were measured. */
static nin_status measure(bench_job *job, double wanted, double *seconds, size_t *steps,
                          nin_error *err) {
    double *times = cli_allocate(MOST_STEPS, sizeof *times);
    cli_progress *progress = cli_progress_start("warming up");
    nin_status status = NIN_OK;
    for (int i = 0; i < WARM_UP_STEPS && status == NIN_OK; i++) {
        status = run_step(job, err);
    }
    double begin = cli_clock();
    size_t count = 0;
    while (status == NIN_OK && count < MOST_STEPS &&
           (count < LEAST_STEPS || cli_clock() - begin < wanted)) {
        double start = cli_clock();
        status = run_step(job, err);
        times[count++] = cli_clock() - start;
        cli_progress_set(progress, "step %zu: %s examples/s", count,
                         cli_rate(job->batch / times[count - 1]).text);
    }
    cli_progress_free(progress);
    *seconds = count ? cli_median(times, count) : (double)NAN;
    *steps = count;
    free(times);
    return status;
}

/* Multiply-accumulates of one example in one step. */
static double step_macs(const bench_job *job) {
    double all = 0;
    double first = 0;
    size_t count = nin_net_layer_count(job->net);
    for (size_t i = 0; i < count; i++) {
        nin_layer layer = nin_net_layer(job->net, i);
        bool holds_layers = i + 1 < count && nin_net_layer(job->net, i + 1).depth > layer.depth;
        if (!holds_layers) {
            all += (double)layer.macs;
            first = first > 0 ? first : (double)layer.macs;
        }
    }
    return job->infer ? all : 3 * all - first;
}

static double peak_bytes(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
}

/* timed NULL: the steps of the plan were not. */
static void print_result(const bench_job *job, const char *model, double seconds, size_t steps,
                         const cli_steps *timed, bool json) {
    nin_session_info info = nin_session_get_info(job->session);
    const char *mode = job->infer ? "infer" : "train";
    cli_shape_text input = cli_shape(nin_net_input(job->net));
    double rate = job->batch / seconds;
    double gflops = 2e-9 * step_macs(job) * rate;
    if (json) {
        json_t *object = cli_json_object();
        cli_json_set(object, "model", cli_json_text(model));
        cli_json_set(object, "input", cli_json_text(input.text));
        cli_json_set(object, "mode", cli_json_text(mode));
        cli_json_set(object, "device", cli_json_text(info.device));
        cli_json_set(object, "isa", cli_json_text(info.isa));
        cli_json_set(object, "threads", cli_json_integer((unsigned)info.threads));
        cli_json_set(object, "batch", cli_json_integer((unsigned)job->batch));
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
    printf("%s %s, input %s, batch %d, on %s (%s, %d thread%s)\n", mode, model, input.text,
           job->batch, info.device, info.isa, info.threads, info.threads == 1 ? "" : "s");
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

    bench_job job = {.infer = request.infer};
    nin_net_options options = {.height = settings->resize, .width = settings->resize};
    nin_error err = {0};
    double seconds = 0;
    size_t steps = 0;
    int code = cli_net_open(settings->model, &options, &job.net);
    if (code == CLI_DONE) {
        code = open_bench(&job, settings, &err);
    }
    if (code == CLI_DONE &&
        measure(&job, (double)request.seconds, &seconds, &steps, &err) != NIN_OK) {
        code = cli_fail(&err);
    }
    cli_steps timed = {0};
    if (code == CLI_DONE && request.steps) {
        const nin_examples examples = examples_of(&job);
        if (cli_steps_measure(job.session, &examples, (double)request.seconds, seconds, &timed,
                              &err) != NIN_OK) {
            code = cli_fail(&err);
        }
    }
    if (code == CLI_DONE) {
        print_result(&job, settings->model, seconds, steps, request.steps ? &timed : NULL,
                     request.json);
    }
    cli_steps_free(&timed);
    close_bench(&job);
    cli_line_free(&line);
    return code;
}

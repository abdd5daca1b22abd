#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 9 }; /* of dropout */

static void *allocate(size_t count, size_t size) {
    void *block = calloc(count ? count : 1, size);
    assert_non_null(block);
    return block;
}

static float *copy(const float *values, size_t count) {
    float *copied = allocate(count, sizeof *copied);
    memcpy(copied, values, count * sizeof *copied);
    return copied;
}

static size_t shape_count(nin_shape shape) {
    return (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
}

void cuda_stir(nin_net *net) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        const bool bias = tensor.trainable && strstr(tensor.name, "bias");
        for (size_t c = 0; tensor.rank == 1 && c < tensor.count; c++) {
            const float step = (float)((c + i) % 7);
            tensor.values[c] = bias ? 0.0625F * (step - 3.0F) : 0.5F + 0.125F * step;
        }
    }
}

nin_status cuda_session_try(nin_net *net, const cuda_setup *setup, cuda_session *session,
                            nin_error *err) {
    *session = (cuda_session){0};
    assert_int_equal(ninp_plan_create(net, setup->training, setup->frozen, &session->plan, err),
                     NIN_OK);
    const size_t tensors = nin_net_tensor_count(net);
    session->offsets = allocate(tensors, sizeof *session->offsets);
    session->counts = allocate(tensors, sizeof *session->counts);
    float *values = nin_net_tensor(net, 0).values;
    size_t value_count = 0;
    for (size_t i = 0; i < tensors; i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        session->offsets[i] = (size_t)(tensor.values - values);
        session->counts[i] = tensor.count;
        value_count = session->offsets[i] + tensor.count;
    }
    session->task = (ninp_cuda_task){.plan = &session->plan,
                                     .values = values,
                                     .offsets = session->offsets,
                                     .counts = session->counts,
                                     .tensor_count = tensors,
                                     .value_count = value_count,
                                     .parameter_count = nin_net_parameter_count(net),
                                     .input = nin_net_input(net),
                                     .classes = nin_net_output(net).channels,
                                     .batch = setup->batch ? setup->batch : setup->count,
                                     .training = setup->training,
                                     .keep_results = setup->training || setup->keep_results,
                                     .seed = SEED,
                                     .math = setup->math,
                                     .deterministic = !setup->any_algorithm,
                                     .own_only = !setup->libraries,
                                     .choices = setup->choices,
                                     .pairs = setup->pairs};
    return cuda_plugin()->open(&session->task, &session->state, err);
}

void cuda_session_open(nin_net *net, const cuda_setup *setup, cuda_session *session) {
    nin_error err = {0};
    if (cuda_session_try(net, setup, session, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
}

void cuda_session_close(cuda_session *session) {
    cuda_plugin()->close(session->state);
    ninp_plan_free(&session->plan);
    free(session->offsets);
    free(session->counts);
}

cuda_batch cuda_batch_make(const nin_net *net, const cuda_setup *setup, uint64_t seed) {
    const int count = setup->count;
    cuda_batch batch = {.images = test_images(net, count, seed),
                        .labels = test_labels(net, count, seed),
                        .others = test_labels(net, count, seed + 1),
                        .shares = allocate((size_t)count, sizeof(float))};
    if (setup->images) {
        memcpy(batch.images, setup->images,
               (size_t)count * shape_count(nin_net_input(net)) * sizeof(float));
    }
    for (int i = 0; i < count; i++) {
        batch.shares[i] = (float)(i % 5) * 0.25F; /* 0 and 1 among them */
    }
    batch.examples = (nin_examples){.images = batch.images,
                                    .labels = batch.labels,
                                    .count = count,
                                    .label_smoothing = setup->smoothing,
                                    .step = setup->step};
    if (setup->two_labels) {
        batch.examples.other_labels = batch.others;
        batch.examples.label_shares = batch.shares;
    }
    return batch;
}

void cuda_batch_free(cuda_batch *batch) {
    free(batch->images);
    free(batch->labels);
    free(batch->others);
    free(batch->shares);
}

static cuda_outcome begin_outcome(const cuda_setup *setup, const cuda_session *shape) {
    cuda_outcome outcome = {.parameters = shape->task.parameter_count,
                            .value_count = shape->task.value_count,
                            .steps = shape->plan.count,
                            .logit_count = (size_t)setup->count * (size_t)shape->task.classes};
    outcome.gradients = allocate(outcome.parameters, sizeof(float));
    outcome.logits = allocate(outcome.logit_count, sizeof(float));
    outcome.results = allocate(outcome.steps, sizeof *outcome.results);
    outcome.result_counts = allocate(outcome.steps, sizeof *outcome.result_counts);
    for (size_t i = 0; shape->task.keep_results && i < outcome.steps; i++) {
        outcome.result_counts[i] = (size_t)setup->count * shape_count(shape->plan.steps[i].output);
        outcome.results[i] = allocate(outcome.result_counts[i], sizeof(float));
    }
    return outcome;
}

void cuda_expect_ok(nin_status status, const nin_error *err) {
    if (status != NIN_OK) {
        fail_msg("%s", err->message);
    }
}

/* What an engine gives of a picture at a step of the plan. */
typedef nin_status (*read_result)(const void *engine, size_t step, int example, float *values,
                                  nin_error *err);

static void read_results(const cuda_outcome *outcome, int count, read_result read,
                         const void *engine) {
    nin_error err = {0};
    for (size_t i = 0; i < outcome->steps; i++) {
        const size_t each = outcome->result_counts[i] / (size_t)count;
        for (int n = 0; outcome->results[i] && n < count; n++) {
            cuda_expect_ok(read(engine, i, n, outcome->results[i] + (size_t)n * each, &err), &err);
        }
    }
}

cuda_outcome cuda_run(nin_net *net, const cuda_setup *setup, uint64_t seed) {
    const ninp_cuda_plugin *plugin = cuda_plugin();
    cuda_session session;
    nin_error err = {0};
    cuda_session_open(net, setup, &session);
    cuda_outcome outcome = begin_outcome(setup, &session);
    float *before = copy(session.task.values, outcome.value_count);
    cuda_batch batch = cuda_batch_make(net, setup, seed);
    if (setup->training) {
        cuda_expect_ok(plugin->gradients(session.state, &batch.examples, outcome.gradients,
                                         &outcome.loss, &err),
                       &err);
    } else {
        cuda_expect_ok(
            plugin->logits(session.state, batch.images, setup->count, outcome.logits, &err), &err);
    }
    read_results(&outcome, setup->count, plugin->result, session.state);
    outcome.values = copy(session.task.values, outcome.value_count);
    memcpy(session.task.values, before, outcome.value_count * sizeof(float));
    cuda_batch_free(&batch);
    free(before);
    cuda_session_close(&session);
    return outcome;
}

/* The number of a layer among those that compute something. */
static size_t leaf_of(const nin_net *net, size_t layer) {
    size_t leaf = 0;
    for (size_t i = 0; i < layer; i++) {
        leaf += !ninp_layer_is_container(&net->layers[i]);
    }
    return leaf;
}

/* The reference engine's plan has a step a layer. */
typedef struct reference_run {
    const nin_net *net;
    const ninp_plan *plan;
    const nin_session *session;
} reference_run;

static nin_status reference_result(const void *engine, size_t step, int example, float *values,
                                   nin_error *err) {
    const reference_run *run = engine;
    const size_t leaf = leaf_of(run->net, run->plan->steps[step].last_layer);
    return nin_session_result(run->session, leaf, example, values, err);
}

cuda_outcome cuda_run_reference(nin_net *net, const cuda_setup *setup, uint64_t seed) {
    cuda_session shape;
    nin_error err = {0};
    cuda_session_open(net, setup, &shape);
    cuda_outcome outcome = begin_outcome(setup, &shape);
    float *before = copy(shape.task.values, outcome.value_count);
    cuda_batch batch = cuda_batch_make(net, setup, seed);
    nin_session_options options = nin_session_options_defaults();
    options.device = "reference";
    options.batch = setup->count;
    options.training = setup->training;
    options.keep_results = true;
    options.frozen = setup->frozen;
    options.seed = SEED;
    nin_session *session;
    cuda_expect_ok(nin_session_create(net, &options, &session, &err), &err);
    if (setup->training) {
        cuda_expect_ok(
            nin_session_gradients(session, &batch.examples, outcome.gradients, &outcome.loss, &err),
            &err);
    } else {
        cuda_expect_ok(
            nin_session_logits(session, batch.images, setup->count, outcome.logits, &err), &err);
    }
    const reference_run run = {net, &shape.plan, session};
    read_results(&outcome, setup->count, reference_result, &run);
    nin_session_free(session);
    outcome.values = copy(shape.task.values, outcome.value_count);
    memcpy(shape.task.values, before, outcome.value_count * sizeof(float));
    cuda_batch_free(&batch);
    free(before);
    cuda_session_close(&shape);
    return outcome;
}

void cuda_outcome_free(cuda_outcome *outcome) {
    for (size_t i = 0; i < outcome->steps; i++) {
        free(outcome->results[i]);
    }
    free(outcome->results);
    free(outcome->result_counts);
    free(outcome->gradients);
    free(outcome->values);
    free(outcome->logits);
}

void cuda_expect_same(const cuda_outcome *a, const cuda_outcome *b) {
    assert_memory_equal(a->gradients, b->gradients, a->parameters * sizeof(float));
    assert_memory_equal(a->values, b->values, a->value_count * sizeof(float));
    assert_memory_equal(a->logits, b->logits, a->logit_count * sizeof(float));
    assert_true(memcmp(&a->loss.loss_sum, &b->loss.loss_sum, sizeof(double)) == 0);
    assert_int_equal(a->loss.correct, b->loss.correct);
    for (size_t i = 0; i < a->steps; i++) {
        assert_memory_equal(a->results[i], b->results[i], a->result_counts[i] * sizeof(float));
    }
}

static double norm_of(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i] * (double)values[i];
    }
    return sqrt(sum);
}

/* Of the difference, over the larger of the expected values' norm and `floor`. */
static double relative_error(const float *values, const float *expected, size_t count,
                             double floor) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = (double)values[i] - (double)expected[i];
        sum += difference * difference;
    }
    const double size = norm_of(expected, count);
    const double scale = size > floor ? size : floor;
    return sqrt(sum) / (scale > 0 ? scale : 1);
}

static void expect_within(double error, double bound, const char *what, const char *of) {
    if (!(error <= bound)) {
        fail_msg("%s: %s: error %.3g, allowed %.3g", what, of, error, bound);
    }
}

static void check_tensors(const nin_net *net, const cuda_setup *setup, const cuda_outcome *fast,
                          const cuda_outcome *exact, double bound, const char *what) {
    const float *start = nin_net_tensor(net, 0).values;
    const double floor = 1e-2 * norm_of(exact->gradients, exact->parameters);
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        const size_t at = (size_t)(tensor.values - start);
        if (!tensor.trainable) {
            expect_within(relative_error(fast->values + at, exact->values + at, tensor.count, 0),
                          bound, what, tensor.name);
        } else if (!setup->frozen || !setup->frozen[i]) {
            expect_within(
                relative_error(fast->gradients + at, exact->gradients + at, tensor.count, floor),
                bound, what, tensor.name);
        }
    }
}

cuda_outcome cuda_run_in_any_order(nin_net *net, const cuda_setup *setup, uint64_t seed) {
    cuda_outcome first = cuda_run(net, setup, seed);
    cuda_outcome again = cuda_run(net, setup, seed);
    cuda_expect_same(&again, &first);
    cuda_outcome_free(&again);
    if (cuda_reverse_threads(true)) {
        cuda_outcome reversed = cuda_run(net, setup, seed);
        cuda_reverse_threads(false);
        cuda_expect_same(&reversed, &first);
        cuda_outcome_free(&reversed);
    }
    return first;
}

bool cuda_step_is(const cuda_session *session, size_t step, const char *algorithm) {
    return strcmp(cuda_plugin()->step(session->state, step).algorithm, algorithm) == 0;
}

const cuda_bounds cuda_math_bounds[3] = {[NINP_CUDA_FLOAT32] = {2e-6, 1e-6, 1e-5},
                                         [NINP_CUDA_TF32] = {1e-3, 1e-3, 4e-3},
                                         [NINP_CUDA_BF16] = {1e-2, 2e-2, 3e-2}};

void cuda_check(nin_net *net, const cuda_setup *setup, cuda_bounds bounds, const char *what) {
    cuda_outcome exact = cuda_run_reference(net, setup, 21);
    cuda_outcome fast = cuda_run(net, setup, 21);
    for (size_t i = 0; i < fast.steps; i++) {
        char name[40];
        snprintf(name, sizeof name, "result of step %zu", i);
        expect_within(relative_error(fast.results[i], exact.results[i], fast.result_counts[i], 0),
                      bounds.results, what, name);
    }
    expect_within(relative_error(fast.logits, exact.logits, fast.logit_count, 0), bounds.results,
                  what, "logits");
    if (setup->training) {
        expect_within(fabs(fast.loss.loss_sum - exact.loss.loss_sum) / setup->count, bounds.loss,
                      what, "loss");
        check_tensors(net, setup, &fast, &exact, bounds.gradients, what);
    }
    cuda_outcome_free(&fast);
    cuda_outcome_free(&exact);
}

void cuda_check_library(const char *library, const char *text, ninp_cuda_math math,
                        cuda_bounds bounds) {
    nin_net *net = test_net_parse(text, 5);
    char what[60];
    snprintf(what, sizeof what, "%s, smaller batch", library);
    cuda_stir(net);
    for (int training = 0; training < 2; training++) {
        const cuda_setup setup = {.math = math,
                                  .count = 3,
                                  .training = training,
                                  .keep_results = true,
                                  .libraries = true,
                                  .any_algorithm = !training,
                                  .pairs = NINP_CUDA_PAIRS_NONE,
                                  .smoothing = 0.1F};
        cuda_check(net, &setup, bounds, library);
        cuda_setup smaller = setup;
        smaller.batch = 4;
        cuda_check(net, &smaller, bounds, what);
    }
    nin_net_free(net);
}

void cuda_expect_products(const char *text, int steps) {
    nin_net *net = test_net_parse(text, 5);
    const cuda_setup setup = {
        .count = 2, .training = true, .libraries = true, .pairs = NINP_CUDA_PAIRS_NONE};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 1);
    float *gradients = allocate(nin_net_parameter_count(net), sizeof *gradients);
    nin_loss loss;
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    const int opened = cuda_library_products();
    cuda_expect_ok(cuda_plugin()->gradients(session.state, &batch.examples, gradients, &loss, &err),
                   &err);
    if (opened >= 0) {
        enum { PASSES = 3 };
        assert_int_equal(cuda_library_products() - opened, steps * PASSES);
    }
    cuda_session_close(&session);
    free(gradients);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

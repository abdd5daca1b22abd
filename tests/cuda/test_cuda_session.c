/* Sessions on the CUDA plug-in: what they promise beside the right numbers. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char net_text[] =
    "input 3x16x16\nclasses 10\nconv2d 8 kernel=3 padding=1\nbatch_norm\nrelu\n"
    "max_pool kernel=3 stride=2\nconv2d 40 kernel=3\nrelu\nconv2d 12 kernel=1\nrelu\n"
    "max_pool kernel=2 stride=1\ndropout 0.2\nflatten\nlinear 20\nrelu\nlinear classes\n";

/* The largest |value|. */
static double largest(const float *values, size_t count) {
    double size = 0;
    for (size_t i = 0; i < count; i++) {
        size = fabs((double)values[i]) > size ? fabs((double)values[i]) : size;
    }
    return size;
}

static void same_bits_in_any_order(void **state) {
    (void)state;
    nin_net *net = test_net_parse(net_text, 1);
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        for (int training = 0; training < 2; training++) {
            const cuda_setup setup = {.math = (ninp_cuda_math)math,
                                      .count = 5,
                                      .training = training,
                                      .keep_results = true,
                                      .smoothing = 0.1F,
                                      .step = 3};
            cuda_outcome first = cuda_run_in_any_order(net, &setup, 2);
            cuda_outcome_free(&first);
        }
    }
    nin_net_free(net);
}

/* Bits do not depend on what the session computed before, on its largest batch, or on whether
 * results share memory. */
static void smaller_batches(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse(net_text, 1);
    const cuda_setup setup = {.count = 6};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    float all[60];
    float part[60];
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    cuda_expect_ok(plugin->logits(session.state, batch.images, 6, all, &err), &err);
    cuda_expect_ok(plugin->logits(session.state, batch.images, 2, part, &err), &err);
    assert_memory_equal(part, all, 20 * sizeof(float));
    cuda_expect_ok(plugin->logits(session.state, batch.images, 6, part, &err), &err);
    assert_memory_equal(part, all, sizeof all);
    cuda_session_close(&session);
    const cuda_setup kept = {.count = 2, .batch = 9, .keep_results = true};
    cuda_outcome other = cuda_run(net, &kept, 2);
    assert_memory_equal(other.logits, all, 20 * sizeof(float));
    assert_memory_equal(other.results[other.steps - 1], all, 20 * sizeof(float));
    cuda_outcome_free(&other);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

/* A session for evaluation takes new weights when it is told to. */
static void changed_weights(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse(net_text, 1);
    const cuda_setup setup = {.count = 1};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    float before[10];
    float after[10];
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    cuda_expect_ok(plugin->logits(session.state, batch.images, 1, before, &err), &err);
    const nin_tensor bias = nin_net_tensor(net, 11);
    assert_string_equal(bias.name, "13.bias");
    bias.values[3] += 1;
    plugin->weights_changed(session.state);
    cuda_expect_ok(plugin->logits(session.state, batch.images, 1, after, &err), &err);
    assert_true(fabsf(after[3] - before[3] - 1) < 1e-5F);
    assert_memory_equal(after, before, 3 * sizeof(float));
    cuda_session_close(&session);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

static void nothing_is_allocated_in_a_step(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse(net_text, 1);
    const cuda_setup setup = {.count = 3, .training = true};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    float *gradients = calloc(nin_net_parameter_count(net), sizeof *gradients);
    assert_non_null(gradients);
    nin_loss loss;
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    const size_t opened = cuda_allocations();
    assert_true(plugin->bytes(session.state) >= cuda_allocated_bytes());
    for (int i = 0; i < 2; i++) {
        cuda_expect_ok(plugin->gradients(session.state, &batch.examples, gradients, &loss, &err),
                       &err);
    }
    assert_int_equal(cuda_allocations(), opened);
    cuda_session_close(&session);
    assert_int_equal(cuda_allocated_bytes(), 0);
    free(gradients);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

static void too_little_memory(void **state) {
    (void)state;
    if (!cuda_limit_memory(1000000)) {
        skip();
    }
    nin_net *net = test_net_parse(net_text, 1);
    cuda_session session;
    nin_error err = {0};
    const cuda_setup setup = {.count = 500, .training = true};
    assert_int_equal(cuda_session_try(net, &setup, &session, &err), NIN_ERROR_MEMORY);
    cuda_limit_memory(0);
    assert_null(session.state);
    assert_non_null(strstr(err.message, "batch 500 wants"));
    assert_non_null(strstr(err.message, "a picture"));
    cuda_session_close(&session);
    assert_int_equal(cuda_allocated_bytes(), 0);
    nin_net_free(net);
}

/* Two places with the same value from different pictures: the first one's weights get the
 * gradient. And NaN is the maximum of its window. */
static void ties_and_not_a_number(void **state) {
    (void)state;
    nin_net *net = test_net_parse("input 2x2x4\nclasses 2\nconv2d classes kernel=1\n"
                                  "max_pool kernel=2\nglobal_avg_pool\nflatten\n",
                                  1);
    float *values = nin_net_tensor(net, 0).values;
    for (int i = 0; i < 4; i++) {
        values[i] = 1.0F;
    }
    float images[16] = {0.25F, 0.75F, 0.5F,  0.125F, 0.5F, 0.25F, 0.25F, 0.5F,
                        0.75F, 0.25F, 0.25F, 0.625F, 0.5F, 0.75F, 0.5F,  0.25F};
    const cuda_setup setup = {.count = 1, .training = true, .images = images};
    cuda_check(net, &setup, (cuda_bounds){1e-6, 1e-6, 1e-6}, "ties");
    images[5] = NAN;
    cuda_outcome outcome = cuda_run(net, &setup, 21);
    assert_true(isnan(outcome.results[0][0]) && isfinite(outcome.results[0][1]));
    assert_true(isnan(outcome.loss.loss_sum));
    cuda_outcome_free(&outcome);
    nin_net_free(net);
}

static void check_not_finite(ninp_cuda_math math, float value) {
    nin_net *net = test_net_parse(net_text, 1);
    float *images = test_images(net, 2, 2);
    images[100] = value;
    const cuda_setup setup = {.math = math, .count = 2, .images = images};
    cuda_outcome outcome = cuda_run(net, &setup, 2);
    bool first = false;
    for (int i = 0; i < 10; i++) {
        first = first || !isfinite(outcome.logits[i]);
        assert_true(isfinite(outcome.logits[10 + i]));
    }
    assert_true(first);
    cuda_outcome_free(&outcome);
    free(images);
    nin_net_free(net);
}

/* In its own picture, and in no other one of the batch. */
static void not_a_number_is_seen(void **state) {
    (void)state;
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        check_not_finite((ninp_cuda_math)math, NAN);
        check_not_finite((ninp_cuda_math)math, INFINITY);
        check_not_finite((ninp_cuda_math)math, -INFINITY);
    }
}

/* A label of weight 0 does not count, however impossible it is. */
static void impossible_label_of_no_weight(void **state) {
    (void)state;
    nin_net *net = test_net_parse("input 1x1x1\nclasses 50\nflatten\nlinear classes\n", 1);
    cuda_setup setup = {.count = 1, .training = true, .two_labels = true}; /* its share is 0 */
    cuda_batch batch = cuda_batch_make(net, &setup, 21);
    const int label = batch.labels[0];
    assert_int_not_equal(label, batch.others[0]);
    nin_net_tensor(net, 1).values[label] = -INFINITY;
    cuda_outcome outcome = cuda_run(net, &setup, 21);
    cuda_outcome exact = cuda_run_reference(net, &setup, 21);
    assert_true(isfinite(exact.loss.loss_sum));
    assert_true(fabs(outcome.loss.loss_sum - exact.loss.loss_sum) < 1e-6);
    cuda_outcome_free(&exact);
    cuda_outcome_free(&outcome);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

/* Batch norm of frozen tensors keeps its running statistics, and backward stops in front of what
 * changes. */
static void frozen_tensors(void **state) {
    (void)state;
    nin_net *net = test_net_parse(
        "input 2x8x8\nclasses 4\nconv2d 6 kernel=3\nbatch_norm\nsigmoid\nconv2d 5 kernel=3\n"
        "batch_norm\nsigmoid\nconv2d classes kernel=1\nglobal_avg_pool\nflatten\n",
        1);
    static const bool first_part[] = {true,  true,  true,  true,  false,
                                      false, false, false, false, false};
    static const bool norms[] = {false, false, true, true, false, false, true, true, false, false};
    assert_int_equal(net->trainable_count, sizeof norms);
    const bool *const cases[] = {first_part, norms};
    for (size_t i = 0; i < 2; i++) {
        const cuda_setup setup = {.count = 3, .training = true, .frozen = cases[i]};
        cuda_check(net, &setup, (cuda_bounds){2e-6, 1e-6, 3e-5}, i ? "frozen norms" : "frozen");
    }
    nin_net_free(net);
}

static void active_channels(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse("input 1x4x4\nclasses 3\nconv2d 5 kernel=1\nrelu\nflatten\n"
                                  "linear classes\n",
                                  1);
    const nin_tensor weight = nin_net_tensor(net, 0);
    const nin_tensor bias = nin_net_tensor(net, 1);
    for (int k = 0; k < 5; k++) {
        weight.values[k] = 0;
        bias.values[k] = k == 2 ? 1.0F : -1.0F;
    }
    weight.values[4] = 8; /* positive where the picture is brighter than 1/8 */
    float images[32] = {0};
    images[16 + 15] = 1; /* the last pixel of the second picture */
    const cuda_setup setup = {.count = 2, .keep_results = true};
    cuda_session session;
    float logits[6];
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    cuda_expect_ok(plugin->logits(session.state, images, 2, logits, &err), &err);
    bool active[5] = {true, false, false, false, false};
    cuda_expect_ok(plugin->mark_active(session.state, 0, 1, active, &err), &err);
    static const bool after_one[5] = {true, false, true, false, false};
    assert_memory_equal(active, after_one, sizeof active);
    cuda_expect_ok(plugin->mark_active(session.state, 0, 2, active, &err), &err);
    static const bool after_two[5] = {true, false, true, false, true};
    assert_memory_equal(active, after_two, sizeof active);
    cuda_session_close(&session);
    nin_net_free(net);
}

static void profile(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse(net_text, 1);
    const cuda_setup setup = {.count = 2, .training = true};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    nin_step_time times[20];
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    assert_true(session.plan.count <= 20);
    cuda_expect_ok(plugin->profile(session.state, &batch.examples, times, &err), &err);
    for (size_t i = 0; i < session.plan.count; i++) {
        const bool weighted = session.plan.steps[i].weight >= 0;
        assert_true(times[i].forward > 0 && times[i].backward > 0);
        assert_true((times[i].weight_gradient > 0) == weighted);
        assert_true(times[i].weight_gradient <= times[i].backward);
        const ninp_cuda_step step = plugin->step(session.state, i);
        assert_string_equal(step.algorithm, i == 0 ? "stem" : "own");
        assert_true((step.weight_bytes > 0) == (weighted || session.plan.steps[i].scale >= 0));
        assert_true(step.activation_bytes > 0);
    }
    cuda_session_close(&session);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

static void devices(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    ninp_cuda_device device = {0};
    ninp_cuda_libraries libraries;
    nin_error err = {0};
    int count = 0;
    assert_int_equal(plugin->abi, NINP_CUDA_PLUGIN_ABI);
    assert_string_equal(plugin->version, nin_version());
    cuda_expect_ok(plugin->devices(&device, 1, &count, &libraries, &err), &err);
    assert_true(count >= 1);
    assert_true(device.usable && device.reason[0] == '\0' && device.name[0] != '\0');
    assert_true(device.major >= 8 && device.multiprocessors > 0 && device.memory_bytes > 0);
    assert_true(libraries.driver >= 12000 && libraries.runtime >= 12000);
    assert_true((libraries.cublaslt[0] == '\0') == (libraries.cublaslt_reason[0] != '\0'));
    assert_true((libraries.cudnn[0] == '\0') == (libraries.cudnn_reason[0] != '\0'));
}

/* A step of plain descent along what the plug-in gives lowers its loss. */
static void descent(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse(net_text, 4);
    const size_t parameters = nin_net_parameter_count(net);
    float *gradients = calloc(parameters, sizeof *gradients);
    assert_non_null(gradients);
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        const cuda_setup setup = {.math = (ninp_cuda_math)math, .count = 4, .training = true};
        cuda_session session;
        cuda_batch batch = cuda_batch_make(net, &setup, 2);
        nin_loss loss[2];
        nin_error err = {0};
        cuda_session_open(net, &setup, &session);
        for (int i = 0; i < 2; i++) {
            cuda_expect_ok(
                plugin->gradients(session.state, &batch.examples, gradients, &loss[i], &err), &err);
            assert_true(largest(gradients, parameters) > 0);
            for (size_t p = 0; p < parameters; p++) {
                session.task.values[p] -= 0.01F * gradients[p];
            }
        }
        assert_true(loss[1].loss_sum < loss[0].loss_sum);
        cuda_session_close(&session);
        cuda_batch_free(&batch);
    }
    free(gradients);
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_in_any_order),
        cmocka_unit_test(smaller_batches),
        cmocka_unit_test(changed_weights),
        cmocka_unit_test(nothing_is_allocated_in_a_step),
        cmocka_unit_test(too_little_memory),
        cmocka_unit_test(ties_and_not_a_number),
        cmocka_unit_test(not_a_number_is_seen),
        cmocka_unit_test(impossible_label_of_no_weight),
        cmocka_unit_test(frozen_tensors),
        cmocka_unit_test(active_channels),
        cmocka_unit_test(profile),
        cmocka_unit_test(devices),
        cmocka_unit_test(descent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* nin_session_result: what the steps of a plan gave, on the CPU engine against the reference
 * engine, which has a step for every layer. */
#include "engine/session.h"
#include "support/nets.h"

#include <nin/session.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PICTURES = 2 };

static nin_session *open_session(nin_net *net, const char *device, const char *isa, bool training,
                                 bool keep_results) {
    nin_session_options options = nin_session_options_defaults();
    options.device = device;
    options.isa = isa;
    options.threads = 2;
    options.batch = PICTURES + 1; /* batches that are smaller than the largest must work */
    options.training = training;
    options.keep_results = keep_results;
    options.seed = 9;
    nin_session *session;
    nin_error err = {0};
    if (nin_session_create(net, &options, &session, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return session;
}

static void compute(nin_session *session, bool training, float *logits) {
    const nin_net *net = nin_session_net(session);
    float *images = test_images(net, PICTURES, 21);
    int32_t *labels = test_labels(net, PICTURES, 21);
    float *gradients = malloc(nin_net_parameter_count(net) * sizeof *gradients);
    const nin_examples examples = {
        .images = images, .labels = labels, .count = PICTURES, .step = 4};
    nin_loss loss;
    nin_error err = {0};
    assert_non_null(gradients);
    assert_int_equal(training ? nin_session_gradients(session, &examples, gradients, &loss, &err)
                              : nin_session_logits(session, images, PICTURES, logits, &err),
                     NIN_OK);
    free(gradients);
    free(labels);
    free(images);
}

static size_t shape_count(nin_shape shape) {
    return (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
}

/* The reference engine's step for the last layer of a fused step. */
static size_t matching_step(const nin_session *reference, const char *layers) {
    const char *last = strrchr(layers, ' ');
    last = last ? last + 1 : layers;
    for (size_t i = 0; i < nin_session_step_count(reference); i++) {
        if (strcmp(nin_session_step(reference, i).layers, last) == 0) {
            return i;
        }
    }
    fail_msg("no layer is called %s", last);
    return 0;
}

static float *result_of(const nin_session *session, size_t step, int example) {
    size_t count = shape_count(nin_session_step(session, step).output);
    float *values = malloc(count * sizeof *values);
    nin_error err = {0};
    assert_non_null(values);
    if (nin_session_result(session, step, example, values, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return values;
}

static double *widen(const float *values, size_t count) {
    double *wide = malloc(count * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < count; i++) {
        wide[i] = (double)values[i];
    }
    return wide;
}

static void compare_sessions(const nin_session *fast, const nin_session *reference,
                             const char *isa) {
    for (size_t step = 0; step < nin_session_step_count(fast); step++) {
        nin_plan_step plan = nin_session_step(fast, step);
        size_t match = matching_step(reference, plan.layers);
        size_t count = shape_count(plan.output);
        assert_int_equal(shape_count(nin_session_step(reference, match).output), count);
        for (int example = 0; example < PICTURES; example++) {
            float *values = result_of(fast, step, example);
            float *expected = result_of(reference, match, example);
            double *wide = widen(expected, count);
            double error = test_relative_error(values, wide, count);
            if (!(error <= 3e-5)) {
                fail_msg("%s: step %zu (%s), picture %d: relative error %.3g", isa, step,
                         plan.layers, example, error);
            }
            free(wide);
            free(expected);
            free(values);
        }
    }
}

static void check_net(const char *name, int size, bool training) {
    nin_net *net = test_net_open(name, size, 7);
    float logits[(PICTURES + 1) * 10];
    bool usable;
    nin_session *reference = open_session(net, "reference", "auto", training, true);
    compute(reference, training, logits);
    for (size_t i = 0; nin_isa(i, &usable); i++) {
        if (!usable) {
            print_message("%s: not on this processor\n", nin_isa(i, NULL));
            continue;
        }
        nin_session *fast = open_session(net, "cpu", nin_isa(i, NULL), training, true);
        compute(fast, training, logits);
        compare_sessions(fast, reference, nin_isa(i, NULL));
        nin_session_free(fast);
    }
    nin_session_free(reference);
    nin_net_free(net);
}

static void inference_results_equal_the_references(void **state) {
    (void)state;
    check_net("nin", 67, false);
    check_net("nin-bn", 67, false);
    check_net("nin-mnist", 14, false);
    check_net("lenet", 0, false);
    check_net("vgg11-small", 32, false);
}

/* Dropout included: both engines draw the same masks. */
static void training_results_equal_the_references(void **state) {
    (void)state;
    check_net("nin", 67, true);
    check_net("nin-bn", 67, true);
    check_net("nin-cifar10", 16, true);
}

/* Keeping results changes neither logits nor what they are made of. */
static void keeping_results_changes_no_bits(void **state) {
    (void)state;
    nin_net *net = test_net_open("nin", 67, 7);
    float logits[PICTURES * 10];
    float kept[PICTURES * 10];
    nin_session *plain = open_session(net, "cpu", "auto", false, false);
    nin_session *keeping = open_session(net, "cpu", "auto", false, true);
    compute(plain, false, logits);
    compute(keeping, false, kept);
    assert_memory_equal(kept, logits, sizeof kept);
    for (int example = 0; example < PICTURES; example++) {
        float *last = result_of(keeping, nin_session_step_count(keeping) - 1, example);
        assert_memory_equal(last, logits + (size_t)example * 10, 10 * sizeof *last);
        free(last);
    }
    assert_true(nin_session_step(keeping, 0).activation_bytes > 0);
    assert_int_equal(nin_session_step(plain, 0).activation_bytes, 0);
    nin_session_free(keeping);
    nin_session_free(plain);
    nin_net_free(net);
}

/* Which channels gave anything: by the values themselves, one picture and all of them, on both
 * engines. The biases of some channels are far below zero, so that their ReLU gives nothing, and
 * those of others only for one of the pictures. */
static void check_active(nin_session *session) {
    for (size_t step = 0; step < nin_session_step_count(session); step++) {
        nin_shape shape = nin_session_step(session, step).output;
        size_t pixels = (size_t)shape.height * (size_t)shape.width;
        bool expected[1000] = {false};
        assert_true(shape.channels <= 1000);
        for (int pictures = 1; pictures <= PICTURES; pictures++) {
            bool active[1000] = {false};
            float *values = result_of(session, step, pictures - 1);
            for (size_t i = 0; i < pixels * (size_t)shape.channels; i++) {
                expected[i / pixels] = expected[i / pixels] || values[i] != 0;
            }
            free(values);
            assert_int_equal(ninp_session_mark_active(session, step, pictures, active, NULL),
                             NIN_OK);
            assert_memory_equal(active, expected, sizeof active);
        }
        bool more[1000] = {false};
        /* no more than there were */
        assert_int_equal(ninp_session_mark_active(session, step, 1000, more, NULL), NIN_OK);
        assert_memory_equal(more, expected, sizeof more);
    }
}

static void active_channels(void **state) {
    (void)state;
    nin_net *net = test_net_open("nin", 67, 7);
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        for (size_t c = 0; tensor.rank == 1 && c < tensor.count; c++) {
            tensor.values[c] = c % 3 == 0 ? -1e3F : c % 3 == 1 ? -0.3F : 0.1F;
        }
    }
    for (int training = 0; training < 2; training++) {
        static const char *const devices[] = {"cpu", "reference"};
        for (size_t i = 0; i < 2; i++) {
            float logits[PICTURES * 10];
            nin_session *session = open_session(net, devices[i], "auto", training, true);
            compute(session, training, logits);
            check_active(session);
            nin_session_free(session);
        }
    }
    nin_net_free(net);
}

static void wrong_questions_are_refused(void **state) {
    (void)state;
    static const char *const devices[] = {"cpu", "reference"};
    nin_net *net = test_net_open("nin-mnist", 0, 1);
    float *values = malloc(shape_count(nin_net_input(net)) * 1024 * sizeof *values);
    float logits[PICTURES * 10];
    assert_non_null(values);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        nin_error err = {0};
        nin_session *plain = open_session(net, devices[i], "auto", false, false);
        compute(plain, false, logits);
        assert_int_equal(nin_session_result(plain, 0, 0, values, &err), NIN_ERROR_ARGUMENT);
        assert_non_null(strstr(err.message, "keep_results"));
        nin_session_free(plain);

        nin_session *session = open_session(net, devices[i], "auto", false, true);
        size_t steps = nin_session_step_count(session);
        assert_int_equal(nin_session_result(session, 0, 0, values, NULL), NIN_ERROR_ARGUMENT);
        compute(session, false, logits);
        assert_int_equal(nin_session_result(session, 0, 0, values, NULL), NIN_OK);
        assert_int_equal(nin_session_result(session, 0, -1, values, NULL), NIN_ERROR_ARGUMENT);
        assert_int_equal(nin_session_result(session, 0, PICTURES, values, NULL),
                         NIN_ERROR_ARGUMENT);
        assert_int_equal(nin_session_result(session, steps, 0, values, NULL), NIN_ERROR_ARGUMENT);
        nin_session_free(session);
    }
    free(values);
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_results_equal_the_references),
        cmocka_unit_test(training_results_equal_the_references),
        cmocka_unit_test(keeping_results_changes_no_bits),
        cmocka_unit_test(active_channels),
        cmocka_unit_test(wrong_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

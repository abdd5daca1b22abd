/* The CPU engine on whole nets: against the reference engine, on every instruction set, and the
 * same bits for any number of threads. */
#include "engine/reference/reference.h"
#include "support/nets.h"

#include <nin/session.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Smooth nets: no ReLU or maximum can fall to the other side by a rounding error, so that gradients
 * must agree closely. */
static const char smooth_nin[] =
    "input 1x29x29\nclasses 10\nconv2d 20 kernel=7 stride=2 padding=1\n"
    "sigmoid\nconv2d 20 kernel=1\nsigmoid\navg_pool kernel=3 stride=2\n"
    "conv2d 33 kernel=5 padding=2\nsigmoid\nconv2d 33 kernel=1\n"
    "batch_norm\navg_pool kernel=2 stride=2 ceil_mode\ndropout 0.25\n"
    "conv2d 24 kernel=3 padding=1\nsigmoid\nconv2d classes kernel=1\n"
    "global_avg_pool\nflatten\n";
static const char smooth_linear[] =
    "input 3x11x8\nclasses 7\nconv2d 5 kernel=3 padding=2\nsigmoid\n"
    "avg_pool kernel=3 stride=2 padding=1\nflatten\nlinear 50\n"
    "sigmoid\ndropout 0.5\nlinear classes\n";

typedef struct session_run {
    float *gradients, *logits;
    nin_loss loss;
} session_run;

static session_run run_session(nin_net *net, const char *device, const char *isa, int threads,
                               int count) {
    session_run run = {.gradients = malloc(nin_net_parameter_count(net) * sizeof(float)),
                       .logits = malloc((size_t)count * (size_t)nin_net_output(net).channels * 4)};
    float *images = test_images(net, count, 21);
    int32_t *labels = test_labels(net, count, 21);
    nin_session_options options = nin_session_options_defaults();
    options.device = device;
    options.isa = isa;
    options.threads = threads;
    options.batch = count;
    options.seed = 9;
    for (int training = 0; training < 2; training++) {
        nin_session *session;
        nin_error err = {0};
        options.training = training;
        if (nin_session_create(net, &options, &session, &err) != NIN_OK) {
            fail_msg("%s", err.message);
        }
        if (training) {
            const nin_examples examples = {.images = images,
                                           .labels = labels,
                                           .count = count,
                                           .label_smoothing = 0.1F,
                                           .step = 4};
            assert_int_equal(
                nin_session_gradients(session, &examples, run.gradients, &run.loss, &err), NIN_OK);
        } else {
            assert_int_equal(nin_session_logits(session, images, count, run.logits, &err), NIN_OK);
        }
        nin_session_free(session);
    }
    free(labels);
    free(images);
    return run;
}

static void free_run(session_run *run) {
    free(run->gradients);
    free(run->logits);
}

/* Training changes running statistics: every run starts from the same net. */
static void restore(nin_net *net, const float *values, size_t count) {
    memcpy(nin_net_tensor(net, 0).values, values, count * sizeof *values);
}

static size_t value_count(const nin_net *net) {
    nin_tensor last = nin_net_tensor(net, nin_net_tensor_count(net) - 1);
    return (size_t)(last.values - nin_net_tensor(net, 0).values) + last.count;
}

static double *widen(const float *values, size_t count) {
    double *wide = malloc(count * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < count; i++) {
        wide[i] = (double)values[i];
    }
    return wide;
}

static double norm(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i] * values[i];
    }
    return sqrt(sum);
}

/* A bias in front of batch norm has no gradient but rounding errors: what counts is then how small
 * they are beside the whole gradient. */
static void compare_tensors(const nin_net *net, const session_run *fast, const double *exact,
                            double bound, const char *what) {
    const float *start = nin_net_tensor(net, 0).values;
    double floor = 1e-2 * norm(exact, nin_net_parameter_count(net));
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        if (!tensor.trainable) {
            break;
        }
        size_t offset = (size_t)(tensor.values - start);
        double size = norm(exact + offset, tensor.count);
        double error = test_relative_error(fast->gradients + offset, exact + offset, tensor.count);
        if (size < floor) {
            error *= (size > 0 ? size : 1) / floor;
        }
        if (!(error <= bound)) {
            fail_msg("%s: gradient of %s: relative error %.3g, allowed %.3g", what, tensor.name,
                     error, bound);
        }
    }
}

static void check_against_reference(nin_net *net, int count, double bound) {
    size_t values = value_count(net);
    float *saved = malloc(values * sizeof *saved);
    assert_non_null(saved);
    memcpy(saved, nin_net_tensor(net, 0).values, values * sizeof *saved);
    session_run exact = run_session(net, "reference", "auto", 1, count);
    double *exact_gradients = widen(exact.gradients, nin_net_parameter_count(net));
    size_t logits = (size_t)count * (size_t)nin_net_output(net).channels;
    double *exact_logits = widen(exact.logits, logits);
    bool usable;
    for (size_t i = 0; nin_isa(i, &usable); i++) {
        const char *isa = nin_isa(i, NULL);
        if (!usable) {
            print_message("%s: not on this processor\n", isa);
            continue;
        }
        restore(net, saved, values);
        session_run fast = run_session(net, "cpu", isa, 2, count);
        double error = test_relative_error(fast.logits, exact_logits, logits);
        if (!(error <= 3e-5)) {
            fail_msg("%s: logits: relative error %.3g", isa, error);
        }
        assert_true(fabs(fast.loss.loss_sum - exact.loss.loss_sum) <= 1e-4 * count);
        compare_tensors(net, &fast, exact_gradients, bound, isa);
        free_run(&fast);
    }
    free(exact_logits);
    free(exact_gradients);
    free_run(&exact);
    free(saved);
    nin_net_free(net);
}

static void smooth_nets(void **state) {
    (void)state;
    check_against_reference(test_net_parse(smooth_nin, 3), 5, 3e-5);
    check_against_reference(test_net_parse(smooth_nin, 4), 1, 3e-5);
    check_against_reference(test_net_parse(smooth_linear, 5), 7, 3e-5);
    check_against_reference(test_net_open("lenet", 0, 6), 3, 3e-5);
}

/* With ReLU and max-pool a rounding error now and then moves a value over an edge. */
static void real_nets(void **state) {
    (void)state;
    check_against_reference(test_net_open("nin", 67, 7), 2, 1e-2);
    check_against_reference(test_net_open("nin-bn", 67, 8), 3, 1e-2);
    check_against_reference(test_net_open("nin-mnist", 14, 9), 3, 1e-2);
    check_against_reference(test_net_open("nin-cifar10", 16, 9), 2, 1e-2);
    check_against_reference(test_net_open("alexnet", 67, 10), 2, 1e-2);
    check_against_reference(test_net_open("vgg11-small", 32, 11), 2, 1e-2);
}

static void check_threads(nin_net *net, int count) {
    static const int threads[] = {2, 3, 4, 8, 1};
    size_t values = value_count(net);
    size_t parameters = nin_net_parameter_count(net);
    float *saved = malloc(values * sizeof *saved);
    float *running = malloc(values * sizeof *running);
    assert_true(saved && running);
    memcpy(saved, nin_net_tensor(net, 0).values, values * sizeof *saved);
    session_run first = run_session(net, "cpu", "auto", 1, count);
    memcpy(running, nin_net_tensor(net, 0).values, values * sizeof *running);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        restore(net, saved, values);
        session_run other = run_session(net, "cpu", "auto", threads[i], count);
        assert_memory_equal(other.gradients, first.gradients, parameters * sizeof(float));
        assert_memory_equal(other.logits, first.logits,
                            (size_t)count * (size_t)nin_net_output(net).channels * sizeof(float));
        assert_memory_equal(nin_net_tensor(net, 0).values, running, values * sizeof(float));
        assert_true(memcmp(&other.loss.loss_sum, &first.loss.loss_sum, sizeof(double)) == 0);
        free_run(&other);
    }
    free_run(&first);
    free(running);
    free(saved);
    nin_net_free(net);
}

static void same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    check_threads(test_net_open("nin", 75, 1), 19);
    check_threads(test_net_open("nin-bn", 67, 2), 5);
    check_threads(test_net_open("nin-cifar10", 0, 3), 3);
    check_threads(test_net_open("lenet", 0, 4), 33);
    check_threads(test_net_open("vgg11-small", 32, 5), 2);
    check_threads(test_net_parse(smooth_linear, 6), 1);
}

/* A session takes smaller batches than its largest, and its bits do not depend on earlier calls. */
static void smaller_batches(void **state) {
    (void)state;
    nin_net *net = test_net_open("nin-mnist", 0, 1);
    float *images = test_images(net, 6, 2);
    float all[60];
    float part[60];
    nin_session_options options = nin_session_options_defaults();
    options.batch = 6;
    nin_session *session;
    nin_error err = {0};
    assert_int_equal(nin_session_create(net, &options, &session, &err), NIN_OK);
    assert_int_equal(nin_session_logits(session, images, 6, all, &err), NIN_OK);
    assert_int_equal(nin_session_logits(session, images, 2, part, &err), NIN_OK);
    for (int i = 0; i < 20; i++) {
        assert_true(fabsf(part[i] - all[i]) <= 1e-4F * (1.0F + fabsf(all[i])));
    }
    assert_int_equal(nin_session_logits(session, images, 6, part, &err), NIN_OK);
    assert_memory_equal(part, all, sizeof all);
    assert_int_equal(nin_session_logits(session, images, 7, part, &err), NIN_ERROR_ARGUMENT);
    nin_session_free(session);
    free(images);
    nin_net_free(net);
}

static void check_not_finite(float value, const char *algorithms) {
    nin_net *net = test_net_open("nin", 67, 1);
    float *images = test_images(net, 2, 2);
    images[30 * 67 + 30] = value;
    float logits[20];
    nin_session_options options = nin_session_options_defaults();
    options.batch = 2;
    options.algorithms = algorithms;
    nin_session *session;
    nin_error err = {0};
    assert_int_equal(nin_session_create(net, &options, &session, &err), NIN_OK);
    assert_int_equal(nin_session_logits(session, images, 2, logits, &err), NIN_OK);
    bool first = false;
    for (int i = 0; i < 10; i++) {
        first = first || !isfinite(logits[i]);
        assert_true(isfinite(logits[10 + i]));
    }
    assert_true(first);
    nin_session_free(session);
    free(images);
    nin_net_free(net);
}

/* In its own picture, and in no other one of the batch: also where a transform spreads it. */
static void not_a_number_is_seen(void **state) {
    (void)state;
    static const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        check_not_finite(values[i], NULL);
        check_not_finite(values[i], "2.0=fft,4.0=fft");
        check_not_finite(values[i], "2.0=winograd4,4.0=winograd6");
    }
}

static void wrong_options(void **state) {
    (void)state;
    nin_net *net = test_net_open("lenet", 0, 1);
    static const struct {
        const char *device, *isa, *algorithms;
        int threads;
        nin_status status;
    } cases[] = {
        {"gpu", "auto", NULL, 1, NIN_ERROR_ARGUMENT},
        {"cuda:0", "auto", NULL, 1, NIN_ERROR_UNAVAILABLE},
        {"cpu", "avx9", NULL, 1, NIN_ERROR_ARGUMENT},
        {"cpu", "auto", "0=magic", 1, NIN_ERROR_ARGUMENT},
        {"cpu", "auto", "77=direct", 1, NIN_ERROR_ARGUMENT},
        {"cpu", "auto", NULL, -1, NIN_ERROR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nin_session_options options = nin_session_options_defaults();
        options.device = cases[i].device;
        options.isa = cases[i].isa;
        options.algorithms = cases[i].algorithms;
        options.threads = cases[i].threads;
        nin_session *session;
        nin_error err = {0};
        assert_int_equal(nin_session_create(net, &options, &session, &err), cases[i].status);
        assert_null(session);
        assert_true(err.message[0] != '\0');
    }
    nin_net_free(net);
}

/* The list of algorithms that a session reports pins exactly its plan. */
static void pinned_plan(void **state) {
    (void)state;
    nin_net *net = test_net_open("nin", 67, 1);
    nin_session_options options = nin_session_options_defaults();
    options.batch = 8;
    options.training = true;
    nin_session *free_choice;
    nin_session *pinned;
    nin_error err = {0};
    assert_int_equal(nin_session_create(net, &options, &free_choice, &err), NIN_OK);
    options.algorithms = nin_session_get_info(free_choice).algorithms;
    assert_int_equal(nin_session_create(net, &options, &pinned, &err), NIN_OK);
    assert_string_equal(nin_session_get_info(pinned).algorithms, options.algorithms);
    nin_session_free(pinned);
    nin_session_free(free_choice);
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_nets),
        cmocka_unit_test(real_nets),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(smaller_batches),
        cmocka_unit_test(not_a_number_is_seen),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(pinned_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

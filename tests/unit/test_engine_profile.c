/* Timing the steps of a plan. */
#include "cpu/algorithm.h"
#include "support/nets.h"

#include <nin/session.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 5, MOST_STEPS = 40 };

typedef struct profile_case {
    nin_net *net;
    nin_session *session;
    float *images;
    int32_t *labels;
    nin_examples examples;
} profile_case;

/* session is NULL where the net has no such plan. */
static profile_case open_case(const char *name, int size, bool training, const char *algorithms) {
    profile_case c = {.net = test_net_open(name, size, 1)};
    nin_session_options options = nin_session_options_defaults();
    options.batch = BATCH;
    options.threads = 3;
    options.training = training;
    options.algorithms = algorithms;
    c.images = test_images(c.net, BATCH, 2);
    c.labels = test_labels(c.net, BATCH, 3);
    c.examples = (nin_examples){.images = c.images, .labels = c.labels, .count = BATCH, .step = 7};
    (void)nin_session_create(c.net, &options, &c.session, NULL);
    return c;
}

static void close_case(profile_case *c) {
    nin_session_free(c->session);
    nin_net_free(c->net);
    free(c->images);
    free(c->labels);
}

/* Every step takes time, and the gradient of weights only where there are weights and training. */
static void check_times(const profile_case *c, bool training) {
    nin_step_time times[MOST_STEPS];
    const size_t count = nin_session_step_count(c->session);
    assert_true(count <= MOST_STEPS);
    memset(times, 0xFF, sizeof times);
    assert_int_equal(nin_session_profile(c->session, &c->examples, times, NULL), NIN_OK);
    for (size_t i = 0; i < count; i++) {
        const bool weights = nin_session_step(c->session, i).weight_bytes > 0;
        assert_true(times[i].forward > 0);
        assert_true(training ? times[i].backward > 0 : times[i].backward == 0);
        assert_true(training && weights ? times[i].weight_gradient > 0
                                        : times[i].weight_gradient == 0);
    }
}

static void every_step_is_timed(void **state) {
    (void)state;
    for (int training = 0; training < 2; training++) {
        profile_case c = open_case("nin", 67, training, NULL);
        check_times(&c, training);
        c.examples.count = 1; /* threads share a picture */
        check_times(&c, training);
        assert_true(nin_session_peak(c.session) > 0);
        close_case(&c);
    }
}

/* A profile computes weight gradients twice: no algorithm may mind, and what comes after it does
 * not depend on it. */
static void gradients_are_the_same_after_it(void **state) {
    (void)state;
    int plans = 0;
    for (size_t a = 0; ninp_cpu_algorithms[a]; a++) {
        char pin[80];
        snprintf(pin, sizeof pin, "4.0=%s", ninp_cpu_algorithms[a]->name);
        profile_case c = open_case("nin", 67, true, pin);
        if (c.session) {
            const size_t parameters = nin_net_parameter_count(c.net);
            float *before = calloc(parameters, sizeof *before);
            float *after = calloc(parameters, sizeof *after);
            nin_loss loss;
            assert_true(before && after);
            assert_int_equal(nin_session_gradients(c.session, &c.examples, before, &loss, NULL), 0);
            check_times(&c, true);
            assert_int_equal(nin_session_gradients(c.session, &c.examples, after, &loss, NULL), 0);
            assert_memory_equal(before, after, parameters * sizeof *before);
            free(before);
            free(after);
            plans++;
        }
        close_case(&c);
    }
    assert_true(plans >= 6); /* three of Winograd, Fourier, direct ones */
}

static void wrong_calls(void **state) {
    (void)state;
    nin_step_time times[MOST_STEPS];
    nin_error err = {0};
    profile_case c = open_case("lenet", 0, true, NULL);
    c.examples.count = BATCH + 1;
    assert_int_equal(nin_session_profile(c.session, &c.examples, times, &err), NIN_ERROR_ARGUMENT);
    c.examples.count = BATCH;
    c.labels[1] = 10;
    assert_int_equal(nin_session_profile(c.session, &c.examples, times, NULL), NIN_ERROR_DATA);
    nin_session_free(c.session);
    nin_session_options options = nin_session_options_defaults();
    options.device = "reference";
    assert_int_equal(nin_session_create(c.net, &options, &c.session, NULL), NIN_OK);
    assert_int_equal(nin_session_profile(c.session, &c.examples, times, NULL),
                     NIN_ERROR_UNAVAILABLE);
    assert_true(nin_session_peak(c.session) <= 0);
    close_case(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_step_is_timed),
                                       cmocka_unit_test(gradients_are_the_same_after_it),
                                       cmocka_unit_test(wrong_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

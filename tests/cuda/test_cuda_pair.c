/* Pairs of 1 x 1 convolutions that are one kernel forward. */
#include "cuda/cuda_run.h"

#include "support/layer_case.h"
#include "support/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Whether a session makes a pair of steps `first` and `first` + 1. */
static bool makes_pair(nin_net *net, const cuda_setup *setup, size_t first) {
    cuda_session session;
    cuda_session_open(net, setup, &session);
    const bool paired = cuda_step_is(&session, first, "pair");
    assert_true(cuda_step_is(&session, first + 1, "pair") == paired);
    cuda_session_close(&session);
    return paired;
}

/* Pixels that do not fill tiles; channels that do not fill steps of the sum, that fill one half of
 * the threads or both, and that need several rounds. */
static nin_net *random_net(ninp_random *random, const char *activation, const char *between) {
    static const int widths[] = {8, 16, 24, 40, 72, 104, 136, 264};
    enum { WIDTHS = sizeof widths / sizeof *widths };
    char text[400];
    const int input = widths[draw_int(random, 0, 4)];
    const int middle = widths[draw_int(random, 0, WIDTHS - 1)];
    const int output = widths[draw_int(random, 0, WIDTHS - 2)];
    const int height = draw_int(random, 2, 11);
    const int width = draw_int(random, 2, 11);
    snprintf(text, sizeof text,
             "input %dx%dx%d\nclasses 4\nconv2d %d kernel=1\n%sconv2d %d kernel=1\n%s%s"
             "conv2d classes kernel=1\nglobal_avg_pool\nflatten\n",
             input, height, width, middle, activation, output, activation, between);
    nin_net *net = test_net_parse(text, 7);
    cuda_stir(net);
    return net;
}

static void against_reference(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(32, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 24; i++) {
        const cuda_setup setup = {.math = (ninp_cuda_math)(i % 3),
                                  .count = draw_int(&random, 1, 4),
                                  .training = i % 4 != 0,
                                  .keep_results = true,
                                  .pairs = NINP_CUDA_PAIRS_ALL};
        nin_net *net = random_net(&random, i % 5 ? "sigmoid\n" : "", "");
        assert_true(makes_pair(net, &setup, 0));
        cuda_check(net, &setup, cuda_math_bounds[setup.math], "pair");
        nin_net_free(net);
    }
}

/* Every bit is that of the two kernels, with a pool and with edges too, and of threads in the
 * opposite order. */
static void same_bits_as_apart(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(33, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 18; i++) {
        nin_net *net =
            random_net(&random, "relu\n", i % 2 ? "max_pool kernel=3 stride=2 padding=1\n" : "");
        cuda_setup setup = {.math = (ninp_cuda_math)(i % 3),
                            .count = draw_int(&random, 1, 4),
                            .training = i % 4 < 2,
                            .keep_results = true,
                            .pairs = NINP_CUDA_PAIRS_ALL};
        cuda_outcome paired = cuda_run_in_any_order(net, &setup, 3);
        setup.pairs = NINP_CUDA_PAIRS_NONE;
        assert_false(makes_pair(net, &setup, 0));
        cuda_outcome apart = cuda_run(net, &setup, 3);
        cuda_expect_same(&paired, &apart);
        setup.pairs = NINP_CUDA_PAIRS_CHOSEN; /* by times */
        setup.any_algorithm = true;
        cuda_outcome timed = cuda_run(net, &setup, 3);
        cuda_expect_same(&timed, &apart);
        cuda_outcome_free(&timed);
        cuda_outcome_free(&apart);
        cuda_outcome_free(&paired);
        nin_net_free(net);
    }
}

/* In evaluation whose results nobody asks for, y lies where x was; with another number of channels
 * it cannot, unless a pool takes it. */
static void results_that_share_memory(void **state) {
    (void)state;
    static const struct {
        int input, output;
        const char *pool;
        bool paired;
    } cases[] = {{24, 24, "", true}, {24, 16, "", false}, {24, 40, "max_pool kernel=2\n", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "input 3x13x11\nclasses 4\nconv2d %d kernel=2\nrelu\nconv2d 136 kernel=1\nrelu\n"
                 "conv2d %d kernel=1\nrelu\n%sconv2d classes kernel=2\nglobal_avg_pool\nflatten\n",
                 cases[i].input, cases[i].output, cases[i].pool);
        nin_net *net = test_net_parse(text, 8);
        cuda_stir(net);
        for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
            cuda_setup setup = {
                .math = (ninp_cuda_math)math, .count = 3, .pairs = NINP_CUDA_PAIRS_ALL};
            assert_true(makes_pair(net, &setup, 1) == cases[i].paired);
            cuda_outcome shared = cuda_run(net, &setup, 3);
            setup.keep_results = true;
            setup.pairs = NINP_CUDA_PAIRS_NONE;
            cuda_outcome kept = cuda_run(net, &setup, 3);
            assert_memory_equal(shared.logits, kept.logits, kept.logit_count * sizeof(float));
            cuda_outcome_free(&kept);
            cuda_outcome_free(&shared);
        }
        nin_net_free(net);
    }
}

/* What lies between the two is not written where nobody needs it: nothing else writes its place in
 * this net, and emulated memory starts full of NaN. */
static void nothing_between_is_written(void **state) {
    (void)state;
    if (!cuda_reverse_threads(false)) {
        skip();
    }
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse("input 16x1x1\nclasses 8\nconv2d 24 kernel=1\nrelu\n"
                                  "conv2d classes kernel=1\nflatten\n",
                                  8);
    for (int kept = 0; kept < 2; kept++) {
        const cuda_setup setup = {.count = 150, .keep_results = kept, .pairs = NINP_CUDA_PAIRS_ALL};
        cuda_session session;
        cuda_batch batch = cuda_batch_make(net, &setup, 2);
        float logits[150 * 8];
        float between[24];
        nin_error err = {0};
        cuda_session_open(net, &setup, &session);
        assert_true(cuda_step_is(&session, 0, "pair") && cuda_step_is(&session, 1, "pair"));
        cuda_expect_ok(plugin->logits(session.state, batch.images, 150, logits, &err), &err);
        for (int i = 0; i < 150 * 8; i++) {
            assert_true(isfinite(logits[i]));
        }
        for (int n = 0; n < 150; n++) {
            cuda_expect_ok(plugin->result(session.state, 0, n, between, &err), &err);
            for (int c = 0; c < 24; c++) {
                assert_true(isnan(between[c]) == !kept);
            }
        }
        cuda_session_close(&session);
        cuda_batch_free(&batch);
    }
    nin_net_free(net);
}

/* NaN in one pixel is NaN there in both results, in all channels, and nowhere else. */
static void not_a_number_stays_in_its_pixel(void **state) {
    (void)state;
    enum { PIXELS = 12 * 12, CHANNELS = 16 };
    nin_net *net = test_net_parse("input 16x12x12\nclasses 4\nconv2d 16 kernel=1\nrelu\n"
                                  "conv2d 16 kernel=1\nrelu\nflatten\nlinear classes\n",
                                  8);
    static float images[CHANNELS * PIXELS];
    const int place = 131;
    images[5 * PIXELS + place] = NAN;
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        const cuda_setup setup = {.math = (ninp_cuda_math)math,
                                  .count = 1,
                                  .keep_results = true,
                                  .pairs = NINP_CUDA_PAIRS_ALL,
                                  .images = images};
        assert_true(makes_pair(net, &setup, 0));
        cuda_outcome outcome = cuda_run(net, &setup, 3);
        for (int i = 0; i < CHANNELS * PIXELS; i++) {
            assert_true(isnan(outcome.results[0][i]) == (i % PIXELS == place));
            assert_true(isnan(outcome.results[1][i]) == (i % PIXELS == place));
        }
        cuda_outcome_free(&outcome);
    }
    nin_net_free(net);
}

/* Which steps are a pair where times must not decide, and which never are. */
static void chosen_by_shape(void **state) {
    (void)state;
    static const struct {
        const char *first, *second;
        ninp_cuda_pairs pairs;
        bool paired;
    } cases[] = {
        {"128 kernel=1\nrelu\n", "128 kernel=1\nrelu\n", NINP_CUDA_PAIRS_CHOSEN, true},
        {"136 kernel=1\nrelu\n", "128 kernel=1\nrelu\n", NINP_CUDA_PAIRS_CHOSEN, false},
        {"128 kernel=1\nrelu\n", "136 kernel=1\nrelu\n", NINP_CUDA_PAIRS_CHOSEN, false},
        {"128 kernel=1\nrelu\n", "128 kernel=1\nrelu\n", NINP_CUDA_PAIRS_NONE, false},
        {"136 kernel=1\nrelu\n", "136 kernel=1\nrelu\n", NINP_CUDA_PAIRS_ALL, true},
        {"8 kernel=1\n", "8 kernel=1\nsigmoid\nmax_pool kernel=2\n", NINP_CUDA_PAIRS_CHOSEN, true},
        {"8 kernel=1\nmax_pool kernel=2\n", "8 kernel=1\n", NINP_CUDA_PAIRS_ALL, false},
        {"8 kernel=1\ndropout 0.5\n", "8 kernel=1\n", NINP_CUDA_PAIRS_ALL, false},
        {"8 kernel=1 stride=2\n", "8 kernel=1\n", NINP_CUDA_PAIRS_ALL, false},
        {"8 kernel=1\n", "8 kernel=1 padding=1\n", NINP_CUDA_PAIRS_ALL, false},
        {"8 kernel=1\n", "8 kernel=3\n", NINP_CUDA_PAIRS_ALL, false},
        {"10 kernel=1\n", "8 kernel=1\n", NINP_CUDA_PAIRS_ALL, false},
        {"1024 kernel=1\n", "8 kernel=1\n", NINP_CUDA_PAIRS_ALL, false}, /* no room */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "input 8x6x6\nclasses 4\nconv2d %sconv2d %sflatten\nlinear classes\n",
                 cases[i].first, cases[i].second);
        nin_net *net = test_net_parse(text, 8);
        const cuda_setup setup = {
            .math = NINP_CUDA_BF16, .count = 2, .training = true, .pairs = cases[i].pairs};
        cuda_session session;
        cuda_session_open(net, &setup, &session);
        for (size_t step = 0; step < session.plan.count; step++) {
            if (cuda_step_is(&session, step, "pair") != (cases[i].paired && step < 2)) {
                fail_msg("case %zu, step %zu", i, step);
            }
        }
        cuda_session_close(&session);
        nin_net_free(net);
    }
}

/* A library's product that leaves a mask for backward is not replaced; in evaluation there is none.
 */
static void masks_stay(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse("input 8x9x7\nclasses 8\nconv2d 16 kernel=1\nrelu\n"
                                  "conv2d 24 kernel=1\nrelu\nconv2d classes kernel=1\n"
                                  "global_avg_pool\nflatten\n",
                                  8);
    cuda_stir(net);
    for (int training = 0; training < 2; training++) {
        const cuda_setup setup = {.count = 3,
                                  .training = training,
                                  .keep_results = true,
                                  .libraries = true,
                                  .pairs = NINP_CUDA_PAIRS_ALL};
        assert_true(makes_pair(net, &setup, 0) == !training);
        cuda_check(net, &setup, (cuda_bounds){2e-6, 1e-6, 1e-4}, "pair beside cublaslt");
    }
    cuda_use_no_library();
    nin_net_free(net);
}

/* The time of both is that of the second step. */
static void times(void **state) {
    (void)state;
    const ninp_cuda_plugin *plugin = cuda_plugin();
    nin_net *net = test_net_parse("input 8x6x6\nclasses 4\nconv2d 8 kernel=1\nrelu\n"
                                  "conv2d 8 kernel=1\nrelu\nflatten\nlinear classes\n",
                                  8);
    const cuda_setup setup = {.count = 2, .training = true, .pairs = NINP_CUDA_PAIRS_ALL};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    nin_step_time steps[4];
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    assert_int_equal(session.plan.count, 4);
    cuda_expect_ok(plugin->profile(session.state, &batch.examples, steps, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        assert_true((steps[i].forward > 0) == (i > 0));
        assert_true(steps[i].backward > 0);
    }
    cuda_session_close(&session);
    cuda_batch_free(&batch);
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(same_bits_as_apart),
        cmocka_unit_test(results_that_share_memory),
        cmocka_unit_test(nothing_between_is_written),
        cmocka_unit_test(not_a_number_stays_in_its_pixel),
        cmocka_unit_test(chosen_by_shape),
        cmocka_unit_test(masks_stay),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

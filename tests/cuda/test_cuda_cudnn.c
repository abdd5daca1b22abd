/* Convolutions by cuDNN. Emulated, by something that stands in for it: then the test is of the
 * graphs that the plug-in makes, and of nothing else. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Sigmoid, ReLU, a pool and nothing behind convolutions of several strides and paddings; the first
 * one's channels do not fit, those of the others do. */
static const char net_text[] =
    "input 1x12x11\nclasses 5\nconv2d 8 kernel=3\nsigmoid\nconv2d 16 kernel=3 stride=2 padding=1\n"
    "sigmoid\nconv2d 24 kernel=2 padding=1\navg_pool kernel=2 stride=1\n"
    "conv2d 8 kernel=3 padding=1\nrelu\nmax_pool kernel=2\nconv2d classes kernel=2\n"
    "global_avg_pool\nflatten\n";
/* No rounding error moves a value of this one over an edge. */
static const char smooth_text[] =
    "input 8x9x7\nclasses 8\nconv2d 16 kernel=3 stride=2 padding=1\nsigmoid\n"
    "conv2d 8 kernel=2 padding=1\nsigmoid\nconv2d classes kernel=3\nglobal_avg_pool\nflatten\n";

static void against_reference(void **state) {
    (void)state;
    cuda_use_cudnn();
    cuda_check_library("cudnn", net_text, NINP_CUDA_FLOAT32, (cuda_bounds){2e-6, 1e-6, 1e-5});
    cuda_check_library("cudnn", smooth_text, NINP_CUDA_TF32, (cuda_bounds){1e-3, 1e-3, 4e-3});
    cuda_check_library("cudnn", smooth_text, NINP_CUDA_BF16, (cuda_bounds){1e-2, 2e-2, 3e-2});
    cuda_use_no_library();
}

/* Batch norm folded into a convolution's filters and bias. */
static void folded_norm(void **state) {
    (void)state;
    cuda_use_cudnn();
    nin_net *net = test_net_parse("input 8x6x6\nclasses 8\nconv2d 8 kernel=3\nbatch_norm\nrelu\n"
                                  "conv2d classes kernel=4\nflatten\n",
                                  2);
    cuda_stir(net);
    const cuda_setup setup = {.count = 2, .keep_results = true, .libraries = true};
    cuda_check(net, &setup, (cuda_bounds){2e-6, 1e-6, 1e-5}, "folded");
    cuda_use_no_library();
    nin_net_free(net);
}

/* Which steps it takes, all passes of each. */
static void chosen_steps(void **state) {
    (void)state;
    cuda_use_cudnn();
    static const bool expected[] = {false, true, true, false, true, false, false};
    nin_net *net = test_net_parse(net_text, 5);
    const cuda_setup setup = {.count = 2, .training = true, .libraries = true};
    cuda_session session;
    cuda_session_open(net, &setup, &session);
    assert_int_equal(session.plan.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < session.plan.count; i++) {
        const char *algorithm = cuda_plugin()->step(session.state, i).algorithm;
        assert_true((strcmp(algorithm, "cudnn") == 0) == expected[i]);
    }
    cuda_session_close(&session);
    nin_net_free(net);
    cuda_expect_products(net_text, 3);
    cuda_use_no_library();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(folded_norm),
        cmocka_unit_test(chosen_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Convolutions of kernel 1 and fully-connected layers by cuBLASLt. Emulated, by something that
 * stands in for it: then the test is of how the plug-in asks for products, and of nothing else. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where channels fit: ReLU, sigmoid and nothing behind products; a pool in one of them; a
 * convolution that is none; and at the end one whose channels do not fit. */
static const char net_text[] =
    "input 3x9x9\nclasses 5\nconv2d 8 kernel=3\nsigmoid\nconv2d 16 kernel=1\nsigmoid\n"
    "conv2d 24 kernel=1\nsigmoid\nconv2d 32 kernel=1\nrelu\nmax_pool kernel=3 "
    "stride=2\n"
    "conv2d 8 kernel=1 stride=2\nsigmoid\nflatten\nlinear 40\nrelu\nlinear 16\nlinear classes\n";

/* No rounding error moves a value of this one over an edge. */
static const char smooth_text[] =
    "input 3x9x9\nclasses 5\nconv2d 8 kernel=3\nsigmoid\nconv2d 16 kernel=1\nsigmoid\n"
    "conv2d 24 kernel=1\navg_pool kernel=2\nflatten\nlinear 40\nsigmoid\nlinear classes\n";

static void check_math(const char *text, ninp_cuda_math math, cuda_bounds bounds) {
    nin_net *net = test_net_parse(text, 5);
    cuda_stir(net);
    for (int training = 0; training < 2; training++) {
        const cuda_setup setup = {.math = math,
                                  .count = 3,
                                  .training = training,
                                  .keep_results = true,
                                  .libraries = true,
                                  .any_algorithm = !training,
                                  .smoothing = 0.1F};
        cuda_check(net, &setup, bounds, "cublaslt");
        cuda_setup smaller = setup; /* the largest batch only has products */
        smaller.batch = 4;
        cuda_check(net, &smaller, bounds, "cublaslt, smaller batch");
    }
    nin_net_free(net);
}

static void against_reference(void **state) {
    (void)state;
    cuda_use_cublaslt();
    check_math(net_text, NINP_CUDA_FLOAT32, (cuda_bounds){2e-6, 1e-6, 1e-5});
    check_math(smooth_text, NINP_CUDA_TF32, (cuda_bounds){1e-3, 1e-3, 4e-3});
    check_math(smooth_text, NINP_CUDA_BF16, (cuda_bounds){1e-2, 2e-2, 3e-2});
    cuda_use_no_library();
}

/* Which steps it takes; none where only own kernels are wanted. */
static void chosen_steps(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse(net_text, 5);
    static const char *const expected[] = {"own", "cublaslt", "cublaslt", "cublaslt", "own",
                                           "own", "cublaslt", "cublaslt", "own"};
    for (int libraries = 0; libraries < 2; libraries++) {
        const cuda_setup setup = {.count = 2, .training = true, .libraries = libraries};
        cuda_session session;
        cuda_session_open(net, &setup, &session);
        assert_int_equal(session.plan.count, sizeof expected / sizeof *expected);
        for (size_t i = 0; i < session.plan.count; i++) {
            const char *algorithm = cuda_plugin()->step(session.state, i).algorithm;
            const bool wanted = libraries && strcmp(expected[i], "cublaslt") == 0;
            assert_true((strcmp(algorithm, "cublaslt") == 0) == wanted);
        }
        cuda_session_close(&session);
    }
    cuda_use_no_library();
    nin_net_free(net);
}

/* Forward and both gradients of each of its steps are its products, and nothing else is. */
static void all_passes(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse(net_text, 5);
    const cuda_setup setup = {.count = 2, .training = true, .libraries = true};
    cuda_session session;
    cuda_batch batch = cuda_batch_make(net, &setup, 1);
    float *gradients = calloc(nin_net_parameter_count(net), sizeof *gradients);
    assert_non_null(gradients);
    nin_loss loss;
    nin_error err = {0};
    cuda_session_open(net, &setup, &session);
    const int opened = cuda_library_products();
    const nin_status status =
        cuda_plugin()->gradients(session.state, &batch.examples, gradients, &loss, &err);
    assert_int_equal(status, NIN_OK);
    if (opened >= 0) {
        enum { STEPS = 5, PASSES = 3 };
        assert_int_equal(cuda_library_products() - opened, STEPS * PASSES);
    }
    cuda_session_close(&session);
    free(gradients);
    cuda_batch_free(&batch);
    cuda_use_no_library();
    nin_net_free(net);
}

static void same_bits_again(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse(net_text, 5);
    const cuda_setup setup = {
        .math = NINP_CUDA_BF16, .count = 3, .training = true, .libraries = true};
    cuda_outcome first = cuda_run(net, &setup, 1);
    cuda_outcome again = cuda_run(net, &setup, 1);
    cuda_expect_same(&again, &first);
    cuda_outcome_free(&first);
    cuda_outcome_free(&again);
    cuda_use_no_library();
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(chosen_steps),
        cmocka_unit_test(all_passes),
        cmocka_unit_test(same_bits_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

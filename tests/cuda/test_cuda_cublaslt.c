/* Convolutions of kernel 1 and fully-connected layers by cuBLASLt. Emulated, by something that
 * stands in for it: then the test is of how the plug-in asks for products, and of nothing else. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
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

static void against_reference(void **state) {
    (void)state;
    cuda_use_cublaslt();
    cuda_check_library("cublaslt", net_text, NINP_CUDA_FLOAT32, (cuda_bounds){2e-6, 1e-6, 1e-5});
    cuda_check_library("cublaslt", smooth_text, NINP_CUDA_TF32, (cuda_bounds){1e-3, 1e-3, 4e-3});
    cuda_check_library("cublaslt", smooth_text, NINP_CUDA_BF16, (cuda_bounds){1e-2, 2e-2, 3e-2});
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
        const cuda_setup setup = {
            .count = 2, .training = true, .libraries = libraries, .pairs = NINP_CUDA_PAIRS_NONE};
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

static void all_passes(void **state) {
    (void)state;
    cuda_use_cublaslt();
    cuda_expect_products(net_text, 5);
    cuda_use_no_library();
}

static void same_bits_again(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse(net_text, 5);
    const cuda_setup setup = {.math = NINP_CUDA_BF16,
                              .count = 3,
                              .training = true,
                              .libraries = true,
                              .pairs = NINP_CUDA_PAIRS_NONE};
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

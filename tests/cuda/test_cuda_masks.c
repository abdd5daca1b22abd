/* Chains of 1 x 1 convolutions and fully-connected layers with ReLU, whose gradients cuBLASLt
 * multiplies by a mask that their forward products left. Emulated, by something that stands in for
 * it: then the test is of how the plug-in asks for that, and of nothing else. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Steps 1 -> 2, 2 -> 3 and 5 -> 6 have a mask between them, with 96, 24 and 136 channels; 0 -> 1
 * has a convolution that is none of cuBLASLt's, 3 -> 4 a pool, 6 -> 7 a sigmoid. */
static const char net_text[] =
    "input 8x6x5\nclasses 8\nconv2d 40 kernel=3 padding=1\nrelu\nconv2d 96 kernel=1\nrelu\n"
    "conv2d 24 kernel=1\nrelu\nconv2d 16 kernel=1\nrelu\nmax_pool kernel=2\n"
    "flatten\nlinear 136\nrelu\nlinear 40\nsigmoid\nlinear classes\n";
enum { MASKS = 3 };

enum { PRODUCT_STEPS = 6, MOST_PARAMETERS = 60000 };

/* Opens a session and computes gradients once; what cuBLASLt did for them. */
static fake_cublaslt_counts count_step(const cuda_setup *setup, float *gradients) {
    nin_net *net = test_net_parse(net_text, 5);
    cuda_session session;
    nin_loss loss;
    nin_error err = {0};
    fake_cublaslt_counts before, after;
    assert_true(nin_net_parameter_count(net) <= MOST_PARAMETERS);
    cuda_stir(net);
    cuda_session_open(net, setup, &session);
    cuda_batch batch = cuda_batch_make(net, setup, 1);
    (void)cuda_count_cublaslt(&before);
    assert_int_equal(
        cuda_plugin()->gradients(session.state, &batch.examples, gradients, &loss, &err), NIN_OK);
    (void)cuda_count_cublaslt(&after);
    cuda_batch_free(&batch);
    cuda_session_close(&session);
    nin_net_free(net);
    after.masked -= before.masked;
    after.bias_gradients -= before.bias_gradients;
    return after;
}

static float space[2][MOST_PARAMETERS];

/* So many products are masked, and so many bias gradients come with a product. */
static void expect_counts(const cuda_setup *setup, int masked, int bias_gradients) {
    fake_cublaslt_counts counts;
    const bool counted = cuda_count_cublaslt(&counts);
    counts = count_step(setup, space[0]);
    if (counted) {
        assert_int_equal(counts.masked, masked);
        assert_int_equal(counts.bias_gradients, bias_gradients);
    }
}

/* Small weights and large biases of both signs: no rounding error moves a ReLU's input over the
 * edge, and a third of the channels are off. */
static void keep_from_edge(nin_net *net) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        for (size_t k = 0; k < tensor.count; k++) {
            if (tensor.rank > 1) {
                tensor.values[k] *= 0.125F;
            } else {
                tensor.values[k] = (k + i) % 3 ? 1.0F : -1.0F;
            }
        }
    }
}

static void against_reference(void **state) {
    (void)state;
    cuda_use_cublaslt();
    cuda_check_library("masks", net_text, NINP_CUDA_FLOAT32, (cuda_bounds){2e-6, 1e-6, 1e-5});
    nin_net *net = test_net_parse(net_text, 5);
    keep_from_edge(net);
    for (int math = NINP_CUDA_TF32; math <= NINP_CUDA_BF16; math++) {
        cuda_setup setup = {.math = (ninp_cuda_math)math,
                            .count = 3,
                            .training = true,
                            .libraries = true,
                            .smoothing = 0.1F};
        cuda_check(net, &setup, cuda_math_bounds[math], "masks");
        setup.batch = 4;
        cuda_check(net, &setup, cuda_math_bounds[math], "masks, smaller batch");
    }
    nin_net_free(net);
    cuda_use_no_library();
}

/* They are really used, of full batches only, and no bias gradient is computed twice; where the
 * library lacks them everything else is as before. */
static void used(void **state) {
    (void)state;
    cuda_use_cublaslt();
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        cuda_setup setup = {
            .math = (ninp_cuda_math)math, .count = 3, .training = true, .libraries = true};
        expect_counts(&setup, MASKS, PRODUCT_STEPS);
        setup.batch = 4;
        expect_counts(&setup, 0, 0);
    }
    if (cuda_set_masks(false)) {
        const cuda_setup setup = {.count = 3, .training = true, .libraries = true};
        expect_counts(&setup, 0, PRODUCT_STEPS);
        cuda_check_library("no masks", net_text, NINP_CUDA_FLOAT32,
                           (cuda_bounds){2e-6, 1e-6, 1e-5});
        cuda_expect_products(net_text, PRODUCT_STEPS);
        cuda_set_masks(true);
    }
    cuda_expect_products(net_text, PRODUCT_STEPS);
    cuda_use_no_library();
}

/* In one session, a smaller batch between two full ones: none sees another's mask. */
static void batches_in_turn(void **state) {
    (void)state;
    cuda_use_cublaslt();
    nin_net *net = test_net_parse(net_text, 5);
    cuda_session session;
    nin_loss loss;
    nin_error err = {0};
    const size_t bytes = nin_net_parameter_count(net) * sizeof(float);
    cuda_stir(net);
    const cuda_setup full = {.count = 4, .training = true, .libraries = true};
    cuda_session_open(net, &full, &session);
    for (int turn = 0; turn < 3; turn++) {
        cuda_setup setup = full;
        setup.batch = 4;
        setup.count = turn == 1 ? 3 : 4;
        cuda_batch batch = cuda_batch_make(net, &setup, 1);
        assert_int_equal(
            cuda_plugin()->gradients(session.state, &batch.examples, space[0], &loss, &err),
            NIN_OK);
        (void)count_step(&setup, space[1]);
        assert_memory_equal(space[0], space[1], bytes);
        cuda_batch_free(&batch);
    }
    cuda_session_close(&session);
    nin_net_free(net);
    cuda_use_no_library();
}

/* The first `count` layers with weights are frozen, or that one alone. */
static void check_frozen(size_t layer, bool alone, int masked, int bias_gradients) {
    bool frozen[32] = {false};
    nin_net *net = test_net_parse(net_text, 5);
    size_t number = 0; /* of trainable tensors: two a layer */
    for (size_t i = 0; i < nin_net_tensor_count(net); i++, number++) {
        frozen[i] = alone ? number / 2 == layer : number / 2 < layer;
    }
    cuda_stir(net);
    const cuda_setup setup = {
        .count = 3, .training = true, .libraries = true, .frozen = frozen, .smoothing = 0.1F};
    cuda_check(net, &setup, (cuda_bounds){2e-6, 1e-6, 1e-5}, "frozen");
    expect_counts(&setup, masked, bias_gradients);
    nin_net_free(net);
}

static void frozen_layers(void **state) {
    (void)state;
    cuda_use_cublaslt();
    check_frozen(1, true, MASKS, PRODUCT_STEPS);
    check_frozen(2, true, MASKS, PRODUCT_STEPS);
    check_frozen(1, false, MASKS, PRODUCT_STEPS);
    /* Nobody needs the gradient in front of step 2, and so on. */
    check_frozen(2, false, MASKS - 1, PRODUCT_STEPS - 1);
    check_frozen(3, false, MASKS - 2, PRODUCT_STEPS - 2);
    check_frozen(5, false, 0, 2);
    cuda_use_no_library();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(used),
        cmocka_unit_test(batches_in_turn),
        cmocka_unit_test(frozen_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

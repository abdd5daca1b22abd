/* Whole nets on the CUDA plug-in against the reference engine: every kind of step, on odd shapes.
 */
#include "cuda/cuda_run.h"

#include "support/layer_case.h"
#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Smooth nets: no ReLU or maximum can fall to the other side by a rounding error, so that gradients
 * must agree closely. */
static const char *const smooth_nets_text[] = {
    "input 1x17x17\nclasses 10\nconv2d 20 kernel=5 stride=2 padding=1\nsigmoid\n"
    "conv2d 20 kernel=1\nsigmoid\navg_pool kernel=3 stride=2\nconv2d 33 kernel=3 padding=1\n"
    "batch_norm\nsigmoid\ndropout 0.25\nconv2d classes kernel=1\nglobal_avg_pool\nflatten\n",

    "input 3x11x8\nclasses 7\nconv2d 5 kernel=3 padding=2\nsigmoid\n"
    "avg_pool kernel=3 stride=2 padding=1 ceil_mode\nflatten\nlinear 50\nsigmoid\ndropout 0.5\n"
    "linear classes\n",

    "input 10x9x7\nclasses 3\nconv2d 96 kernel=3 stride=3 padding=1\nsigmoid\n"
    "conv2d 8 kernel=2\nsigmoid\navg_pool kernel=2 stride=1 padding=1 count_include_pad=false\n"
    "adaptive_avg_pool 3x2\nsigmoid\nflatten\nlinear classes\nsigmoid\n",

    "input 3x10x10\nclasses 4\nbatch_norm\nconv2d 16 kernel=4 stride=2\nbatch_norm\n"
    "conv2d 70 kernel=1\nsigmoid\nadaptive_avg_pool 3x3\nbatch_norm\nsigmoid\n"
    "conv2d classes kernel=3\nflatten\n",

    "input 2x6x6\nclasses 5\ndropout 0.3\nconv2d 130 kernel=3\nsigmoid\ndropout 0.1\n"
    "avg_pool kernel=2 stride=2 ceil_mode count_include_pad=false\nconv2d classes kernel=1\n"
    "adaptive_avg_pool 1\nflatten\n",
};
enum { SMOOTH_NETS = sizeof smooth_nets_text / sizeof *smooth_nets_text };

/* The same with edges: now and then a rounding error moves a value over one. */
static const char *const edged_nets_text[] = {
    /* NiN with few channels, from 67 x 67 on */
    "input 1x67x67\nclasses 10\nnin_block 12 kernel=11 stride=4\nmax_pool kernel=3 stride=2\n"
    "nin_block 20 kernel=5 padding=2\nmax_pool kernel=3 stride=2\nnin_block 24 kernel=3 padding=1\n"
    "max_pool kernel=3 stride=2\ndropout 0.5\nnin_block classes kernel=3 padding=1\n"
    "global_avg_pool\nflatten\n",

    "input 3x16x16\nclasses 10\nconv2d 8 kernel=3 padding=1\nbatch_norm\nrelu\n"
    "max_pool kernel=2 stride=2 ceil_mode\nconv2d 16 kernel=3\nrelu\n"
    "max_pool kernel=3 stride=2 padding=1 ceil_mode\ndropout 0.2\nflatten\nlinear 20\nrelu\n"
    "linear classes\n",

    /* what fuses with nothing */
    "input 2x9x9\nclasses 6\nrelu\nmax_pool kernel=2 stride=1\nbatch_norm\nrelu\nflatten\nrelu\n"
    "linear classes\n",

    /* a window of more than 256 places, and a net that ends with a pooled convolution */
    "input 1x20x20\nclasses 4\nmax_pool kernel=17 stride=2 padding=8\n"
    "conv2d classes kernel=3\nsigmoid\nmax_pool kernel=8\nflatten\n",
};
enum { EDGED_NETS = sizeof edged_nets_text / sizeof *edged_nets_text };

static void check_text(const char *text, int number, cuda_setup setup, cuda_bounds bounds) {
    char what[80];
    nin_net *net = test_net_parse(text, (uint64_t)number + 3);
    cuda_stir(net);
    for (int training = 0; training < 2; training++) {
        setup.training = training;
        setup.keep_results = true;
        snprintf(what, sizeof what, "net %d, %d pictures, math %d, %s", number, setup.count,
                 (int)setup.math, training ? "training" : "evaluation");
        cuda_check(net, &setup, bounds, what);
    }
    nin_net_free(net);
}

/* float32: sums of a few thousand products, 2^-24 each; gradients pass through several layers. */
static const cuda_bounds float_bounds = {.results = 2e-6, .loss = 1e-6, .gradients = 1e-5};

static void smooth_nets(void **state) {
    (void)state;
    for (int i = 0; i < SMOOTH_NETS; i++) {
        check_text(smooth_nets_text[i], i, (cuda_setup){.count = 3, .smoothing = 0.1F, .step = 4},
                   float_bounds);
        check_text(smooth_nets_text[i], i,
                   (cuda_setup){.count = 1, .batch = 3, .two_labels = true, .step = 1},
                   float_bounds);
    }
}

static void edged_nets(void **state) {
    (void)state;
    for (int i = 0; i < EDGED_NETS; i++) {
        check_text(edged_nets_text[i], i,
                   (cuda_setup){.count = 3, .two_labels = true, .smoothing = 0.2F, .step = 7},
                   (cuda_bounds){.results = 2e-6, .loss = 1e-6, .gradients = 1e-4});
    }
}

/* One convolution of any shape between others of kernel 1, whose sigmoid keeps everything smooth.
 */
static void check_convolution(ninp_random *random, ninp_cuda_math math, cuda_bounds bounds) {
    static const int widths[] = {1, 3, 8, 10, 33, 96};
    enum { WIDTHS = sizeof widths / sizeof *widths };
    const int inputs = widths[draw_int(random, 0, WIDTHS - 1)];
    const int filters = widths[draw_int(random, 0, WIDTHS - 1)];
    const int kernel = draw_int(random, 1, 5);
    const int stride = draw_int(random, 1, 4);
    const int padding = draw_int(random, 0, kernel);
    const int height = draw_int(random, kernel, 9);
    const int width = draw_int(random, kernel, 9);
    char text[300];
    snprintf(text, sizeof text,
             "input 2x%dx%d\nclasses 4\nconv2d %d kernel=1\nsigmoid\n"
             "conv2d %d kernel=%d stride=%d padding=%d\nsigmoid\nconv2d classes kernel=1\n"
             "global_avg_pool\nflatten\n",
             height, width, inputs, filters, kernel, stride, padding);
    nin_net *net = test_net_parse(text, 7);
    cuda_stir(net);
    const cuda_setup setup = {.math = math, .count = draw_int(random, 1, 3), .training = true};
    cuda_check(net, &setup, bounds, text);
    nin_net_free(net);
}

static void convolutions(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(31, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 12; i++) {
        check_convolution(&random, NINP_CUDA_FLOAT32, (cuda_bounds){2e-6, 1e-6, 1e-5});
        check_convolution(&random, NINP_CUDA_TF32, (cuda_bounds){1e-3, 1e-3, 4e-3});
        check_convolution(&random, NINP_CUDA_BF16, (cuda_bounds){1e-2, 2e-2, 3e-2});
    }
}

static void built_in_nets(void **state) {
    (void)state;
    nin_net *net = test_net_open("lenet", 0, 6);
    for (int training = 0; training < 2; training++) {
        cuda_check(net, &(cuda_setup){.count = 3, .training = training, .keep_results = true},
                   float_bounds, "lenet");
    }
    nin_net_free(net);
}

/* Factors are rounded by 2^-9 (bf16) or 2^-11 (TF32), results too in bf16. */
static void tensor_cores(void **state) {
    (void)state;
    for (int i = 0; i < SMOOTH_NETS; i++) {
        const cuda_setup setup = {.count = 3, .smoothing = 0.1F, .step = 4};
        cuda_setup tf32 = setup;
        tf32.math = NINP_CUDA_TF32;
        check_text(smooth_nets_text[i], i, tf32,
                   (cuda_bounds){.results = 1e-3, .loss = 1e-3, .gradients = 4e-3});
        cuda_setup bf16 = setup;
        bf16.math = NINP_CUDA_BF16;
        check_text(smooth_nets_text[i], i, bf16,
                   (cuda_bounds){.results = 1e-2, .loss = 2e-2, .gradients = 4e-2});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_nets),  cmocka_unit_test(edged_nets),
        cmocka_unit_test(convolutions), cmocka_unit_test(built_in_nets),
        cmocka_unit_test(tensor_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

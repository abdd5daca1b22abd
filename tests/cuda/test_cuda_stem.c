/* Convolutions of a few input channels, whose patches are built from rows in shared memory. */
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

static bool is_stem(nin_net *net, const cuda_setup *setup, size_t step) {
    cuda_session session;
    cuda_session_open(net, setup, &session);
    const bool found = cuda_step_is(&session, step, "stem");
    cuda_session_close(&session);
    return found;
}

typedef struct geometry {
    int channels, filters, kernel, stride, padding, height, width;
} geometry;

/* Of those that a stem takes: outputs of at least 64 pixels, up to some tiles; not too wide. */
static geometry draw_geometry(ninp_random *random, ninp_cuda_math math) {
    static const int filters[] = {1, 6, 16, 33, 70, 96, 130, 8};
    const int kernels[] = {2, 3, 5, 7, 11};
    geometry drawn = {.channels = draw_int(random, 1, math == NINP_CUDA_BF16 ? 5 : 3),
                      .filters = filters[draw_int(random, 0, 7)],
                      .kernel = kernels[draw_int(random, 0, 4)],
                      .stride = draw_int(random, 1, 4)};
    drawn.padding = draw_int(random, 0, drawn.kernel - 1);
    const int rows = draw_int(random, 4, 11);
    const int columns = draw_int(random, 16, 24) * (draw_int(random, 0, 3) ? 1 : 3);
    const int rest = drawn.kernel - 2 * drawn.padding;
    drawn.height = (rows - 1) * drawn.stride + rest + draw_int(random, 0, drawn.stride - 1);
    drawn.width = (columns - 1) * drawn.stride + rest + draw_int(random, 0, drawn.stride - 1);
    drawn.height = drawn.height < 1 ? 1 : drawn.height;
    return drawn;
}

/* As the first step, or behind another one, to which it hands a gradient. */
static nin_net *net_of(const geometry *shape, bool first) {
    char text[400];
    char before[60] = "";
    if (!first) {
        snprintf(before, sizeof before, "conv2d %d kernel=1\nsigmoid\n", shape->channels);
    }
    snprintf(text, sizeof text,
             "input %dx%dx%d\nclasses 4\n%sconv2d %d kernel=%d stride=%d padding=%d\nsigmoid\n"
             "conv2d classes kernel=1\nglobal_avg_pool\nflatten\n",
             first ? shape->channels : 2, shape->height, shape->width, before, shape->filters,
             shape->kernel, shape->stride, shape->padding);
    nin_net *net = test_net_parse(text, 7);
    cuda_stir(net);
    return net;
}

static void against_reference(void **state) {
    (void)state;
    ninp_random random = ninp_random_start(34, NINP_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 18; i++) {
        const ninp_cuda_math math = (ninp_cuda_math)(i % 3);
        const geometry shape = draw_geometry(&random, math);
        const bool first = i % 4 != 0;
        const cuda_setup setup = {.math = math, .count = draw_int(&random, 1, 2), .training = true};
        char what[120];
        snprintf(what, sizeof what, "%d of %dx%dx%d, kernel %d, stride %d, padding %d, math %d",
                 shape.filters, shape.channels, shape.height, shape.width, shape.kernel,
                 shape.stride, shape.padding, (int)math);
        nin_net *net = net_of(&shape, first);
        if (!is_stem(net, &setup, first ? 0 : 1)) {
            fail_msg("not a stem: %s", what);
        }
        cuda_check(net, &setup, cuda_math_bounds[math], what);
        nin_net_free(net);
    }
}

static void same_bits_in_any_order(void **state) {
    (void)state;
    const geometry shape = {2, 70, 5, 2, 2, 37, 41};
    nin_net *net = net_of(&shape, true);
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        const cuda_setup setup = {.math = (ninp_cuda_math)math, .count = 3, .training = true};
        cuda_outcome once = cuda_run_in_any_order(net, &setup, 3);
        cuda_outcome_free(&once);
    }
    nin_net_free(net);
}

/* With a fourth channel of zeros the convolution is no stem, and sums the same values in the same
 * order: every bit of its result is the same. */
static void same_bits_as_gathered(void **state) {
    (void)state;
    enum { COUNT = 2 };
    const geometry three = {3, 33, 5, 2, 1, 29, 40};
    const geometry four = {4, 33, 5, 2, 1, 29, 40};
    nin_net *stem = net_of(&three, true);
    nin_net *plain = net_of(&four, true);
    const size_t window = (size_t)three.kernel * (size_t)three.kernel;
    const size_t pixels = (size_t)three.height * (size_t)three.width;
    const nin_tensor from = nin_net_tensor(stem, 0);
    const nin_tensor to = nin_net_tensor(plain, 0);
    for (size_t i = 0; i < to.count; i++) {
        const size_t k = i / (4 * window);
        const size_t within = i % (4 * window);
        to.values[i] = within < 3 * window ? from.values[k * 3 * window + within] : 0;
    }
    cuda_setup setup = {.count = COUNT, .keep_results = true};
    assert_true(is_stem(stem, &setup, 0));
    assert_false(is_stem(plain, &setup, 0));
    float *images = test_images(stem, COUNT, 5);
    float *wider = calloc(COUNT * 4 * pixels, sizeof *wider);
    assert_non_null(wider);
    for (size_t n = 0; n < COUNT; n++) {
        memcpy(wider + n * 4 * pixels, images + n * 3 * pixels, 3 * pixels * sizeof *wider);
    }
    setup.images = images;
    cuda_outcome built = cuda_run(stem, &setup, 3);
    setup.images = wider;
    cuda_outcome gathered = cuda_run(plain, &setup, 3);
    assert_int_equal(built.result_counts[0], gathered.result_counts[0]);
    assert_memory_equal(built.results[0], gathered.results[0],
                        built.result_counts[0] * sizeof(float));
    cuda_outcome_free(&built);
    cuda_outcome_free(&gathered);
    free(images);
    free(wider);
    nin_net_free(stem);
    nin_net_free(plain);
}

/* NaN in a pixel is NaN in the patches over it and nowhere else. */
static void not_a_number_stays_under_its_patches(void **state) {
    (void)state;
    enum { ROWS = 21, COLUMNS = 33, KERNEL = 3, STRIDE = 2, OUT_ROWS = 11, OUT_COLUMNS = 17 };
    const geometry shape = {1, 5, KERNEL, STRIDE, 1, ROWS, COLUMNS};
    nin_net *net = net_of(&shape, true);
    static float images[2 * ROWS * COLUMNS];
    const int row = 11;
    const int column = 17;
    images[row * COLUMNS + column] = NAN;
    for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
        const cuda_setup setup = {
            .math = (ninp_cuda_math)math, .count = 2, .keep_results = true, .images = images};
        assert_true(is_stem(net, &setup, 0));
        cuda_outcome outcome = cuda_run(net, &setup, 3);
        assert_int_equal(outcome.result_counts[0], 2 * 5 * OUT_ROWS * OUT_COLUMNS);
        for (int i = 0; i < 2 * 5 * OUT_ROWS * OUT_COLUMNS; i++) {
            const int r = row - (i / OUT_COLUMNS % OUT_ROWS * STRIDE - 1);
            const int s = column - (i % OUT_COLUMNS * STRIDE - 1);
            const bool over =
                i < 5 * OUT_ROWS * OUT_COLUMNS && r >= 0 && r < KERNEL && s >= 0 && s < KERNEL;
            assert_true(isnan(outcome.results[0][i]) == over);
        }
        cuda_outcome_free(&outcome);
    }
    nin_net_free(net);
}

static void chosen_by_shape(void **state) {
    (void)state;
    static const struct {
        geometry shape;
        bool float32, bf16;
    } cases[] = {
        {{1, 96, 11, 4, 0, 224, 224}, true, true}, /* NiN */
        {{3, 96, 11, 4, 1, 224, 224}, true, true}, /* AlexNet */
        {{3, 64, 3, 1, 1, 32, 32}, true, true},
        {{1, 6, 5, 1, 2, 28, 28}, true, true}, /* LeNet, and its second */
        {{6, 16, 5, 1, 0, 14, 14}, false, true},
        {{3, 8, 1, 1, 0, 32, 32}, false, false},    /* kernel 1 */
        {{8, 8, 3, 1, 0, 32, 32}, false, false},    /* whole pieces */
        {{1, 8, 3, 1, 0, 9, 11}, false, false},     /* 63 pixels */
        {{1, 8, 3, 1, 0, 10, 10}, true, true},      /* 64 */
        {{3, 8, 11, 1, 0, 24, 1200}, false, false}, /* rows that are too long */
        {{1, 8, 11, 1, 0, 24, 1200}, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nin_net *net = net_of(&cases[i].shape, true);
        for (int math = NINP_CUDA_FLOAT32; math <= NINP_CUDA_BF16; math++) {
            const cuda_setup setup = {.math = (ninp_cuda_math)math, .count = 1};
            const bool expected = math == NINP_CUDA_BF16 ? cases[i].bf16 : cases[i].float32;
            if (is_stem(net, &setup, 0) != expected) {
                fail_msg("case %zu, math %d", i, math);
            }
        }
        nin_net_free(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(same_bits_in_any_order),
        cmocka_unit_test(same_bits_as_gathered),
        cmocka_unit_test(not_a_number_stays_under_its_patches),
        cmocka_unit_test(chosen_by_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

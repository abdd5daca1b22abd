/* What a run does with pictures: whitening that it keeps, and evaluation on mirror images. */
#include <nin/image.h>
#include <nin/train.h>

#include "support/scratch.h"
#include "support/small_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Stopped inside an epoch, the run goes on without looking at the training set again. */
static void whitened_runs_go_on_with_the_same_bits(void **state) {
    (void)state;
    if (!NINP_HAVE_LAPACK) {
        skip();
    }
    small_run run = small_run_open();
    run.whiten = true;
    run.options.test_flip = true;
    char *whole = scratch_make();
    char *directory = scratch_make();
    small_run_whole(&run, whole);
    run.options.max_steps = 9;
    nin_error err = {0};
    if (small_run_train(&run, directory, false, NULL, NULL, NULL, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    small_run_finish(&run, directory, whole);

    run.whiten = false;
    assert_int_equal(small_run_train(&run, whole, true, NULL, NULL, NULL, &err),
                     NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "another preprocess"));
    scratch_remove(directory);
    scratch_remove(whole);
    small_run_close(&run);
}

static void mixed_runs_are_another_run(void **state) {
    (void)state;
    small_run run = small_run_open();
    char *directory = scratch_make();
    run.options.max_steps = 2;
    assert_int_equal(small_run_train(&run, directory, false, NULL, NULL, NULL, NULL), NIN_OK);
    run.options.augmentation.mixup = 0.3F;
    nin_error err = {0};
    assert_int_equal(small_run_train(&run, directory, true, NULL, NULL, NULL, &err),
                     NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "another mixup: 0.4"));
    scratch_remove(directory);
    small_run_close(&run);
}

/* ---- mirror images ----------------------------------------------------------------------- */

enum { PICTURES = 25, SIDE = 20, CLASSES = 10 };

/* The logits of a picture and its mirror image, one picture at a time. */
static void mean_logits(nin_session *session, const nin_preprocess *preprocess,
                        const uint8_t *pixels, float *out) {
    nin_image image = {.width = 28, .height = 28, .channels = 1};
    float input[SIDE * SIDE];
    float logits[2][CLASSES];
    image.pixels = malloc(28 * 28);
    memcpy(image.pixels, pixels, 28 * 28);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nin_preprocess_image(preprocess, &image, input, NULL), NIN_OK);
        assert_int_equal(nin_session_logits(session, input, 1, logits[i], NULL), NIN_OK);
        assert_int_equal(nin_image_mirror(&image, NULL), NIN_OK);
    }
    assert_memory_equal(image.pixels, pixels, 28 * 28); /* twice is not at all */
    nin_image_free(&image);
    for (int c = 0; c < CLASSES; c++) {
        out[c] = 0.5F * (logits[0][c] + logits[1][c]);
    }
}

static void evaluation_takes_the_mean_of_both(void **state) {
    (void)state;
    static const char text[] = "input 1x20x20\nflatten\nlinear classes\n";
    const nin_net_options sizes = {.classes = CLASSES};
    nin_net *net;
    assert_int_equal(nin_net_parse(text, strlen(text), "test", &sizes, &net, NULL), NIN_OK);
    nin_init_options init = nin_init_options_defaults();
    nin_net_initialize(net, &init);
    nin_dataset_options which = nin_dataset_options_defaults();
    which.drawn_count = PICTURES;
    nin_dataset *dataset;
    assert_int_equal(nin_dataset_open("drawn", &which, &dataset, NULL), NIN_OK);
    const nin_preprocess preprocess = nin_preprocess_plain(1, SIDE, SIDE);
    nin_session_options options = nin_session_options_defaults();
    options.device = "reference";
    options.batch = 7;
    nin_session *session;
    assert_int_equal(nin_session_create(net, &options, &session, NULL), NIN_OK);

    double loss = 0;
    int correct = 0;
    for (size_t i = 0; i < PICTURES; i++) {
        float logits[CLASSES];
        const int32_t label = nin_dataset_label(dataset, i);
        const nin_examples example = {.labels = &label, .count = 1};
        mean_logits(session, &preprocess, nin_dataset_pixels(dataset, i), logits);
        const nin_loss one = nin_cross_entropy(&example, logits, CLASSES, NULL);
        loss += one.loss_sum;
        correct += one.correct;
    }
    nin_evaluation_task task = {.dataset = dataset, .preprocess = &preprocess, .flip = true};
    nin_evaluation evaluation;
    assert_int_equal(nin_evaluate(session, &task, &evaluation, NULL), NIN_OK);
    assert_int_equal(evaluation.examples, PICTURES);
    assert_true(fabs(evaluation.loss - loss / PICTURES) < 1e-9);
    assert_true(fabs(evaluation.accuracy - (double)correct / PICTURES) < 1e-9);
    nin_evaluation_free(&evaluation);
    task.flip = false;
    assert_int_equal(nin_evaluate(session, &task, &evaluation, NULL), NIN_OK);
    assert_true(fabs(evaluation.loss - loss / PICTURES) > 1e-4);
    nin_evaluation_free(&evaluation);
    nin_session_free(session);
    nin_dataset_free(dataset);
    nin_net_free(net);
}

static void images_are_mirrored(void **state) {
    (void)state;
    uint8_t grey[] = {1, 2, 3, 4, 5, 6};
    nin_image image = {3, 2, 1, grey};
    assert_int_equal(nin_image_mirror(&image, NULL), NIN_OK);
    assert_memory_equal(grey, ((uint8_t[]){3, 2, 1, 6, 5, 4}), 6);
    uint8_t colour[] = {1, 2, 3, 4, 5, 6};
    image = (nin_image){2, 1, 3, colour};
    assert_int_equal(nin_image_mirror(&image, NULL), NIN_OK);
    assert_memory_equal(colour, ((uint8_t[]){4, 5, 6, 1, 2, 3}), 6);
    image.channels = 2;
    assert_int_equal(nin_image_mirror(&image, NULL), NIN_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whitened_runs_go_on_with_the_same_bits),
        cmocka_unit_test(mixed_runs_are_another_run),
        cmocka_unit_test(evaluation_takes_the_mean_of_both),
        cmocka_unit_test(images_are_mirrored),
    };
    return cmocka_run_group_tests_name("train_pictures", tests, NULL, NULL);
}

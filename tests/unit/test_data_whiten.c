/* Global contrast normalisation and whitening, against NumPy (tests/golden/data.py). */
#include "data/whiten.h"

#include "base/random.h"
#include "support/golden.h"
#include "support/idx_set.h"
#include "support/scratch.h"

#include <nin/image.h>
#include <nin/model.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 100, HEIGHT = 7, WIDTH = 5, VALUES = HEIGHT * WIDTH };

static golden *file;
static char *directory;
static nin_dataset *pictures;

static const float *expected(const char *name, size_t expected_count) {
    size_t count;
    const float *found = golden_values(file, name, &count);
    assert_int_equal(count, expected_count);
    return found;
}

static int setup(void **state) {
    (void)state;
    file = golden_open("tests/golden/data.safetensors");
    directory = scratch_make();
    idx_bytes images = idx_make_images(COUNT, HEIGHT, WIDTH);
    const float *bytes = expected("zca.pictures", (size_t)COUNT * VALUES);
    for (size_t i = 0; i < (size_t)COUNT * VALUES; i++) {
        images.bytes[16 + i] = (uint8_t)bytes[i];
    }
    idx_write(directory, "train-images-idx3-ubyte", images);
    idx_write(directory, "train-labels-idx1-ubyte", idx_make_labels(COUNT, 3));
    idx_write_split(directory, NIN_SPLIT_TEST, 3, HEIGHT, WIDTH, 3, false);
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_error err = {0};
    if (nin_dataset_open(directory, &options, &pictures, &err) != NIN_OK) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    nin_dataset_free(pictures);
    scratch_remove(directory);
    golden_close(file);
    return 0;
}

/* The preprocess of the golden's two cases. */
static nin_preprocess plain(void) {
    return nin_preprocess_plain(1, HEIGHT, WIDTH);
}

static nin_preprocess with_gcn(void) {
    nin_preprocess preprocess = plain();
    preprocess.mean[0] = 0.25F;
    preprocess.std[0] = 0.5F;
    preprocess.gcn = 6;
    return preprocess;
}

/* All pictures as a loader gives them in batches. */
static void load(const nin_preprocess *preprocess, int batch, float *out) {
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = *preprocess;
    options.batch = batch;
    options.threads = 2;
    nin_loader *loader;
    nin_error err = {0};
    if (nin_loader_create(pictures, &options, &loader, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    nin_loader_start(loader, 0, 0);
    const nin_batch *given;
    while ((given = nin_loader_next(loader))) {
        size_t floats = (size_t)given->count * VALUES;
        memcpy(out, given->images, floats * sizeof *out);
        out += floats;
    }
    nin_loader_free(loader);
}

static void contrast_is_normalized(void **state) {
    (void)state;
    static float out[COUNT * VALUES];
    const nin_preprocess preprocess = with_gcn();
    load(&preprocess, 16, out);
    expect_close("gcn", out, expected("zca.gcn.before", (size_t)COUNT * VALUES),
                 (size_t)COUNT * VALUES, 1e-6);
    for (int k = 0; k < VALUES; k++) { /* the picture of one colour */
        assert_true(fabsf(out[9 * VALUES + k]) < 1e-6F);
    }
}

static void check_fit(nin_preprocess preprocess, const char *name) {
    static float out[COUNT * VALUES];
    char key[60];
    preprocess.whiten = true;
    nin_error err = {0};
    if (nin_preprocess_fit(&preprocess, pictures, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    const nin_whitening *whitening = preprocess.whitening;
    snprintf(key, sizeof key, "zca.%s.mean", name);
    expect_close(key, whitening->mean, expected(key, VALUES), VALUES, 1e-6);
    snprintf(key, sizeof key, "zca.%s.matrix", name);
    expect_close(key, whitening->matrix, expected(key, VALUES * VALUES), VALUES * VALUES, 1e-6);
    snprintf(key, sizeof key, "zca.%s.after", name);
    load(&preprocess, 13, out);
    expect_close(key, out, expected(key, (size_t)COUNT * VALUES), (size_t)COUNT * VALUES, 4e-6);
    nin_whitening *before = preprocess.whitening;
    assert_int_equal(nin_preprocess_fit(&preprocess, pictures, &err), NIN_OK);
    assert_ptr_equal(preprocess.whitening, before); /* nothing left to do */
    nin_preprocess_free(&preprocess);
    assert_null(preprocess.whitening);
}

static void whitening_is_found(void **state) {
    (void)state;
    if (!NINP_HAVE_LAPACK) {
        nin_preprocess preprocess = plain();
        preprocess.whiten = true;
        nin_error err = {0};
        assert_int_equal(nin_preprocess_fit(&preprocess, pictures, &err), NIN_ERROR_UNAVAILABLE);
        assert_non_null(strstr(err.message, "LAPACK"));
        skip();
    }
    check_fit(plain(), "plain");
    check_fit(with_gcn(), "gcn");
}

/* A whitening from the golden, for builds without LAPACK too. */
static nin_preprocess known_whitening(void) {
    nin_preprocess preprocess = with_gcn();
    preprocess.whiten = true;
    assert_int_equal(ninp_whitening_create(VALUES, &preprocess.whitening, NULL), NIN_OK);
    memcpy(preprocess.whitening->mean, expected("zca.gcn.mean", VALUES), VALUES * sizeof(float));
    memcpy(preprocess.whitening->matrix, expected("zca.gcn.matrix", VALUES * VALUES),
           VALUES * VALUES * sizeof(float));
    return preprocess;
}

/* Whatever the batch, a picture becomes the same, to the bit, as alone. */
static void batches_do_not_matter(void **state) {
    (void)state;
    static float out[COUNT * VALUES];
    static float alone[COUNT * VALUES];
    nin_preprocess preprocess = known_whitening();
    for (size_t i = 0; i < COUNT; i++) {
        nin_image image = {.width = WIDTH, .height = HEIGHT, .channels = 1};
        image.pixels = malloc(VALUES);
        memcpy(image.pixels, nin_dataset_pixels(pictures, i), VALUES);
        assert_int_equal(nin_preprocess_image(&preprocess, &image, alone + i * VALUES, NULL),
                         NIN_OK);
        nin_image_free(&image);
    }
    expect_close("zca.gcn.after", alone, expected("zca.gcn.after", (size_t)COUNT * VALUES),
                 (size_t)COUNT * VALUES, 4e-6);
    static const int batches[] = {1, 7, 32, 33, COUNT};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        load(&preprocess, batches[i], out);
        assert_memory_equal(out, alone, sizeof out);
    }
    nin_preprocess_free(&preprocess);
}

/* ---- in files ---------------------------------------------------------------------------- */

static nin_model make_model(void) {
    static const char net[] = "input 1x7x5\nflatten\nlinear classes\n";
    const nin_net_options options = {.classes = 3};
    nin_model model = {.preprocess = known_whitening()};
    assert_int_equal(nin_net_parse(net, strlen(net), "test", &options, &model.net, NULL), NIN_OK);
    return model;
}

static void models_keep_it(void **state) {
    (void)state;
    static float before[COUNT * VALUES];
    static float after[COUNT * VALUES];
    char path[4200];
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    nin_model model = make_model();
    load(&model.preprocess, 32, before);
    assert_int_equal(nin_model_save(path, &model, NULL), NIN_OK);
    nin_model_free(&model);
    assert_null(model.preprocess.whitening);
    nin_error err = {0};
    if (nin_model_load(path, false, &model, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(model.preprocess.whiten && model.preprocess.gcn == 6);
    load(&model.preprocess, 32, after);
    assert_memory_equal(after, before, sizeof after);
    /* Its tensors are none of the net's, and in nobody's way. */
    assert_int_equal(nin_net_load_weights(model.net, path, NULL), NIN_OK);
    nin_model_free(&model);
}

/* Saves a model that is wrong in one way and expects that loading says so. */
static void expect_refused(nin_model *model, const char *message) {
    char path[4200];
    snprintf(path, sizeof path, "%s/wrong.safetensors", directory);
    nin_error err = {0};
    assert_int_equal(nin_model_save(path, model, &err), NIN_OK);
    nin_model loaded;
    assert_int_equal(nin_model_load(path, false, &loaded, &err), NIN_ERROR_DATA);
    if (!strstr(err.message, message)) {
        fail_msg("%s\ndoes not say: %s", err.message, message);
    }
    assert_null(loaded.net);
    nin_model_free(model);
}

static void damaged_ones_are_refused(void **state) {
    (void)state;
    nin_model model = make_model();
    model.preprocess.whitening->values = 20; /* 20 x 20 of its values are written */
    expect_refused(&model,
                   "tensor nin.whitening.mean: another shape; whitening inputs of 35 values");
    model = make_model();
    model.preprocess.whitening->matrix[40] = INFINITY;
    expect_refused(&model, "tensor nin.whitening.matrix: value 40 is not a finite number");
    model = make_model();
    model.preprocess.whitening->mean[3] = NAN;
    expect_refused(&model, "tensor nin.whitening.mean: value 3 is not a finite number");
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    nin_error err = {0};
    nin_preprocess large = nin_preprocess_plain(1, 64, 65);
    large.whiten = true;
    assert_int_equal(nin_preprocess_fit(&large, pictures, &err), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "4160 values cannot be whitened: the limit is 4096"));

    nin_preprocess unknown = plain(); /* asked for, and never found */
    unknown.whiten = true;
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = unknown;
    nin_loader *loader;
    assert_int_equal(nin_loader_create(pictures, &options, &loader, NULL), NIN_ERROR_ARGUMENT);
    nin_model model = make_model();
    nin_preprocess_free(&model.preprocess);
    err = (nin_error){0};
    assert_int_equal(nin_model_save("never", &model, &err), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "no training set was looked at"));
    nin_model_free(&model);

    options.preprocess = known_whitening(); /* for other sizes */
    options.preprocess.width = 6;
    assert_int_equal(nin_loader_create(pictures, &options, &loader, NULL), NIN_ERROR_ARGUMENT);
    nin_preprocess_free(&options.preprocess);
    options.preprocess = plain();
    options.preprocess.gcn = -1;
    assert_int_equal(nin_loader_create(pictures, &options, &loader, NULL), NIN_ERROR_ARGUMENT);
    options.preprocess.gcn = NAN;
    assert_int_equal(nin_loader_create(pictures, &options, &loader, NULL), NIN_ERROR_ARGUMENT);
}

/* ---- pixel statistics -------------------------------------------------------------------- */

static void statistics_are_exact(void **state) {
    (void)state;
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t *bytes = nin_dataset_pixels(pictures, i);
        for (int k = 0; k < VALUES; k++) {
            sum += bytes[k] / 255.0;
        }
    }
    const double mean = sum / (COUNT * VALUES);
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t *bytes = nin_dataset_pixels(pictures, i);
        for (int k = 0; k < VALUES; k++) {
            squares += (bytes[k] / 255.0 - mean) * (bytes[k] / 255.0 - mean);
        }
    }
    const double std = sqrt(squares / (COUNT * VALUES));
    for (int channels = 1; channels <= 3; channels += 2) {
        const nin_pixel_statistics found = nin_dataset_statistics(pictures, channels);
        for (int c = 0; c < channels; c++) {
            assert_true(fabs(found.mean[c] - mean) < 1e-14);
            assert_true(fabs(found.std[c] - std) < 1e-14);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrast_is_normalized),   cmocka_unit_test(whitening_is_found),
        cmocka_unit_test(batches_do_not_matter),    cmocka_unit_test(models_keep_it),
        cmocka_unit_test(damaged_ones_are_refused), cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(statistics_are_exact),
    };
    return cmocka_run_group_tests_name("data_whiten", tests, setup, teardown);
}

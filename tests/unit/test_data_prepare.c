/* From bytes to a net's input: scaling, channels, augmentation. */
#include "data/prepare.h"

#include "image/image.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ninp_preparer *create(const nin_preprocess *preprocess, int channels, int height,
                             int width) {
    ninp_preparer *preparer;
    nin_error err = {0};
    if (ninp_preparer_create(preprocess, channels, height, width, &preparer, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return preparer;
}

static void run(const ninp_preparer *preparer, const uint8_t *picture, ninp_augment augment,
                float *out) {
    uint8_t *scratch = malloc(ninp_preparer_scratch(preparer));
    ninp_preparer_run(preparer, picture, &augment, scratch, out);
    free(scratch);
}

/* ToTensor and Normalize of torchvision in float32: (byte / 255 - mean) / std, each step rounded.
 */
static void bytes_are_scaled(void **state) {
    (void)state;
    nin_preprocess preprocess = nin_preprocess_plain(3, 16, 16);
    const float mean[3] = {0.485F, 0.456F, 0.406F};
    const float std[3] = {0.229F, 0.224F, 0.225F};
    memcpy(preprocess.mean, mean, sizeof mean);
    memcpy(preprocess.std, std, sizeof std);
    uint8_t picture[3 * 256];
    float out[3 * 256];
    for (size_t i = 0; i < sizeof picture; i++) {
        picture[i] = (uint8_t)i;
    }
    ninp_preparer *preparer = create(&preprocess, 3, 16, 16);
    run(preparer, picture, (ninp_augment){0}, out);
    for (size_t i = 0; i < sizeof picture; i++) {
        float scaled = (float)picture[i] / 255.0F;
        float centred = scaled - mean[i / 256];
        float expected = centred / std[i / 256];
        assert_memory_equal(&out[i], &expected, sizeof expected);
    }
    /* torchvision: Normalize(mean, std)(ToTensor()(picture)) of bytes 0, 100 and 255 */
    assert_true(fabsf(out[0] - -2.117904F) < 1e-6F);
    assert_true(fabsf(out[256 + 100] - -0.285014F) < 1e-6F);
    assert_true(fabsf(out[512 + 255] - 2.64F) < 1e-6F);
    ninp_preparer_free(preparer);
    ninp_preparer_free(NULL);
}

enum { SIDE = 4, AREA = SIDE * SIDE };

/* What an augmented picture has at a place, from the definition: mirrored first, then moved. */
static uint8_t expected_byte(const uint8_t *picture, ninp_augment augment, int y, int x) {
    int from_y = y - augment.shift_y;
    int from_x = x - augment.shift_x;
    if (from_y < 0 || from_y >= SIDE || from_x < 0 || from_x >= SIDE) {
        return 0;
    }
    return picture[from_y * SIDE + (augment.flip ? SIDE - 1 - from_x : from_x)];
}

static void pictures_are_mirrored_and_moved(void **state) {
    (void)state;
    const nin_preprocess preprocess = nin_preprocess_plain(3, SIDE, SIDE);
    uint8_t picture[3 * AREA];
    for (size_t i = 0; i < sizeof picture; i++) {
        picture[i] = (uint8_t)(i * 5 + 1);
    }
    ninp_preparer *preparer = create(&preprocess, 3, SIDE, SIDE);
    for (int i = 0; i < 2 * 9 * 9; i++) {
        const ninp_augment augment = {
            .flip = i % 2, .shift_x = i / 2 % 9 - 4, .shift_y = i / 18 - 4};
        float out[3 * AREA];
        run(preparer, picture, augment, out);
        for (int k = 0; k < 3 * AREA; k++) {
            const uint8_t *plane = &picture[(size_t)(k / AREA) * AREA];
            uint8_t byte = expected_byte(plane, augment, k % AREA / SIDE, k % SIDE);
            float expected = (float)byte / 255.0F;
            assert_memory_equal(&out[k], &expected, sizeof expected);
        }
    }
    ninp_preparer_free(preparer);
}

/* Made with the public functions: convert, then resize, plane by plane. */
static void expect_as_by_image_functions(int from_channels, int to_channels) {
    nin_image image;
    nin_image converted;
    nin_image resized;
    enum { HEIGHT = 9, WIDTH = 13, TO_HEIGHT = 20, TO_WIDTH = 6 };
    assert_int_equal(ninp_image_create(WIDTH, HEIGHT, from_channels, &image, NULL), NIN_OK);
    for (int i = 0; i < HEIGHT * WIDTH * from_channels; i++) {
        image.pixels[i] = (uint8_t)(i * i * 31 / 7);
    }
    const nin_preprocess preprocess = nin_preprocess_plain(to_channels, TO_HEIGHT, TO_WIDTH);
    float out[3 * TO_HEIGHT * TO_WIDTH];
    assert_int_equal(nin_preprocess_image(&preprocess, &image, out, NULL), NIN_OK);
    assert_int_equal(nin_image_convert(&image, to_channels, &converted, NULL), NIN_OK);
    assert_int_equal(nin_image_resize(&converted, TO_WIDTH, TO_HEIGHT, &resized, NULL), NIN_OK);
    for (int c = 0; c < to_channels; c++) {
        for (int i = 0; i < TO_HEIGHT * TO_WIDTH; i++) {
            float expected = (float)resized.pixels[i * to_channels + c] / 255.0F;
            assert_memory_equal(&out[c * TO_HEIGHT * TO_WIDTH + i], &expected, sizeof expected);
        }
    }
    nin_image_free(&image);
    nin_image_free(&converted);
    nin_image_free(&resized);
}

static void channels_are_converted(void **state) {
    (void)state;
    expect_as_by_image_functions(1, 1);
    expect_as_by_image_functions(1, 3);
    expect_as_by_image_functions(3, 1);
    expect_as_by_image_functions(3, 3);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    static const struct {
        int channels, height, width;
        float mean, std;
    } wrong[] = {
        {0, 8, 8, 0, 1},   {2, 8, 8, 0, 1},     {4, 8, 8, 0, 1},        {1, 0, 8, 0, 1},
        {1, 8, -1, 0, 1},  {1, 8, 16385, 0, 1}, {1, 8, 8, 0, 0},        {1, 8, 8, 0, -1},
        {1, 8, 8, 0, NAN}, {1, 8, 8, NAN, 1},   {1, 8, 8, 0, INFINITY},
    };
    uint8_t pixel = 0;
    const nin_image image = {.width = 1, .height = 1, .channels = 1, .pixels = &pixel};
    float out[64 * 3];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        nin_preprocess preprocess =
            nin_preprocess_plain(wrong[i].channels, wrong[i].height, wrong[i].width);
        preprocess.mean[0] = wrong[i].mean;
        preprocess.std[0] = wrong[i].std;
        nin_error err = {0};
        assert_int_equal(nin_preprocess_image(&preprocess, &image, out, &err), NIN_ERROR_ARGUMENT);
        assert_true(strlen(err.message) > 10);
    }
    const nin_preprocess plain = nin_preprocess_plain(3, 8, 8);
    const nin_image empty = {.width = 1, .height = 1, .channels = 1};
    assert_int_equal(nin_preprocess_image(&plain, &empty, out, NULL), NIN_ERROR_ARGUMENT);
    assert_int_equal(nin_preprocess_image(&plain, &image, out, NULL), NIN_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_scaled),
        cmocka_unit_test(pictures_are_mirrored_and_moved),
        cmocka_unit_test(channels_are_converted),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("data_prepare", tests, NULL, NULL);
}

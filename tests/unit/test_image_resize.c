/* The resize against Pillow's results (tests/golden/resize/make.py). */
#include "image/image.h"
#include "image/resize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/resize/"

/* The inputs as make.py makes them. */
static nin_image make_pattern(const char *name, int channels, int width, int height) {
    nin_image image;
    assert_int_equal(ninp_image_create(width, height, channels, &image, NULL), NIN_OK);
    uint32_t state = (uint32_t)(width * 65536 + height * 4 + channels);
    uint8_t *next = image.pixels;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < channels; c++) {
                state = state * 1664525U + 1013904223U;
                if (strcmp(name, "slope") == 0) {
                    *next++ = (uint8_t)(x * 255 / width + y * 3 + c * 40);
                } else if (strcmp(name, "noise") == 0) {
                    *next++ = (uint8_t)(state >> 24);
                } else {
                    *next++ = (uint8_t)(255 * (state >> 31));
                }
            }
        }
    }
    return image;
}

static size_t bytes_of(const nin_image *image) {
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static void sums_are_those_of_pillow(void **state) {
    (void)state;
    FILE *file = fopen(GOLDEN "sums.txt", "r");
    assert_non_null(file);
    char line[200];
    int cases = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#') {
            continue;
        }
        char name[10];
        char *rest = line + strcspn(line, " ");
        snprintf(name, sizeof name, "%.*s", (int)(rest - line), line);
        int numbers[5]; /* channels, width and height before, width and height after */
        for (int i = 0; i < 5; i++) {
            numbers[i] = (int)strtol(rest, &rest, 10);
        }
        unsigned long sum = strtoul(rest, NULL, 16);
        nin_image from = make_pattern(name, numbers[0], numbers[1], numbers[2]);
        nin_image to;
        assert_int_equal(nin_image_resize(&from, numbers[3], numbers[4], &to, NULL), NIN_OK);
        assert_int_equal(to.channels, numbers[0]);
        assert_int_equal(to.width, numbers[3]);
        assert_int_equal(to.height, numbers[4]);
        if (crc32(0, to.pixels, (uInt)bytes_of(&to)) != sum) {
            fail_msg("not Pillow's bytes: %s", line);
        }
        nin_image_free(&from);
        nin_image_free(&to);
        cases++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(cases > 250);
}

static void expect_picture(const char *path, int channels, int width, int height) {
    nin_image expected;
    nin_image to;
    nin_image from = make_pattern("noise", channels, width, height);
    assert_int_equal(nin_image_read_png(path, &expected, NULL), NIN_OK);
    assert_int_equal(expected.channels, channels);
    assert_int_equal(nin_image_resize(&from, expected.width, expected.height, &to, NULL), NIN_OK);
    assert_memory_equal(to.pixels, expected.pixels, bytes_of(&expected));
    nin_image_free(&from);
    nin_image_free(&to);
    nin_image_free(&expected);
}

static void pictures_are_those_of_pillow(void **state) {
    (void)state;
    expect_picture(GOLDEN "up.png", 1, 28, 28);
    expect_picture(GOLDEN "down.png", 3, 90, 70);
}

static void a_plane_stays_within_its_blocks(void **state) {
    (void)state;
    static const int sides[][4] = {
        {28, 28, 224, 224}, {9, 5, 5, 9}, {9, 5, 9, 7}, {9, 5, 3, 5}, {9, 5, 9, 5}};
    static const size_t guard = 64;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        ninp_resizer *resizer;
        assert_int_equal(
            ninp_resizer_create(sides[i][1], sides[i][0], sides[i][3], sides[i][2], &resizer, NULL),
            NIN_OK);
        nin_image from = make_pattern("noise", 1, sides[i][0], sides[i][1]);
        size_t area = (size_t)sides[i][2] * (size_t)sides[i][3];
        size_t room = ninp_resizer_scratch(resizer);
        uint8_t *out = malloc(area + 2 * guard);
        uint8_t *scratch = malloc(room + 2 * guard);
        memset(out, 0xa5, area + 2 * guard);
        memset(scratch, 0xa5, room + 2 * guard);
        ninp_resizer_run(resizer, from.pixels, out + guard, scratch + guard);
        for (size_t k = 0; k < guard; k++) {
            assert_int_equal(out[k], 0xa5);
            assert_int_equal(out[guard + area + k], 0xa5);
            assert_int_equal(scratch[k], 0xa5);
            assert_int_equal(scratch[guard + room + k], 0xa5);
        }
        nin_image to;
        assert_int_equal(nin_image_resize(&from, sides[i][2], sides[i][3], &to, NULL), NIN_OK);
        assert_memory_equal(out + guard, to.pixels, area);
        nin_image_free(&from);
        nin_image_free(&to);
        free(out);
        free(scratch);
        ninp_resizer_free(resizer);
    }
    ninp_resizer_free(NULL);
}

/* White stays white at any scale, although the rounded weights of thousands of samples exceed 1. */
static void white_stays_white(void **state) {
    (void)state;
    nin_image from;
    nin_image to;
    assert_int_equal(ninp_image_create(NINP_IMAGE_SIDE_LIMIT, 3, 1, &from, NULL), NIN_OK);
    memset(from.pixels, 255, bytes_of(&from));
    for (int width = 1; width <= 40; width++) {
        assert_int_equal(nin_image_resize(&from, width, 4, &to, NULL), NIN_OK);
        for (size_t i = 0; i < bytes_of(&to); i++) {
            assert_int_equal(to.pixels[i], 255);
        }
        nin_image_free(&to);
    }
    nin_image_free(&from);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    static const int sizes[][2] = {{0, 1}, {1, 0}, {-5, 9}, {16385, 1}, {1, 16385}};
    nin_image from = make_pattern("noise", 1, 4, 4);
    nin_image to;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        nin_error err = {0};
        assert_int_equal(nin_image_resize(&from, sizes[i][0], sizes[i][1], &to, &err),
                         NIN_ERROR_ARGUMENT);
        assert_int_equal(err.status, NIN_ERROR_ARGUMENT);
        assert_null(to.pixels);
    }
    nin_image wrong = from;
    wrong.channels = 2;
    assert_int_equal(nin_image_resize(&wrong, 2, 2, &to, NULL), NIN_ERROR_ARGUMENT);
    wrong = from;
    wrong.pixels = NULL;
    assert_int_equal(nin_image_resize(&wrong, 2, 2, &to, NULL), NIN_ERROR_ARGUMENT);
    nin_image_free(&from);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_pillow),
        cmocka_unit_test(pictures_are_those_of_pillow),
        cmocka_unit_test(a_plane_stays_within_its_blocks),
        cmocka_unit_test(white_stays_white),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("image_resize", tests, NULL, NULL);
}

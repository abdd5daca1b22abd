/* PNG: every kind of file against what Pillow reads (tests/golden/png/make.py), writing, limits,
 * and broken files. */
#include "image/image.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"

#define GOLDEN "tests/golden/png/"

static size_t bytes_of(const nin_image *image) {
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

/* ---- putting files together -------------------------------------------------------------- */

typedef struct builder {
    uint8_t bytes[4096];
    size_t size;
} builder;

static void put(builder *b, const void *bytes, size_t size) {
    assert_true(b->size + size <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put_number(builder *b, uint32_t number) {
    const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number};
    put(b, bytes, sizeof bytes);
}

static void put_chunk(builder *b, const char *name, const void *data, size_t size) {
    put_number(b, (uint32_t)size);
    size_t start = b->size;
    put(b, name, 4);
    put(b, data, size);
    put_number(b, (uint32_t)crc32(0, b->bytes + start, (uInt)(b->size - start)));
}

static void put_header(builder *b, uint32_t width, uint32_t height, uint8_t depth, uint8_t type) {
    builder header = {.size = 0};
    put_number(&header, width);
    put_number(&header, height);
    const uint8_t rest[5] = {depth, type, 0, 0, 0};
    put(&header, rest, sizeof rest);
    b->size = 0;
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(b, "IHDR", header.bytes, header.size);
}

static void put_data(builder *b, const void *rows, size_t size) {
    uint8_t packed[1024];
    uLongf length = sizeof packed;
    assert_int_equal(compress(packed, &length, rows, size), Z_OK);
    put_chunk(b, "IDAT", packed, length);
    put_chunk(b, "IEND", "", 0);
}

static nin_status decode(const builder *b, nin_error *err) {
    nin_image image;
    nin_status status = nin_image_decode_png(b->bytes, b->size, "memory", &image, err);
    assert_int_equal(status == NIN_OK, image.pixels != NULL);
    nin_image_free(&image);
    return status;
}

static void expect_broken(const builder *b, const char *reason) {
    nin_error err = {0};
    assert_int_equal(decode(b, &err), NIN_ERROR_DATA);
    assert_non_null(strstr(err.message, "memory: "));
    if (!strstr(err.message, reason)) {
        fail_msg("\"%s\" expected in \"%s\"", reason, err.message);
    }
}

/* ---- reading ---------------------------------------------------------------------------- */

static void all_kinds_are_read_as_by_pillow(void **state) {
    (void)state;
    FILE *file = fopen(GOLDEN "expected.txt", "r");
    assert_non_null(file);
    char line[1000];
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        char *rest;
        const char *name = strtok_r(line, " ", &rest);
        long width = strtol(rest, &rest, 10);
        long height = strtol(rest, &rest, 10);
        long channels = strtol(rest, &rest, 10);
        const char *hex = strtok_r(NULL, " \n", &rest);
        char path[200];
        nin_image image;
        nin_error err = {0};
        snprintf(path, sizeof path, GOLDEN "%s", name);
        if (nin_image_read_png(path, &image, &err) != NIN_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(image.width, width);
        assert_int_equal(image.height, height);
        assert_int_equal(image.channels, channels);
        assert_int_equal(strlen(hex), 2 * bytes_of(&image));
        for (size_t i = 0; i < bytes_of(&image); i++) {
            char digits[3];
            snprintf(digits, sizeof digits, "%02x", image.pixels[i]);
            if (memcmp(digits, hex + 2 * i, 2) != 0) {
                fail_msg("%s: byte %zu is %s, not %.2s", name, i, digits, hex + 2 * i);
            }
        }
        nin_image_free(&image);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count, 36);
}

static void what_is_no_png_is_refused(void **state) {
    (void)state;
    nin_image image;
    nin_error err = {0};
    assert_int_equal(nin_image_read_png(GOLDEN "expected.txt", &image, &err), NIN_ERROR_DATA);
    assert_string_equal(err.message, GOLDEN "expected.txt: not a PNG file");
    assert_int_equal(nin_image_read_png(GOLDEN "none.png", &image, NULL), NIN_ERROR_NO_INPUT);
    assert_int_equal(nin_image_read_png(GOLDEN, &image, NULL), NIN_ERROR_DATA);
    assert_int_equal(nin_image_decode_png("", 0, "nothing", &image, NULL), NIN_ERROR_DATA);
    assert_null(image.pixels);
}

static void limits_hold(void **state) {
    (void)state;
    static const uint32_t sizes[][2] = {{0, 1},         {1, 0},          {16385, 1},
                                        {1, 16385},     {1, 0x7fffffff}, {0x80000000, 1},
                                        {16384, 16384}, {6000, 6000}};
    builder b;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_header(&b, sizes[i][0], sizes[i][1], 8, 0);
        put_data(&b, "\0x", 2);
        expect_broken(&b, i < 6 ? "broken PNG" : "more than the limit of 32000000");
    }
    put_header(&b, 16384, 1, 1, 0); /* the largest side */
    uint8_t row[1 + 16384 / 8] = {0};
    put_data(&b, row, sizeof row);
    assert_int_equal(decode(&b, NULL), NIN_OK);
}

static void colours_outside_the_palette_are_refused(void **state) {
    (void)state;
    builder b;
    put_header(&b, 3, 1, 2, 3);
    put_chunk(&b, "PLTE", "abcdef", 6);
    put_data(&b, "\0\x18", 2); /* 0, 1, 2 */
    expect_broken(&b, "pixel 2 has colour 2 of a palette of 2");
    put_header(&b, 3, 1, 2, 3);
    put_data(&b, "\0\x18", 2);
    expect_broken(&b, "PLTE"); /* none at all */
}

/* A profile or text that is 2 MiB when inflated is no part of the samples and stops nothing. */
static void bombs_in_side_chunks_are_skipped(void **state) {
    (void)state;
    enum { TEXT_SIZE = 2 << 20 };
    builder b;
    uint8_t *text = calloc(TEXT_SIZE, 1);
    uint8_t packed[4000] = "name\0";
    uLongf length = sizeof packed - 6;
    assert_int_equal(compress2(packed + 6, &length, text, TEXT_SIZE, 9), Z_OK);
    free(text);
    for (int i = 0; i < 2; i++) {
        put_header(&b, 1, 1, 8, 0);
        put_chunk(&b, i == 0 ? "iCCP" : "zTXt", packed, 6 + length);
        put_data(&b, "\0x", 2);
        assert_int_equal(decode(&b, NULL), NIN_OK);
    }
}

static void chunks_must_be_whole(void **state) {
    (void)state;
    builder b;
    put_header(&b, 1, 1, 8, 0);
    size_t header = b.size;
    put_data(&b, "\0x", 2);
    assert_int_equal(decode(&b, NULL), NIN_OK);

    b.size = header; /* the row is missing */
    put_chunk(&b, "IEND", "", 0);
    expect_broken(&b, "broken PNG");

    b.size = header; /* half a row */
    put_data(&b, "\0", 1);
    expect_broken(&b, "broken PNG");

    b.size = header; /* an unknown chunk that must be understood */
    put_chunk(&b, "NEWS", "", 0);
    put_data(&b, "\0x", 2);
    expect_broken(&b, "broken PNG");

    b.size = header; /* an animation's chunk is not needed */
    put_chunk(&b, "acTL", "\0\0\0\1\0\0\0\0", 8);
    put_data(&b, "\0x", 2);
    assert_int_equal(decode(&b, NULL), NIN_OK);
}

/* Files that are cut anywhere, or have any bit flipped, are errors: checksums cover all of it. */
static void damaged_files_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"grey-1.png", "palette-4-interlaced.png", "rgb-16.png",
                                        "grey-alpha-8-interlaced.png", "palette-8-transparent.png"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[200];
        char *bytes;
        size_t size;
        snprintf(path, sizeof path, GOLDEN "%s", names[i]);
        assert_int_equal(ninp_file_read(path, 1 << 20, &bytes, &size, NULL), NIN_OK);
        nin_image image;
        for (size_t length = 0; length < size; length++) {
            nin_error err = {0};
            /* A block of its own, so that reading beyond it is seen. */
            char *cut = malloc(length + 1);
            memcpy(cut, bytes, length);
            cut = realloc(cut, length ? length : 1);
            assert_int_equal(nin_image_decode_png(cut, length, "cut", &image, &err),
                             NIN_ERROR_DATA);
            assert_null(image.pixels);
            assert_true(strlen(err.message) > 5);
            free(cut);
        }
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            nin_status status = nin_image_decode_png(bytes, size, "flipped", &image, NULL);
            if (status != NIN_ERROR_DATA) {
                fail_msg("%s: bit %zu of byte %zu flipped: status %d", names[i], bit % 8, bit / 8,
                         (int)status);
            }
            assert_null(image.pixels);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        }
        free(bytes);
    }
}

/* ---- writing ---------------------------------------------------------------------------- */

static void written_files_are_read_back(void **state) {
    (void)state;
    char *directory = scratch_make();
    char path[300];
    snprintf(path, sizeof path, "%s/out.png", directory);
    static const int sizes[][3] = {{1, 1, 1}, {1, 1, 3}, {37, 5, 1}, {5, 37, 3}, {1000, 3, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        nin_image image;
        nin_image read;
        assert_int_equal(ninp_image_create(sizes[i][0], sizes[i][1], sizes[i][2], &image, NULL),
                         NIN_OK);
        for (size_t k = 0; k < bytes_of(&image); k++) {
            image.pixels[k] = (uint8_t)(k * k / 7);
        }
        assert_int_equal(nin_image_write_png(path, &image, NULL), NIN_OK);
        assert_int_equal(nin_image_read_png(path, &read, NULL), NIN_OK);
        assert_int_equal(read.width, image.width);
        assert_int_equal(read.height, image.height);
        assert_int_equal(read.channels, image.channels);
        assert_memory_equal(read.pixels, image.pixels, bytes_of(&image));
        nin_image_free(&image);
        nin_image_free(&read);
    }
    assert_int_equal(scratch_count(directory), 1);
    scratch_remove(directory);
}

static void failed_writes_leave_nothing(void **state) {
    (void)state;
    char *directory = scratch_make();
    char path[300];
    snprintf(path, sizeof path, "%s/none/out.png", directory);
    uint8_t pixel = 7;
    nin_image image = {.width = 1, .height = 1, .channels = 1, .pixels = &pixel};
    nin_error err = {0};
    assert_int_equal(nin_image_write_png(path, &image, &err), NIN_ERROR_IO);
    assert_non_null(strstr(err.message, path));
    snprintf(path, sizeof path, "%s/out.png", directory);
    image.channels = 2;
    assert_int_equal(nin_image_write_png(path, &image, NULL), NIN_ERROR_ARGUMENT);
    image.channels = 1;
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(nin_image_write_png(path, &image, NULL), NIN_ERROR_IO);
    assert_int_equal(scratch_count(directory), 1);
    scratch_remove(directory);
}

/* ---- conversion ------------------------------------------------------------------------- */

/* Pillow: Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)) */
static void colours_become_grey_as_by_pillow(void **state) {
    (void)state;
    static const uint8_t known[][4] = {{0, 0, 0, 0},        {255, 255, 255, 255}, {255, 0, 0, 76},
                                       {0, 255, 0, 150},    {0, 0, 255, 29},      {1, 2, 3, 2},
                                       {200, 100, 50, 124}, {7, 77, 177, 67}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint8_t rgb[3] = {known[i][0], known[i][1], known[i][2]};
        const nin_image from = {.width = 1, .height = 1, .channels = 3, .pixels = rgb};
        nin_image to;
        assert_int_equal(nin_image_convert(&from, 1, &to, NULL), NIN_OK);
        assert_int_equal(to.channels, 1);
        assert_int_equal(to.pixels[0], known[i][3]);
        nin_image_free(&to);
    }
}

static void grey_becomes_three_equal_channels(void **state) {
    (void)state;
    uint8_t grey[6] = {0, 1, 100, 200, 254, 255};
    const nin_image from = {.width = 3, .height = 2, .channels = 1, .pixels = grey};
    nin_image to;
    nin_image same;
    assert_int_equal(nin_image_convert(&from, 3, &to, NULL), NIN_OK);
    for (size_t i = 0; i < 18; i++) {
        assert_int_equal(to.pixels[i], grey[i / 3]);
    }
    assert_int_equal(nin_image_convert(&to, 3, &same, NULL), NIN_OK);
    assert_memory_equal(same.pixels, to.pixels, 18);
    nin_image_free(&same);
    assert_int_equal(nin_image_convert(&to, 2, &same, NULL), NIN_ERROR_ARGUMENT);
    assert_null(same.pixels);
    nin_image_free(&to);
    nin_image_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_are_read_as_by_pillow),
        cmocka_unit_test(what_is_no_png_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(colours_outside_the_palette_are_refused),
        cmocka_unit_test(bombs_in_side_chunks_are_skipped),
        cmocka_unit_test(chunks_must_be_whole),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(written_files_are_read_back),
        cmocka_unit_test(failed_writes_leave_nothing),
        cmocka_unit_test(colours_become_grey_as_by_pillow),
        cmocka_unit_test(grey_becomes_three_equal_channels),
    };
    return cmocka_run_group_tests_name("image_png", tests, NULL, NULL);
}

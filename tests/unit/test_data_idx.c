/* IDX files, plain and compressed: what is read, and that whatever is wrong is said with file,
 * place and reason. */
#include "support/idx_set.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGES "train-images-idx3-ubyte"
#define LABELS "train-labels-idx1-ubyte"

static int setup(void **state) {
    *state = scratch_make();
    return 0;
}

static int teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

static nin_dataset *open_split(const char *directory, nin_split split) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = split;
    nin_dataset *dataset;
    nin_error err = {0};
    if (nin_dataset_open(directory, &options, &dataset, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return dataset;
}

/* Opens the training split, which must fail with a message that holds `name` and `reason`. */
static void expect_failure(const char *directory, nin_status status, const char *name,
                           const char *reason) {
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_dataset *dataset;
    nin_error err = {0};
    assert_int_equal(nin_dataset_open(directory, &options, &dataset, &err), status);
    assert_null(dataset);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, name) || !strstr(err.message, reason) ||
        !strstr(err.message, directory)) {
        fail_msg("\"%s\" and \"%s\" expected in \"%s\"", name, reason, err.message);
    }
}

/* ---- what is read ----------------------------------------------------------------------- */

static void pictures_and_labels_are_read(void **state) {
    const char *directory = *state;
    for (int compressed = 0; compressed < 2; compressed++) {
        idx_write_split(directory, NIN_SPLIT_TEST, 20, 5, 7, 6, compressed == 1);
        nin_dataset *dataset = open_split(directory, NIN_SPLIT_TEST);
        nin_dataset_info info = nin_dataset_get_info(dataset);
        assert_int_equal(info.count, 20);
        assert_int_equal(info.channels, 1);
        assert_int_equal(info.height, 5);
        assert_int_equal(info.width, 7);
        assert_int_equal(info.classes, 6);
        assert_string_equal(info.place, directory);
        assert_string_equal(info.name, strrchr(directory, '/') + 1);
        assert_string_equal(info.class_names[5], "5");
        for (uint32_t i = 0; i < 20; i++) {
            const uint8_t *pixels = nin_dataset_pixels(dataset, i);
            assert_int_equal(nin_dataset_label(dataset, i), i % 6);
            for (uint32_t k = 0; k < 35; k++) {
                assert_int_equal(pixels[k], idx_pixel(i, k / 7, k % 7));
            }
        }
        nin_dataset_free(dataset);
    }
}

/* What a file is is told by its content: browsers unpack .gz files and keep the name. */
static void names_do_not_tell_compression(void **state) {
    const char *directory = *state;
    idx_write(directory, IMAGES ".gz", idx_make_images(4, 3, 3));
    idx_write(directory, LABELS, idx_compress(idx_make_labels(4, 2)));
    nin_dataset *dataset = open_split(directory, NIN_SPLIT_TRAIN);
    assert_int_equal(nin_dataset_get_info(dataset).count, 4);
    nin_dataset_free(dataset);
}

static void both_splits_count_for_the_classes(void **state) {
    const char *directory = *state;
    idx_write_split(directory, NIN_SPLIT_TRAIN, 30, 2, 2, 12, false);
    idx_write_split(directory, NIN_SPLIT_TEST, 5, 2, 2, 3, true);
    for (int split = 0; split < 2; split++) {
        nin_dataset *dataset = open_split(directory, (nin_split)split);
        assert_int_equal(nin_dataset_get_info(dataset).classes, 12);
        nin_dataset_free(dataset);
    }
}

/* ---- what is refused -------------------------------------------------------------------- */

static void missing_files_are_named(void **state) {
    const char *directory = *state;
    idx_write(directory, "t10k-labels-idx1-ubyte", idx_make_labels(4, 2));
    expect_failure(directory, NIN_ERROR_NO_INPUT, IMAGES, "is there");
    idx_write(directory, IMAGES, idx_make_images(4, 3, 3));
    expect_failure(directory, NIN_ERROR_NO_INPUT, LABELS, "is there");
}

static void special_files_are_refused(void **state) {
    const char *directory = *state;
    char path[400];
    idx_write(directory, LABELS, idx_make_labels(4, 2));
    snprintf(path, sizeof path, "%s/" IMAGES, directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES, "not a regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES, "not a regular file");
}

typedef struct edit {
    size_t offset;
    uint8_t bytes[4];
    const char *reason;
} edit;

static void wrong_headers_are_explained(void **state) {
    static const edit edits[] = {
        {0, {1, 0, 8, 3}, "byte 0: not an IDX file"},
        {0, {0, 7, 8, 3}, "byte 0: not an IDX file"},
        {0, {0, 0, 13, 3}, "byte 2: elements are 32-bit floats (0d)"},
        {0, {0, 0, 9, 3}, "byte 2: elements are signed bytes (09)"},
        {0, {0, 0, 10, 3}, "byte 2: elements are of an unknown type (0a)"},
        {0, {0, 0, 8, 0}, "byte 3: 0 dimensions where 3 belong"},
        {0, {0, 0, 8, 255}, "byte 3: 255 dimensions where 3 belong"},
        {0, {0, 0, 8, 1}, "byte 3: 1 dimensions where 3 belong"},
        {4, {0, 0, 0, 0}, "byte 4: dimension 0 is 0"},
        {8, {0, 0, 0, 0}, "byte 8: dimension 1 is 0"},
        {12, {0, 0, 0, 0}, "byte 12: dimension 2 is 0"},
        {8, {0, 0, 0x40, 1}, "byte 8: dimension 1 is 16385, not within 1 to 16384"},
        {12, {255, 255, 255, 255}, "byte 12: dimension 2 is 4294967295"},
        {4, {255, 255, 255, 255}, "byte 12: more than the limit"},
        {4, {0, 0, 0, 5}, "byte 4: 45 bytes promised, the file is too small"},
        {4, {0, 0, 0, 3}, "byte 43: more bytes than the 27 elements"},
    };
    const char *directory = *state;
    idx_write(directory, LABELS, idx_make_labels(4, 2));
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        idx_bytes images = idx_make_images(4, 3, 3);
        memcpy(images.bytes + edits[i].offset, edits[i].bytes, 4);
        if (edits[i].offset == 4 && edits[i].bytes[3] == 3) { /* counts must agree to get there */
            idx_write(directory, LABELS, idx_make_labels(3, 2));
        }
        idx_write(directory, IMAGES, images);
        expect_failure(directory, NIN_ERROR_DATA, IMAGES, edits[i].reason);
    }
}

/* 4,294,967,295 x 16,384 x 1 x 1 bytes and the like: refused before anything is allocated. */
static void impossible_sizes_are_refused_early(void **state) {
    const char *directory = *state;
    idx_write(directory, LABELS, idx_make_labels(4, 2));
    idx_bytes images = idx_make_images(4, 3, 3);
    memcpy(images.bytes + 4, "\0\x0f\xff\xff\0\0\0\x40\0\0\0\x40", 12); /* 4 GiB */
    idx_write(directory, IMAGES ".gz", idx_compress(images));
    expect_failure(directory, NIN_ERROR_DATA, IMAGES, "the file is too small for them");
}

/* A gzip file may hold a thousand times its size: no more is inflated than the header promises. */
static void gzip_bombs_stop_at_the_promised_size(void **state) {
    const char *directory = *state;
    idx_bytes images = idx_make_images(4, 3, 3);
    enum { BOMB = 64 << 20 };
    images.bytes = realloc(images.bytes, BOMB);
    memset(images.bytes + images.size, 0, BOMB - images.size);
    images.size = BOMB;
    idx_write(directory, IMAGES ".gz", idx_compress(images));
    idx_write(directory, LABELS, idx_make_labels(4, 2));
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz",
                   "byte 52: more bytes than the 36 elements");
}

static void wrong_labels_are_explained(void **state) {
    const char *directory = *state;
    idx_write(directory, IMAGES, idx_make_images(4, 3, 3));
    idx_write(directory, LABELS, idx_make_labels(5, 2));
    expect_failure(directory, NIN_ERROR_DATA, LABELS, "byte 4: 5 labels for the 4 pictures of");

    idx_bytes labels = idx_make_labels(4, 2);
    labels.size--;
    idx_write(directory, LABELS ".gz", idx_compress(labels));
    char plain[400];
    snprintf(plain, sizeof plain, "%s/" LABELS, directory);
    unlink(plain);
    expect_failure(directory, NIN_ERROR_DATA, LABELS ".gz",
                   "byte 11: the file ends, 4 bytes of elements promised, 3 there");

    idx_write(directory, LABELS ".gz", idx_compress(idx_make_images(4, 1, 1)));
    expect_failure(directory, NIN_ERROR_DATA, LABELS ".gz", "byte 3: 3 dimensions where 1 belong");
}

/* Labels of a data set that is asked for by name have its classes. */
static void labels_beyond_known_classes_are_refused(void **state) {
    const char *directory = *state;
    char named[400];
    snprintf(named, sizeof named, "%s/mnist", directory);
    assert_int_equal(mkdir(named, 0700), 0);
    idx_write_split(named, NIN_SPLIT_TRAIN, 30, 2, 2, 11, false);
    const char *const search[] = {directory, NULL};
    nin_dataset_options options = nin_dataset_options_defaults();
    options.search = search;
    nin_dataset *dataset;
    nin_error err = {0};
    assert_int_equal(nin_dataset_open("mnist", &options, &dataset, &err), NIN_ERROR_DATA);
    assert_non_null(strstr(err.message, "mnist/" LABELS ": byte 18: label 10 of 10 classes"));
    /* As a directory it may have as many as it likes. */
    dataset = open_split(named, NIN_SPLIT_TRAIN);
    assert_int_equal(nin_dataset_get_info(dataset).classes, 11);
    nin_dataset_free(dataset);
}

static void broken_gzip_is_explained(void **state) {
    const char *directory = *state;
    idx_write(directory, LABELS, idx_make_labels(4, 2));
    idx_bytes good = idx_compress(idx_make_images(4, 3, 3));
    idx_bytes bad = {.bytes = malloc(2 * good.size + 1), .size = good.size};

    memcpy(bad.bytes, good.bytes, good.size);
    bad.bytes[good.size - 6] ^= 1; /* the checksum; the length follows it */
    char path[400];
    snprintf(path, sizeof path, "%s/" IMAGES ".gz", directory);
    scratch_write(path, bad.bytes, bad.size);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz", "incorrect data check");

    memcpy(bad.bytes, good.bytes, good.size);
    memcpy(bad.bytes + good.size, good.bytes, good.size); /* two members */
    scratch_write(path, bad.bytes, 2 * good.size);
    char reason[100];
    snprintf(reason, sizeof reason, "more data at byte %zu", good.size);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz", reason);
    scratch_write(path, bad.bytes, good.size + 1);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz", reason);

    scratch_write(path, bad.bytes, good.size - 1);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz", "end too early");
    scratch_write(path, bad.bytes, 2);
    expect_failure(directory, NIN_ERROR_DATA, IMAGES ".gz", "end too early, at byte 2");
    free(good.bytes);
    free(bad.bytes);
}

/* ---- damage everywhere ------------------------------------------------------------------ */

/* The status of opening, and the digest when that went well. */
static nin_status try_open(const char *directory, char digest[17]) {
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_dataset *dataset;
    nin_error err = {0};
    nin_status status = nin_dataset_open(directory, &options, &dataset, &err);
    if (status == NIN_OK) {
        nin_dataset_info info = nin_dataset_get_info(dataset);
        for (size_t i = 0; i < info.count; i++) {
            assert_in_range(nin_dataset_label(dataset, i), 0, info.classes - 1);
        }
        memcpy(digest, info.digest, 17);
        nin_dataset_free(dataset);
    } else {
        assert_int_equal(status, NIN_ERROR_DATA);
        assert_null(dataset);
        assert_non_null(strstr(err.message, directory));
    }
    return status;
}

/* Cuts a file at every byte, which is always an error, and flips its every bit: an error, or other
 * elements in a plain file, or nothing at all in the parts of a gzip header that mean nothing. */
static void damage(const char *directory, const char *name, idx_bytes content, bool compressed) {
    char path[400];
    char whole[17];
    char digest[17];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    scratch_write(path, content.bytes, content.size);
    assert_int_equal(try_open(directory, whole), NIN_OK);
    for (size_t length = 0; length < content.size; length++) {
        scratch_write(path, content.bytes, length);
        assert_int_equal(try_open(directory, digest), NIN_ERROR_DATA);
    }
    for (size_t bit = 0; bit < content.size * 8; bit++) {
        content.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        scratch_write(path, content.bytes, content.size);
        nin_status status = try_open(directory, digest);
        if (compressed && status == NIN_OK) {
            assert_string_equal(digest, whole);
        }
        if (!compressed && bit / 8 >= 16) {
            assert_int_equal(status, NIN_OK);
            assert_string_not_equal(digest, whole);
        }
        content.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    scratch_write(path, content.bytes, content.size);
    assert_int_equal(try_open(directory, digest), NIN_OK);
    assert_string_equal(digest, whole);
    free(content.bytes);
    unlink(path);
}

static void damage_anywhere_is_survived(void **state) {
    const char *directory = *state;
    idx_write_split(directory, NIN_SPLIT_TRAIN, 6, 3, 4, 3, false);
    damage(directory, IMAGES, idx_make_images(6, 3, 4), false);
    damage(directory, IMAGES ".gz", idx_compress(idx_make_images(6, 3, 4)), true);
    idx_write(directory, IMAGES, idx_make_images(6, 3, 4));
    damage(directory, LABELS, idx_make_labels(6, 3), false);
    damage(directory, LABELS ".gz", idx_compress(idx_make_labels(6, 3)), true);
}

/* The real thing, where Debian's package dataset-fashion-mnist is installed. */
static void fashion_mnist_is_read(void **state) {
    (void)state;
    static const char place[] = "/usr/share/datasets/fashion-mnist";
    if (access(place, R_OK) != 0) {
        skip();
    }
    static const char *const digests[] = {"30607ce21a2f1b9e", "fe14890ad1f303b6"};
    static const size_t counts[] = {60000, 10000};
    static const int first_labels[] = {9, 9};
    for (int split = 0; split < 2; split++) {
        nin_dataset *dataset = open_split(place, (nin_split)split);
        nin_dataset_info info = nin_dataset_get_info(dataset);
        assert_int_equal(info.count, counts[split]);
        assert_int_equal(info.classes, 10);
        assert_string_equal(info.class_names[9], "Ankle boot");
        assert_int_equal(nin_dataset_label(dataset, 0), first_labels[split]);
        assert_string_equal(info.digest, digests[split]);
        nin_dataset_free(dataset);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pictures_and_labels_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(names_do_not_tell_compression, setup, teardown),
        cmocka_unit_test_setup_teardown(both_splits_count_for_the_classes, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_files_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(special_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_headers_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(impossible_sizes_are_refused_early, setup, teardown),
        cmocka_unit_test_setup_teardown(gzip_bombs_stop_at_the_promised_size, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_labels_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_beyond_known_classes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_gzip_is_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_anywhere_is_survived, setup, teardown),
        cmocka_unit_test(fashion_mnist_is_read),
    };
    return cmocka_run_group_tests_name("data_idx", tests, NULL, NULL);
}

/* Opening data sets: where they are looked for, what they are called, limits, digests. */
#include <nin/data.h>

#include "data/known.h"
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
#include <xxhash.h>

#include <cmocka.h>

typedef struct place {
    char *root;
    char first[300], second[300]; /* directories to search; only the second has data */
    char named[330];              /* second/fashion-mnist */
} place;

static int setup(void **state) {
    place *p = malloc(sizeof *p);
    p->root = scratch_make();
    snprintf(p->first, sizeof p->first, "%s/first", p->root);
    snprintf(p->second, sizeof p->second, "%s/second", p->root);
    snprintf(p->named, sizeof p->named, "%s/fashion-mnist", p->second);
    mkdir(p->first, 0700);
    mkdir(p->second, 0700);
    mkdir(p->named, 0700);
    idx_write_split(p->named, NIN_SPLIT_TRAIN, 12, 3, 2, 4, true);
    idx_write_split(p->named, NIN_SPLIT_TEST, 5, 3, 2, 4, true);
    *state = p;
    return 0;
}

static int teardown(void **state) {
    place *p = *state;
    scratch_remove(p->root);
    free(p);
    return 0;
}

static nin_dataset *open_or_fail(const char *spec, const nin_dataset_options *options) {
    nin_dataset *dataset;
    nin_error err = {0};
    if (nin_dataset_open(spec, options, &dataset, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return dataset;
}

static void known_names_are_searched(void **state) {
    const place *p = *state;
    const char *const search[] = {p->first, p->second, NULL};
    nin_dataset_options options = nin_dataset_options_defaults();
    options.search = search;
    options.split = NIN_SPLIT_TEST;
    nin_dataset *dataset = open_or_fail("fashion-mnist", &options);
    nin_dataset_info info = nin_dataset_get_info(dataset);
    assert_string_equal(info.name, "fashion-mnist");
    assert_string_equal(info.place, p->named);
    assert_int_equal(info.count, 5);
    assert_int_equal(info.classes, 10); /* of the set, not of these few labels */
    assert_string_equal(info.class_names[0], "T-shirt/top");
    assert_string_equal(info.class_names[9], "Ankle boot");
    nin_dataset_free(dataset);
    nin_dataset_free(NULL);
}

static void directories_are_called_by_their_last_component(void **state) {
    const place *p = *state;
    char path[400];
    char other[400];
    nin_dataset_options options = nin_dataset_options_defaults();
    snprintf(path, sizeof path, "%s//", p->named);
    nin_dataset *dataset = open_or_fail(path, &options);
    nin_dataset_info info = nin_dataset_get_info(dataset);
    assert_string_equal(info.name, "fashion-mnist");
    assert_string_equal(info.class_names[4], "Coat");
    nin_dataset_free(dataset);

    snprintf(other, sizeof other, "%s/mine", p->second);
    assert_int_equal(rename(p->named, other), 0);
    dataset = open_or_fail(other, &options);
    info = nin_dataset_get_info(dataset);
    assert_string_equal(info.name, "mine");
    assert_int_equal(info.classes, 4);
    assert_string_equal(info.class_names[3], "3");
    nin_dataset_free(dataset);
}

static void expect_not_found(const char *spec, const char *const *search, const char *part,
                             const char *other) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.search = search;
    nin_dataset *dataset;
    nin_error err = {0};
    assert_int_equal(nin_dataset_open(spec, &options, &dataset, &err), NIN_ERROR_NO_INPUT);
    assert_null(dataset);
    if (!strstr(err.message, part) || !strstr(err.message, other)) {
        fail_msg("\"%s\" and \"%s\" expected in \"%s\"", part, other, err.message);
    }
}

static void what_is_not_found_is_explained(void **state) {
    const place *p = *state;
    const char *const search[] = {p->first, p->second, NULL};
    char part[700];
    snprintf(part, sizeof part, "looked for %s/mnist, %s/mnist", p->first, p->second);
    expect_not_found("mnist", search, "mnist: not found", part);
    expect_not_found("mnist", NULL, "mnist: not found", "");
    expect_not_found("mnits", search, "mnits: no such directory",
                     "(fashion-mnist, mnist, drawn are)");
    expect_not_found("", search, "no such directory", "");
    expect_not_found(p->first, search, p->first, "a directory without the files of a data set");
    snprintf(part, sizeof part, "%s/train-images-idx3-ubyte.gz", p->named);
    expect_not_found(part, search, part, "a data set is a directory or a known name");

    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = (nin_split)7;
    nin_dataset *dataset;
    assert_int_equal(nin_dataset_open(p->named, &options, &dataset, NULL), NIN_ERROR_ARGUMENT);
}

static void limits_keep_the_first_pictures(void **state) {
    const place *p = *state;
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_dataset *whole = open_or_fail(p->named, &options);
    static const size_t limits[] = {1, 7, 12, 13};
    for (size_t i = 0; i < 4; i++) {
        options.limit = limits[i];
        nin_dataset *part = open_or_fail(p->named, &options);
        nin_dataset_info info = nin_dataset_get_info(part);
        assert_int_equal(info.count, limits[i] < 12 ? limits[i] : 12);
        assert_int_equal(info.classes, 10);
        for (size_t k = 0; k < info.count; k++) {
            assert_memory_equal(nin_dataset_pixels(part, k), nin_dataset_pixels(whole, k), 6);
            assert_int_equal(nin_dataset_label(part, k), nin_dataset_label(whole, k));
        }
        bool same = strcmp(info.digest, nin_dataset_get_info(whole).digest) == 0;
        assert_int_equal(same, limits[i] >= 12);
        nin_dataset_free(part);
    }
    nin_dataset_free(whole);
}

/* The digest, put together from its definition: sizes and classes, pixels, labels. */
static void digests_are_what_they_say(void **state) {
    const place *p = *state;
    nin_dataset_options options = nin_dataset_options_defaults();
    nin_dataset *dataset = open_or_fail(p->named, &options);
    uint8_t bytes[5 * 8 + 12 * 6 + 12 * 4] = {[0] = 12, [8] = 1, [16] = 3, [24] = 2, [32] = 10};
    for (size_t i = 0; i < 12; i++) {
        memcpy(bytes + 40 + i * 6, nin_dataset_pixels(dataset, i), 6);
        bytes[40 + 72 + i * 4] = (uint8_t)nin_dataset_label(dataset, i);
    }
    char expected[17];
    snprintf(expected, sizeof expected, "%016llx",
             (unsigned long long)XXH3_64bits(bytes, sizeof bytes));
    assert_string_equal(nin_dataset_get_info(dataset).digest, expected);
    nin_dataset_free(dataset);
}

static void known_sets_are_listed(void **state) {
    (void)state;
    static const char *const names[] = {"fashion-mnist", "mnist", "drawn"};
    for (size_t i = 0; i < 3; i++) {
        const nin_known_dataset *known = nin_dataset_known(i);
        assert_string_equal(known->name, names[i]);
        assert_int_equal(known->classes, 10);
        assert_int_equal(known->fetchable, i < 2);
        assert_true(strlen(known->summary) > 20);
        for (int c = 0; c < known->classes; c++) {
            assert_true(strlen(known->class_names[c]) > 0);
        }
        const ninp_known *inside = ninp_known_find(names[i]);
        assert_ptr_equal(&inside->about, known);
        for (int f = 0; f < NINP_KNOWN_FILES && known->fetchable; f++) {
            assert_int_equal(strspn(inside->files[f].sha256, "0123456789abcdef"), 64);
            assert_int_equal(strlen(inside->files[f].sha256), 64);
        }
    }
    assert_null(nin_dataset_known(3));
    assert_null(ninp_known_find("cifar"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_names_are_searched, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_are_called_by_their_last_component, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_found_is_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_keep_the_first_pictures, setup, teardown),
        cmocka_unit_test_setup_teardown(digests_are_what_they_say, setup, teardown),
        cmocka_unit_test(known_sets_are_listed),
    };
    return cmocka_run_group_tests_name("data_dataset", tests, NULL, NULL);
}

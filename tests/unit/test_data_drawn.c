/* The data set that the program draws. */
#include <nin/data.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nin_dataset *draw(nin_split split, uint64_t seed, size_t count) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = split;
    options.seed = seed;
    options.drawn_count = count;
    nin_dataset *dataset;
    nin_error err = {0};
    if (nin_dataset_open("drawn", &options, &dataset, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return dataset;
}

static void sizes_are_as_promised(void **state) {
    (void)state;
    static const size_t counts[] = {6000, 1000};
    for (int split = 0; split < 2; split++) {
        nin_dataset *dataset = draw((nin_split)split, 0, 0);
        nin_dataset_info info = nin_dataset_get_info(dataset);
        assert_int_equal(info.count, counts[split]);
        assert_int_equal(info.channels, 1);
        assert_int_equal(info.height, 28);
        assert_int_equal(info.width, 28);
        assert_int_equal(info.classes, 10);
        assert_string_equal(info.name, "drawn");
        assert_string_equal(info.place, "drawn by this program");
        assert_string_equal(info.class_names[0], "circle");
        assert_string_equal(info.class_names[9], "checkerboard");
        for (size_t i = 0; i < info.count; i++) {
            assert_int_equal(nin_dataset_label(dataset, i), i % 10);
        }
        nin_dataset_free(dataset);
    }
}

/* The same bits on every machine and in every release: these are the digests of the first ones. */
static void bits_never_change(void **state) {
    (void)state;
    static const struct {
        nin_split split;
        uint64_t seed;
        const char *digest;
    } known[] = {
        {NIN_SPLIT_TRAIN, 0, "f2770a0dee29c5dd"},
        {NIN_SPLIT_TEST, 0, "0152d1630eee8086"},
        {NIN_SPLIT_TRAIN, UINT64_MAX, "138929b4627c9257"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        nin_dataset *dataset = draw(known[i].split, known[i].seed, 200);
        assert_string_equal(nin_dataset_get_info(dataset).digest, known[i].digest);
        nin_dataset_free(dataset);
    }
}

static void a_picture_depends_on_seed_split_and_number_only(void **state) {
    (void)state;
    nin_dataset *many = draw(NIN_SPLIT_TRAIN, 5, 40);
    nin_dataset *few = draw(NIN_SPLIT_TRAIN, 5, 11);
    nin_dataset *seed = draw(NIN_SPLIT_TRAIN, 6, 11);
    nin_dataset *split = draw(NIN_SPLIT_TEST, 5, 11);
    for (size_t i = 0; i < 11; i++) {
        const uint8_t *picture = nin_dataset_pixels(many, i);
        assert_memory_equal(nin_dataset_pixels(few, i), picture, 784);
        assert_memory_not_equal(nin_dataset_pixels(seed, i), picture, 784);
        assert_memory_not_equal(nin_dataset_pixels(split, i), picture, 784);
        assert_memory_not_equal(nin_dataset_pixels(many, i + 10), picture, 784);
    }
    nin_dataset_free(many);
    nin_dataset_free(few);
    nin_dataset_free(seed);
    nin_dataset_free(split);
}

/* Every picture shows something: the spread of its grey levels exceeds that of the noise alone,
 * whose standard deviation is at most 40 / sqrt(6) = 16. */
static void pictures_are_not_empty(void **state) {
    (void)state;
    nin_dataset *dataset = draw(NIN_SPLIT_TRAIN, 1, 500);
    for (size_t i = 0; i < 500; i++) {
        const uint8_t *pixels = nin_dataset_pixels(dataset, i);
        int least = 255;
        int most = 0;
        for (size_t k = 0; k < 784; k++) {
            least = pixels[k] < least ? pixels[k] : least;
            most = pixels[k] > most ? pixels[k] : most;
        }
        assert_true(most - least >= 55);
    }
    nin_dataset_free(dataset);
}

static void limit_and_count_agree(void **state) {
    (void)state;
    nin_dataset_options options = nin_dataset_options_defaults();
    options.drawn_count = 50;
    options.limit = 20;
    nin_dataset *dataset;
    assert_int_equal(nin_dataset_open("drawn", &options, &dataset, NULL), NIN_OK);
    assert_int_equal(nin_dataset_get_info(dataset).count, 20);
    nin_dataset *same = draw(NIN_SPLIT_TRAIN, 0, 20);
    assert_string_equal(nin_dataset_get_info(dataset).digest, nin_dataset_get_info(same).digest);
    nin_dataset_free(dataset);
    nin_dataset_free(same);
    options.drawn_count = SIZE_MAX;
    options.limit = 0;
    assert_int_equal(nin_dataset_open("drawn", &options, &dataset, NULL), NIN_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_as_promised),
        cmocka_unit_test(bits_never_change),
        cmocka_unit_test(a_picture_depends_on_seed_split_and_number_only),
        cmocka_unit_test(pictures_are_not_empty),
        cmocka_unit_test(limit_and_count_agree),
    };
    return cmocka_run_group_tests_name("data_drawn", tests, NULL, NULL);
}

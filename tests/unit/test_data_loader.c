/* The loader: batches that depend on seed, epoch and number only, whatever the threads do. */
#include <nin/data.h>
#include <nin/image.h>

#include "base/random.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include <cmocka.h>

enum { COUNT = 103, SIDE = 28, TO_HEIGHT = 40, TO_WIDTH = 33 };
static const size_t AREA = (size_t)SIDE * SIDE; /* of a picture */
enum { FLOATS = TO_HEIGHT * TO_WIDTH };         /* of a net's input */

static nin_dataset *dataset;

static int setup(void **state) {
    (void)state;
    nin_dataset_options options = nin_dataset_options_defaults();
    options.drawn_count = COUNT;
    return nin_dataset_open("drawn", &options, &dataset, NULL) == NIN_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nin_dataset_free(dataset);
    return 0;
}

static nin_loader_options usual_options(void) {
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = nin_preprocess_plain(1, TO_HEIGHT, TO_WIDTH);
    options.batch = 10;
    options.shuffle = true;
    options.augmentation.flip = true;
    options.augmentation.crop_padding = 3;
    options.seed = 11;
    return options;
}

static nin_loader *create(const nin_loader_options *options) {
    nin_loader *loader;
    nin_error err = {0};
    if (nin_loader_create(dataset, options, &loader, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return loader;
}

static void add_batch(XXH3_state_t *digest, const nin_batch *batch) {
    size_t count = (size_t)batch->count;
    XXH3_64bits_update(digest, &batch->index, sizeof batch->index);
    XXH3_64bits_update(digest, batch->images, count * FLOATS * sizeof(float));
    XXH3_64bits_update(digest, batch->labels, count * sizeof *batch->labels);
    XXH3_64bits_update(digest, batch->indices, count * sizeof *batch->indices);
}

/* A digest of everything from a batch to the end of its epoch. */
static uint64_t digest_from(nin_loader *loader, int epoch, int first) {
    XXH3_state_t *digest = XXH3_createState();
    XXH3_64bits_reset(digest);
    nin_loader_start(loader, epoch, first);
    const nin_batch *batch;
    int number = first;
    while ((batch = nin_loader_next(loader))) {
        assert_int_equal(batch->index, number++);
        add_batch(digest, batch);
    }
    assert_null(nin_loader_next(loader));
    assert_int_equal(number, nin_loader_batches(loader));
    uint64_t sum = XXH3_64bits_digest(digest);
    XXH3_freeState(digest);
    return sum;
}

static void threads_and_prefetch_change_nothing(void **state) {
    (void)state;
    static const int counts[][2] = {{1, 1}, {1, 5}, {2, 1}, {2, 3}, {3, 2}, {8, 8}, {16, 40}};
    uint64_t expected[3] = {0, 0, 0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        nin_loader_options options = usual_options();
        options.threads = counts[i][0];
        options.prefetch = counts[i][1];
        nin_loader *loader = create(&options);
        assert_int_equal(nin_loader_batches(loader), 11);
        for (int epoch = 0; epoch < 3; epoch++) {
            uint64_t sum = digest_from(loader, epoch, 0);
            if (i == 0) {
                expected[epoch] = sum;
                assert_true(epoch == 0 || sum != expected[epoch - 1]);
            }
            assert_int_equal(sum, expected[epoch]);
        }
        assert_int_equal(digest_from(loader, 0, 0), expected[0]); /* and back again */
        nin_loader_free(loader);
    }
}

/* Each epoch is a permutation of its own: that of Fisher and Yates from the seed and the epoch. */
static void orders_are_permutations(void **state) {
    (void)state;
    nin_loader_options options = usual_options();
    nin_loader *loader = create(&options);
    for (int epoch = 0; epoch < 4; epoch++) {
        uint32_t expected[COUNT];
        ninp_random random =
            ninp_random_start(options.seed, NINP_RANDOM_SHUFFLE, (uint32_t)epoch, 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            expected[i] = i;
        }
        for (uint32_t i = COUNT; i-- > 1;) {
            uint32_t other = ninp_random_below(&random, i + 1);
            uint32_t kept = expected[i];
            expected[i] = expected[other];
            expected[other] = kept;
        }
        bool seen[COUNT] = {false};
        int place = 0;
        nin_loader_start(loader, epoch, 0);
        const nin_batch *batch;
        while ((batch = nin_loader_next(loader))) {
            assert_int_equal(batch->count, batch->index == 10 ? 3 : 10);
            assert_int_equal((uintptr_t)batch->images % 64, 0);
            for (int i = 0; i < batch->count; i++) {
                uint32_t index = batch->indices[i];
                assert_int_equal(index, expected[place++]);
                assert_false(seen[index]);
                seen[index] = true;
                assert_int_equal(batch->labels[i], nin_dataset_label(dataset, index));
            }
        }
        assert_int_equal(place, COUNT);
    }
    nin_loader_free(loader);
}

static void pictures_are_those_of_preprocess_image(void **state) {
    (void)state;
    nin_loader_options options = usual_options();
    options.shuffle = false;
    options.augmentation.flip = false;
    options.augmentation.crop_padding = 0;
    options.preprocess.mean[0] = 0.25F;
    options.preprocess.std[0] = 0.5F;
    nin_loader *loader = create(&options);
    nin_loader_start(loader, 7, 0);
    const nin_batch *batch;
    uint32_t place = 0;
    while ((batch = nin_loader_next(loader))) {
        for (int i = 0; i < batch->count; i++, place++) {
            nin_image image = {.width = SIDE, .height = SIDE, .channels = 1};
            image.pixels = malloc(AREA);
            memcpy(image.pixels, nin_dataset_pixels(dataset, place), AREA);
            float expected[FLOATS];
            assert_int_equal(nin_preprocess_image(&options.preprocess, &image, expected, NULL),
                             NIN_OK);
            assert_int_equal(batch->indices[i], place);
            assert_memory_equal(batch->images + (size_t)i * FLOATS, expected, sizeof expected);
            nin_image_free(&image);
        }
    }
    assert_int_equal(place, COUNT);
    nin_loader_free(loader);
}

/* A picture at the net's own size and in order, so that its bytes can be told from the floats. */
static nin_loader *create_unresized(bool flip, int crop_padding, uint64_t seed) {
    nin_loader_options options = usual_options();
    options.preprocess = nin_preprocess_plain(1, SIDE, SIDE);
    options.shuffle = false;
    options.augmentation.flip = flip;
    options.augmentation.crop_padding = crop_padding;
    options.seed = seed;
    options.batch = COUNT;
    return create(&options);
}

static bool is_moved(const float *out, const uint8_t *in, bool flip, int down, int right) {
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int from_y = y - down;
            int from_x = x - right;
            bool inside = from_y >= 0 && from_y < SIDE && from_x >= 0 && from_x < SIDE;
            int column = flip ? SIDE - 1 - from_x : from_x;
            float expected = inside ? (float)in[from_y * SIDE + column] / 255.0F : 0.0F;
            if (out[y * SIDE + x] != expected) {
                return false;
            }
        }
    }
    return true;
}

/* Every picture is one of the 2 x 7 x 7 that the options allow, and all of these come up. */
static void augmentation_is_what_was_asked_for(void **state) {
    (void)state;
    enum { REACH = 3, WAYS = 2 * REACH + 1 };
    nin_loader *loader = create_unresized(true, REACH, 2);
    int flips = 0;
    int downs[WAYS] = {0};
    int rights[WAYS] = {0};
    for (int epoch = 0; epoch < 3; epoch++) {
        nin_loader_start(loader, epoch, 0);
        const nin_batch *batch = nin_loader_next(loader);
        for (int i = 0; i < COUNT; i++) {
            const float *out = batch->images + (size_t)i * AREA;
            const uint8_t *in = nin_dataset_pixels(dataset, (size_t)i);
            int found = 0;
            for (int way = 0; way < 2 * WAYS * WAYS; way++) {
                int down = way / 2 % WAYS;
                int right = way / 2 / WAYS;
                if (is_moved(out, in, way % 2, down - REACH, right - REACH)) {
                    found++;
                    flips += way % 2;
                    downs[down]++;
                    rights[right]++;
                }
            }
            assert_int_equal(found, 1);
        }
    }
    assert_in_range(flips, 3 * COUNT / 2 - 44, 3 * COUNT / 2 + 44); /* five standard deviations */
    for (int i = 0; i < WAYS; i++) {
        assert_in_range(downs[i], 14, 75);
        assert_in_range(rights[i], 14, 75);
    }
    nin_loader_free(loader);
}

/* The flips are the same with and without the shifts, and the other way round. */
static void augmentations_do_not_disturb_each_other(void **state) {
    (void)state;
    nin_loader *both = create_unresized(true, 2, 5);
    nin_loader *flip = create_unresized(true, 0, 5);
    nin_loader_start(both, 1, 0);
    nin_loader_start(flip, 1, 0);
    const nin_batch *moved = nin_loader_next(both);
    const nin_batch *still = nin_loader_next(flip);
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *in = nin_dataset_pixels(dataset, (size_t)i);
        const float *out = moved->images + (size_t)i * AREA;
        bool flipped = is_moved(still->images + (size_t)i * AREA, in, true, 0, 0);
        int found = 0;
        for (int way = 0; way < 25; way++) {
            found += is_moved(out, in, flipped, way % 5 - 2, way / 5 - 2);
        }
        assert_int_equal(found, 1);
    }
    nin_loader_free(both);
    nin_loader_free(flip);
}

/* ---- starting and stopping -------------------------------------------------------------- */

static void starts_anywhere(void **state) {
    (void)state;
    nin_loader_options options = usual_options();
    options.threads = 3;
    options.prefetch = 4;
    nin_loader *loader = create(&options);
    assert_null(nin_loader_next(loader)); /* before the first start */
    uint64_t from_four = digest_from(loader, 2, 4);
    uint64_t from_last = digest_from(loader, 2, 10);
    for (int taken = 0; taken < 11; taken++) {
        nin_loader_start(loader, 1, 0);
        for (int i = 0; i < taken; i++) {
            assert_non_null(nin_loader_next(loader));
        }
        assert_int_equal(digest_from(loader, 2, 4), from_four);
        nin_loader_start(loader, taken, taken);
        assert_int_equal(digest_from(loader, 2, 10), from_last);
    }
    nin_loader_start(loader, 0, 11);
    assert_null(nin_loader_next(loader));
    nin_loader_start(loader, 0, INT_MAX);
    assert_null(nin_loader_next(loader));
    nin_loader_free(loader);
}

static void stops_in_every_state(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        for (int taken = -1; taken <= 12; taken++) {
            nin_loader_options options = usual_options();
            options.threads = threads;
            options.prefetch = 1 + threads % 3;
            nin_loader *loader = create(&options);
            if (taken >= 0) {
                nin_loader_start(loader, 0, 0);
            }
            for (int i = 0; i < taken; i++) {
                assert_int_equal(nin_loader_next(loader) != NULL, i < 11);
            }
            nin_loader_free(loader);
        }
    }
    nin_loader_free(NULL);
}

/* While the caller keeps a batch the threads fill all other slots and leave this one alone. */
static void a_batch_stays_while_others_are_prepared(void **state) {
    (void)state;
    for (int prefetch = 1; prefetch <= 3; prefetch++) {
        nin_loader_options options = usual_options();
        options.threads = 4;
        options.prefetch = prefetch;
        nin_loader *loader = create(&options);
        nin_loader_start(loader, 0, 0);
        const nin_batch *batch;
        while ((batch = nin_loader_next(loader))) {
            XXH3_state_t *digest = XXH3_createState();
            XXH3_64bits_reset(digest);
            add_batch(digest, batch);
            uint64_t before = XXH3_64bits_digest(digest);
            const struct timespec pause = {.tv_nsec = 3000000}; /* what is prepared wrongly shows */
            nanosleep(&pause, NULL);
            XXH3_64bits_reset(digest);
            add_batch(digest, batch);
            assert_int_equal(XXH3_64bits_digest(digest), before);
            XXH3_freeState(digest);
        }
        nin_loader_free(loader);
    }
}

static void batches_may_be_larger_than_the_set(void **state) {
    (void)state;
    nin_loader_options options = usual_options();
    options.batch = INT_MAX;
    options.prefetch = INT_MAX;
    options.threads = INT_MAX;
    nin_loader *loader = create(&options);
    assert_int_equal(nin_loader_batches(loader), 1);
    nin_loader_start(loader, 0, 0);
    assert_int_equal(nin_loader_next(loader)->count, COUNT);
    assert_null(nin_loader_next(loader));
    nin_loader_free(loader);
}

static void expect_refused(const nin_loader_options *options) {
    nin_loader *loader;
    nin_error err = {0};
    assert_int_equal(nin_loader_create(dataset, options, &loader, &err), NIN_ERROR_ARGUMENT);
    assert_null(loader);
    assert_true(strlen(err.message) > 10);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    nin_loader_options options = usual_options();
    options.batch = 0;
    expect_refused(&options);
    options = usual_options();
    options.threads = 0;
    expect_refused(&options);
    options = usual_options();
    options.prefetch = -1;
    expect_refused(&options);
    options = usual_options();
    options.augmentation.crop_padding = -1;
    expect_refused(&options);
    options.augmentation.crop_padding = 28;
    expect_refused(&options);
    options = usual_options();
    options.preprocess.channels = 2;
    expect_refused(&options);
    options = usual_options();
    options.preprocess.std[0] = 0.0F;
    expect_refused(&options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_prefetch_change_nothing),
        cmocka_unit_test(orders_are_permutations),
        cmocka_unit_test(pictures_are_those_of_preprocess_image),
        cmocka_unit_test(augmentation_is_what_was_asked_for),
        cmocka_unit_test(augmentations_do_not_disturb_each_other),
        cmocka_unit_test(starts_anywhere),
        cmocka_unit_test(stops_in_every_state),
        cmocka_unit_test(a_batch_stays_while_others_are_prepared),
        cmocka_unit_test(batches_may_be_larger_than_the_set),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("data_loader", tests, setup, teardown);
}

/* Augmentation: what is drawn, what it does to pictures, and pictures of it that people looked at.
 */
#include "data/augment.h"

#include "base/random.h"
#include "data/mix.h"
#include "support/scratch.h"

#include <nin/image.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t fill[3] = {100, 150, 200};

static ninp_augment draw(const nin_augmentation *options, uint32_t index, int height, int width) {
    const nin_dataset_info size = {.channels = 3, .height = height, .width = width};
    return ninp_augment_draw(options, 3, 1, index, &size, fill);
}

/* ---- random erasing ---------------------------------------------------------------------- */

/* Every rectangle lies inside, and is one that the paper allows, up to the rounding of its sides.
 */
static void rectangles_are_in_their_ranges(void **state) {
    (void)state;
    enum { N = 4000, HEIGHT = 40, WIDTH = 60 };
    const nin_augmentation options = {.erase = 1};
    double shares = 0;
    double columns = 0;
    int drawn = 0;
    for (uint32_t i = 0; i < N; i++) {
        const ninp_augment lot = draw(&options, i, HEIGHT, WIDTH);
        assert_false(lot.flip || lot.shift_x || lot.shift_y);
        if (lot.erase_width == 0) {
            continue;
        }
        drawn++;
        assert_true(lot.erase_x >= 0 && lot.erase_x + lot.erase_width <= WIDTH);
        assert_true(lot.erase_y >= 0 && lot.erase_y + lot.erase_height <= HEIGHT);
        double high = lot.erase_height;
        double wide = lot.erase_width;
        const double area = HEIGHT * WIDTH;
        assert_true((high + 0.5) * (wide + 0.5) >= 0.02 * area);
        assert_true((high - 0.5) * (wide - 0.5) <= 0.33 * area);
        assert_true((high + 0.5) / (wide - 0.5) >= 0.3 && (high - 0.5) / (wide + 0.5) <= 3.3);
        shares += high * wide / area;
        columns += lot.erase_x + wide / 2;
        assert_memory_equal(lot.fill, fill, sizeof fill);
    }
    assert_in_range(drawn, N - 10, N); /* hardly ever are ten in a row too long */
    /* A few large flat ones are drawn again, so the mean area is somewhat below 0.175. */
    assert_true(fabs(shares / drawn - 0.17) < 0.01);
    assert_true(fabs(columns / drawn - WIDTH / 2.0) < 1);
}

static void erasing_has_its_probability(void **state) {
    (void)state;
    enum { N = 10000 };
    const nin_augmentation options = {.erase = 0.25F};
    int drawn = 0;
    for (uint32_t i = 0; i < N; i++) {
        drawn += draw(&options, i, 32, 32).erase_width > 0;
    }
    assert_in_range(drawn, N / 4 - 217, N / 4 + 217); /* five standard deviations */
}

/* Turning erasing on leaves flips and shifts as they were. */
static void erasing_disturbs_nothing(void **state) {
    (void)state;
    const nin_augmentation without = {.flip = true, .crop_padding = 4};
    const nin_augmentation with = {.flip = true, .crop_padding = 4, .erase = 0.5F};
    for (uint32_t i = 0; i < 200; i++) {
        const ninp_augment one = draw(&without, i, 32, 32);
        const ninp_augment two = draw(&with, i, 32, 32);
        assert_true(one.flip == two.flip && one.shift_x == two.shift_x &&
                    one.shift_y == two.shift_y);
    }
}

/* No rectangle fits a picture of one pixel: it stays whole. */
static void tiny_pictures_stay_whole(void **state) {
    (void)state;
    const nin_augmentation options = {.erase = 1};
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(draw(&options, i, 1, 1).erase_width, 0);
        assert_int_equal(draw(&options, i, 1, 50).erase_width, 0);
    }
}

/* ---- mixing ------------------------------------------------------------------------------ */

enum { PICTURES = 5, CHANNELS = 2, HEIGHT = 12, WIDTH = 16, FLOATS = CHANNELS * HEIGHT * WIDTH };

typedef struct mixed {
    float images[PICTURES * FLOATS];
    int32_t labels[PICTURES], other_labels[PICTURES];
    float label_shares[PICTURES];
} mixed;

/* Value of picture i at k, different for each; labels are 10 + i. */
static float original(int picture, int k) {
    return (float)(picture * 1000 + k) / 8;
}

static void mix(const ninp_mix *lot, mixed *out) {
    for (int i = 0; i < PICTURES; i++) {
        out->labels[i] = 10 + i;
        for (int k = 0; k < FLOATS; k++) {
            out->images[i * FLOATS + k] = original(i, k);
        }
    }
    const ninp_mix_batch batch = {.count = PICTURES,
                                  .channels = CHANNELS,
                                  .height = HEIGHT,
                                  .width = WIDTH,
                                  .images = out->images,
                                  .labels = out->labels,
                                  .other_labels = out->other_labels,
                                  .label_shares = out->label_shares};
    ninp_mix_run(lot, &batch);
}

static void expect_labels(const mixed *out, float share) {
    for (int i = 0; i < PICTURES; i++) {
        const int partner = PICTURES - 1 - i;
        const bool own_first = share >= 0.5F || i == partner;
        assert_int_equal(out->labels[i], 10 + (own_first ? i : partner));
        assert_int_equal(out->other_labels[i], 10 + (own_first ? partner : i));
        const float expected = i == partner ? 1 : own_first ? share : 1 - share;
        assert_true(out->label_shares[i] == expected);
    }
}

static void pictures_are_blended(void **state) {
    (void)state;
    static const float shares[] = {0, 0.25F, 0.5F, 0.875F, 1};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        mixed out;
        mix(&(ninp_mix){.way = NINP_MIX_BLEND, .share = shares[s]}, &out);
        for (int i = 0; i < PICTURES; i++) {
            const int partner = PICTURES - 1 - i;
            for (int k = 0; k < FLOATS; k++) {
                float expected = i == partner ? original(i, k)
                                              : shares[s] * original(i, k) +
                                                    (1 - shares[s]) * original(partner, k);
                assert_true(out.images[i * FLOATS + k] == expected);
            }
        }
        expect_labels(&out, shares[s]);
    }
}

static void boxes_are_swapped(void **state) {
    (void)state;
    const nin_augmentation options = {.cutmix = 1};
    for (int number = 0; number < 50; number++) {
        const ninp_mix lot = ninp_mix_draw(&options, 7, 2, number, HEIGHT, WIDTH);
        assert_int_equal(lot.way, NINP_MIX_PASTE);
        mixed out;
        mix(&lot, &out);
        int inside = 0;
        for (int i = 0; i < PICTURES * FLOATS; i++) {
            const int picture = i / FLOATS;
            const int y = i % FLOATS / WIDTH % HEIGHT;
            const int x = i % WIDTH;
            const bool in = x >= lot.x && x < lot.x + lot.width && y >= lot.y &&
                            y < lot.y + lot.height && picture != PICTURES / 2;
            inside += in && i < HEIGHT * WIDTH;
            assert_true(out.images[i] ==
                        original(in ? PICTURES - 1 - picture : picture, i % FLOATS));
        }
        const float share = 1 - (float)inside / (HEIGHT * WIDTH);
        assert_true(fabsf(lot.share - share) < 1e-6F);
        expect_labels(&out, lot.share);
    }
}

/* Boxes have the share of the area that was drawn where the border does not cut them off, and their
 * centres are anywhere. */
static void boxes_have_their_area(void **state) {
    (void)state;
    enum { N = 3000, SIDE = 200 };
    const nin_augmentation options = {.cutmix = 1};
    int whole = 0;
    for (int number = 0; number < N; number++) {
        const ninp_mix lot = ninp_mix_draw(&options, 8, 0, number, SIDE, SIDE);
        ninp_random random = ninp_random_start(8, NINP_RANDOM_MIX, 0, (uint64_t)number);
        ninp_random_below(&random, 2);
        double drawn = 1 - ninp_random_beta(&random, 1);
        assert_true(1 - (double)lot.share < drawn + 1e-6);
        if (lot.x > 0 && lot.y > 0 && lot.x + lot.width < SIDE && lot.y + lot.height < SIDE) {
            whole++;
            assert_true(fabs(sqrt(1 - (double)lot.share) - sqrt(drawn)) < 2.1 / SIDE);
        }
    }
    assert_in_range(whole, N / 10, N / 2);
}

/* With both, each batch gets one of them; alone, always itself; without, nothing. */
static void batches_choose_between_the_two(void **state) {
    (void)state;
    enum { N = 2000 };
    static const nin_augmentation options[] = {
        {0}, {.mixup = 0.2F}, {.cutmix = 1}, {.mixup = 0.2F, .cutmix = 1}};
    int pasted[4] = {0};
    int blended[4] = {0};
    for (int k = 0; k < 4; k++) {
        for (int number = 0; number < N; number++) {
            const ninp_mix lot = ninp_mix_draw(&options[k], 1, 1, number, 8, 8);
            pasted[k] += lot.way == NINP_MIX_PASTE;
            blended[k] += lot.way == NINP_MIX_BLEND;
        }
    }
    assert_true(pasted[0] == 0 && blended[0] == 0);
    assert_true(pasted[1] == 0 && blended[1] == N);
    assert_true(pasted[2] == N && blended[2] == 0);
    assert_true(pasted[3] + blended[3] == N);
    assert_in_range(pasted[3], N / 2 - 112, N / 2 + 112); /* five standard deviations */
}

/* ---- pictures ---------------------------------------------------------------------------- */

enum { SIDE = 28, AREA = SIDE * SIDE, COLUMNS = 8, ROWS = 3, SHOWN = COLUMNS * ROWS };

static void put(nin_image *page, int place, const float *picture) {
    const int left = place % COLUMNS * SIDE;
    const int top = place / COLUMNS * SIDE;
    for (int k = 0; k < AREA; k++) {
        page->pixels[(top + k / SIDE) * page->width + left + k % SIDE] =
            (uint8_t)lrintf(255 * picture[k]);
    }
}

/* Compares with the golden file; where it differs, what came out is kept to be looked at. */
static void expect_page(const nin_image *page, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "tests/golden/augment/%s.png", name);
    nin_image golden = {0};
    nin_error err = {0};
    const size_t bytes = (size_t)page->width * (size_t)page->height;
    if (nin_image_read_png(path, &golden, &err) == NIN_OK && golden.width == page->width &&
        golden.height == page->height && golden.channels == 1 &&
        memcmp(golden.pixels, page->pixels, bytes) == 0) {
        nin_image_free(&golden);
        return;
    }
    nin_image_free(&golden);
    char *directory = scratch_make();
    char kept[4200];
    snprintf(kept, sizeof kept, "%s/%s.png", directory, name);
    (void)nin_image_write_png(kept, page, NULL);
    print_error("%s is not what came out, which is in %s\n%s\n", path, kept, err.message);
    free(directory);
    fail();
}

/* Three batches of the drawn shapes, a batch a row. */
static void check_page(const char *name, const nin_augmentation *augmentation) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.drawn_count = SHOWN;
    nin_dataset *dataset;
    assert_int_equal(nin_dataset_open("drawn", &options, &dataset, NULL), NIN_OK);
    nin_loader_options loading = nin_loader_options_defaults();
    loading.batch = COLUMNS;
    loading.augmentation = *augmentation;
    loading.seed = 1;
    loading.threads = 2;
    nin_loader *loader;
    assert_int_equal(nin_loader_create(dataset, &loading, &loader, NULL), NIN_OK);
    nin_loader_start(loader, 0, 0);
    static uint8_t pixels[SHOWN * AREA];
    nin_image page = {COLUMNS * SIDE, ROWS * SIDE, 1, pixels};
    for (int row = 0; row < ROWS; row++) {
        const nin_batch *batch = nin_loader_next(loader);
        assert_non_null(batch);
        for (int i = 0; i < COLUMNS; i++) {
            put(&page, row * COLUMNS + i, batch->images + (size_t)i * AREA);
        }
    }
    nin_loader_free(loader);
    nin_dataset_free(dataset);
    expect_page(&page, name);
}

static void pages_are_as_they_were_looked_at(void **state) {
    (void)state;
    check_page("none", &(nin_augmentation){0});
    check_page("flip", &(nin_augmentation){.flip = true});
    check_page("crop", &(nin_augmentation){.crop_padding = 4});
    check_page("erase", &(nin_augmentation){.erase = 1});
    check_page("mixup", &(nin_augmentation){.mixup = 1});
    check_page("cutmix", &(nin_augmentation){.cutmix = 1});
    check_page("all",
               &(nin_augmentation){
                   .flip = true, .crop_padding = 2, .erase = 0.25F, .mixup = 0.4F, .cutmix = 1});
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    static const nin_augmentation wrong[] = {
        {.crop_padding = -1}, {.crop_padding = 20}, {.erase = -0.1F}, {.erase = 1.5F},
        {.erase = NAN},       {.mixup = -1},        {.mixup = NAN},   {.cutmix = INFINITY},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        nin_error err = {0};
        assert_int_equal(ninp_augment_check(&wrong[i], 30, 20, &err), NIN_ERROR_ARGUMENT);
        assert_true(err.message[0]);
    }
    const nin_augmentation right = {true, 19, 1, 1000, 0};
    assert_int_equal(ninp_augment_check(&right, 30, 20, NULL), NIN_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rectangles_are_in_their_ranges),
        cmocka_unit_test(erasing_has_its_probability),
        cmocka_unit_test(erasing_disturbs_nothing),
        cmocka_unit_test(tiny_pictures_stay_whole),
        cmocka_unit_test(pictures_are_blended),
        cmocka_unit_test(boxes_are_swapped),
        cmocka_unit_test(boxes_have_their_area),
        cmocka_unit_test(batches_choose_between_the_two),
        cmocka_unit_test(pages_are_as_they_were_looked_at),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("data_augment", tests, NULL, NULL);
}

/* Contact sheets. */
#include "draw_page.h"

#include "base/file.h"
#include "base/random.h"

#include <nin/draw.h>

/* Where the first picture lies on a sheet without title and heads, and the space between two. */
enum { MARGIN = 14, GAP = 10, CAPTION = 15, FRAME = 3 };
enum { FRAME_RED = 0xD91919, FRAME_GREY = 0xD9D9D9 };

static png_page draw(void **state, const nin_sheet *sheet) {
    page_name path = page_path(state, "sheet.png");
    nin_error err = {0};
    assert_int_equal(nin_draw_sheet(path.chars, sheet, &err), NIN_OK);
    return page_read(path.chars);
}

static void fill(uint8_t *pixels, size_t size, uint64_t seed) {
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < size; i++) {
        pixels[i] = (uint8_t)ninp_random_below(&random, 256);
    }
}

/* Whether a picture lies at (left, top) with every pixel `factor` times as large. */
static void expect_picture(const png_page *page, const nin_sheet *sheet, const uint8_t *pixels,
                           int factor, int left, int top) {
    int plane = sheet->height * sheet->width;
    for (int y = 0; y < sheet->height * factor; y++) {
        for (int x = 0; x < sheet->width * factor; x++) {
            int at = y / factor * sheet->width + x / factor;
            uint32_t expected = 0;
            for (int c = 0; c < 3; c++) {
                expected = expected << 8 | pixels[at + (sheet->channels == 3 ? c * plane : 0)];
            }
            assert_int_equal(page_pixel(page, left + x, top + y), expected);
        }
    }
}

static void pictures_are_enlarged_by_whole_factors(void **state) {
    const struct {
        int channels, height, width, factor;
    } cases[] = {{1, 28, 28, 3}, {3, 32, 32, 3}, {3, 12, 20, 4}, {1, 96, 96, 1}, {1, 224, 200, 1}};
    static uint8_t pixels[4][3 * 224 * 224];
    for (size_t i = 0; i < 4; i++) {
        fill(pixels[i], sizeof pixels[i], i);
    }
    const nin_sheet_cell cells[] = {{pixels[0], NULL, false},
                                    {pixels[1], NULL, true},
                                    {pixels[2], NULL, false},
                                    {pixels[3], NULL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const nin_sheet sheet = {.channels = cases[i].channels,
                                 .height = cases[i].height,
                                 .width = cases[i].width,
                                 .columns = 2,
                                 .rows = 2,
                                 .cells = cells};
        png_page page = draw(state, &sheet);
        int wide = cases[i].width * cases[i].factor;
        int high = cases[i].height * cases[i].factor;
        assert_int_equal(page.width, 2 * MARGIN + 2 * wide + GAP);
        assert_int_equal(page.height, 2 * MARGIN + 2 * high + GAP);
        for (int c = 0; c < 4; c++) {
            expect_picture(&page, &sheet, pixels[c], cases[i].factor, MARGIN + c % 2 * (wide + GAP),
                           MARGIN + c / 2 * (high + GAP));
        }
        page_free(&page);
    }
}

static void marked_pictures_have_a_red_frame(void **state) {
    uint8_t black[28 * 28] = {0};
    const nin_sheet_cell cells[] = {{black, NULL, false}, {black, NULL, true}, {NULL, "x", true}};
    const nin_sheet sheet = {
        .channels = 1, .height = 28, .width = 28, .columns = 3, .rows = 1, .cells = cells};
    png_page page = draw(state, &sheet);
    int pitch = 84 + GAP;
    int right = MARGIN + pitch;
    assert_int_equal(page_pixel(&page, MARGIN - 1, MARGIN + 40), FRAME_GREY);
    assert_int_equal(page_count(&page, FRAME_RED, 0, 0, MARGIN + 84 + 2, page.height), 0);
    int frame = (84 + 2 * FRAME) * (84 + 2 * FRAME) - 84 * 84;
    assert_int_equal(page_count(&page, FRAME_RED, 0, 0, page.width, page.height), frame);
    assert_int_equal(page_pixel(&page, right - FRAME, MARGIN - FRAME), FRAME_RED);
    assert_int_equal(page_pixel(&page, right + 84 + FRAME - 1, MARGIN + 84 + FRAME - 1), FRAME_RED);
    int empty = right + pitch - 4;
    for (int y = 0; y < page.height; y++) {
        for (int x = empty; x < page.width; x++) {
            assert_int_equal(page_pixel(&page, x, y), 0xFFFFFF);
        }
    }
    page_free(&page);
}

static void words_stand_where_they_belong(void **state) {
    uint8_t white[28 * 28];
    memset(white, 0xFF, sizeof white);
    const char *heads[] = {"ankle boot", NULL};
    const nin_sheet_cell cells[] = {{white, "sneaker 0.87", false}, {white, NULL, false}};
    const nin_sheet sheet = {1, 28, 28, 1, 2, cells, heads, NULL};
    png_page page = draw(state, &sheet);
    int left = page.width - MARGIN - 84;
    int below = MARGIN + 84 + CAPTION + GAP;
    assert_int_equal(page.height, 2 * MARGIN + 2 * (84 + CAPTION) + GAP);
    assert_true(left > MARGIN + 40);
    const uint32_t ink = 0x262626;
    const uint32_t grey = 0x666666;
    /* the head beside the first picture, at half its height, and none beside the second */
    assert_true(page_count(&page, ink, MARGIN, MARGIN + 34, left - 5, MARGIN + 50) > 50);
    assert_int_equal(page_count(&page, ink, 0, below, left - 5, page.height), 0);
    /* the caption below the first picture, and none below the second */
    assert_true(page_count(&page, grey, left - 5, MARGIN + 86, page.width, below - 2) > 30);
    assert_int_equal(page_count(&page, grey, left - 5, below + 2, page.width, page.height), 0);
    page_free(&page);

    int width = page.width; /* the page grows for its title */
    nin_sheet titled = sheet;
    titled.title = "A title wider than the picture";
    page = draw(state, &titled);
    assert_true(page.width > width + 20);
    assert_true(page_count(&page, ink, MARGIN, MARGIN, page.width - MARGIN, MARGIN + 18) > 50);
    page_free(&page);
}

static void nothing_is_cut_off(void **state) {
    const char *tiring = "words that are far too long for the place that they are meant for, and "
                         "that go on and on, as the words of machines do, with \xFF in them, "
                         "until they are cut off where the place for them ends";
    uint8_t white[2 * 5] = {0};
    const char *heads[] = {tiring, tiring};
    const nin_sheet_cell cells[] = {{white, tiring, true}, {white, tiring, false}};
    const nin_sheet sheet = {1, 2, 5, 1, 2, cells, heads, tiring};
    png_page page = draw(state, &sheet);
    assert_true(page_border_is_white(&page, MARGIN - FRAME));
    assert_true(page.width < 700);
    page_free(&page);
}

static void every_format_is_written_the_same_twice(void **state) {
    static uint8_t pixels[100][28 * 28];
    nin_sheet_cell cells[100];
    for (size_t i = 0; i < 100; i++) {
        fill(pixels[i], sizeof pixels[i], i);
        cells[i] = (nin_sheet_cell){pixels[i], "caption", i % 7 == 0};
    }
    const nin_sheet sheet = {1, 28, 28, 10, 10, cells, NULL, "title"};
    const char *names[] = {"sheet.svg", "sheet.png", "sheet.pdf"};
    for (size_t i = 0; i < 3; i++) {
        page_name path = page_path(state, names[i]);
        char *bytes[2];
        size_t sizes[2];
        for (int turn = 0; turn < 2; turn++) {
            assert_int_equal(nin_draw_sheet(path.chars, &sheet, NULL), NIN_OK);
            assert_int_equal(ninp_file_read(path.chars, 8 << 20, &bytes[turn], &sizes[turn], NULL),
                             NIN_OK);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(bytes[0], bytes[1], sizes[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void impossible_sheets_are_refused(void **state) {
    static uint8_t pixels[3 * 28 * 28];
    nin_sheet_cell cell = {pixels, NULL, false};
    const nin_sheet good = {1, 28, 28, 1, 1, &cell, NULL, NULL};
    nin_sheet bad[] = {good, good, good, good, good, good, good};
    bad[0].channels = 2;
    bad[1].height = 0;
    bad[2].width = -1;
    bad[3].columns = 0;
    bad[4].rows = 1 << 30;
    bad[5].cells = NULL;
    bad[6].width = 1 << 20;
    page_name path = page_path(state, "bad.png");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nin_error err = {0};
        assert_int_equal(nin_draw_sheet(path.chars, &bad[i], &err), NIN_ERROR_ARGUMENT);
        assert_int_equal(strncmp(err.message, "contact sheet: ", 15), 0);
    }
    nin_sheet_cell *cells = calloc(400, sizeof *cells);
    assert_non_null(cells);
    const nin_sheet huge = {1, 84, 84, 400, 1, cells, NULL, NULL};
    nin_error err = {0};
    assert_int_equal(nin_draw_sheet(path.chars, &huge, &err), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "bad.png: a drawing of 37618 x 112 pixels is too large"));
    free(cells);
    assert_int_not_equal(access(path.chars, F_OK), 0);

    path = page_path(state, "missing/sheet.png");
    err = (nin_error){0};
    assert_int_equal(nin_draw_sheet(path.chars, &good, &err), NIN_ERROR_IO);
    assert_non_null(strstr(err.message, path.chars));
    assert_int_equal(nin_draw_sheet("sheet.jpg", &good, NULL), NIN_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_enlarged_by_whole_factors),
        cmocka_unit_test(marked_pictures_have_a_red_frame),
        cmocka_unit_test(words_stand_where_they_belong),
        cmocka_unit_test(nothing_is_cut_off),
        cmocka_unit_test(every_format_is_written_the_same_twice),
        cmocka_unit_test(impossible_sheets_are_refused),
    };
    return cmocka_run_group_tests(tests, page_directory_make, page_directory_remove);
}

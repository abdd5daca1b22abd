/* Growing strings and "did you mean". */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void grows(void **state) {
    (void)state;
    ninp_text text = {0};
    size_t length = 0;
    for (int i = 0; i < 1000; i++) {
        ninp_text_add(&text, "%03d,", i);
        length += 4;
        assert_int_equal(text.length, length);
        assert_int_equal(strlen(text.chars), length);
    }
    char *taken = ninp_text_take(&text);
    assert_non_null(taken);
    assert_memory_equal(taken, "000,001,002,", 12);
    assert_string_equal(taken + length - 8, "998,999,");
    assert_null(text.chars);
    assert_int_equal(text.length, 0);
    free(taken);
}

/* Around the size of the buffer that short pieces are formatted in. */
static void long_pieces_arrive_whole(void **state) {
    (void)state;
    for (int length = 505; length < 520; length++) {
        ninp_text text = {0};
        ninp_text_add(&text, "<%*d>", length, 7);
        assert_int_equal(text.length, length + 2);
        assert_int_equal(text.chars[0], '<');
        assert_string_equal(text.chars + length, "7>");
        ninp_text_free(&text);
        assert_null(text.chars);
    }
}

static void bytes_may_be_nul(void **state) {
    (void)state;
    ninp_text text = {0};
    ninp_text_add_bytes(&text, "a\0b", 3);
    ninp_text_add_bytes(&text, "", 0);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.chars, "a\0b", 4);
    ninp_text_free(&text);
}

static void nothing_is_an_empty_string(void **state) {
    (void)state;
    ninp_text text = {0};
    char *taken = ninp_text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
}

static void failure_stays(void **state) {
    (void)state;
    ninp_text text = {0};
    ninp_text_add(&text, "before");
    ninp_text_add_bytes(&text, "x", SIZE_MAX - 3); /* no such size, so no byte is read */
    assert_true(text.failed);
    ninp_text_add(&text, "behind");
    assert_true(text.failed);
    assert_null(ninp_text_take(&text));
    assert_false(text.failed);
    assert_null(text.chars);
}

static void near_words_are_found(void **state) {
    (void)state;
    static const char *const words[] = {"train", "eval", "predict", "summary", "data"};
    enum { COUNT = sizeof words / sizeof words[0] };
    assert_string_equal(ninp_nearest("train", words, COUNT), "train");
    assert_string_equal(ninp_nearest("trian", words, COUNT), "train"); /* swapped */
    assert_string_equal(ninp_nearest("trai", words, COUNT), "train");  /* too short */
    assert_string_equal(ninp_nearest("sumary", words, COUNT), "summary");
    assert_string_equal(ninp_nearest("predicct", words, COUNT), "predict");
    assert_string_equal(ninp_nearest("dats", words, COUNT), "data"); /* replaced */
    assert_null(ninp_nearest("serve-it", words, COUNT));
    assert_null(ninp_nearest("zzzzz", words, COUNT));
    assert_null(ninp_nearest("train", words, 0));
}

static void the_first_of_equally_near_words_wins(void **state) {
    (void)state;
    static const char *const words[] = {"cat", "car", "bat"};
    assert_string_equal(ninp_nearest("caq", words, 3), "cat");
    assert_string_equal(ninp_nearest("bat", words, 3), "bat");
}

static void very_long_words_are_near_to_nothing(void **state) {
    (void)state;
    char word[3001];
    memset(word, 'a', 3000);
    word[3000] = '\0';
    const char *const words[] = {"a", word};
    assert_null(ninp_nearest(word, words, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(long_pieces_arrive_whole),
        cmocka_unit_test(bytes_may_be_nul),
        cmocka_unit_test(nothing_is_an_empty_string),
        cmocka_unit_test(failure_stays),
        cmocka_unit_test(near_words_are_found),
        cmocka_unit_test(the_first_of_equally_near_words_wins),
        cmocka_unit_test(very_long_words_are_near_to_nothing),
    };
    return cmocka_run_group_tests_name("base_text", tests, NULL, NULL);
}

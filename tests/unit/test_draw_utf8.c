/* Text made safe to draw. */
#include "draw/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static void expect_label(const char *text, const char *expected) {
    ninp_label label = ninp_label_make(text);
    assert_string_equal(label.chars, expected);
}

static void good_text_stays(void **state) {
    (void)state;
    expect_label(NULL, "");
    expect_label("", "");
    expect_label("test acc", "test acc");
    expect_label("\u00FCber \u20AC \U0001F600 \u2192", "\u00FCber \u20AC \U0001F600 \u2192");
}

static void bad_bytes_are_replaced(void **state) {
    (void)state;
    expect_label("a\xFFz", "a" BAD "z");
    expect_label("\x80", BAD);
    expect_label("\xC3", BAD);                         /* ends too early */
    expect_label("\xC3(", BAD "(");                    /* the next byte is no continuation */
    expect_label("\xE2\x82", BAD BAD);                 /* the same, of three bytes */
    expect_label("\xC0\xAF", BAD BAD);                 /* overlong '/' */
    expect_label("\xE0\x80\xAF", BAD BAD BAD);         /* the same in three bytes */
    expect_label("\xED\xA0\x80", BAD BAD BAD);         /* a surrogate */
    expect_label("\xF4\x90\x80\x80", BAD BAD BAD BAD); /* beyond U+10FFFF */
    expect_label("\xEF\xBF\xBF", BAD BAD BAD);         /* a noncharacter */
    expect_label("\xF8\x88\x80\x80\x80", BAD BAD BAD BAD BAD);
}

static void controls_become_spaces(void **state) {
    (void)state;
    expect_label("a\nb\tc\x7F"
                 "d",
                 "a b c d");
    expect_label("a\xC2\x85z\xC2\xA0", "a z\xC2\xA0"); /* C1 goes, a no-break space stays */
}

static void long_text_is_cut_between_characters(void **state) {
    (void)state;
    char text[3 * NINP_LABEL_BYTES + 1];
    for (size_t i = 0; i < NINP_LABEL_BYTES; i++) {
        memcpy(text + 3 * i, i == 0 ? "aaa" : "\u20AC", 3);
    }
    text[sizeof text - 1] = '\0';
    for (size_t letters = 0; letters <= 3; letters++) { /* before characters of three bytes */
        ninp_label label = ninp_label_make(text + 3 - letters);
        size_t size = strlen(label.chars);
        assert_true(size < NINP_LABEL_BYTES && size > NINP_LABEL_BYTES - 8);
        assert_string_equal(label.chars + size - 3, "\u2026");
        ninp_label again = ninp_label_make(label.chars); /* well-formed: nothing changes */
        assert_string_equal(again.chars, label.chars);
    }
}

static void ascii_holds_ascii_alone(void **state) {
    (void)state;
    ninp_label label = ninp_label_make_ascii("l\u00F6ss \U0001F600\xFF!");
    assert_string_equal(label.chars, "l?ss ?"
                                     "?!");
}

static void labels_are_measured_and_cut_in_characters(void **state) {
    (void)state;
    ninp_label label = ninp_label_make("\u00E4\u20AC\U0001F600x");
    assert_int_equal(ninp_label_length(&label), 4);
    ninp_label_cut(&label, 4, false);
    assert_string_equal(label.chars, "\u00E4\u20AC\U0001F600x");
    ninp_label_cut(&label, 3, false);
    assert_string_equal(label.chars, "\u00E4\u20AC\u2026");
    ninp_label_cut(&label, 1, false);
    assert_string_equal(label.chars, "\u2026");
    label = ninp_label_make_ascii("train loss");
    ninp_label_cut(&label, 6, true);
    assert_string_equal(label.chars, "train~");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_stays),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(controls_become_spaces),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(ascii_holds_ascii_alone),
        cmocka_unit_test(labels_are_measured_and_cut_in_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

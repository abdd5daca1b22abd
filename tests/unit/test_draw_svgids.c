/* Names in an SVG that do not depend on what was drawn before. */
#include "draw/svgids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_renumbered(const char *svg, const char *expected) {
    ninp_text out = {0};
    ninp_svg_renumber(svg, strlen(svg), &out);
    char *text = ninp_text_take(&out);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void names_count_from_one(void **state) {
    (void)state;
    expect_renumbered("<g id=\"surface41\"/>", "<g id=\"surface1\"/>");
    expect_renumbered("<image id=\"image19\"/><image id=\"image7\"/><use href=\"#image7\"/>"
                      "<use href=\"#image19\"/><g clip-path=\"url(#image7)\" id=\"surface19\"/>",
                      "<image id=\"image1\"/><image id=\"image2\"/><use href=\"#image2\"/>"
                      "<use href=\"#image1\"/><g clip-path=\"url(#image2)\" id=\"surface1\"/>");
    expect_renumbered("<g id=\"source-5\"/><use href=\"#source-5\"/>",
                      "<g id=\"source-1\"/><use href=\"#source-1\"/>");
}

static void all_else_stays(void **state) {
    (void)state;
    const char *same[] = {
        "",
        "<use href=\"#glyph0-12\" x=\"17\"/>",
        "<text a=\"image\">surface12 \"surface\" \"surface9x\" #image</text>",
        "ends in \"image12",
        "ends in #",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        expect_renumbered(same[i], same[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_count_from_one),
        cmocka_unit_test(all_else_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

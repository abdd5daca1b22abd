/* Libraries that are opened when they are needed. */
#include "base/library.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_finds(void **state) {
    (void)state;
    double (*cosine)(double) = NULL;
    double (*root)(double) = NULL;
    const ninp_symbol symbols[] = {{"cos", &cosine}, {"sqrt", &root}, {"", NULL}};
    assert_int_equal(ninp_library_open("libm.so.6", "a test", symbols, NULL), NIN_OK);
    assert_true(cosine(0.0) == 1.0 && root(9.0) == 3.0);
}

static void test_lacks(void **state) {
    (void)state;
    nin_error err = {0};
    double (*none)(double) = NULL;
    const ninp_symbol symbols[] = {{"no_such_function", &none}, {"", NULL}};
    assert_int_equal(ninp_library_open("libm.so.6", "a test", symbols, &err),
                     NIN_ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "a test needs libm.so.6: "));
    assert_non_null(strstr(err.message, "no_such_function"));
    err = (nin_error){0};
    assert_int_equal(ninp_library_open("libnowhere.so.1", "a test", symbols, &err),
                     NIN_ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "a test needs libnowhere.so.1: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds), cmocka_unit_test(test_lacks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

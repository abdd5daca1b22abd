/* As much of cmocka as the tests of kernels use, for a target that has no library of that name. The
 * first failure ends the program. */
#ifndef TESTS_NEON_CMOCKA_H
#define TESTS_NEON_CMOCKA_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define print_message(...) printf(__VA_ARGS__)
#define fail_msg(...)                              \
    (fflush(stdout), fprintf(stderr, __VA_ARGS__), \
     fprintf(stderr, "\n[   LINE   ] --- %s:%d: error: Failure!\n", __FILE__, __LINE__), exit(1))

#define assert_true(condition) ((condition) ? (void)0 : fail_msg("not true: %s", #condition))
#define assert_null(pointer) assert_true((pointer) == NULL)
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_int_equal(a, b) assert_true((long long)(a) == (long long)(b))
#define assert_string_equal(a, b) assert_true(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, size) assert_true(memcmp((a), (b), (size)) == 0)

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(function) \
    { #function, function }

#define cmocka_run_group_tests(tests, setup, teardown) \
    cmocka_run(tests, sizeof(tests) / sizeof *(tests), setup)

static inline int cmocka_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **)) {
    void *state = NULL;
    assert_true(!setup || setup(&state) == 0);
    for (size_t i = 0; i < count; i++) {
        printf("[ RUN      ] %s\n", tests[i].name);
        fflush(stdout);
        tests[i].run(&state);
        printf("[       OK ] %s\n", tests[i].name);
    }
    return 0;
}

#endif

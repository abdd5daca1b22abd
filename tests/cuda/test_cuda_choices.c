/* Algorithms that earlier sessions chose. */
#include "cuda/cuda_run.h"

#include "support/nets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Three steps for cuBLASLt, so eight products in training: the first one's input needs no gradient.
 */
static const char net_text[] = "input 8x3x3\nclasses 8\nconv2d 16 kernel=1\nrelu\n"
                               "conv2d 16 kernel=1\nglobal_avg_pool\nflatten\nlinear classes\n";

enum { PRODUCTS = 8, ROOM = 20 };

static ninp_cuda_choice items[ROOM];

/* Opens a session with the choices that are there; products that were computed meanwhile. */
static int open_with(ninp_cuda_choices *choices, int batch) {
    const cuda_setup setup = {.count = batch,
                              .training = true,
                              .libraries = true,
                              .any_algorithm = true,
                              .choices = choices};
    nin_net *net = test_net_parse(net_text, 5);
    cuda_session session;
    const int before = cuda_library_products();
    choices->changed = false;
    cuda_session_open(net, &setup, &session);
    cuda_session_close(&session);
    nin_net_free(net);
    return cuda_library_products() - before;
}

/* Once an algorithm is chosen it is tried once, and not timed. */
static void taken_again(void **state) {
    (void)state;
    cuda_use_cublaslt();
    ninp_cuda_choices choices = {.items = items, .capacity = ROOM};
    const int measured = open_with(&choices, 2);
    ninp_cuda_choice first[PRODUCTS];
    assert_true(choices.changed);
    assert_int_equal(choices.count, PRODUCTS);
    memcpy(first, items, sizeof first);
    const int again = open_with(&choices, 2);
    assert_false(choices.changed);
    assert_int_equal(choices.count, PRODUCTS);
    assert_memory_equal(first, items, sizeof first);
    fake_cublaslt_counts before, after;
    const bool counted = cuda_count_cublaslt(&before);
    if (counted) {
        assert_int_equal(again, PRODUCTS);
        assert_true(measured >= 2 * 4 * PRODUCTS); /* two algorithms, four runs each */
    }
    /* What is stored is what is taken. */
    for (int algorithm = 1; counted && algorithm < 3; algorithm++) {
        (void)cuda_count_cublaslt(&before);
        for (int i = 0; i < PRODUCTS; i++) {
            items[i].algorithm = algorithm;
        }
        assert_int_equal(open_with(&choices, 2), PRODUCTS);
        (void)cuda_count_cublaslt(&after);
        assert_int_equal(after.by_algorithm[algorithm] - before.by_algorithm[algorithm], PRODUCTS);
    }
    cuda_use_no_library();
}

/* Another batch has choices of its own; where there is no room for them they are measured all the
 * same. */
static void others_added(void **state) {
    (void)state;
    cuda_use_cublaslt();
    ninp_cuda_choices choices = {.items = items, .capacity = ROOM};
    (void)open_with(&choices, 2);
    (void)open_with(&choices, 3);
    assert_true(choices.changed);
    assert_int_equal(choices.count, 2 * PRODUCTS);
    (void)open_with(&choices, 2);
    assert_false(choices.changed);
    (void)open_with(&choices, 4);
    assert_int_equal(choices.count, ROOM);
    (void)open_with(&choices, 5);
    assert_false(choices.changed);
    cuda_use_no_library();
}

/* Algorithms that fail or that there are not. */
static void wrong_ones(void **state) {
    (void)state;
    cuda_use_cublaslt();
    ninp_cuda_choices choices = {.items = items, .capacity = ROOM};
    (void)open_with(&choices, 2);
    fake_cublaslt_counts counts;
    if (cuda_count_cublaslt(&counts)) { /* where algorithm 0 never works */
        items[1].algorithm = 0;
    }
    items[2].algorithm = 9999;
    (void)open_with(&choices, 2);
    assert_true(choices.changed);
    assert_int_equal(choices.count, PRODUCTS);
    (void)open_with(&choices, 2);
    assert_false(choices.changed);
    cuda_use_no_library();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_again),
        cmocka_unit_test(others_added),
        cmocka_unit_test(wrong_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

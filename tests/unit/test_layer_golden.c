/* Layers against PyTorch: tests/golden/layers.txt, made by layers.py beside it. */
#include "support/layer_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "tests/golden/layers.txt"

typedef struct golden_file {
    FILE *file;
    char *text; /* the current line, without its end */
    size_t capacity;
    int number;
} golden_file;

static bool next_line(golden_file *golden) {
    ssize_t length = getline(&golden->text, &golden->capacity, golden->file);
    if (length < 0) {
        return false;
    }
    golden->number++;
    golden->text[strcspn(golden->text, "\n")] = '\0';
    return true;
}

/* "NAME COUNT number number ..." */
static void read_numbers(const golden_file *golden, double *array, size_t count) {
    char *at = golden->text + strcspn(golden->text, " ");
    assert_int_equal(strtoul(at, &at, 10), count);
    for (size_t i = 0; i < count; i++) {
        char *end;
        array[i] = strtod(at, &end);
        assert_ptr_not_equal(at, end);
        at = end;
    }
    assert_int_equal(*at, '\0');
}

/* 1e-12 of the size: sums are short, but not in PyTorch's order. */
static void expect_numbers(const golden_file *golden, const double *array, size_t count) {
    double *expected = calloc(count, sizeof *expected);
    assert_non_null(expected);
    read_numbers(golden, expected, count);
    for (size_t i = 0; i < count; i++) {
        bool same = isnan(expected[i])
                        ? isnan(array[i])
                        : array[i] == expected[i] ||
                              fabs(array[i] - expected[i]) <= 1e-12 * (1.0 + fabs(expected[i]));
        if (!same) {
            fail_msg("%s:%d: value %zu is %.17g, PyTorch has %.17g", FILE_NAME, golden->number, i,
                     array[i], expected[i]);
        }
    }
    free(expected);
}

static nin_shape read_input(const golden_file *golden, int *batch, bool *training) {
    nin_shape shape = {.height = 1, .width = 1};
    char mode[16];
    if (sscanf(golden->text, "input %dx%dx%d batch %d %15s", &shape.channels, &shape.height,
               &shape.width, batch, mode) != 5) {
        assert_int_equal(
            sscanf(golden->text, "input %d batch %d %15s", &shape.channels, batch, mode), 3);
        shape.flat = true;
    }
    *training = strcmp(mode, "training") == 0;
    return shape;
}

static bool starts(const golden_file *golden, const char *name) {
    size_t length = strlen(name);
    return strncmp(golden->text, name, length) == 0;
}

/* Lines up to "end", in the order in which they are needed. Returns how many were compared. */
static int check_case(golden_file *golden) {
    char *line = strdup(golden->text + strlen("layer "));
    assert_non_null(line);
    assert_true(next_line(golden));
    int batch;
    bool training;
    nin_shape input = read_input(golden, &batch, &training);
    layer_case layer;
    layer_case_open(&layer, line, input, batch, training);
    int compared = 0;
    while (next_line(golden) && strcmp(golden->text, "end") != 0) {
        int t = golden->text[strcspn(golden->text, " ") - 1] - '0';
        if (starts(golden, "x ")) {
            read_numbers(golden, layer.x, layer.x_count);
        } else if (starts(golden, "tensor")) {
            read_numbers(golden, layer.run.tensors[t], layer.tensor_sizes[t]);
        } else if (starts(golden, "y ")) {
            layer_case_forward(&layer);
            expect_numbers(golden, layer.run.y, layer.y_count);
            compared++;
        } else if (starts(golden, "dy ")) {
            read_numbers(golden, layer.dy, layer.y_count);
            layer_case_backward(&layer);
        } else if (starts(golden, "dx ")) {
            expect_numbers(golden, layer.run.dx, layer.x_count);
            compared++;
        } else if (starts(golden, "gradient")) {
            expect_numbers(golden, layer.run.gradients[t], layer.tensor_sizes[t]);
            compared++;
        } else if (starts(golden, "after")) {
            expect_numbers(golden, layer.run.tensors[t], layer.tensor_sizes[t]);
            compared++;
        } else {
            fail_msg("%s:%d: not understood", FILE_NAME, golden->number);
        }
    }
    assert_string_equal(golden->text, "end");
    layer_case_close(&layer);
    free(line);
    return compared;
}

static void test_goldens(void **state) {
    (void)state;
    golden_file golden = {.file = fopen(FILE_NAME, "r")};
    assert_non_null(golden.file);
    int cases = 0;
    int compared = 0;
    while (next_line(&golden)) {
        if (starts(&golden, "layer ")) {
            compared += check_case(&golden);
            cases++;
        }
    }
    fclose(golden.file);
    free(golden.text);
    assert_true(cases >= 30);
    assert_true(compared >= 2 * cases + 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_goldens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

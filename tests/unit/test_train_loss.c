/* Cross-entropy and softmax against PyTorch (tests/golden/train.py). */
#include <nin/session.h>

#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 8, CLASSES = 10 };

static golden *file;

static int open_golden(void **state) {
    (void)state;
    file = golden_open("tests/golden/train.safetensors");
    return 0;
}

static int close_golden(void **state) {
    (void)state;
    golden_close(file);
    return 0;
}

static const float *values(const char *name, size_t expected) {
    size_t count;
    const float *found = golden_values(file, name, &count);
    assert_int_equal(count, expected);
    return found;
}

static void read_labels(int32_t *labels) {
    const float *stored = values("loss.labels", COUNT);
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (int32_t)stored[i];
    }
}

static void check(float smoothing, const char *value_name, const char *gradient_name) {
    const float *logits = values("loss.logits", COUNT * CLASSES);
    int32_t labels[COUNT];
    read_labels(labels);
    float gradient[COUNT * CLASSES];
    const nin_examples examples = {.labels = labels, .count = COUNT, .label_smoothing = smoothing};
    nin_loss loss = nin_cross_entropy(&examples, logits, CLASSES, gradient);
    float mean = (float)(loss.loss_sum / COUNT);
    expect_close(value_name, &mean, values(value_name, 1), 1, 1e-7);
    expect_close(gradient_name, gradient, values(gradient_name, COUNT * CLASSES), COUNT * CLASSES,
                 1e-7);
    assert_int_equal(loss.correct, (int)values("loss.correct", 1)[0]);
    nin_loss alone = nin_cross_entropy(&examples, logits, CLASSES, NULL);
    assert_memory_equal(&alone, &loss, sizeof loss);
}

static void test_cross_entropy(void **state) {
    (void)state;
    check(0, "loss.plain", "loss.plain.gradient");
}

static void test_label_smoothing(void **state) {
    (void)state;
    check(0.1F, "loss.smoothed", "loss.smoothed.gradient");
}

/* Two labels are PyTorch's cross-entropy with class probabilities, smoothed or not. */
static void check_two_labels(golden *mixed, float smoothing, const char *value_name,
                             const char *gradient_name) {
    size_t count;
    const float *logits = golden_values(mixed, "mixed.logits", &count);
    assert_int_equal(count, COUNT * CLASSES);
    const float *shares = golden_values(mixed, "mixed.shares", &count);
    int32_t labels[2][COUNT];
    for (int i = 0; i < COUNT; i++) {
        labels[0][i] = (int32_t)golden_values(mixed, "mixed.labels", &count)[i];
        labels[1][i] = (int32_t)golden_values(mixed, "mixed.other_labels", &count)[i];
    }
    const nin_examples examples = {.labels = labels[0],
                                   .count = COUNT,
                                   .label_smoothing = smoothing,
                                   .other_labels = labels[1],
                                   .label_shares = shares};
    float gradient[COUNT * CLASSES];
    nin_loss loss = nin_cross_entropy(&examples, logits, CLASSES, gradient);
    float mean = (float)(loss.loss_sum / COUNT);
    expect_close(value_name, &mean, golden_values(mixed, value_name, &count), 1, 1e-7);
    expect_close(gradient_name, gradient, golden_values(mixed, gradient_name, &count),
                 COUNT * CLASSES, 1e-7);
    assert_int_equal(loss.correct, (int)golden_values(mixed, "mixed.correct", &count)[0]);
}

static void test_two_labels(void **state) {
    (void)state;
    golden *mixed = golden_open("tests/golden/data.safetensors");
    check_two_labels(mixed, 0, "mixed.plain", "mixed.plain.gradient");
    check_two_labels(mixed, 0.1F, "mixed.smoothed", "mixed.smoothed.gradient");
    golden_close(mixed);
}

/* A share of 1 is no second label at all, to the bit; one of 0 ignores an impossible class. */
static void test_shares_at_their_ends(void **state) {
    (void)state;
    const float logits[3] = {3e38F, -3e38F, 1};
    const int32_t label = 0;
    const int32_t other = 1;
    float share = 1;
    nin_examples example = {
        .labels = &label, .count = 1, .other_labels = &other, .label_shares = &share};
    float gradient[3];
    assert_true(nin_cross_entropy(&example, logits, 3, gradient).loss_sum == 0);
    assert_true(gradient[0] == 0 && gradient[1] == 0 && gradient[2] == 0);
    share = 0;
    example.labels = &other;
    example.other_labels = &label;
    assert_true(nin_cross_entropy(&example, logits, 3, gradient).loss_sum == 0);
    assert_true(gradient[0] == 0 && gradient[1] == 0 && gradient[2] == 0);
}

static void test_softmax(void **state) {
    (void)state;
    const float *logits = values("loss.logits", COUNT * CLASSES);
    float probabilities[COUNT * CLASSES];
    for (int i = 0; i < COUNT; i++) {
        nin_softmax(logits + i * CLASSES, CLASSES, probabilities + i * CLASSES);
    }
    expect_close("softmax", probabilities, values("loss.softmax", COUNT * CLASSES), COUNT * CLASSES,
                 1e-7);
}

static nin_loss one_of_three(const float *logits, const int32_t *label, float *gradient) {
    const nin_examples example = {.labels = label, .count = 1};
    return nin_cross_entropy(&example, logits, 3, gradient);
}

static void test_extremes(void **state) {
    (void)state;
    const float logits[3] = {3e38F, -3e38F, 0};
    const int32_t right = 0;
    const int32_t wrong = 1;
    float gradient[3];
    assert_true(one_of_three(logits, &right, gradient).loss_sum == 0);
    assert_true(gradient[0] == 0 && gradient[1] == 0 && gradient[2] == 0);
    nin_loss loss = one_of_three(logits, &wrong, gradient);
    assert_true(loss.loss_sum > 5e38 && isfinite(loss.loss_sum));
    assert_true(gradient[0] == 1 && gradient[1] == -1 && gradient[2] == 0);
    float probabilities[3];
    nin_softmax(logits, 3, probabilities);
    assert_true(probabilities[0] == 1 && probabilities[1] == 0 && probabilities[2] == 0);
}

static void test_nan_is_seen(void **state) {
    (void)state;
    const float logits[3] = {1, NAN, 0};
    const int32_t label = 0;
    float gradient[3];
    assert_true(isnan(one_of_three(logits, &label, gradient).loss_sum));
    assert_true(isnan(gradient[0]) && isnan(gradient[1]) && isnan(gradient[2]));
}

/* The gradient is that of the loss: central differences in float64 of a float64 loss. */
static double loss_at(const double *logits, int label, double smoothing) {
    double sum = 0;
    double all = 0;
    for (int c = 0; c < CLASSES; c++) {
        sum += exp(logits[c]);
        all += logits[c];
    }
    double log_label = logits[label] - log(sum);
    double log_all = all - CLASSES * log(sum);
    return -(1 - smoothing) * log_label - smoothing / CLASSES * log_all;
}

static void test_gradient_by_differences(void **state) {
    (void)state;
    const float logits[CLASSES] = {0.5F, -1, 2, 0.25F, 0, 1.5F, -2, 0.75F, 1, -0.5F};
    const int32_t label = 5;
    const float smoothing = 0.25F;
    float gradient[CLASSES];
    const nin_examples example = {.labels = &label, .count = 1, .label_smoothing = smoothing};
    nin_cross_entropy(&example, logits, CLASSES, gradient);
    for (int c = 0; c < CLASSES; c++) {
        double moved[CLASSES];
        for (int i = 0; i < CLASSES; i++) {
            moved[i] = (double)logits[i];
        }
        moved[c] += 1e-5;
        double above = loss_at(moved, label, (double)smoothing);
        moved[c] -= 2e-5;
        double below = loss_at(moved, label, (double)smoothing);
        assert_true(fabs((above - below) / 2e-5 - (double)gradient[c]) < 1e-7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_label_smoothing),
        cmocka_unit_test(test_softmax),       cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_two_labels),    cmocka_unit_test(test_shares_at_their_ends),
        cmocka_unit_test(test_nan_is_seen),   cmocka_unit_test(test_gradient_by_differences),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}

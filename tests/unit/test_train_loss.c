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
    nin_loss loss = nin_cross_entropy(logits, labels, COUNT, CLASSES, smoothing, gradient);
    float mean = (float)(loss.loss_sum / COUNT);
    expect_close(value_name, &mean, values(value_name, 1), 1, 1e-7);
    expect_close(gradient_name, gradient, values(gradient_name, COUNT * CLASSES), COUNT * CLASSES,
                 1e-7);
    assert_int_equal(loss.correct, (int)values("loss.correct", 1)[0]);
    nin_loss alone = nin_cross_entropy(logits, labels, COUNT, CLASSES, smoothing, NULL);
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

static void test_extremes(void **state) {
    (void)state;
    const float logits[3] = {3e38F, -3e38F, 0};
    const int32_t right = 0;
    const int32_t wrong = 1;
    float gradient[3];
    assert_true(nin_cross_entropy(logits, &right, 1, 3, 0, gradient).loss_sum == 0);
    assert_true(gradient[0] == 0 && gradient[1] == 0 && gradient[2] == 0);
    nin_loss loss = nin_cross_entropy(logits, &wrong, 1, 3, 0, gradient);
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
    assert_true(isnan(nin_cross_entropy(logits, &label, 1, 3, 0, gradient).loss_sum));
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
    nin_cross_entropy(logits, &label, 1, CLASSES, smoothing, gradient);
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
        cmocka_unit_test(test_nan_is_seen),   cmocka_unit_test(test_gradient_by_differences),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}

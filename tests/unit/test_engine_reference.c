/* The reference engine's gradients of whole nets against differences of its own loss. */
#include "base/random.h"
#include "engine/reference/reference.h"
#include "support/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 2, DIRECTIONS = 5 };

/* Mean cross-entropy in float64 and its gradient, straight from the definition. */
static double loss_of(const double *logits, const int32_t *labels, int classes, double *gradient) {
    double loss = 0;
    for (int n = 0; n < BATCH; n++) {
        const double *z = logits + n * classes;
        double largest = z[0];
        double sum = 0;
        for (int c = 1; c < classes; c++) {
            largest = z[c] > largest ? z[c] : largest;
        }
        for (int c = 0; c < classes; c++) {
            sum += exp(z[c] - largest);
        }
        loss += (log(sum) + largest - z[labels[n]]) / BATCH;
        for (int c = 0; gradient && c < classes; c++) {
            gradient[n * classes + c] = (exp(z[c] - largest) / sum - (c == labels[n])) / BATCH;
        }
    }
    return loss;
}

typedef struct net_sample {
    ninp_reference *reference;
    nin_net *net;
    double *images, *start, *direction;
    int32_t *labels;
    size_t parameters;
} net_sample;

static double loss_at(net_sample *sample, double step) {
    double *values = ninp_reference_values(sample->reference);
    for (size_t i = 0; i < sample->parameters; i++) {
        values[i] = sample->start[i] + step * sample->direction[i];
    }
    const double *logits =
        ninp_reference_forward(sample->reference, sample->images, BATCH, true, 3);
    return loss_of(logits, sample->labels, nin_net_output(sample->net).channels, NULL);
}

/* (L(w + h v) - L(w - h v)) / 2 h = gradient . v. The direction moves every value in proportion to
 * its size, and the step is small enough that hardly a ReLU or a maximum changes sides, yet large
 * enough for float64. */
static void check_direction(net_sample *sample, const double *gradient, uint64_t number) {
    const double h = 1e-7;
    double slope = 0;
    ninp_random random = ninp_random_start(7, NINP_RANDOM_TEST, 2, number);
    for (size_t i = 0; i < sample->parameters; i++) {
        sample->direction[i] = ninp_random_normal(&random) * (fabs(sample->start[i]) + 1e-3);
        slope += gradient[i] * sample->direction[i];
    }
    double measured = (loss_at(sample, h) - loss_at(sample, -h)) / (2 * h);
    double error = fabs(measured - slope) / fmax(fabs(slope), 1e-3);
    if (!(error <= 1e-6)) {
        fail_msg("direction %d: slope %.9g by differences, %.9g by backward", (int)number, measured,
                 slope);
    }
}

static void check_net(const char *name, int size) {
    net_sample sample = {.net = test_net_open(name, size, 11)};
    nin_error err = {0};
    assert_int_equal(ninp_reference_create(sample.net, BATCH, 1, &sample.reference, &err), NIN_OK);
    ninp_reference_pull(sample.reference);
    sample.parameters = nin_net_parameter_count(sample.net);
    size_t bytes = sample.parameters * sizeof(double);
    int classes = nin_net_output(sample.net).channels;
    float *images = test_images(sample.net, BATCH, 5);
    size_t values = BATCH * ninp_shape_count(nin_net_input(sample.net));
    sample.labels = test_labels(sample.net, BATCH, 5);
    sample.images = malloc(values * sizeof(double));
    sample.start = malloc(bytes);
    sample.direction = malloc(bytes);
    double *gradient = malloc(bytes);
    double *logit_gradient = malloc((size_t)(BATCH * classes) * sizeof(double));
    assert_true(sample.images && sample.start && sample.direction && gradient && logit_gradient);
    for (size_t i = 0; i < values; i++) {
        sample.images[i] = (double)images[i];
    }
    memcpy(sample.start, ninp_reference_values(sample.reference), bytes);

    const double *logits = ninp_reference_forward(sample.reference, sample.images, BATCH, true, 3);
    loss_of(logits, sample.labels, classes, logit_gradient);
    memcpy(gradient, ninp_reference_backward(sample.reference, logit_gradient), bytes);
    for (uint64_t i = 0; i < DIRECTIONS; i++) {
        check_direction(&sample, gradient, i);
    }
    free(logit_gradient);
    free(gradient);
    free(sample.direction);
    free(sample.start);
    free(sample.images);
    free(sample.labels);
    free(images);
    ninp_reference_free(sample.reference);
    nin_net_free(sample.net);
}

static void nin(void **state) {
    (void)state;
    check_net("nin", 67);
}
static void nin_with_batch_norm(void **state) {
    (void)state;
    check_net("nin-bn", 67);
}
static void nin_of_the_paper(void **state) {
    (void)state;
    check_net("nin-mnist", 14);
}
static void lenet(void **state) {
    (void)state;
    check_net("lenet", 28);
}
static void alexnet(void **state) {
    (void)state;
    check_net("alexnet", 67);
}
static void vgg(void **state) {
    (void)state;
    check_net("vgg11-small", 32);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nin),
        cmocka_unit_test(nin_with_batch_norm),
        cmocka_unit_test(nin_of_the_paper),
        cmocka_unit_test(lenet),
        cmocka_unit_test(alexnet),
        cmocka_unit_test(vgg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* 1 / (1 + exp(-x)) */
#include "net/layer/shape.h"

#include <math.h>

/* exp of a large number would make the quotient lose the small values of the left side. */
static double sigmoid(double x) {
    if (x >= 0.0) {
        return 1.0 / (1.0 + exp(-x));
    }
    double e = exp(x);
    return e / (1.0 + e);
}

static void forward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    for (size_t i = 0; i < count; i++) {
        run->y[i] = sigmoid(run->x[i]);
    }
}

static void backward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    for (size_t i = 0; i < count; i++) {
        run->dx[i] = run->dy[i] * (run->y[i] * (1.0 - run->y[i]));
    }
}

const ninp_layer_type ninp_layer_sigmoid = {
    .word = "sigmoid",
    .class_name = "Sigmoid",
    .usage = "sigmoid",
    .read = ninp_read_nothing,
    .shape = ninp_shape_same,
    .forward = forward,
    .backward = backward,
};

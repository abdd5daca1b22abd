/* max(x, 0). NaN stays NaN. */
#include "net/layer/shape.h"

static void forward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    for (size_t i = 0; i < count; i++) {
        run->y[i] = run->x[i] <= 0.0 ? 0.0 : run->x[i];
    }
}

static void backward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    for (size_t i = 0; i < count; i++) {
        run->dx[i] = run->y[i] <= 0.0 ? 0.0 : run->dy[i];
    }
}

const ninp_layer_type ninp_layer_relu = {
    .word = "relu",
    .class_name = "ReLU",
    .usage = "relu",
    .read = ninp_read_nothing,
    .shape = ninp_shape_same,
    .forward = forward,
    .backward = backward,
};

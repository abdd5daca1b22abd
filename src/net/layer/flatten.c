/* Channels x height x width become features in that order. */
#include "net/layer/shape.h"

#include "base/error.h"

#include <limits.h>
#include <string.h>

static nin_status shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                        nin_error *err) {
    (void)options;
    size_t count = ninp_shape_count(input);
    if (count > INT_MAX) {
        return ninp_fail(err, NIN_ERROR_DATA, "%zu features are too many", count);
    }
    *output = (nin_shape){.channels = (int)count, .height = 1, .width = 1, .flat = true};
    return NIN_OK;
}

static void forward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    memcpy(run->y, run->x, count * sizeof *run->y);
}

static void backward(const ninp_layer_run *run) {
    size_t count = (size_t)run->count * ninp_shape_count(run->input);
    memcpy(run->dx, run->dy, count * sizeof *run->dx);
}

const ninp_layer_type ninp_layer_flatten = {
    .word = "flatten",
    .class_name = "Flatten",
    .usage = "flatten",
    .read = ninp_read_nothing,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};

/* Every output is a weighted sum of all inputs and a bias. */
#include "net/layer/shape.h"

#include "base/error.h"

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    return ninp_line_next_int(line, "width", 1, NINP_LARGEST_WIDTH, &options->linear.width, err);
}

static nin_status shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                        nin_error *err) {
    if (!input.flat) {
        char text[40];
        return ninp_fail(err, NIN_ERROR_DATA, "needs features, but gets %s; put flatten before it",
                         ninp_shape_text(input, text));
    }
    *output = (nin_shape){.channels = options->linear.width, .height = 1, .width = 1, .flat = true};
    return NIN_OK;
}

static int tensors(const ninp_layer_options *options, nin_shape input, ninp_tensor_spec *specs) {
    size_t width = (size_t)options->linear.width;
    specs[0] = (ninp_tensor_spec){.suffix = "weight",
                                  .rank = 2,
                                  .shape = {width, (size_t)input.channels},
                                  .trainable = true,
                                  .decays = true,
                                  .random = true};
    specs[1] = (ninp_tensor_spec){
        .suffix = "bias", .rank = 1, .shape = {width}, .trainable = true, .random = true};
    return 2;
}

static uint64_t macs(const ninp_layer_options *options, nin_shape input, nin_shape output) {
    (void)options;
    return (uint64_t)input.channels * (uint64_t)output.channels;
}

static void forward(const ninp_layer_run *run) {
    size_t inputs = (size_t)run->input.channels;
    size_t outputs = (size_t)run->output.channels;
    for (size_t n = 0; n < (size_t)run->count; n++) {
        for (size_t k = 0; k < outputs; k++) {
            double sum = run->tensors[1][k];
            for (size_t c = 0; c < inputs; c++) {
                sum += run->tensors[0][k * inputs + c] * run->x[n * inputs + c];
            }
            run->y[n * outputs + k] = sum;
        }
    }
}

static void backward(const ninp_layer_run *run) {
    size_t inputs = (size_t)run->input.channels;
    size_t outputs = (size_t)run->output.channels;
    size_t count = (size_t)run->count;
    for (size_t n = 0; n < count; n++) {
        for (size_t c = 0; c < inputs; c++) {
            double sum = 0.0;
            for (size_t k = 0; k < outputs; k++) {
                sum += run->tensors[0][k * inputs + c] * run->dy[n * outputs + k];
            }
            run->dx[n * inputs + c] = sum;
        }
    }
    for (size_t k = 0; k < outputs; k++) {
        for (size_t c = 0; c < inputs; c++) {
            double sum = 0.0;
            for (size_t n = 0; n < count; n++) {
                sum += run->dy[n * outputs + k] * run->x[n * inputs + c];
            }
            run->gradients[0][k * inputs + c] = sum;
        }
        double sum = 0.0;
        for (size_t n = 0; n < count; n++) {
            sum += run->dy[n * outputs + k];
        }
        run->gradients[1][k] = sum;
    }
}

const ninp_layer_type ninp_layer_linear = {
    .word = "linear",
    .class_name = "Linear",
    .usage = "linear WIDTH",
    .read = read,
    .shape = shape,
    .tensors = tensors,
    .macs = macs,
    .forward = forward,
    .backward = backward,
};

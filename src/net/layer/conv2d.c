/* Convolution as neural networks mean it: cross-correlation with zero padding and a bias. */
#include "net/layer/shape.h"

#include <string.h>

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    ninp_conv_options *conv = &options->conv;
    conv->stride = 1;
    nin_status status = ninp_line_next_int(line, "width", 1, NINP_LARGEST_WIDTH, &conv->width, err);
    if (status != NIN_OK) {
        return status;
    }
    return ninp_window_read(line, &conv->kernel, &conv->stride, &conv->padding, err);
}

static nin_status shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                        nin_error *err) {
    const ninp_conv_options *conv = &options->conv;
    output->channels = conv->width;
    ninp_window window = {conv->kernel, conv->stride, conv->padding, false};
    return ninp_shape_slide(window, input, output, err);
}

static int tensors(const ninp_layer_options *options, nin_shape input, ninp_tensor_spec *specs) {
    const ninp_conv_options *conv = &options->conv;
    size_t width = (size_t)conv->width;
    size_t kernel = (size_t)conv->kernel;
    specs[0] = (ninp_tensor_spec){.suffix = "weight",
                                  .rank = 4,
                                  .shape = {width, (size_t)input.channels, kernel, kernel},
                                  .trainable = true,
                                  .decays = true,
                                  .random = true};
    specs[1] = (ninp_tensor_spec){
        .suffix = "bias", .rank = 1, .shape = {width}, .trainable = true, .random = true};
    return 2;
}

static uint64_t macs(const ninp_layer_options *options, nin_shape input, nin_shape output) {
    uint64_t window = (uint64_t)options->conv.kernel * (uint64_t)options->conv.kernel;
    return ninp_shape_count(output) * (uint64_t)input.channels * window;
}

/* The input pixels under the window of one output, and the part of the window that is not padding:
 * r from top_cut to bottom_cut - 1, s from left_cut to right_cut - 1. */
typedef struct patch {
    int top, left; /* input pixel under window position (0, 0); may lie in the padding */
    int top_cut, bottom_cut, left_cut, right_cut;
} patch;

static patch patch_under(const ninp_conv_options *conv, nin_shape input, int row, int column) {
    patch at = {.top = row * conv->stride - conv->padding,
                .left = column * conv->stride - conv->padding};
    at.top_cut = at.top < 0 ? -at.top : 0;
    at.left_cut = at.left < 0 ? -at.left : 0;
    at.bottom_cut = input.height - at.top < conv->kernel ? input.height - at.top : conv->kernel;
    at.right_cut = input.width - at.left < conv->kernel ? input.width - at.left : conv->kernel;
    return at;
}

static ptrdiff_t input_index(nin_shape input, int channel, int row, int column) {
    return ((ptrdiff_t)channel * input.height + row) * input.width + column;
}

static ptrdiff_t weight_index(const ninp_layer_run *run, int k, int c, int r, int s) {
    int kernel = run->options->conv.kernel;
    return (((ptrdiff_t)k * run->input.channels + c) * kernel + r) * kernel + s;
}

/* Sum over c, r, s of w[k][c][r][s] * x[c][top + r][left + s]. */
static double correlate(const ninp_layer_run *run, const double *x, int k, patch at) {
    double sum = 0.0;
    for (int c = 0; c < run->input.channels; c++) {
        for (int r = at.top_cut; r < at.bottom_cut; r++) {
            for (int s = at.left_cut; s < at.right_cut; s++) {
                sum += run->tensors[0][weight_index(run, k, c, r, s)] *
                       x[input_index(run->input, c, at.top + r, at.left + s)];
            }
        }
    }
    return sum;
}

/* Adds one output's part to the gradients of the input and of the weights. */
static void correlate_backward(const ninp_layer_run *run, const double *x, double dy, double *dx,
                               int k, patch at) {
    for (int c = 0; c < run->input.channels; c++) {
        for (int r = at.top_cut; r < at.bottom_cut; r++) {
            for (int s = at.left_cut; s < at.right_cut; s++) {
                ptrdiff_t i = input_index(run->input, c, at.top + r, at.left + s);
                ptrdiff_t j = weight_index(run, k, c, r, s);
                dx[i] += dy * run->tensors[0][j];
                run->gradients[0][j] += dy * x[i];
            }
        }
    }
}

static void forward(const ninp_layer_run *run) {
    const ninp_conv_options *conv = &run->options->conv;
    const double *x = run->x;
    double *y = run->y;
    for (int n = 0; n < run->count; n++, x += ninp_shape_count(run->input)) {
        for (int k = 0; k < run->output.channels; k++) {
            for (int p = 0; p < run->output.height; p++) {
                for (int q = 0; q < run->output.width; q++) {
                    patch at = patch_under(conv, run->input, p, q);
                    *y++ = run->tensors[1][k] + correlate(run, x, k, at);
                }
            }
        }
    }
}

static void backward(const ninp_layer_run *run) {
    const ninp_conv_options *conv = &run->options->conv;
    size_t inputs = ninp_shape_count(run->input);
    ptrdiff_t weights = weight_index(run, run->output.channels, 0, 0, 0);
    memset(run->dx, 0, (size_t)run->count * inputs * sizeof *run->dx);
    memset(run->gradients[0], 0, (size_t)weights * sizeof(double));
    memset(run->gradients[1], 0, (size_t)run->output.channels * sizeof(double));
    const double *x = run->x;
    double *dx = run->dx;
    const double *dy = run->dy;
    for (int n = 0; n < run->count; n++, x += inputs, dx += inputs) {
        for (int k = 0; k < run->output.channels; k++) {
            for (int p = 0; p < run->output.height; p++) {
                for (int q = 0; q < run->output.width; q++, dy++) {
                    patch at = patch_under(conv, run->input, p, q);
                    correlate_backward(run, x, *dy, dx, k, at);
                    run->gradients[1][k] += *dy;
                }
            }
        }
    }
}

const ninp_layer_type ninp_layer_conv2d = {
    .word = "conv2d",
    .class_name = "Conv2d",
    .usage = "conv2d WIDTH kernel=K [stride=1] [padding=0]",
    .read = read,
    .shape = shape,
    .tensors = tensors,
    .macs = macs,
    .forward = forward,
    .backward = backward,
};

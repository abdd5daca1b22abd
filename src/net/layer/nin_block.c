/* The mlpconv block of Lin, Chen and Yan, "Network in network" (ICLR 2014), section 3.1: a
 * convolution and two of 1x1, each with a ReLU behind it. */
#include "net/layer/shape.h"

#include "base/error.h"

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    ninp_block_options *block = &options->block;
    block->stride = 1;
    block->last_relu = true;
    nin_status status = ninp_line_option_bool(line, "batch_norm", &block->batch_norm, err);
    if (status == NIN_OK) {
        status = ninp_line_option_bool(line, "last_relu", &block->last_relu, err);
    }
    if (status == NIN_OK) {
        status = ninp_window_read(line, &block->kernel, &block->stride, &block->padding, err);
    }
    int count = 0;
    if (status == NIN_OK) {
        status =
            ninp_line_next_ints(line, "width", NINP_LARGEST_WIDTH, 3, block->widths, &count, err);
    }
    if (status == NIN_OK && count == 2) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "give one width, or one for each convolution: %d,%d,W", block->widths[0],
                         block->widths[1]);
    }
    for (int i = count; status == NIN_OK && i < 3; i++) {
        block->widths[i] = block->widths[0];
    }
    return status;
}

static void expand(const ninp_layer_options *options, ninp_text *lines) {
    const ninp_block_options *block = &options->block;
    for (int i = 0; i < 3; i++) {
        if (i == 0) {
            ninp_text_add(lines, "conv2d %d kernel=%d stride=%d padding=%d\n", block->widths[0],
                          block->kernel, block->stride, block->padding);
        } else {
            ninp_text_add(lines, "conv2d %d kernel=1\n", block->widths[i]);
        }
        if (block->batch_norm) {
            ninp_text_add(lines, "batch_norm\n");
        }
        if (i < 2 || block->last_relu) {
            ninp_text_add(lines, "relu\n");
        }
    }
}

const ninp_layer_type ninp_layer_nin_block = {
    .word = "nin_block",
    .class_name = "Sequential",
    .usage = "nin_block WIDTH|W,W,W kernel=K [stride=1] [padding=0] [batch_norm] "
             "[last_relu=true]",
    .read = read,
    .expand = expand,
};

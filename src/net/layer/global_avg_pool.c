/* The mean of each channel: adaptive_avg_pool to 1x1. */
#include "net/layer/adaptive.h"

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    options->adaptive_pool = (ninp_adaptive_pool_options){.height = 1, .width = 1};
    return ninp_read_nothing(line, options, err);
}

const ninp_layer_type ninp_layer_global_avg_pool = {
    .word = "global_avg_pool",
    .class_name = "AdaptiveAvgPool2d",
    .usage = "global_avg_pool",
    .read = read,
    .shape = ninp_adaptive_shape,
    .forward = ninp_adaptive_forward,
    .backward = ninp_adaptive_backward,
};

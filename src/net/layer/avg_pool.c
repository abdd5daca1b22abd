/* The mean of each window. */
#include "net/layer/pool.h"

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    options->pool.count_include_pad = true;
    nin_status status =
        ninp_line_option_bool(line, "count_include_pad", &options->pool.count_include_pad, err);
    return status == NIN_OK ? ninp_pool_read(line, &options->pool, err) : status;
}

static ninp_mean_window window_at(const ninp_layer_run *run, int p, int q) {
    const ninp_pool_options *pool = &run->options->pool;
    ninp_pool_span rows = ninp_pool_span_at(pool, run->input.height, p);
    ninp_pool_span columns = ninp_pool_span_at(pool, run->input.width, q);
    int pixels = (rows.end - rows.begin) * (columns.end - columns.begin);
    return (ninp_mean_window){rows, columns,
                              pool->count_include_pad ? rows.full * columns.full : pixels};
}

static void forward(const ninp_layer_run *run) {
    ninp_mean_forward(run, window_at);
}

static void backward(const ninp_layer_run *run) {
    ninp_mean_backward(run, window_at);
}

const ninp_layer_type ninp_layer_avg_pool = {
    .word = "avg_pool",
    .class_name = "AvgPool2d",
    .usage = "avg_pool kernel=K [stride=K] [padding=0] [ceil_mode] [count_include_pad=true]",
    .read = read,
    .shape = ninp_pool_shape,
    .forward = forward,
    .backward = backward,
};

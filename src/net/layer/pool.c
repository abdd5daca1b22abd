#include "net/layer/pool.h"

#include "base/error.h"

#include <string.h>

nin_status ninp_pool_read(ninp_line *line, ninp_pool_options *pool, nin_error *err) {
    nin_status status = ninp_line_option_bool(line, "ceil_mode", &pool->ceil_mode, err);
    if (status == NIN_OK) {
        status = ninp_window_read(line, &pool->kernel, &pool->stride, &pool->padding, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    if (pool->stride == 0) {
        pool->stride = pool->kernel;
    }
    if (pool->padding > pool->kernel / 2) {
        return ninp_fail(err, NIN_ERROR_DATA, "padding=%d is more than half of kernel=%d",
                         pool->padding, pool->kernel);
    }
    return NIN_OK;
}

nin_status ninp_pool_shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                           nin_error *err) {
    const ninp_pool_options *pool = &options->pool;
    output->channels = input.channels;
    ninp_window window = {pool->kernel, pool->stride, pool->padding, pool->ceil_mode};
    return ninp_shape_slide(window, input, output, err);
}

ninp_pool_span ninp_pool_span_at(const ninp_pool_options *pool, int size, int place) {
    int begin = place * pool->stride - pool->padding;
    int end = begin + pool->kernel;
    int padded_end = size + pool->padding;
    ninp_pool_span span;
    span.full = (end < padded_end ? end : padded_end) - begin;
    span.begin = begin < 0 ? 0 : begin;
    span.end = end < size ? end : size;
    return span;
}

void ninp_mean_forward(const ninp_layer_run *run, ninp_mean_window_at *window_at) {
    size_t width = (size_t)run->input.width;
    const double *x = run->x;
    double *y = run->y;
    for (int c = 0; c < run->count * run->input.channels; c++) {
        for (int p = 0; p < run->output.height; p++) {
            for (int q = 0; q < run->output.width; q++) {
                ninp_mean_window window = window_at(run, p, q);
                double sum = 0.0;
                for (int r = window.rows.begin; r < window.rows.end; r++) {
                    for (int s = window.columns.begin; s < window.columns.end; s++) {
                        sum += x[(size_t)r * width + (size_t)s];
                    }
                }
                *y++ = sum / window.divisor;
            }
        }
        x += (size_t)run->input.height * width;
    }
}

void ninp_mean_backward(const ninp_layer_run *run, ninp_mean_window_at *window_at) {
    size_t width = (size_t)run->input.width;
    double *dx = run->dx;
    const double *dy = run->dy;
    memset(dx, 0, (size_t)run->count * ninp_shape_count(run->input) * sizeof *dx);
    for (int c = 0; c < run->count * run->input.channels; c++) {
        for (int p = 0; p < run->output.height; p++) {
            for (int q = 0; q < run->output.width; q++) {
                ninp_mean_window window = window_at(run, p, q);
                double share = *dy++ / window.divisor;
                for (int r = window.rows.begin; r < window.rows.end; r++) {
                    for (int s = window.columns.begin; s < window.columns.end; s++) {
                        dx[(size_t)r * width + (size_t)s] += share;
                    }
                }
            }
        }
        dx += (size_t)run->input.height * width;
    }
}

/* The maximum of each window; padding never wins. */
#include "net/layer/pool.h"

#include <math.h>
#include <string.h>

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    return ninp_pool_read(line, &options->pool, err);
}

/* Index of a window's maximum in the channel x: the first of equals in row-major order, and any NaN
 * before numbers, as PyTorch has it. */
static size_t find_maximum(const double *x, int width, ninp_pool_span rows,
                           ninp_pool_span columns) {
    size_t best = (size_t)rows.begin * (size_t)width + (size_t)columns.begin;
    for (int r = rows.begin; r < rows.end; r++) {
        for (int s = columns.begin; s < columns.end; s++) {
            size_t i = (size_t)r * (size_t)width + (size_t)s;
            if (x[i] > x[best] || isnan(x[i])) {
                best = i;
            }
        }
    }
    return best;
}

static size_t maximum_of(const ninp_layer_run *run, const double *x, int p, int q) {
    const ninp_pool_options *pool = &run->options->pool;
    return find_maximum(x, run->input.width, ninp_pool_span_at(pool, run->input.height, p),
                        ninp_pool_span_at(pool, run->input.width, q));
}

static void forward(const ninp_layer_run *run) {
    const double *x = run->x;
    double *y = run->y;
    for (int c = 0; c < run->count * run->input.channels; c++) {
        for (int p = 0; p < run->output.height; p++) {
            for (int q = 0; q < run->output.width; q++) {
                *y++ = x[maximum_of(run, x, p, q)];
            }
        }
        x += (size_t)run->input.height * (size_t)run->input.width;
    }
}

static void backward(const ninp_layer_run *run) {
    size_t inputs = ninp_shape_count(run->input);
    memset(run->dx, 0, (size_t)run->count * inputs * sizeof *run->dx);
    const double *x = run->x;
    double *dx = run->dx;
    const double *dy = run->dy;
    for (int c = 0; c < run->count * run->input.channels; c++) {
        for (int p = 0; p < run->output.height; p++) {
            for (int q = 0; q < run->output.width; q++) {
                dx[maximum_of(run, x, p, q)] += *dy++;
            }
        }
        x += (size_t)run->input.height * (size_t)run->input.width;
        dx += (size_t)run->input.height * (size_t)run->input.width;
    }
}

const ninp_layer_type ninp_layer_max_pool = {
    .word = "max_pool",
    .class_name = "MaxPool2d",
    .usage = "max_pool kernel=K [stride=K] [padding=0] [ceil_mode]",
    .read = read,
    .shape = ninp_pool_shape,
    .forward = forward,
    .backward = backward,
};

/* The mean over windows that divide the input into a given number of rows and columns. */
#include "net/layer/adaptive.h"

#include "base/error.h"
#include "net/layer/pool.h"

#include <string.h>

/* "7" or "7x5". */
static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    ninp_adaptive_pool_options *pool = &options->adaptive_pool;
    const char *word = ninp_line_next(line);
    if (!word) {
        return ninp_fail(err, NIN_ERROR_DATA, "the output size is missing");
    }
    char height[sizeof line->text];
    size_t length = strcspn(word, "x");
    memcpy(height, word, length);
    height[length] = '\0';
    nin_status status =
        ninp_line_int(height, line, "output height", 1, NINP_LARGEST_WINDOW, &pool->height, err);
    pool->width = pool->height;
    if (status == NIN_OK && word[length]) {
        status = ninp_line_int(word + length + 1, line, "output width", 1, NINP_LARGEST_WINDOW,
                               &pool->width, err);
    }
    return status;
}

nin_status ninp_adaptive_shape(const ninp_layer_options *options, nin_shape input,
                               nin_shape *output, nin_error *err) {
    *output = (nin_shape){.channels = input.channels,
                          .height = options->adaptive_pool.height,
                          .width = options->adaptive_pool.width};
    return ninp_shape_need_picture(input, err);
}

/* Rows or columns under window `place` of `places` over `size` pixels: from
 * floor(place * size / places) to ceil((place + 1) * size / places). Neighbours may overlap. */
static ninp_pool_span span_at(int size, int places, int place) {
    ninp_pool_span span = {.begin = place * size / places,
                           .end = ((place + 1) * size + places - 1) / places};
    span.full = span.end - span.begin;
    return span;
}

static ninp_mean_window window_at(const ninp_layer_run *run, int p, int q) {
    ninp_pool_span rows = span_at(run->input.height, run->output.height, p);
    ninp_pool_span columns = span_at(run->input.width, run->output.width, q);
    return (ninp_mean_window){rows, columns, (double)rows.full * columns.full};
}

void ninp_adaptive_forward(const ninp_layer_run *run) {
    ninp_mean_forward(run, window_at);
}

void ninp_adaptive_backward(const ninp_layer_run *run) {
    ninp_mean_backward(run, window_at);
}

const ninp_layer_type ninp_layer_adaptive_avg_pool = {
    .word = "adaptive_avg_pool",
    .class_name = "AdaptiveAvgPool2d",
    .usage = "adaptive_avg_pool SIZE|HEIGHTxWIDTH",
    .read = read,
    .shape = ninp_adaptive_shape,
    .forward = ninp_adaptive_forward,
    .backward = ninp_adaptive_backward,
};

/* In training each value becomes 0 with the given probability p and is divided by 1 - p otherwise
 * (Srivastava et al., "Dropout", JMLR 2014, in PyTorch's inverted form); in evaluation nothing
 * changes. */
#include "net/layer/shape.h"

#include <string.h>

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    return ninp_line_next_double(line, "probability", 0.0, 1.0, &options->dropout.probability, err);
}

/* Multiplies picture n by its mask. Values are visited in channel-blocked order, which numbers the
 * random words. */
static void mask_picture(const ninp_layer_run *run, int n, const double *from, double *to) {
    enum { CHUNK = 64 };
    double probability = run->options->dropout.probability;
    double scale = probability < 1.0 ? 1.0 / (1.0 - probability) : 0.0;
    ninp_dropout_key key = {.seed = run->seed, .step = run->step, .layer = run->number};
    size_t pixels = (size_t)run->input.height * (size_t)run->input.width;
    size_t channels = (size_t)run->input.channels;
    size_t elements = (channels + 15) / 16 * 16 * pixels;
    uint8_t keep[CHUNK];
    for (size_t i = 0; i < elements; i++) {
        if (i % CHUNK == 0) {
            size_t rest = elements - i;
            ninp_dropout_mask(&key, n, probability, i, rest < CHUNK ? rest : CHUNK, keep);
        }
        size_t channel = i / (pixels * 16) * 16 + i % 16;
        if (channel < channels) {
            size_t plain = channel * pixels + i / 16 % pixels;
            to[plain] = from[plain] * (keep[i % CHUNK] ? scale : 0.0);
        }
    }
}

/* Forward and backward are the same map. */
static void apply(const ninp_layer_run *run, const double *from, double *to) {
    size_t values = ninp_shape_count(run->input);
    if (!run->training) {
        memcpy(to, from, (size_t)run->count * values * sizeof *to);
        return;
    }
    for (int n = 0; n < run->count; n++, from += values, to += values) {
        mask_picture(run, n, from, to);
    }
}

static void forward(const ninp_layer_run *run) {
    apply(run, run->x, run->y);
}

static void backward(const ninp_layer_run *run) {
    apply(run, run->dy, run->dx);
}

const ninp_layer_type ninp_layer_dropout = {
    .word = "dropout",
    .class_name = "Dropout",
    .usage = "dropout PROBABILITY",
    .read = read,
    .shape = ninp_shape_same,
    .forward = forward,
    .backward = backward,
};

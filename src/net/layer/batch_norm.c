/* Each channel is shifted and scaled to mean 0 and variance 1, then by weights of its own (Ioffe
 * and Szegedy, "Batch normalization", ICML 2015, section 3). In training the statistics are those
 * of the batch, and running ones follow them; in evaluation they are the running ones. */
#include "net/layer/shape.h"

#include <math.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };

static nin_status read(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    ninp_batch_norm_options *norm = &options->batch_norm;
    *norm = (ninp_batch_norm_options){.epsilon = 1e-5, .momentum = 0.1};
    nin_status status = ninp_line_option_double(line, "epsilon", 1e-12, 1.0, &norm->epsilon, err);
    return status == NIN_OK
               ? ninp_line_option_double(line, "momentum", 0.0, 1.0, &norm->momentum, err)
               : status;
}

static nin_status shape(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                        nin_error *err) {
    (void)options;
    *output = input;
    return ninp_shape_need_picture(input, err);
}

static int tensors(const ninp_layer_options *options, nin_shape input, ninp_tensor_spec *specs) {
    (void)options;
    static const ninp_tensor_spec kinds[] = {
        [WEIGHT] = {.suffix = "weight", .trainable = true, .start = 1.0F},
        [BIAS] = {.suffix = "bias", .trainable = true},
        [RUNNING_MEAN] = {.suffix = "running_mean"},
        [RUNNING_VAR] = {.suffix = "running_var", .start = 1.0F},
    };
    for (int i = 0; i < NINP_LAYER_TENSORS; i++) {
        specs[i] = kinds[i];
        specs[i].rank = 1;
        specs[i].shape[0] = (size_t)input.channels;
    }
    return NINP_LAYER_TENSORS;
}

/* One channel of a batch: `count` runs of `pixels` values, `stride` apart, from `first` on. */
typedef struct channel {
    size_t first, count, pixels, stride;
} channel;

static channel channel_of(const ninp_layer_run *run, int c) {
    size_t pixels = (size_t)run->input.height * (size_t)run->input.width;
    return (channel){.first = (size_t)c * pixels,
                     .count = (size_t)run->count,
                     .pixels = pixels,
                     .stride = (size_t)run->input.channels * pixels};
}

#define EACH_VALUE(at, i)                      \
    for (size_t n_ = 0; n_ < (at).count; n_++) \
        for (size_t i = (at).first + n_ * (at).stride, end_ = i + (at).pixels; i < end_; i++)

/* Mean and biased variance of one channel. */
typedef struct moments {
    double mean, variance;
} moments;

static moments batch_moments(const double *x, channel at) {
    double values = (double)(at.count * at.pixels);
    moments m = {0.0, 0.0};
    EACH_VALUE(at, i) {
        m.mean += x[i];
    }
    m.mean /= values;
    EACH_VALUE(at, i) {
        m.variance += (x[i] - m.mean) * (x[i] - m.mean);
    }
    m.variance /= values;
    return m;
}

static moments moments_of(const ninp_layer_run *run, int c) {
    if (run->training) {
        return batch_moments(run->x, channel_of(run, c));
    }
    return (moments){run->tensors[RUNNING_MEAN][c], run->tensors[RUNNING_VAR][c]};
}

/* The running variance follows the unbiased one. A single value has none: 0. */
static void follow(const ninp_layer_run *run, int c, moments m) {
    double values = (double)run->count * run->input.height * run->input.width;
    double unbiased = values > 1.0 ? m.variance * values / (values - 1.0) : 0.0;
    double momentum = run->options->batch_norm.momentum;
    double *mean = &run->tensors[RUNNING_MEAN][c];
    double *variance = &run->tensors[RUNNING_VAR][c];
    *mean = (1.0 - momentum) * *mean + momentum * m.mean;
    *variance = (1.0 - momentum) * *variance + momentum * unbiased;
}

static void forward(const ninp_layer_run *run) {
    for (int c = 0; c < run->input.channels; c++) {
        moments m = moments_of(run, c);
        if (run->training) {
            follow(run, c, m);
        }
        double scale =
            run->tensors[WEIGHT][c] / sqrt(m.variance + run->options->batch_norm.epsilon);
        channel at = channel_of(run, c);
        EACH_VALUE(at, i) {
            run->y[i] = (run->x[i] - m.mean) * scale + run->tensors[BIAS][c];
        }
    }
}

/* With x^ = (x - mean) / deviation: dx = weight / deviation * (dy - mean(dy) - x^ mean(dy x^)); the
 * two means come from the statistics' own dependence on x, which evaluation lacks. */
static void backward(const ninp_layer_run *run) {
    for (int c = 0; c < run->input.channels; c++) {
        moments m = moments_of(run, c);
        double inverse = 1.0 / sqrt(m.variance + run->options->batch_norm.epsilon);
        channel at = channel_of(run, c);
        double sum = 0.0;
        double product = 0.0;
        EACH_VALUE(at, i) {
            sum += run->dy[i];
            product += run->dy[i] * (run->x[i] - m.mean) * inverse;
        }
        run->gradients[BIAS][c] = sum;
        run->gradients[WEIGHT][c] = product;
        double values = (double)(at.count * at.pixels);
        double mean_dy = run->training ? sum / values : 0.0;
        double mean_product = run->training ? product / values : 0.0;
        EACH_VALUE(at, i) {
            double normal = (run->x[i] - m.mean) * inverse;
            run->dx[i] =
                run->tensors[WEIGHT][c] * inverse * (run->dy[i] - mean_dy - normal * mean_product);
        }
    }
}

const ninp_layer_type ninp_layer_batch_norm = {
    .word = "batch_norm",
    .class_name = "BatchNorm2d",
    .usage = "batch_norm [epsilon=1e-5] [momentum=0.1]",
    .read = read,
    .shape = shape,
    .tensors = tensors,
    .forward = forward,
    .backward = backward,
};

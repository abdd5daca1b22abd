/* Batch norm for training: with the statistics of the batch or, where it is frozen, with the
 * running ones.
 *
 * Every channel block of every picture is summed up on its own, in parts whose order is fixed; the
 * parts are then put together picture after picture, in double. So the bits do not depend on the
 * number of threads. Variances are sums of squared distances from the mean of the picture at hand,
 * moved to the mean of the batch at the end (Chan, Golub, LeVeque, "Algorithms for computing the
 * sample variance", The American Statistician 1983): that reads the batch from memory once and does
 * not suffer from means far from 0. */
#include "cpu/algorithm.h"

#include <math.h>

/* Sums of one block of one picture. Forward: of x - mean and (x - mean)^2, about `mean`, the
 * picture's own; backward: of dy and dy * (x - mean). */
typedef struct part_sums {
    float mean[NINP_BLOCK];
    double sums[2 * NINP_BLOCK];
} part_sums;

/* What backward needs of forward, a block. */
typedef struct block_statistics {
    _Alignas(64) float mean[NINP_BLOCK];
    float inverse_deviation[NINP_BLOCK];
} block_statistics;

/* Coefficients of a block, from its sums to the loop over its pictures. */
typedef union block_coefficients {
    ninp_norm_forward forward;
    ninp_norm_backward backward;
} block_coefficients;

static size_t block_count(const ninp_step *step) {
    return (size_t)ninp_blocks(step->input.channels);
}

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    (void)step;
    return config->training ? NULL : "it computes the statistics of a batch, for training";
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    size_t blocks = block_count(step);
    needs->kept_bytes = blocks * sizeof(block_statistics);
    needs->common_bytes =
        blocks * sizeof(block_coefficients) + (size_t)config->batch * blocks * sizeof(part_sums);
}

static block_statistics *statistics_of(const ninp_cpu_run *run) {
    return (block_statistics *)(void *)run->kept;
}

static block_coefficients *coefficients_of(const ninp_cpu_run *run) {
    return (block_coefficients *)(void *)run->common_space;
}

/* Those of picture n begin at [n * blocks]. */
static part_sums *parts_of(const ninp_cpu_run *run) {
    return (part_sums *)(void *)(run->common_space +
                                 block_count(run->step) * sizeof(block_coefficients));
}

static void sum_forward(const ninp_map_kernels *map, size_t pixels, const float *x,
                        part_sums *part) {
    _Alignas(64) float mean[NINP_BLOCK];
    *part = (part_sums){0};
    map->norm_sums(pixels, x, part->sums);
    for (int lane = 0; lane < NINP_BLOCK; lane++) {
        mean[lane] = (float)(part->sums[lane] / (double)pixels);
        part->mean[lane] = mean[lane];
        part->sums[lane] = 0.0;
    }
    map->norm_moments(pixels, mean, x, part->sums);
}

/* Mean and biased variance of one channel of the batch. */
typedef struct moments {
    double mean, variance;
} moments;

/* first: the channel's block in picture 0. */
static moments join_parts(const part_sums *first, size_t blocks, int count, double pixels,
                          int lane) {
    double values = count * pixels;
    moments m = {0.0, 0.0};
    for (int n = 0; n < count; n++) {
        const part_sums *part = first + (size_t)n * blocks;
        m.mean += pixels * (double)part->mean[lane] + part->sums[lane];
    }
    m.mean /= values;
    for (int n = 0; n < count; n++) {
        const part_sums *part = first + (size_t)n * blocks;
        double away = m.mean - (double)part->mean[lane];
        m.variance +=
            part->sums[NINP_BLOCK + lane] - 2.0 * away * part->sums[lane] + pixels * away * away;
    }
    m.variance /= values;
    return m;
}

/* The running variance follows the unbiased one; a single value has none: 0. */
static void follow(const ninp_cpu_run *run, int channel, moments m, double values) {
    double momentum = run->step->momentum;
    double unbiased = values > 1.0 ? m.variance * values / (values - 1.0) : 0.0;
    float *mean = &run->tensors[2][channel];
    float *variance = &run->tensors[3][channel];
    *mean = (float)((1.0 - momentum) * (double)*mean + momentum * m.mean);
    *variance = (float)((1.0 - momentum) * (double)*variance + momentum * unbiased);
}

static moments running_moments(const ninp_cpu_run *run, int channel) {
    return (moments){(double)run->tensors[2][channel], (double)run->tensors[3][channel]};
}

static moments batch_moments(const ninp_cpu_run *run, size_t block, int lane) {
    const ninp_step *step = run->step;
    const double pixels = (double)step->input.height * step->input.width;
    const moments m =
        join_parts(parts_of(run) + block, block_count(step), run->count, pixels, lane);
    follow(run, (int)block * NINP_BLOCK + lane, m, run->count * pixels);
    return m;
}

/* Lanes past the last channel become 0. */
static void settle_forward(const ninp_cpu_run *run, size_t block) {
    const ninp_step *step = run->step;
    block_statistics kept = {0};
    ninp_norm_forward norm = {0};
    for (int lane = 0; lane < NINP_BLOCK; lane++) {
        int channel = (int)block * NINP_BLOCK + lane;
        if (channel >= step->input.channels) {
            break;
        }
        moments m = step->fixed ? running_moments(run, channel) : batch_moments(run, block, lane);
        double inverse = 1.0 / sqrt(m.variance + step->epsilon);
        kept.mean[lane] = (float)m.mean;
        kept.inverse_deviation[lane] = (float)inverse;
        norm.mean[lane] = (float)m.mean;
        norm.scale[lane] = (float)((double)run->tensors[0][channel] * inverse);
        norm.shift[lane] = run->tensors[1][channel];
    }
    statistics_of(run)[block] = kept;
    coefficients_of(run)[block].forward = norm;
}

static void forward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    const ninp_map_kernels *map = run->kernels->map;
    size_t blocks = block_count(step);
    size_t floats = ninp_block_floats(step->input);
    size_t parts = (size_t)run->count * blocks;
    size_t pixels = floats / NINP_BLOCK;
#pragma omp parallel num_threads(run->threads)
    {
#pragma omp for schedule(static)
        for (size_t i = 0; i < (step->fixed ? 0 : parts); i++) {
            const float *x = run->x + i / blocks * run->x_stride + i % blocks * floats;
            sum_forward(map, pixels, x, parts_of(run) + i);
        }
#pragma omp for schedule(static)
        for (size_t b = 0; b < blocks; b++) {
            settle_forward(run, b);
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < parts; i++) {
            size_t at = i % blocks * floats;
            map->norm_forward(pixels, &coefficients_of(run)[i % blocks].forward, step->activation,
                              run->x + i / blocks * run->x_stride + at,
                              run->y + i / blocks * run->y_stride + at);
        }
    }
}

/* With x^ = (x - mean) / deviation and means over the batch:
 * dx = scale / deviation * (dy - mean(dy) - x^ mean(dy x^)). Running statistics do not depend on x,
 * so the two means are not there then. */
static void settle_backward(const ninp_cpu_run *run, size_t block) {
    const ninp_step *step = run->step;
    double values = (double)run->count * step->input.height * step->input.width;
    const block_statistics *kept = &statistics_of(run)[block];
    ninp_norm_backward norm = {0};
    for (int lane = 0; lane < NINP_BLOCK; lane++) {
        int channel = (int)block * NINP_BLOCK + lane;
        if (channel >= step->input.channels) {
            break;
        }
        double sum = 0.0;
        double product = 0.0;
        for (int n = 0; n < run->count; n++) {
            const part_sums *part = parts_of(run) + (size_t)n * block_count(step) + block;
            sum += part->sums[lane];
            product += part->sums[NINP_BLOCK + lane];
        }
        double inverse = (double)kept->inverse_deviation[lane];
        run->tensor_gradients[0][channel] = (float)(product * inverse);
        run->tensor_gradients[1][channel] = (float)sum;
        norm.mean[lane] = kept->mean[lane];
        norm.scale[lane] = (float)((double)run->tensors[0][channel] * inverse);
        if (!step->fixed) {
            norm.mean_dy[lane] = (float)(sum / values);
            norm.slope[lane] = (float)(product / values * inverse * inverse);
        }
    }
    coefficients_of(run)[block].backward = norm;
}

static void backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    const ninp_map_kernels *map = run->kernels->map;
    size_t blocks = block_count(step);
    size_t floats = ninp_block_floats(step->input);
    size_t parts = (size_t)run->count * blocks;
    size_t pixels = floats / NINP_BLOCK;
#pragma omp parallel num_threads(run->threads)
    {
#pragma omp for schedule(static)
        for (size_t i = 0; i < parts; i++) {
            part_sums *part = parts_of(run) + i;
            size_t at = i % blocks * floats;
            *part = (part_sums){0};
            map->norm_products(pixels, statistics_of(run)[i % blocks].mean,
                               run->x + i / blocks * run->x_stride + at,
                               run->dy + i / blocks * run->y_stride + at, part->sums);
        }
#pragma omp for schedule(static)
        for (size_t b = 0; b < blocks; b++) {
            settle_backward(run, b);
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < (run->dx ? parts : 0); i++) {
            size_t at = i % blocks * floats;
            map->norm_backward(pixels, &coefficients_of(run)[i % blocks].backward,
                               step->input_activation, run->x + i / blocks * run->x_stride + at,
                               run->dy + i / blocks * run->y_stride + at,
                               run->dx + i / blocks * run->x_stride + at);
        }
    }
}

const ninp_cpu_algorithm ninp_batch_norm = {
    .name = "batch_norm",
    .work = NINP_WORK_BATCH_NORM,
    .scope = NINP_SCOPE_BATCH,
    .refuse = refuse,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};

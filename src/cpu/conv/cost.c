#include "cpu/conv/cost.h"

/* Multiply-accumulates in the time that one float moves between the second or third cache and the
 * first. */
#define MOVE 8.0
/* Rows of a product that keep the arithmetic busy, whatever the registers. */
#define BUSY_ROWS 4.0

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* Share of full speed at which products of `rows` rows run: they are cut into equal tiles. */
static double product_speed(const ninp_cpu_config *config, int rows) {
    const int most = config->kernels->gemm->rows;
    const int tiles = (rows + most - 1) / most;
    const double each = (double)rows / tiles;
    return each < BUSY_ROWS ? each / BUSY_ROWS : 1.0;
}

/* Weights as they are stored. */
static double weight_count(const ninp_conv_shape *shape) {
    const ninp_filters filters = ninp_conv_filters(shape);
    return (double)ninp_filter_floats(&filters);
}

/* Forward and, where needed, the input gradient. */
static int product_passes(const ninp_step *step, bool training) {
    return 1 + ninp_conv_turns(step, training);
}

double ninp_conv_image_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config, int line) {
    const double weights = weight_count(shape);
    const double macs = weights * ninp_conv_out_pixels(shape);
    const double product = larger(macs / product_speed(config, line), weights * MOVE);
    const double rounds = (config->batch + config->threads - 1) / config->threads;
    const double idle = rounds * config->threads / config->batch;
    double cost = product * product_passes(step, config->training);
    if (config->training) {
        cost += macs + 2.0 * weights * MOVE; /* gradients are loaded and stored for every picture */
    }
    return cost * idle;
}

/* Multiply-accumulates of the taps that lie inside. */
static double live_macs(const ninp_conv_shape *shape) {
    double rows = 0.0;
    double columns = 0.0;
    for (int tap = 0; tap < shape->kernel; tap++) {
        rows += ninp_conv_live_outputs(shape, shape->height, shape->out_height, tap).count;
        columns += ninp_conv_live_outputs(shape, shape->width, shape->out_width, tap).count;
    }
    return weight_count(shape) / ninp_conv_taps(shape) * rows * columns;
}

double ninp_conv_batch_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config) {
    const double macs = live_macs(shape);
    const double moves = macs * MOVE / config->batch; /* weights, for every pixel */
    const double product = larger(macs / product_speed(config, config->batch), moves);
    const double pictures = (double)ninp_blocks(shape->channels) * ninp_conv_pixels(shape) +
                            (double)ninp_blocks(shape->filters) * ninp_conv_out_pixels(shape);
    double cost = product * product_passes(step, config->training);
    double gathers = 1.0;
    if (config->training) {
        cost += macs + 2.0 * macs * MOVE / (config->batch * shape->out_width);
        gathers = 4.0;
    }
    return cost + gathers * pictures * NINP_BLOCK * MOVE;
}

#include "cpu/conv/cost.h"

/* Measured on a Zen 5 with AVX-512: multiply-accumulates in the time that one float moves between
 * the first cache and the second, or the third and memory; that one float is gathered from a
 * picture of the batch; and the bytes that stay in the second cache. */
#define MOVE_NEAR 2.0
#define MOVE_FAR 9.0
#define GATHER 20.0
#define NEAR_BYTES 700e3
/* Rows of a product that keep the arithmetic busy, whatever the registers. */
#define BUSY_ROWS 4.0

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

static double move_cost(double floats) {
    return floats * sizeof(float) < NEAR_BYTES ? MOVE_NEAR : MOVE_FAR;
}

/* Forward and, where needed, the input gradient. */
static int product_passes(const ninp_step *step, bool training) {
    return 1 + ninp_conv_turns(step, training);
}

/* How much longer a batch takes than its share of all threads. Work that is too little for a second
 * thread keeps nobody waiting. */
static double idle_factor(const ninp_cpu_config *config, double macs) {
    if (macs * config->batch < NINP_THREAD_MACS) {
        return 1.0;
    }
    const int rounds = (config->batch + config->threads - 1) / config->threads;
    return (double)rounds * config->threads / config->batch;
}

/* Weights are read for every picture, their gradients read and written. */
double ninp_conv_image_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config, int line) {
    const double weights = weight_count(shape);
    const double macs = weights * ninp_conv_out_pixels(shape);
    const double moves = weights * move_cost(weights);
    const double product = macs / product_speed(config, line) + moves;
    const double gradient = config->training ? macs + 2.0 * moves : 0.0;
    return (product * product_passes(step, config->training) + gradient) *
           idle_factor(config, macs);
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

/* Weights are read once a batch and, from the second cache, once a pixel; pictures are gathered. */
double ninp_conv_batch_cost(const ninp_conv_shape *shape, const ninp_step *step,
                            const ninp_cpu_config *config) {
    const double macs = live_macs(shape);
    const double weights = weight_count(shape);
    const double once = weights * move_cost(weights) / config->batch;
    const double each = macs * MOVE_NEAR / config->batch;
    const double product = macs / product_speed(config, config->batch) + once + each;
    const double gradient = config->training ? macs + 2.0 * (once + each / shape->out_width) : 0.0;
    const double gathers = config->training ? 4.0 : 1.0;
    const double pictures = (double)ninp_blocks(shape->channels) * ninp_conv_pixels(shape) +
                            (double)ninp_blocks(shape->filters) * ninp_conv_out_pixels(shape);
    return product * product_passes(step, config->training) + gradient +
           gathers * pictures * NINP_BLOCK * GATHER;
}

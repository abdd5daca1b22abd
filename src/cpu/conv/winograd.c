/* Winograd's convolution with 3 x 3 and 5 x 5 filters, stride 1: winograd2, winograd4 and winograd6
 * make tiles of that many outputs a side.
 *
 * Larger tiles need fewer multiplications and round worse. Errors in relation to the results, by
 * root mean squares, for sums of some hundred products of evenly distributed values (a sum in
 * float32 itself has about 3e-7); the tests hold every instruction set to them:
 *
 *              products an output    output   input gradient   weight gradient
 *    F(2, 3)          4               4e-7         4e-7              8e-7
 *    F(4, 3)          2.25            2e-6         2e-6              2e-6
 *    F(6, 3)          1.78            5e-6         5e-6              5e-6
 *    F(2, 5)          9               2e-6         2e-6              4e-6
 *    F(4, 5)          4               5e-6         5e-6              6e-6
 *
 * The weight gradient's error grows with the number of tiles it is summed over: ten times that at
 * 10,000. What no value exceeds follows from the norms in kernel/winograd.h. */
#include "cpu/conv/winograd.h"
#include "cpu/conv/pooled.h"

#include <omp.h>

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config, int outputs) {
    if (step->conv.stride != 1) {
        return "its stride is not 1";
    }
    if (step->conv.padding >= step->conv.kernel) {
        return "its padding is not smaller than its kernel";
    }
    if (!ninp_winograd_form_of(config->kernels, outputs, step->conv.kernel)) {
        return "there is no such Winograd form for its kernel";
    }
    return NULL;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, int outputs,
                    ninp_cpu_needs *needs) {
    const ninp_winograd_plan plan = ninp_winograd_plan_of(
        step, ninp_winograd_form_of(config->kernels, outputs, step->conv.kernel), config->batch,
        config->training);
    needs->weight_floats = (size_t)plan.bins * plan.w_stride;
    needs->gradient_floats = config->training ? needs->weight_floats : 0;
    needs->common_bytes = plan.common_floats * sizeof(float);
    needs->thread_bytes = plan.own_floats * sizeof(float);
    ninp_pooled_prepare(step, config, needs);
}

/* The filters of one block of outputs: in the net [count][values], packed bins of one vector for
 * each channel. */
typedef struct filter_block {
    int count;
    size_t values, plain_place, packed_place;
} filter_block;

static filter_block filter_block_at(const ninp_step *step, int block) {
    const int rest = step->unpooled.channels - block * NINP_BLOCK;
    const size_t channels = (size_t)step->input.channels;
    const size_t values = channels * (size_t)(step->conv.kernel * step->conv.kernel);
    return (filter_block){.count = rest < NINP_BLOCK ? rest : NINP_BLOCK,
                          .values = values,
                          .plain_place = (size_t)block * NINP_BLOCK * values,
                          .packed_place = (size_t)block * NINP_BLOCK * channels};
}

static void pack(const ninp_cpu_run *run, const float *weight, float *packed) {
    const ninp_winograd_pass pass = ninp_winograd_begin(run);
#pragma omp parallel for schedule(dynamic, 1) num_threads(run->threads)
    for (int i = 0; i < pass.plan.blocks_out; i++) {
        const filter_block block = filter_block_at(run->step, i);
        float *blocked = ninp_winograd_own(&pass, omp_get_thread_num(), pass.plan.own_scratch);
        run->kernels->map->block(block.count, block.values, weight + block.plain_place, blocked);
        pass.form->weight(run->step->input.channels, blocked, packed + block.packed_place,
                          pass.plan.w_stride);
    }
}

static void unpack(const ninp_cpu_run *run, const float *packed, float *gradient) {
    const ninp_winograd_pass pass = ninp_winograd_begin(run);
#pragma omp parallel for schedule(dynamic, 1) num_threads(run->threads)
    for (int i = 0; i < pass.plan.blocks_out; i++) {
        const filter_block block = filter_block_at(run->step, i);
        float *blocked = ninp_winograd_own(&pass, omp_get_thread_num(), pass.plan.own_scratch);
        pass.form->weight_gradient(run->step->input.channels, packed + block.packed_place,
                                   pass.plan.w_stride, blocked);
        run->kernels->map->unblock(block.count, block.values, blocked,
                                   gradient + block.plain_place);
    }
}

/* In multiply-accumulates: what a float costs that moves between the second or third cache and the
 * first, as for direct algorithms, and what packing and unpacking cost for a float of the bins. */
#define MOVE 8.0
#define PACK 70.0

static double cost(const ninp_step *step, const ninp_cpu_config *config, int outputs) {
    const ninp_winograd_form *form =
        ninp_winograd_form_of(config->kernels, outputs, step->conv.kernel);
    const ninp_winograd_plan plan =
        ninp_winograd_plan_of(step, form, config->batch, config->training);
    const bool turned = ninp_conv_turns(step, config->training);
    const double tiles = (double)plan.bins * plan.rows * plan.columns;
    const double in = plan.blocks_in * NINP_BLOCK;
    const double out = plan.blocks_out * NINP_BLOCK;
    const double weights = (double)plan.bins * step->input.channels * out;
    /* How often an example has all weights read or written. */
    const double rounds = (double)ninp_winograd_group_count(&plan, config->batch) / config->batch;
    double macs = tiles * step->input.channels * out;
    double values = tiles * (in + out);
    double passes = 1.0;
    if (config->training) {
        macs *= 2.0;
        values *= 2.0;
        passes += 2.0; /* their gradient: read and written */
    }
    if (turned) {
        macs += tiles * step->unpooled.channels * in;
        values += tiles * in;
        passes += 1.0;
    }
    /* A transform moves values, and a product moves them again. */
    return macs + MOVE * (2.0 * values + rounds * passes * weights) +
           (config->training ? PACK * weights / config->batch : 0.0);
}

#define BATCHED \
    .scope = NINP_SCOPE_BATCH, .forward = ninp_winograd_forward, .backward = ninp_winograd_backward
NINP_WINOGRAD_ALGORITHM(ninp_conv_winograd2, "winograd2", 2, BATCHED)
NINP_WINOGRAD_ALGORITHM(ninp_conv_winograd4, "winograd4", 4, BATCHED)
NINP_WINOGRAD_ALGORITHM(ninp_conv_winograd6, "winograd6", 6, BATCHED)

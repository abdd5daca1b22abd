#include "cpu/conv/pooled.h"

/* Bytes a picture that remember the winners. */
static size_t index_bytes(const ninp_step *step) {
    return ninp_blocked_count(step->output);
}

size_t ninp_unpooled_bytes(const ninp_step *step) {
    return step->pooled ? ninp_blocked_count(step->unpooled) * sizeof(float) : 0;
}

void ninp_pooled_prepare(const ninp_step *step, const ninp_cpu_config *config,
                         ninp_cpu_needs *needs) {
    if (step->pooled && config->training) {
        needs->saved_bytes = (index_bytes(step) + 63) / 64 * 64;
    }
}

static ninp_pool_geometry geometry_of(const ninp_step *step) {
    return ninp_pool_geometry_of(step->unpooled, step->output, &step->pool);
}

/* Floats of one channel block of a picture. */
static size_t block_floats(nin_shape shape) {
    return ninp_blocked_count(shape) / (size_t)ninp_blocks(shape.channels);
}

void ninp_pooled_forward_block(const ninp_cpu_run *run, int image, int block,
                               const float *unpooled) {
    const ninp_step *step = run->step;
    const ninp_pool_geometry geometry = geometry_of(step);
    const ninp_pool_rows rows = {.first = 0, .count = step->output.height};
    const size_t place = (size_t)block * block_floats(step->output);
    unsigned char *index =
        run->training ? run->saved + (size_t)image * run->saved_stride + place : NULL;
    run->kernels->pool->max_forward(&geometry, rows, 0, unpooled,
                                    run->y + (size_t)image * run->y_stride + place, index);
}

void ninp_pooled_forward(const ninp_cpu_run *run, int image, const float *unpooled) {
    const ninp_step *step = run->step;
    if (!step->pooled) {
        return;
    }
#pragma omp parallel for schedule(static) num_threads(run->threads) if (run->threads > 1)
    for (int block = 0; block < ninp_blocks(step->output.channels); block++) {
        ninp_pooled_forward_block(run, image, block,
                                  unpooled + (size_t)block * block_floats(step->unpooled));
    }
}

void ninp_pooled_backward_block(const ninp_cpu_run *run, int image, int block, int first_row,
                                int row_count, float *unpooled) {
    const ninp_step *step = run->step;
    const ninp_pool_geometry geometry = geometry_of(step);
    const size_t block_place = (size_t)block * block_floats(step->output);
    const size_t place = (size_t)image * run->y_stride + block_place;
    run->kernels->pool->max_backward(
        &geometry, (ninp_pool_rows){first_row, row_count}, step->activation, run->y + place,
        run->dy + place, run->saved + (size_t)image * run->saved_stride + block_place, unpooled);
}

void ninp_pooled_backward(const ninp_cpu_run *run, int image, float *unpooled) {
    const ninp_step *step = run->step;
    if (!step->pooled) {
        return;
    }
    for (int block = 0; block < ninp_blocks(step->output.channels); block++) {
        ninp_pooled_backward_block(run, image, block, 0, step->unpooled.height,
                                   unpooled + (size_t)block * block_floats(step->unpooled));
    }
}

float *ninp_conv_result(const ninp_cpu_run *run) {
    return run->step->pooled ? (float *)(void *)run->thread_space : run->y;
}

void ninp_conv_finish(const ninp_cpu_run *run) {
    ninp_pooled_forward(run, 0, (const float *)(const void *)run->thread_space);
}

const float *ninp_conv_result_gradient(const ninp_cpu_run *run) {
    if (!run->step->pooled) {
        return run->dy;
    }
    float *unpooled = (float *)(void *)run->thread_space;
    ninp_pooled_backward(run, 0, unpooled);
    return unpooled;
}

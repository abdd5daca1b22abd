#include "cpu/conv/pooled.h"

#include "cpu/parallel.h"

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

/* One picture before its pool. */
typedef struct picture_pass {
    const ninp_cpu_run *run;
    int image;
    const float *unpooled;
} picture_pass;

static void forward_task(const void *context, int block, int thread) {
    (void)thread;
    const picture_pass *pass = context;
    ninp_pooled_forward_block(pass->run, pass->image, block,
                              pass->unpooled +
                                  (size_t)block * block_floats(pass->run->step->unpooled));
}

void ninp_pooled_forward(const ninp_cpu_run *run, int image, const float *unpooled) {
    if (run->step->pooled) {
        const picture_pass pass = {run, image, unpooled};
        ninp_parallel_for(run->threads, ninp_blocks(run->step->output.channels), forward_task,
                          &pass);
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

typedef struct gradient_pass {
    const ninp_cpu_run *run;
    int image;
    float *unpooled;
} gradient_pass;

static void backward_task(const void *context, int block, int thread) {
    (void)thread;
    const gradient_pass *pass = context;
    const nin_shape unpooled = pass->run->step->unpooled;
    ninp_pooled_backward_block(pass->run, pass->image, block, 0, unpooled.height,
                               pass->unpooled + (size_t)block * block_floats(unpooled));
}

void ninp_pooled_backward(const ninp_cpu_run *run, int image, float *unpooled) {
    if (run->step->pooled) {
        const gradient_pass pass = {run, image, unpooled};
        ninp_parallel_for(run->threads, ninp_blocks(run->step->output.channels), backward_task,
                          &pass);
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

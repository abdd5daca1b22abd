#include "cpu/conv/fft.h"
#include "cpu/conv/pooled.h"

#include <omp.h>

/* Output 0 sees the input from its centre, half a kernel less the padding behind pixel 0. */
static int output_place(const ninp_fft_length *length, const ninp_conv_shape *shape) {
    const int place = shape->kernel / 2 - shape->padding;
    return place < 0 ? place + length->size : place;
}

ninp_fft_pass ninp_fft_begin(const ninp_cpu_run *run) {
    ninp_fft_pass pass = {
        .run = run,
        .kernels = run->kernels->fft,
        .plan = ninp_fft_plan_of(run->step, run->kernels, run->count, run->training)};
    const ninp_fft_plan *plan = &pass.plan;
    const ninp_conv_shape *shape = &plan->shape;
    float *common = (float *)(void *)run->common_space;
    pass.x = common + plan->common_x;
    pass.dx = common + plan->common_dx;
    pass.y = common + plan->common_y;
    pass.w = common + plan->common_w;
    pass.groups = (run->count + plan->group - 1) / plan->group;
    pass.chunks = (plan->blocks_out + plan->chunk - 1) / plan->chunk;
    pass.input = (ninp_fft_pictures){.frame = plan->frame,
                                     .height = shape->height,
                                     .width = shape->width,
                                     .stride = run->x_stride};
    pass.output = (ninp_fft_pictures){.frame = plan->frame,
                                      .height = shape->out_height,
                                      .width = shape->out_width,
                                      .top = output_place(plan->frame.vertical, shape),
                                      .left = output_place(plan->frame.horizontal, shape),
                                      .stride = run->step->pooled
                                                    ? ninp_block_floats(run->step->unpooled)
                                                    : run->y_stride};
    return pass;
}

ninp_fft_task ninp_fft_task_at(const ninp_fft_pass *pass, ninp_range group, int blocks, int index) {
    const int bundles = ninp_fft_task_count(pass, group, 1);
    const ninp_range pictures = ninp_fft_part(group.count, bundles, index / blocks);
    const int block = index % blocks;
    return (ninp_fft_task){.pictures = {group.first + pictures.first, pictures.count},
                           .block = block,
                           .place = (size_t)block * pass->plan.block_stride +
                                    (size_t)pictures.first * NINP_FFT_PAIR};
}

ninp_fft_filters ninp_fft_filters_of(const ninp_fft_pass *pass, const ninp_filters *filters,
                                     int channel_block) {
    const int width = ninp_filter_width(filters, channel_block);
    return (ninp_fft_filters){.frame = pass->plan.frame,
                              .kernel = pass->plan.shape.kernel,
                              .count = width,
                              .tap_stride = (size_t)width * NINP_BLOCK};
}

void ninp_fft_transform_input(const ninp_fft_pass *pass, ninp_range group, int index, int thread) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_cpu_run *run = pass->run;
    const ninp_fft_task task = ninp_fft_task_at(pass, group, plan->blocks_in, index);
    const float *x = run->x + (size_t)task.pictures.first * run->x_stride +
                     (size_t)task.block * ninp_block_floats(run->step->input);
    ninp_fft_pictures pictures = pass->input;
    pictures.count = task.pictures.count;
    pass->kernels->pictures(&pictures, x, pass->x + task.place, plan->x_stride,
                            ninp_fft_own(pass, thread, plan->own_scratch));
}

/* The filters of one output block of the chunk from one input block. */
static void transform_filters(const ninp_fft_pass *pass, ninp_range chunk, int index, int thread) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_filters filters = ninp_conv_filters(&plan->shape);
    const int block = index / plan->blocks_in;
    const int channel_block = index % plan->blocks_in;
    const ninp_fft_filters some = ninp_fft_filters_of(pass, &filters, channel_block);
    const float *weights = pass->run->weights +
                           (size_t)(chunk.first + block) * ninp_filter_block(&filters) +
                           ninp_filter_place(&filters, channel_block, 0);
    float *bins = pass->w + (size_t)(block * filters.channels + channel_block * NINP_BLOCK) *
                                NINP_FFT_PAIR;
    pass->kernels->filters(&some, false, weights, bins, plan->w_stride,
                           ninp_fft_own(pass, thread, plan->own_scratch));
}

/* y^[bin] = x^[bin] w^[bin] for a chunk of outputs. */
static void multiply(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk, int bin) {
    const ninp_fft_plan *plan = &pass->plan;
    const size_t channels = (size_t)plan->shape.channels;
    const ninp_fft_product product = {.rows = group.count,
                                      .depth = plan->shape.channels,
                                      .blocks = chunk.count,
                                      .a = pass->x + (size_t)bin * plan->x_stride,
                                      .b = pass->w + (size_t)bin * plan->w_stride,
                                      .c = pass->y + (size_t)bin * plan->y_stride,
                                      .a_stride = plan->block_stride,
                                      .b_stride = channels * NINP_FFT_PAIR,
                                      .c_stride = plan->block_stride,
                                      .ahead = true,
                                      .ahead_a = pass->x + (size_t)(bin + 1) * plan->x_stride,
                                      .ahead_b = pass->w + (size_t)(bin + 1) * plan->w_stride};
    pass->kernels->multiply(&product);
}

/* Bins to outputs. */
static void transform_output(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                             int index, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_fft_task task = ninp_fft_task_at(pass, group, chunk.count, index);
    const int block = chunk.first + task.block;
    const size_t floats = ninp_block_floats(run->step->unpooled);
    float *y = run->step->pooled
                   ? ninp_fft_own(pass, thread, plan->own_unpooled)
                   : run->y + (size_t)task.pictures.first * run->y_stride + (size_t)block * floats;
    ninp_fft_pictures pictures = pass->output;
    pictures.count = task.pictures.count;
    pass->kernels->pictures_inverse(&pictures, pass->y + task.place, plan->y_stride,
                                    run->bias ? run->bias + (size_t)block * NINP_BLOCK : NULL, y,
                                    ninp_fft_own(pass, thread, plan->own_scratch));
    for (int i = 0; i < task.pictures.count; i++, y += pictures.stride) {
        run->kernels->map->activate(run->step->activation, floats, y, y);
        if (run->step->pooled) {
            ninp_pooled_forward_block(run, task.pictures.first + i, block, y);
        }
    }
}

/* One chunk of a group. The last loop has no barrier behind it: nobody writes to the outputs' bins
 * before the next one. */
static void forward_chunk(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk) {
    const ninp_fft_plan *plan = &pass->plan;
    const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < chunk.count * plan->blocks_in; i++) {
        transform_filters(pass, chunk, i, thread);
    }
#pragma omp for schedule(dynamic, 4)
    for (int bin = 0; bin < plan->bins; bin++) {
        multiply(pass, group, chunk, bin);
    }
#pragma omp for schedule(dynamic, 1) nowait
    for (int i = 0; i < ninp_fft_task_count(pass, group, chunk.count); i++) {
        transform_output(pass, group, chunk, i, thread);
    }
}

void ninp_fft_forward(const ninp_cpu_run *run) {
    const ninp_fft_pass pass = ninp_fft_begin(run);
#pragma omp parallel num_threads(run->threads)
    for (int g = 0; g < pass.groups; g++) {
        const ninp_range group = ninp_fft_group(&pass, g);
#pragma omp for schedule(dynamic, 1) nowait
        for (int i = 0; i < ninp_fft_task_count(&pass, group, pass.plan.blocks_in); i++) {
            ninp_fft_transform_input(&pass, group, i, omp_get_thread_num());
        }
        for (int c = 0; c < pass.chunks; c++) {
            forward_chunk(&pass, group, ninp_fft_chunk(&pass, c));
        }
    }
}

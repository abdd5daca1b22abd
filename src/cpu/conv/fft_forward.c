#include "cpu/conv/fft.h"
#include "cpu/conv/pooled.h"

#include <omp.h>

/* Output 0 sees the input from its centre, half a kernel less the padding behind pixel 0. */
static int output_place(const ninp_fft_length *length, const ninp_conv_shape *shape) {
    const int place = shape->kernel / 2 - shape->padding;
    return place < 0 ? place + length->size : place;
}

ninp_fft_pass ninp_fft_begin(const ninp_cpu_run *run) {
    ninp_fft_pass pass = {.run = run,
                          .kernels = run->kernels->fft,
                          .plan =
                              ninp_fft_plan_of(run->step, run->kernels, run->count, run->training)};
    const ninp_fft_plan *plan = &pass.plan;
    const ninp_conv_shape *shape = &plan->shape;
    float *common = (float *)(void *)run->common_space;
    pass.x = common + plan->common_x;
    pass.dx = common + plan->common_dx;
    pass.y = common + plan->common_y;
    pass.lines = common + plan->common_lines;
    pass.groups = (run->count + plan->group - 1) / plan->group;
    pass.chunks = (plan->blocks_out + plan->chunk - 1) / plan->chunk;
    pass.input =
        (ninp_fft_picture){.frame = plan->frame, .height = shape->height, .width = shape->width};
    pass.output = (ninp_fft_picture){.frame = plan->frame,
                                     .height = shape->out_height,
                                     .width = shape->out_width,
                                     .top = output_place(plan->frame.vertical, shape),
                                     .left = output_place(plan->frame.horizontal, shape)};
    return pass;
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
    const ninp_fft_task task =
        ninp_fft_task_at(pass, group, (ninp_range){0, plan->blocks_in}, index);
    const float *x = run->x + (size_t)task.picture * run->x_stride +
                     (size_t)task.block * ninp_block_floats(run->step->input);
    pass->kernels->picture(&pass->input, x, pass->x + task.place, plan->x_stride,
                           ninp_fft_own(pass, thread, plan->own_scratch));
}

/* A column of the filters of a chunk: [bin][block][channel][pair]. */
static void transform_filters(const ninp_fft_pass *pass, ninp_range chunk, int column, float *w) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_filters filters = ninp_conv_filters(&plan->shape);
    for (int block = 0; block < chunk.count; block++) {
        const float *weights =
            pass->run->weights + (size_t)(chunk.first + block) * ninp_filter_block(&filters);
        for (int channels = 0; channels < plan->blocks_in; channels++) {
            const ninp_fft_filters some = ninp_fft_filters_of(pass, &filters, channels);
            pass->kernels->filters(&some, false, weights + ninp_filter_place(&filters, channels, 0),
                                   column, w, plan->w_stride);
            w += some.count * NINP_FFT_PAIR;
        }
    }
}

/* y^[bin] = x^[bin] w^[bin] for the bins of a column and a chunk of outputs. */
static void multiply_column(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                            int column, int thread) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_range bins = ninp_fft_column(plan, column);
    float *w = ninp_fft_own(pass, thread, plan->own_w);
    transform_filters(pass, chunk, column, w);
    for (int bin = bins.first; bin < bins.first + bins.count; bin++, w += plan->w_stride) {
        const float *x = pass->x + (size_t)bin * plan->x_stride;
        const ninp_fft_product product = {.rows = group.count,
                                          .depth = plan->shape.channels,
                                          .blocks = chunk.count,
                                          .a = x,
                                          .b = w,
                                          .c = pass->y + (size_t)bin * plan->y_stride,
                                          .a_stride = plan->block_stride,
                                          .b_stride = (size_t)plan->shape.channels * NINP_FFT_PAIR,
                                          .c_stride = plan->block_stride,
                                          .next_a = x + plan->x_stride};
        pass->kernels->multiply(&product);
    }
}

/* Bins to outputs. */
static void transform_output(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                             int index, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_fft_task task = ninp_fft_task_at(pass, group, chunk, index);
    const size_t floats = ninp_block_floats(run->step->unpooled);
    float *y = run->step->pooled
                   ? ninp_fft_own(pass, thread, plan->own_unpooled)
                   : run->y + (size_t)task.picture * run->y_stride + (size_t)task.block * floats;
    pass->kernels->picture_inverse(&pass->output, pass->y + task.place, plan->y_stride,
                                   run->bias ? run->bias + (size_t)task.block * NINP_BLOCK : NULL,
                                   y, ninp_fft_own(pass, thread, plan->own_scratch));
    run->kernels->map->activate(run->step->activation, floats, y, y);
    if (run->step->pooled) {
        ninp_pooled_forward_block(run, task.picture, task.block, y);
    }
}

/* One chunk of a group. */
static void forward_chunk(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk) {
    const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int column = 0; column < ninp_fft_half(pass->plan.frame.horizontal); column++) {
        multiply_column(pass, group, chunk, column, thread);
    }
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < group.count * chunk.count; i++) {
        transform_output(pass, group, chunk, i, thread);
    }
}

void ninp_fft_forward(const ninp_cpu_run *run) {
    const ninp_fft_pass pass = ninp_fft_begin(run);
#pragma omp parallel num_threads(run->threads)
    for (int g = 0; g < pass.groups; g++) {
        const ninp_range group = ninp_fft_group(&pass, g);
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < group.count * pass.plan.blocks_in; i++) {
            ninp_fft_transform_input(&pass, group, i, omp_get_thread_num());
        }
        for (int c = 0; c < pass.chunks; c++) {
            forward_chunk(&pass, group, ninp_fft_chunk(&pass, c));
        }
    }
}

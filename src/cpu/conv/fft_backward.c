/* Output gradients are transformed once, and their bins give the weight gradient (with those of the
 * inputs) and the input gradient (with those of the turned filters). The input gradient adds up in
 * its bins chunk by chunk, the weight gradient in its taps group by group, in order. */
#include "cpu/conv/fft.h"
#include "cpu/conv/pooled.h"

#include <omp.h>

/* Gradients of outputs to bins. */
static void transform_output_gradient(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                                      int index, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_fft_plan *plan = &pass->plan;
    const nin_shape shape = run->step->unpooled;
    const ninp_fft_task task = ninp_fft_task_at(pass, group, chunk, index);
    const float *dy = run->dy + (size_t)task.picture * run->y_stride +
                      (size_t)task.block * ninp_block_floats(shape);
    if (run->step->pooled) {
        float *unpooled = ninp_fft_own(pass, thread, plan->own_unpooled);
        ninp_pooled_backward_block(run, task.picture, task.block, 0, shape.height, unpooled);
        dy = unpooled;
    }
    pass->kernels->picture(&pass->output, dy, pass->y + task.place, plan->y_stride,
                           ninp_fft_own(pass, thread, plan->own_scratch));
}

/* Bin 0 holds the sums of pictures, with zeros for imaginary parts. */
static void add_bias_gradient(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                              int block) {
    pass->run->kernels->map->bias_sums(
        2 * (size_t)group.count, pass->y + (size_t)block * pass->plan.block_stride,
        pass->run->bias_gradient + (size_t)(chunk.first + block) * NINP_BLOCK);
}

/* Output channels of a chunk. */
static int chunk_depth(const ninp_fft_pass *pass, ninp_range chunk) {
    const int first = chunk.first * NINP_BLOCK;
    const int end = first + chunk.count * NINP_BLOCK;
    return (end < pass->plan.shape.filters ? end : pass->plan.shape.filters) - first;
}

/* A column of the turned filters of a chunk: [bin][input block][output channel][pair]. */
static void transform_turned_filters(const ninp_fft_pass *pass, ninp_range chunk, int column,
                                     float *w) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_filters filters = ninp_conv_filters(&plan->shape);
    const ninp_filters turned = ninp_conv_turned_filters(&plan->shape);
    const float *weights = pass->run->weights + ninp_filter_floats(&filters);
    for (int block = 0; block < plan->blocks_in; block++, weights += ninp_filter_block(&turned)) {
        for (int other = chunk.first; other < chunk.first + chunk.count; other++) {
            const ninp_fft_filters some = ninp_fft_filters_of(pass, &turned, other);
            pass->kernels->filters(&some, true, weights + ninp_filter_place(&turned, other, 0),
                                   column, w, plan->w_stride);
            w += some.count * NINP_FFT_PAIR;
        }
    }
}

/* dx^[bin] (+)= dy^[bin] t^[bin] for the bins of a column. */
static void multiply_column(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                            int column, float *t) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_range bins = ninp_fft_column(plan, column);
    const int depth = chunk_depth(pass, chunk);
    transform_turned_filters(pass, chunk, column, t);
    for (int bin = bins.first; bin < bins.first + bins.count; bin++, t += plan->w_stride) {
        const float *dy = pass->y + (size_t)bin * plan->y_stride;
        float *dx = pass->dx + (size_t)bin * plan->x_stride;
        const ninp_fft_product product = {.rows = group.count,
                                          .depth = depth,
                                          .blocks = plan->blocks_in,
                                          .a = dy,
                                          .b = t,
                                          .c = dx,
                                          .a_stride = plan->block_stride,
                                          .b_stride = (size_t)depth * NINP_FFT_PAIR,
                                          .c_stride = plan->block_stride,
                                          .add = chunk.first > 0,
                                          .next_a = dy + plan->y_stride,
                                          .next_c = dx + plan->x_stride};
        pass->kernels->multiply(&product);
    }
}

/* dw^[bin] = x^[bin]* dy^[bin] for the bins of a column, and back to lines. */
static void gradient_column(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                            int column, float *w) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_filters filters = ninp_conv_filters(&plan->shape);
    const ninp_range bins = ninp_fft_column(plan, column);
    for (int i = 0; i < bins.count; i++) {
        const size_t bin = (size_t)(bins.first + i);
        const float *x = pass->x + bin * plan->x_stride;
        const ninp_fft_gradient gradient = {.rows = group.count,
                                            .depth = plan->shape.channels,
                                            .blocks = chunk.count,
                                            .a = x,
                                            .c = pass->y + bin * plan->y_stride,
                                            .b = w + (size_t)i * plan->w_stride,
                                            .a_stride = plan->block_stride,
                                            .c_stride = plan->block_stride,
                                            .b_stride =
                                                (size_t)plan->shape.channels * NINP_FFT_PAIR,
                                            .next_a = x + plan->x_stride};
        pass->kernels->gradient(&gradient);
    }
    float *lines = pass->lines;
    for (int i = 0; i < chunk.count * plan->blocks_in; i++) {
        const ninp_fft_filters some = ninp_fft_filters_of(pass, &filters, i % plan->blocks_in);
        pass->kernels->gradient_column(&some, column, w, plan->w_stride, lines);
        w += some.count * NINP_FFT_PAIR;
        lines += (size_t)some.count * plan->filter_lines;
    }
}

/* Lines to the gradient, for one block of outputs from one block of inputs. */
static void transform_filter_gradient(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk,
                                      int index) {
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_filters filters = ninp_conv_filters(&plan->shape);
    const int block = index / plan->blocks_in;
    const int channels = index % plan->blocks_in;
    const ninp_fft_filters some = ninp_fft_filters_of(pass, &filters, channels);
    const size_t first = (size_t)block * (size_t)filters.channels + (size_t)channels * NINP_BLOCK;
    pass->kernels->gradient_rows(&some, pass->lines + first * plan->filter_lines, group.first > 0,
                                 pass->run->gradient +
                                     (size_t)(chunk.first + block) * ninp_filter_block(&filters) +
                                     ninp_filter_place(&filters, channels, 0));
}

/* Bins to the input gradient. */
static void transform_input_gradient(const ninp_fft_pass *pass, ninp_range group, int index,
                                     int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_fft_plan *plan = &pass->plan;
    const ninp_fft_task task =
        ninp_fft_task_at(pass, group, (ninp_range){0, plan->blocks_in}, index);
    const size_t floats = ninp_block_floats(run->step->input);
    const size_t place = (size_t)task.picture * run->x_stride + (size_t)task.block * floats;
    float *dx = run->dx + place;
    pass->kernels->picture_inverse(&pass->input, pass->dx + task.place, plan->x_stride, NULL, dx,
                                   ninp_fft_own(pass, thread, plan->own_scratch));
    run->kernels->map->derive(run->step->input_activation, floats, run->x + place, dx, dx);
}

static void backward_chunk(const ninp_fft_pass *pass, ninp_range group, ninp_range chunk) {
    const ninp_fft_plan *plan = &pass->plan;
    const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < group.count * chunk.count; i++) {
        transform_output_gradient(pass, group, chunk, i, thread);
    }
#pragma omp for schedule(static) nowait
    for (int i = 0; i < (pass->run->bias_gradient ? chunk.count : 0); i++) {
        add_bias_gradient(pass, group, chunk, i);
    }
#pragma omp for schedule(dynamic, 1)
    for (int column = 0; column < ninp_fft_half(plan->frame.horizontal); column++) {
        float *w = ninp_fft_own(pass, thread, plan->own_w);
        if (pass->run->dx) {
            multiply_column(pass, group, chunk, column, w);
        }
        gradient_column(pass, group, chunk, column, w);
    }
#pragma omp for schedule(dynamic, 1) nowait
    for (int i = 0; i < chunk.count * plan->blocks_in; i++) {
        transform_filter_gradient(pass, group, chunk, i);
    }
}

void ninp_fft_backward(const ninp_cpu_run *run) {
    const ninp_fft_pass pass = ninp_fft_begin(run);
#pragma omp parallel num_threads(run->threads)
    for (int g = 0; g < pass.groups; g++) {
        const ninp_range group = ninp_fft_group(&pass, g);
#pragma omp for schedule(dynamic, 1) nowait
        for (int i = 0; i < group.count * pass.plan.blocks_in; i++) {
            ninp_fft_transform_input(&pass, group, i, omp_get_thread_num());
        }
        for (int c = 0; c < pass.chunks; c++) {
            backward_chunk(&pass, group, ninp_fft_chunk(&pass, c));
        }
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < (run->dx ? group.count * pass.plan.blocks_in : 0); i++) {
            transform_input_gradient(&pass, group, i, omp_get_thread_num());
        }
    }
}

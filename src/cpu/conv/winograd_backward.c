/* The transposed algorithm: the output gradient is transformed once, and its bins give the weight
 * gradient (with those of the inputs) and the input gradient (with those of the weights). The
 * inputs are transformed again: that costs less than to keep their bins in memory. Bins of the
 * weight gradient are added up group by group, in order. */
#include "cpu/conv/pooled.h"
#include "cpu/conv/winograd.h"

#include <omp.h>
#include <string.h>

/* Gradients of outputs to bins. */
static void transform_output_gradient(const ninp_winograd_pass *pass,
                                      const ninp_winograd_group *group, int index, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_winograd_plan *plan = &pass->plan;
    const nin_shape shape = run->step->unpooled;
    const ninp_winograd_task task = ninp_winograd_task_at(plan, group, plan->blocks_out, index);
    float *bins = pass->y + (size_t)task.block * plan->block_stride + task.tile * NINP_BLOCK;
    /* The rows of the group are a picture of their own here: of a pool's, no others are made. */
    const int first = group->row * pass->form->outputs;
    const int end = first + group->rows * pass->form->outputs;
    ninp_winograd_row row = {.height = (end < shape.height ? end : shape.height) - first,
                             .width = shape.width,
                             .tiles = plan->columns};
    const float *dy;
    if (run->step->pooled) {
        float *unpooled = ninp_winograd_own(pass, thread, plan->own_unpooled);
        ninp_pooled_backward_block(run, task.picture, task.block, first, row.height, unpooled);
        dy = unpooled;
    } else {
        dy = run->dy + (size_t)task.picture * run->y_stride +
             (size_t)task.block * ninp_block_floats(shape) +
             (size_t)first * (size_t)shape.width * NINP_BLOCK;
    }
    for (int i = 0; i < group->rows; i++) {
        row.top = i * pass->form->outputs;
        pass->form->output_gradient(&row, dy, bins, plan->y_stride,
                                    ninp_winograd_own(pass, thread, plan->own_scratch));
        bins += (size_t)plan->columns * NINP_BLOCK;
    }
}

static ninp_gemm_layout bin_layout(const ninp_winograd_plan *plan) {
    return (ninp_gemm_layout){.row_stride = NINP_BLOCK,
                              .block_stride = (ptrdiff_t)plan->block_stride};
}

/* dw^[bin] += x^[bin]T dy^[bin] for some input blocks, whose bin starts at x. */
static void add_weight_gradient(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                                size_t bin, ninp_range blocks, const float *x) {
    const ninp_winograd_plan *plan = &pass->plan;
    const int channels = pass->run->step->input.channels;
    const int first = blocks.first * NINP_BLOCK;
    const int end = first + blocks.count * NINP_BLOCK;
    ninp_gemm_gradient gradient = {
        .a = ninp_gemm_picture(x, group->tiles, (end < channels ? end : channels) - first),
        .c = pass->y + bin * plan->y_stride,
        .c_layout = bin_layout(plan),
        .blocks = plan->blocks_out,
        .b = pass->run->gradient + bin * plan->w_stride + (size_t)first * NINP_BLOCK,
        .b_block_stride = (ptrdiff_t)channels * NINP_BLOCK,
        .add = group->picture > 0 || group->row > 0};
    gradient.a.chunk_stride = (ptrdiff_t)plan->block_stride;
    pass->run->kernels->gemm->gradient(&gradient);
}

/* dx^[bin] = dy^[bin] t^[bin], likewise. */
static void multiply_gradient(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                              size_t bin, ninp_range blocks, float *dx) {
    const ninp_winograd_plan *plan = &pass->plan;
    const int outputs = pass->run->step->unpooled.channels;
    ninp_gemm_product product = {
        .a = ninp_gemm_picture(pass->y + bin * plan->y_stride, group->tiles, outputs),
        .b = pass->t + bin * plan->t_stride + (size_t)blocks.first * (size_t)outputs * NINP_BLOCK,
        .b_block_stride = (ptrdiff_t)outputs * NINP_BLOCK,
        .blocks = blocks.count,
        .c = dx,
        .c_layout = bin_layout(plan)};
    product.a.chunk_stride = (ptrdiff_t)plan->block_stride;
    pass->run->kernels->gemm->multiply(&product);
}

/* Both products of some input blocks of a bin. The gradient takes the place of the inputs. */
static void multiply(const ninp_winograd_pass *pass, const ninp_winograd_group *group, int index) {
    const ninp_winograd_plan *plan = &pass->plan;
    const size_t bin = (size_t)(index / plan->parts_in);
    const ninp_range blocks =
        ninp_winograd_part(plan->blocks_in, plan->parts_in, index % plan->parts_in);
    float *x = pass->x + bin * plan->x_stride + (size_t)blocks.first * plan->block_stride;
    add_weight_gradient(pass, group, bin, blocks, x);
    if (pass->run->dx) {
        multiply_gradient(pass, group, bin, blocks, x);
    }
}

/* Rows of the input gradient that no further tile adds to, times the activation's derivative. Row i
 * of `sums` is row `top` + i of the picture. */
static void finish_rows(const ninp_winograd_pass *pass, const ninp_winograd_task *task, int top,
                        int count, const float *sums) {
    const ninp_cpu_run *run = pass->run;
    const nin_shape shape = run->step->input;
    const size_t line = (size_t)shape.width * NINP_BLOCK;
    const size_t place =
        (size_t)task->picture * run->x_stride + (size_t)task->block * ninp_block_floats(shape);
    for (int i = 0; i < count; i++) {
        const int y = top + i;
        if (y >= 0 && y < shape.height) {
            const size_t row = place + (size_t)y * line;
            run->kernels->map->derive(run->step->input_activation, line, run->x + row,
                                      sums + (size_t)i * pass->plan.sums_line +
                                          (size_t)run->step->conv.padding * NINP_BLOCK,
                                      run->dx + row);
        }
    }
}

/* Bins to the input gradient. Tiles overlap by R - 1 rows, which wait for the row of tiles below,
 * in `sums` or, between bands, in the common workspace. */
static void transform_input_gradient(const ninp_winograd_pass *pass,
                                     const ninp_winograd_group *group, int index, int thread) {
    const ninp_winograd_plan *plan = &pass->plan;
    const ninp_winograd_form *form = pass->form;
    const ninp_winograd_task task = ninp_winograd_task_at(plan, group, plan->blocks_in, index);
    const size_t overlap = (size_t)(form->weights - 1) * plan->sums_line;
    const float *bins = pass->x + (size_t)task.block * plan->block_stride + task.tile * NINP_BLOCK;
    float *sums = ninp_winograd_own(pass, thread, plan->own_sums);
    float *waiting = (float *)(void *)pass->run->common_space + plan->common_overlap +
                     (size_t)task.block * overlap;
    if (group->row == 0) {
        memset(sums, 0, overlap * sizeof *sums);
    } else {
        memcpy(sums, waiting, overlap * sizeof *sums);
    }
    for (int i = 0; i < group->rows; i++) {
        const int row = group->row + i;
        form->input_gradient(plan->columns, bins, plan->x_stride, sums,
                             ninp_winograd_own(pass, thread, plan->own_scratch));
        bins += (size_t)plan->columns * NINP_BLOCK;
        finish_rows(pass, &task, row * form->outputs - pass->run->step->conv.padding,
                    row == plan->rows - 1 ? form->size : form->outputs, sums);
        memmove(sums, sums + (size_t)form->outputs * plan->sums_line, overlap * sizeof *sums);
    }
    if (group->row + group->rows < plan->rows) {
        memcpy(waiting, sums, overlap * sizeof *sums);
    }
}

/* The bin of row 1, column 1 holds the sums of the tiles. */
static void add_bias_gradient(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                              int block) {
    const ninp_winograd_plan *plan = &pass->plan;
    const size_t bin = (size_t)pass->form->size + 1;
    pass->run->kernels->map->bias_sums(
        (size_t)group->tiles, pass->y + bin * plan->y_stride + (size_t)block * plan->block_stride,
        pass->run->bias_gradient + (size_t)block * NINP_BLOCK);
}

static void transpose_weights(const ninp_winograd_pass *pass, int bin) {
    const ninp_winograd_plan *plan = &pass->plan;
    const int channels = pass->run->step->input.channels;
    const int outputs = pass->run->step->unpooled.channels;
    pass->run->kernels->gemm->transpose(
        outputs, channels, pass->run->weights + (size_t)bin * plan->w_stride,
        (ptrdiff_t)channels * NINP_BLOCK, pass->t + (size_t)bin * plan->t_stride,
        (ptrdiff_t)outputs * NINP_BLOCK);
}

void ninp_winograd_backward(const ninp_cpu_run *run) {
    const ninp_winograd_pass pass = ninp_winograd_begin(run);
    const ninp_winograd_plan *plan = &pass.plan;
    const int groups = ninp_winograd_group_count(plan, run->count);
#pragma omp parallel num_threads(run->threads)
    {
        const int thread = omp_get_thread_num();
#pragma omp for schedule(static) nowait
        for (int bin = 0; bin < (run->dx ? plan->bins : 0); bin++) {
            transpose_weights(&pass, bin);
        }
        for (int g = 0; g < groups; g++) {
            const ninp_winograd_group group = ninp_winograd_group_at(plan, run->count, g);
#pragma omp for schedule(dynamic, 1) nowait
            for (int i = 0; i < group.pictures * plan->blocks_out; i++) {
                transform_output_gradient(&pass, &group, i, thread);
            }
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < group.pictures * plan->blocks_in; i++) {
                ninp_winograd_transform_input(&pass, &group, i, thread);
            }
#pragma omp for schedule(static) nowait
            for (int i = 0; i < (run->bias_gradient ? plan->blocks_out : 0); i++) {
                add_bias_gradient(&pass, &group, i);
            }
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < plan->bins * plan->parts_in; i++) {
                multiply(&pass, &group, i);
            }
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < (run->dx ? group.pictures * plan->blocks_in : 0); i++) {
                transform_input_gradient(&pass, &group, i, thread);
            }
        }
    }
}

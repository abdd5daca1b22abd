/* Inputs to bins, products, bins to outputs with bias, activation and max-pool. */
#include "cpu/conv/pooled.h"
#include "cpu/conv/winograd.h"

#include <omp.h>

ninp_winograd_pass ninp_winograd_begin(const ninp_cpu_run *run) {
    const int *outputs = run->settings;
    ninp_winograd_pass pass = {
        .run = run, .form = ninp_winograd_form_of(run->kernels, *outputs, run->step->conv.kernel)};
    pass.plan = ninp_winograd_plan_of(run->step, pass.form, run->count, run->training);
    float *common = (float *)(void *)run->common_space;
    pass.x = common + pass.plan.common_x;
    pass.y = common + pass.plan.common_y;
    pass.t = common + pass.plan.common_t;
    return pass;
}

void ninp_winograd_transform_input(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                                   int index, int thread) {
    const ninp_winograd_plan *plan = &pass->plan;
    const nin_shape shape = pass->run->step->input;
    const ninp_winograd_task task = ninp_winograd_task_at(plan, group, plan->blocks_in, index);
    const float *x = pass->run->x + (size_t)task.picture * pass->run->x_stride +
                     (size_t)task.block * ninp_block_floats(shape);
    float *bins = pass->x + (size_t)task.block * plan->block_stride + task.tile * NINP_BLOCK;
    ninp_winograd_row row = {.height = shape.height,
                             .width = shape.width,
                             .left = -pass->run->step->conv.padding,
                             .tiles = plan->columns};
    for (int i = 0; i < group->rows; i++) {
        row.top = (group->row + i) * pass->form->outputs - pass->run->step->conv.padding;
        pass->form->input(&row, x, bins, plan->x_stride,
                          ninp_winograd_own(pass, thread, plan->own_scratch));
        bins += (size_t)plan->columns * NINP_BLOCK;
    }
}

/* y^[bin] = x^[bin] w^[bin] for some output blocks. */
static void multiply(const ninp_winograd_pass *pass, const ninp_winograd_group *group, int index) {
    const ninp_winograd_plan *plan = &pass->plan;
    const int channels = pass->run->step->input.channels;
    const size_t bin = (size_t)(index / plan->parts_out);
    const ninp_range blocks =
        ninp_winograd_part(plan->blocks_out, plan->parts_out, index % plan->parts_out);
    ninp_gemm_product product = {
        .a = ninp_gemm_picture(pass->x + bin * plan->x_stride, group->tiles, channels),
        .b = pass->run->weights + bin * plan->w_stride +
             (size_t)blocks.first * (size_t)channels * NINP_BLOCK,
        .b_block_stride = (ptrdiff_t)channels * NINP_BLOCK,
        .blocks = blocks.count,
        .c = pass->y + bin * plan->y_stride + (size_t)blocks.first * plan->block_stride,
        .c_layout = {.row_stride = NINP_BLOCK, .block_stride = (ptrdiff_t)plan->block_stride}};
    product.a.chunk_stride = (ptrdiff_t)plan->block_stride;
    pass->run->kernels->gemm->multiply(&product);
}

static const _Alignas(64) float no_bias[NINP_BLOCK];

/* Bins to outputs. A band's outputs wait in the common workspace for the rest of their picture if
 * they are to be pooled. */
static void transform_output(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                             int index, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_winograd_plan *plan = &pass->plan;
    const nin_shape shape = run->step->unpooled;
    const ninp_winograd_task task = ninp_winograd_task_at(plan, group, plan->blocks_out, index);
    const float *bins = pass->y + (size_t)task.block * plan->block_stride + task.tile * NINP_BLOCK;
    float *y;
    if (!run->step->pooled) {
        y = run->y + (size_t)task.picture * run->y_stride +
            (size_t)task.block * ninp_block_floats(shape);
    } else if (ninp_winograd_has_bands(plan)) {
        y = (float *)(void *)run->common_space + plan->common_unpooled +
            (size_t)task.block * ninp_block_floats(shape);
    } else {
        y = ninp_winograd_own(pass, thread, plan->own_unpooled);
    }
    ninp_winograd_row row = {.height = shape.height, .width = shape.width, .tiles = plan->columns};
    const float *bias = run->bias ? run->bias + (size_t)task.block * NINP_BLOCK : no_bias;
    for (int i = 0; i < group->rows; i++) {
        row.top = (group->row + i) * pass->form->outputs;
        pass->form->output(&row, bins, plan->y_stride, bias, y,
                           ninp_winograd_own(pass, thread, plan->own_scratch));
        bins += (size_t)plan->columns * NINP_BLOCK;
    }
    const int first = group->row * pass->form->outputs;
    const int end = row.top + pass->form->outputs;
    const size_t line = (size_t)shape.width * NINP_BLOCK;
    float *made = y + (size_t)first * line;
    const size_t count = (size_t)((end < shape.height ? end : shape.height) - first) * line;
    run->kernels->map->activate(run->step->activation, count, made, made);
    if (run->step->pooled && group->row + group->rows == plan->rows) {
        ninp_pooled_forward_block(run, task.picture, task.block, y);
    }
}

void ninp_winograd_forward(const ninp_cpu_run *run) {
    const ninp_winograd_pass pass = ninp_winograd_begin(run);
    const ninp_winograd_plan *plan = &pass.plan;
    const int groups = ninp_winograd_group_count(plan, run->count);
#pragma omp parallel num_threads(run->threads)
    for (int g = 0; g < groups; g++) {
        const ninp_winograd_group group = ninp_winograd_group_at(plan, run->count, g);
        const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < group.pictures * plan->blocks_in; i++) {
            ninp_winograd_transform_input(&pass, &group, i, thread);
        }
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < plan->bins * plan->parts_out; i++) {
            multiply(&pass, &group, i);
        }
        /* No barrier behind it: the next group's inputs go where nobody reads any more. */
#pragma omp for schedule(dynamic, 1) nowait
        for (int i = 0; i < group.pictures * plan->blocks_out; i++) {
            transform_output(&pass, &group, i, thread);
        }
    }
}

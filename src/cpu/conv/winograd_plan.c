#include "cpu/conv/winograd.h"

enum {
    GROUP_BYTES = 8 << 20, /* of transformed inputs and outputs, about */
    GROUP_TILES = 96,      /* at least, about: they are the rows of the matrix products */
    PRODUCTS = 64          /* of a group, at least, where there are blocks enough */
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}
static int larger(int a, int b) {
    return a > b ? a : b;
}
static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}

const ninp_winograd_form *ninp_winograd_form_of(const ninp_kernels *kernels, int outputs,
                                                int weights) {
    for (int i = 0; i < NINP_WINOGRAD_FORMS; i++) {
        const ninp_winograd_form *form = kernels->winograd->forms[i];
        if (form->outputs == outputs && form->weights == weights) {
            return form;
        }
    }
    return NULL;
}

/* Tiles enough that the products are efficient, and so few that they stay in the shared cache. */
static void choose_group(ninp_winograd_plan *plan, int pictures) {
    const int64_t tile_bytes =
        (int64_t)plan->bins * (plan->blocks_in + plan->blocks_out) * NINP_BLOCK * 4;
    const int wanted = larger((int)(GROUP_BYTES / tile_bytes), GROUP_TILES);
    const int tiles = plan->rows * plan->columns;
    if (tiles <= 2 * wanted) {
        plan->pictures = smaller(pictures, larger((wanted + tiles / 2) / tiles, 1));
        plan->band = plan->rows;
    } else {
        plan->pictures = 1;
        plan->band = parts_of(plan->rows, (tiles + wanted / 2) / wanted);
    }
    plan->parts_in = smaller(plan->blocks_in, parts_of(PRODUCTS, plan->bins));
    plan->parts_out = smaller(plan->blocks_out, parts_of(PRODUCTS, plan->bins));
}

static void lay_out_common(ninp_winograd_plan *plan, const ninp_step *step, bool training) {
    const size_t bins = (size_t)plan->bins;
    const bool backward = training && step->input_gradient;
    const size_t overlap = (size_t)(plan->form->weights - 1) * plan->sums_line;
    const bool bands = ninp_winograd_has_bands(plan);
    plan->common_x = 0;
    plan->common_y = plan->common_x + bins * plan->x_stride;
    plan->common_t = plan->common_y + bins * plan->y_stride;
    plan->common_overlap = plan->common_t + (backward ? bins * plan->t_stride : 0);
    plan->common_unpooled =
        plan->common_overlap + (bands && backward ? (size_t)plan->blocks_in * overlap : 0);
    plan->common_floats =
        plan->common_unpooled + (bands && step->pooled ? ninp_blocked_count(step->unpooled) : 0);
}

static void lay_out_own(ninp_winograd_plan *plan, const ninp_step *step) {
    const ninp_winograd_form *form = plan->form;
    const size_t weights =
        (size_t)step->input.channels * (size_t)(form->weights * form->weights) * NINP_BLOCK;
    plan->own_scratch = 0;
    plan->own_sums = plan->own_scratch + form->scratch(plan->columns);
    plan->own_unpooled = plan->own_sums + (size_t)form->size * plan->sums_line;
    plan->own_floats = plan->own_unpooled + (step->pooled ? ninp_block_floats(step->unpooled) : 0);
    if (plan->own_floats < weights) {
        plan->own_floats = weights;
    }
}

ninp_winograd_plan ninp_winograd_plan_of(const ninp_step *step, const ninp_winograd_form *form,
                                         int pictures, bool training) {
    ninp_winograd_plan plan = {.form = form,
                               .bins = form->size * form->size,
                               .blocks_in = ninp_blocks(step->input.channels),
                               .blocks_out = ninp_blocks(step->unpooled.channels),
                               .rows = parts_of(step->unpooled.height, form->outputs),
                               .columns = parts_of(step->unpooled.width, form->outputs)};
    choose_group(&plan, pictures);
    const size_t blocks_in = (size_t)plan.blocks_in;
    const size_t blocks_out = (size_t)plan.blocks_out;
    plan.block_stride =
        ninp_winograd_stride((size_t)(plan.pictures * plan.band) * (size_t)plan.columns);
    plan.x_stride = ninp_winograd_stride(blocks_in * plan.block_stride / NINP_BLOCK);
    plan.y_stride = ninp_winograd_stride(blocks_out * plan.block_stride / NINP_BLOCK);
    plan.w_stride = ninp_winograd_stride(blocks_out * (size_t)step->input.channels);
    plan.t_stride = ninp_winograd_stride(blocks_in * (size_t)step->unpooled.channels);
    plan.sums_line = (size_t)(plan.columns * form->outputs + form->weights - 1) * NINP_BLOCK;
    lay_out_common(&plan, step, training);
    lay_out_own(&plan, step);
    return plan;
}

/* Groups are as equal as whole pictures and bands allow. */
int ninp_winograd_group_count(const ninp_winograd_plan *plan, int pictures) {
    return ninp_winograd_has_bands(plan) ? pictures * parts_of(plan->rows, plan->band)
                                         : parts_of(pictures, plan->pictures);
}

ninp_winograd_group ninp_winograd_group_at(const ninp_winograd_plan *plan, int pictures,
                                           int index) {
    ninp_winograd_group group = {.rows = plan->rows};
    if (ninp_winograd_has_bands(plan)) {
        const int bands = parts_of(plan->rows, plan->band);
        const ninp_range rows = ninp_winograd_part(plan->rows, bands, index % bands);
        group.picture = index / bands;
        group.pictures = 1;
        group.row = rows.first;
        group.rows = rows.count;
    } else {
        const ninp_range range =
            ninp_winograd_part(pictures, ninp_winograd_group_count(plan, pictures), index);
        group.picture = range.first;
        group.pictures = range.count;
    }
    group.tiles = group.pictures * group.rows * plan->columns;
    return group;
}

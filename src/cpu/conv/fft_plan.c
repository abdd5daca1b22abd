#include "cpu/conv/fft.h"

#include <assert.h>

/* Measured with 32 MB of shared cache and 1 MB of each thread's own. */
enum {
    GROUP_BYTES = 20 << 20,  /* of transformed inputs, about */
    GROUP_MOST = 64,         /* pictures: more of them do not make products faster */
    GROUP_LEAST = 16,        /* and fewer do not pay the transforms of filters */
    CHUNK_BYTES = 2 << 20,   /* of a group's transformed outputs, about */
    COLUMN_BYTES = 720 << 10 /* of a column of a chunk's filters */
};

static int64_t limited(int64_t value, int64_t least, int64_t most) {
    const int64_t some = value < least ? least : value;
    return some < most ? some : most;
}
static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}
static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Floats of `pairs` pairs and one line: strides then spread over the sets of a cache. */
static size_t odd_lines(size_t pairs) {
    return pairs * NINP_FFT_PAIR + NINP_BLOCK;
}

/* The smallest one that holds `size` values, or NULL. */
static const ninp_fft_length *length_for(const ninp_fft_kernels *kernels, int size) {
    for (int i = 0; i < kernels->length_count; i++) {
        if (kernels->lengths[i].size >= size) {
            return &kernels->lengths[i];
        }
    }
    return NULL;
}

/* Chunks are of an even number of blocks, as products like it. Of the sizes only the group's
 * depends on the number of pictures, and only in that it is not larger. */
static void choose_group(ninp_fft_plan *plan, int pictures) {
    const int64_t pair = NINP_FFT_PAIR * sizeof(float);
    const int64_t input = plan->bins * plan->blocks_in * pair;
    const int64_t column = plan->frame.vertical->size * plan->blocks_in * NINP_BLOCK * pair;
    assert(input > 0 && column > 0);
    const int64_t group = limited(GROUP_BYTES / input, GROUP_LEAST, GROUP_MOST);
    const int64_t chunk =
        limited(COLUMN_BYTES / column, 0, CHUNK_BYTES / (plan->bins * group * pair)) / 2 * 2;
    plan->group = (int)limited(group, 1, pictures);
    plan->chunk = (int)limited(chunk, 2, plan->blocks_out);
}

static void lay_out(ninp_fft_plan *plan, const ninp_step *step, bool training) {
    const size_t bins = (size_t)plan->bins;
    const size_t chunk = (size_t)plan->chunk;
    const size_t blocks_in = (size_t)plan->blocks_in;
    const bool backward = training && step->input_gradient;
    plan->block_stride = (size_t)plan->group * NINP_FFT_PAIR;
    plan->x_stride = odd_lines(blocks_in * (size_t)plan->group);
    plan->y_stride = odd_lines(chunk * (size_t)plan->group);
    plan->w_stride = odd_lines(chunk * blocks_in * NINP_BLOCK);
    plan->common_x = 0;
    plan->common_dx = plan->common_x + bins * plan->x_stride;
    plan->common_y = plan->common_dx + (backward ? bins * plan->x_stride : 0);
    plan->common_lines = plan->common_y + bins * plan->y_stride;
    plan->filter_lines = (size_t)plan->shape.kernel * ninp_fft_line(&plan->frame);
    plan->common_floats =
        plan->common_lines +
        (training ? chunk * (size_t)plan->shape.channels * plan->filter_lines : 0);
    plan->own_scratch = 0;
    plan->own_w = 0;
    plan->own_unpooled = ninp_fft_scratch(&plan->frame);
    plan->own_floats = plan->own_unpooled + (step->pooled ? ninp_block_floats(step->unpooled) : 0);
    plan->own_floats =
        larger(plan->own_floats, (size_t)plan->frame.vertical->size * plan->w_stride);
}

ninp_fft_plan ninp_fft_plan_of(const ninp_step *step, const ninp_kernels *kernels, int pictures,
                               bool training) {
    ninp_fft_plan plan = {.shape = ninp_conv_shape_of(step),
                          .blocks_in = ninp_blocks(step->input.channels),
                          .blocks_out = ninp_blocks(step->unpooled.channels)};
    plan.frame.vertical = length_for(kernels->fft, plan.shape.height + plan.shape.padding);
    plan.frame.horizontal = length_for(kernels->fft, plan.shape.width + plan.shape.padding);
    if (!plan.frame.vertical || !plan.frame.horizontal) {
        plan.frame.vertical = NULL;
        return plan;
    }
    plan.bins = ninp_fft_bins(&plan.frame);
    choose_group(&plan, pictures);
    lay_out(&plan, step, training);
    /* Groups are as equal as they can be, but the workspace has to hold a full one: a smaller
     * number of pictures may be one. */
    const size_t floats = plan.common_floats;
    plan.group = parts_of(pictures, parts_of(pictures, plan.group));
    lay_out(&plan, step, training);
    plan.common_floats = floats;
    return plan;
}

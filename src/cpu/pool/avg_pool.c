/* Average pools: with a kernel, adaptive and global. */
#include "cpu/algorithm.h"

static ninp_pool_geometry geometry_of(const ninp_step *step) {
    ninp_pool_geometry geometry = ninp_pool_geometry_of(step->input, step->output, &step->pool);
    geometry.adaptive = step->adaptive;
    return geometry;
}

static void forward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    ninp_pool_geometry geometry = geometry_of(step);
    for (size_t b = 0; b < (size_t)ninp_blocks(step->input.channels); b++) {
        run->kernels->pool->average_forward(&geometry, run->x + b * ninp_block_floats(step->input),
                                            run->y + b * ninp_block_floats(step->output));
    }
}

static void backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    if (!run->dx) {
        return;
    }
    ninp_pool_geometry geometry = geometry_of(step);
    size_t floats = ninp_block_floats(step->input);
    for (size_t b = 0; b < (size_t)ninp_blocks(step->input.channels); b++) {
        run->kernels->pool->average_backward(&geometry, step->input_activation, run->x + b * floats,
                                             run->dy + b * ninp_block_floats(step->output),
                                             run->dx + b * floats);
    }
}

const ninp_cpu_algorithm ninp_avg_pool = {
    .name = "avg_pool",
    .work = NINP_WORK_AVG_POOL,
    .scope = NINP_SCOPE_IMAGE,
    .forward = forward,
    .backward = backward,
};

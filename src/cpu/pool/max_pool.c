/* Max-pool as a step of its own. Forward keeps one byte for each result, the position in its window
 * of the value that won; backward reads it. For kernels too large for that, a second algorithm
 * finds the winners again from the input. */
#include "cpu/algorithm.h"

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    return config->training && step->pool.kernel > NINP_POOL_INDEX_KERNEL
               ? "positions in its window do not fit in a byte"
               : NULL;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    if (config->training) {
        needs->saved_bytes = (ninp_blocked_count(step->output) + 63) / 64 * 64;
    }
}

static void forward_with(const ninp_cpu_run *run, unsigned char *index) {
    const ninp_step *step = run->step;
    ninp_pool_geometry geometry = ninp_pool_geometry_of(step->input, step->output, &step->pool);
    ninp_pool_rows rows = {.count = step->output.height};
    size_t from = ninp_block_floats(step->input);
    size_t to = ninp_block_floats(step->output);
    for (size_t b = 0; b < (size_t)ninp_blocks(step->input.channels); b++) {
        run->kernels->pool->max_forward(&geometry, rows, 0, run->x + b * from, run->y + b * to,
                                        index ? index + b * to : NULL);
    }
}

static void forward(const ninp_cpu_run *run) {
    forward_with(run, run->training ? run->saved : NULL);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    if (!run->dx) {
        return;
    }
    ninp_pool_geometry geometry = ninp_pool_geometry_of(step->input, step->output, &step->pool);
    ninp_pool_rows rows = {.count = step->input.height};
    size_t from = ninp_block_floats(step->input);
    size_t to = ninp_block_floats(step->output);
    for (size_t b = 0; b < (size_t)ninp_blocks(step->input.channels); b++) {
        run->kernels->pool->max_backward(&geometry, rows, step->input_activation, run->y + b * to,
                                         run->dy + b * to, run->saved + b * to, run->dx + b * from);
    }
}

const ninp_cpu_algorithm ninp_max_pool = {
    .name = "max_pool",
    .work = NINP_WORK_MAX_POOL,
    .scope = NINP_SCOPE_IMAGE,
    .refuse = refuse,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};

/* Slower than the other one wherever that can be used. */
static double search_cost(const ninp_step *step, const ninp_cpu_config *config) {
    (void)config;
    return (double)ninp_blocked_count(step->output) * step->pool.kernel * step->pool.kernel;
}

static void search_forward(const ninp_cpu_run *run) {
    forward_with(run, NULL);
}

static void search_backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    if (!run->dx) {
        return;
    }
    ninp_pool_geometry geometry = ninp_pool_geometry_of(step->input, step->output, &step->pool);
    size_t from = ninp_block_floats(step->input);
    size_t to = ninp_block_floats(step->output);
    for (size_t b = 0; b < (size_t)ninp_blocks(step->input.channels); b++) {
        run->kernels->pool->max_backward_search(&geometry, step->input_activation,
                                                run->x + b * from, run->dy + b * to,
                                                run->dx + b * from);
    }
}

const ninp_cpu_algorithm ninp_max_pool_search = {
    .name = "max_pool_search",
    .work = NINP_WORK_MAX_POOL,
    .scope = NINP_SCOPE_IMAGE,
    .cost = search_cost,
    .forward = search_forward,
    .backward = search_backward,
};

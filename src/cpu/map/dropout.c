/* Dropout. Forward keeps the mask, one byte a value. Evaluation comes here only where the net
 * starts with dropout: behind other steps it is left out. */
#include "cpu/algorithm.h"

#include <string.h>

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    if (config->training) {
        needs->saved_bytes = (ninp_blocked_count(step->input) + 63) / 64 * 64;
    }
}

static float kept_scale(const ninp_step *step) {
    return step->dropout < 1.0 ? (float)(1.0 / (1.0 - step->dropout)) : 0.0F;
}

static void forward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    size_t count = ninp_blocked_count(step->input);
    if (!run->training) {
        memcpy(run->y, run->x, count * sizeof *run->y);
        return;
    }
    ninp_dropout_key key = {.seed = run->seed, .step = run->number, .layer = step->number};
    run->kernels->map->dropout_mask(&key, run->first_image, step->dropout, count, run->saved);
    run->kernels->map->dropout(count, kept_scale(step), run->saved, run->x, run->y);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    if (!run->dx) {
        return;
    }
    size_t count = ninp_blocked_count(step->input);
    run->kernels->map->dropout(count, kept_scale(step), run->saved, run->dy, run->dx);
    if (step->input_activation != NINP_ACTIVATION_NONE) {
        run->kernels->map->derive(step->input_activation, count, run->x, run->dx, run->dx);
    }
}

const ninp_cpu_algorithm ninp_dropout = {
    .name = "dropout",
    .work = NINP_WORK_DROPOUT,
    .scope = NINP_SCOPE_IMAGE,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};

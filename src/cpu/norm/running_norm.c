/* Batch norm with the running statistics, for evaluation. */
#include "cpu/algorithm.h"

#include <math.h>

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    (void)step;
    return config->training ? "it uses running statistics, for evaluation" : NULL;
}

static void forward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    size_t floats = ninp_block_floats(step->input);
    for (int first = 0; first < step->input.channels; first += NINP_BLOCK) {
        ninp_norm_forward norm = {0};
        for (int lane = 0; lane < NINP_BLOCK && first + lane < step->input.channels; lane++) {
            int channel = first + lane;
            double variance = (double)run->tensors[3][channel];
            norm.mean[lane] = run->tensors[2][channel];
            norm.scale[lane] =
                (float)((double)run->tensors[0][channel] / sqrt(variance + step->epsilon));
            norm.shift[lane] = run->tensors[1][channel];
        }
        size_t at = (size_t)(first / NINP_BLOCK) * floats;
        run->kernels->map->norm_forward(floats / NINP_BLOCK, &norm, step->activation, run->x + at,
                                        run->y + at);
    }
}

const ninp_cpu_algorithm ninp_running_norm = {
    .name = "running_norm",
    .work = NINP_WORK_BATCH_NORM,
    .scope = NINP_SCOPE_IMAGE,
    .refuse = refuse,
    .forward = forward,
};

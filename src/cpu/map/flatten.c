/* From channel blocks to features in the order channel, row, column, which are stored like the
 * channels of one pixel. */
#include "cpu/algorithm.h"

#include <string.h>

static void forward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    size_t features = (size_t)step->output.channels;
    size_t pixels = (size_t)step->input.height * (size_t)step->input.width;
    run->kernels->map->unblock(step->input.channels, pixels, run->x, run->y);
    memset(run->y + features, 0, (ninp_blocked_count(step->output) - features) * sizeof *run->y);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_step *step = run->step;
    if (!run->dx) {
        return;
    }
    size_t pixels = (size_t)step->input.height * (size_t)step->input.width;
    run->kernels->map->block(step->input.channels, pixels, run->dy, run->dx);
    if (step->input_activation != NINP_ACTIVATION_NONE) {
        run->kernels->map->derive(step->input_activation, ninp_blocked_count(step->input), run->x,
                                  run->dx, run->dx);
    }
}

const ninp_cpu_algorithm ninp_flatten = {
    .name = "flatten",
    .work = NINP_WORK_FLATTEN,
    .scope = NINP_SCOPE_IMAGE,
    .forward = forward,
    .backward = backward,
};

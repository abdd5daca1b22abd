/* An activation that no other step took. */
#include "cpu/algorithm.h"

static void forward(const ninp_cpu_run *run) {
    run->kernels->map->activate(run->step->activation, ninp_blocked_count(run->step->input), run->x,
                                run->y);
}

/* dy has been multiplied by this step's derivative already; what is left is that of the input. */
static void backward(const ninp_cpu_run *run) {
    if (run->dx) {
        run->kernels->map->derive(run->step->input_activation, ninp_blocked_count(run->step->input),
                                  run->x, run->dy, run->dx);
    }
}

const ninp_cpu_algorithm ninp_activation_alone = {
    .name = "activation",
    .work = NINP_WORK_ACTIVATION,
    .scope = NINP_SCOPE_IMAGE,
    .forward = forward,
    .backward = backward,
};

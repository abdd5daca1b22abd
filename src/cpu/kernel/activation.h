/* Derivatives of activations on vectors, for kernel files. */
#ifndef NINP_CPU_KERNEL_ACTIVATION_H
#define NINP_CPU_KERNEL_ACTIVATION_H

#include "cpu/kernel/isa.h"
#include "engine/plan.h"

/* dy times the derivative of `activation` where its result is y. ReLU lets dy through where y is
 * NaN. */
NINP_SIMD ninp_v ninp_derive(ninp_activation activation, ninp_v y, ninp_v dy) {
    switch (activation) {
    case NINP_ACTIVATION_RELU: return ninp_keep(ninp_greater_or_nan(y, ninp_zero()), dy);
    case NINP_ACTIVATION_SIGMOID: return ninp_mulv(dy, ninp_mulv(y, ninp_subv(ninp_set(1.0F), y)));
    case NINP_ACTIVATION_NONE: break;
    }
    return dy;
}

#endif

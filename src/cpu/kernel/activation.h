/* Activations and their derivatives on vectors, for kernel files. */
#ifndef NINP_CPU_KERNEL_ACTIVATION_H
#define NINP_CPU_KERNEL_ACTIVATION_H

#include "cpu/kernel/isa.h"
#include "engine/plan.h"

/* exp(x) for x <= 0, within 2 units in the last place; NaN stays NaN. x = r - n ln 2 with n whole
 * and |r| <= ln 2 / 2; exp(r) by the polynomial of the Cephes library's expf. */
NINP_SIMD ninp_v ninp_exp_negative(ninp_v x) {
    ninp_v least = ninp_set(-104.0F); /* its exp rounds to 0 */
    x = ninp_select(ninp_greater(least, x), least, x);
    ninp_v whole = ninp_set(12582912.0F); /* 1.5 * 2^23: adding it rounds to a whole number */
    ninp_v n = ninp_subv(ninp_fnma(x, ninp_set(1.44269504F), whole), whole);
    ninp_v r = ninp_fma(n, ninp_set(0.693359375F), x);
    r = ninp_fma(n, ninp_set(-2.12194440e-4F), r);
    ninp_v p = ninp_set(1.9875691500e-4F);
    p = ninp_fma(p, r, ninp_set(1.3981999507e-3F));
    p = ninp_fma(p, r, ninp_set(8.3334519073e-3F));
    p = ninp_fma(p, r, ninp_set(4.1665795894e-2F));
    p = ninp_fma(p, r, ninp_set(1.6666665459e-1F));
    p = ninp_fma(p, r, ninp_set(5.0000001201e-1F));
    p = ninp_addv(ninp_fma(p, ninp_mulv(r, r), r), ninp_set(1.0F));
    return ninp_halve(p, n);
}

/* Both sides through exp(-|x|), which does not overflow and keeps small values exact. */
NINP_SIMD ninp_v ninp_sigmoid(ninp_v x) {
    ninp_m positive = ninp_greater(x, ninp_zero());
    ninp_v one = ninp_set(1.0F);
    ninp_v e = ninp_exp_negative(ninp_select(positive, ninp_subv(ninp_zero(), x), x));
    return ninp_divv(ninp_select(positive, one, e), ninp_addv(one, e));
}

NINP_SIMD ninp_v ninp_activate(ninp_activation activation, ninp_v x) {
    switch (activation) {
    case NINP_ACTIVATION_RELU: return ninp_relu(x);
    case NINP_ACTIVATION_SIGMOID: return ninp_sigmoid(x);
    case NINP_ACTIVATION_NONE: break;
    }
    return x;
}

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

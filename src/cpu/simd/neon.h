/* 16 floats in four 128-bit registers. The names are explained in generic.h. */
#ifndef NINP_CPU_SIMD_H
#define NINP_CPU_SIMD_H

#include <arm_neon.h>
#include <stdint.h>

typedef struct ninp_v {
    float32x4_t q0, q1, q2, q3;
} ninp_v;
typedef struct ninp_m {
    uint32x4_t q0, q1, q2, q3;
} ninp_m; /* all bits of a lane set or clear */
#define NINP_SIMD static inline __attribute__((always_inline))
#define NINP_VECTOR_REGISTERS 8 /* ninp_v that fit in registers at once */

NINP_SIMD ninp_v ninp_load(const float *p) {
    return (ninp_v){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
NINP_SIMD ninp_v ninp_loadu(const float *p) {
    return ninp_load(p);
}
NINP_SIMD void ninp_store(float *p, ninp_v v) {
    vst1q_f32(p, v.q0);
    vst1q_f32(p + 4, v.q1);
    vst1q_f32(p + 8, v.q2);
    vst1q_f32(p + 12, v.q3);
}
NINP_SIMD void ninp_storeu(float *p, ninp_v v) {
    ninp_store(p, v);
}
NINP_SIMD ninp_v ninp_set(float f) {
    const float32x4_t q = vdupq_n_f32(f);
    return (ninp_v){q, q, q, q};
}
NINP_SIMD ninp_v ninp_zero(void) {
    return ninp_set(0.0F);
}
NINP_SIMD ninp_v ninp_addv(ninp_v a, ninp_v b) {
    return (ninp_v){vaddq_f32(a.q0, b.q0), vaddq_f32(a.q1, b.q1), vaddq_f32(a.q2, b.q2),
                    vaddq_f32(a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_subv(ninp_v a, ninp_v b) {
    return (ninp_v){vsubq_f32(a.q0, b.q0), vsubq_f32(a.q1, b.q1), vsubq_f32(a.q2, b.q2),
                    vsubq_f32(a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_mulv(ninp_v a, ninp_v b) {
    return (ninp_v){vmulq_f32(a.q0, b.q0), vmulq_f32(a.q1, b.q1), vmulq_f32(a.q2, b.q2),
                    vmulq_f32(a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_divv(ninp_v a, ninp_v b) {
    return (ninp_v){vdivq_f32(a.q0, b.q0), vdivq_f32(a.q1, b.q1), vdivq_f32(a.q2, b.q2),
                    vdivq_f32(a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_fma(ninp_v a, ninp_v b, ninp_v c) {
    return (ninp_v){vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1),
                    vfmaq_f32(c.q2, a.q2, b.q2), vfmaq_f32(c.q3, a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_fnma(ninp_v a, ninp_v b, ninp_v c) {
    return (ninp_v){vfmsq_f32(c.q0, a.q0, b.q0), vfmsq_f32(c.q1, a.q1, b.q1),
                    vfmsq_f32(c.q2, a.q2, b.q2), vfmsq_f32(c.q3, a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_relu(ninp_v v) {
    const float32x4_t zero = vdupq_n_f32(0.0F);
    return (ninp_v){vmaxq_f32(zero, v.q0), vmaxq_f32(zero, v.q1), vmaxq_f32(zero, v.q2),
                    vmaxq_f32(zero, v.q3)};
}
/* In two factors, each a normal number: 127 is the exponent's bias, 23 its place. */
NINP_SIMD float32x4_t ninp_halve_4(float32x4_t v, float32x4_t n) {
    const int32x4_t bias = vdupq_n_s32(127);
    const int32x4_t whole = vcvtq_s32_f32(n);
    const int32x4_t half = vshrq_n_s32(whole, 1);
    const int32x4_t rest = vsubq_s32(whole, half);
    v = vmulq_f32(v, vreinterpretq_f32_s32(vshlq_n_s32(vsubq_s32(bias, half), 23)));
    return vmulq_f32(v, vreinterpretq_f32_s32(vshlq_n_s32(vsubq_s32(bias, rest), 23)));
}
NINP_SIMD ninp_v ninp_halve(ninp_v v, ninp_v n) {
    return (ninp_v){ninp_halve_4(v.q0, n.q0), ninp_halve_4(v.q1, n.q1), ninp_halve_4(v.q2, n.q2),
                    ninp_halve_4(v.q3, n.q3)};
}
NINP_SIMD ninp_m ninp_greater(ninp_v a, ninp_v b) {
    return (ninp_m){vcgtq_f32(a.q0, b.q0), vcgtq_f32(a.q1, b.q1), vcgtq_f32(a.q2, b.q2),
                    vcgtq_f32(a.q3, b.q3)};
}
/* NaN is what does not equal itself. */
NINP_SIMD ninp_m ninp_greater_or_nan(ninp_v a, ninp_v b) {
    return (ninp_m){vornq_u32(vcgtq_f32(a.q0, b.q0), vceqq_f32(a.q0, a.q0)),
                    vornq_u32(vcgtq_f32(a.q1, b.q1), vceqq_f32(a.q1, a.q1)),
                    vornq_u32(vcgtq_f32(a.q2, b.q2), vceqq_f32(a.q2, a.q2)),
                    vornq_u32(vcgtq_f32(a.q3, b.q3), vceqq_f32(a.q3, a.q3))};
}
NINP_SIMD ninp_m ninp_equal(ninp_v a, ninp_v b) {
    return (ninp_m){vceqq_f32(a.q0, b.q0), vceqq_f32(a.q1, b.q1), vceqq_f32(a.q2, b.q2),
                    vceqq_f32(a.q3, b.q3)};
}
NINP_SIMD ninp_v ninp_select(ninp_m m, ninp_v yes, ninp_v no) {
    return (ninp_v){vbslq_f32(m.q0, yes.q0, no.q0), vbslq_f32(m.q1, yes.q1, no.q1),
                    vbslq_f32(m.q2, yes.q2, no.q2), vbslq_f32(m.q3, yes.q3, no.q3)};
}
NINP_SIMD ninp_v ninp_keep(ninp_m m, ninp_v v) {
    return ninp_select(m, v, ninp_zero());
}
NINP_SIMD ninp_v ninp_load_u8(const uint8_t *p) {
    const uint8x16_t bytes = vld1q_u8(p);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
    const uint16x8_t high = vmovl_u8(vget_high_u8(bytes));
    return (ninp_v){vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                    vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
                    vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                    vcvtq_f32_u32(vmovl_u16(vget_high_u16(high)))};
}
NINP_SIMD void ninp_store_u8(uint8_t *p, ninp_v v) {
    const uint16x8_t low =
        vcombine_u16(vmovn_u32(vcvtq_u32_f32(v.q0)), vmovn_u32(vcvtq_u32_f32(v.q1)));
    const uint16x8_t high =
        vcombine_u16(vmovn_u32(vcvtq_u32_f32(v.q2)), vmovn_u32(vcvtq_u32_f32(v.q3)));
    vst1q_u8(p, vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
}
NINP_SIMD void ninp_transpose(ninp_v v[16]) {
    float rows[16][16];
    for (int i = 0; i < 16; i++) {
        ninp_store(rows[i], v[i]);
    }
    for (int i = 0; i < 16; i++) {
        float column[16];
        for (int j = 0; j < 16; j++) {
            column[j] = rows[j][i];
        }
        v[i] = ninp_load(column);
    }
}

#endif

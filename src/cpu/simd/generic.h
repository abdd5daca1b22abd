/* 16 floats without an instruction set of its own: four vectors of four, which gcc and clang turn
 * into whatever the processor has at least. This header says what the names mean. */
#ifndef NINP_CPU_SIMD_H
#define NINP_CPU_SIMD_H

#include <stdint.h>
#include <string.h>

typedef float ninp_quad __attribute__((vector_size(16)));
typedef int32_t ninp_quad_mask __attribute__((vector_size(16)));
typedef uint32_t ninp_quad_bits __attribute__((vector_size(16)));

/* One pixel of one channel block. */
typedef struct ninp_v {
    ninp_quad q[4];
} ninp_v;
/* One truth value a lane: all bits set or clear. */
typedef struct ninp_m {
    ninp_quad_mask q[4];
} ninp_m;
#define NINP_SIMD static inline __attribute__((always_inline))
#define NINP_VECTOR_REGISTERS 3 /* ninp_v that fit in registers at once */

/* Written out, because loops over the four would keep them out of registers. */
#define NINP_QUADS(expression)                                         \
    {                                                                  \
        { expression(0), expression(1), expression(2), expression(3) } \
    }

/* Load and store; `load` and `store` want 64-byte alignment, `loadu` and `storeu` none. */
NINP_SIMD ninp_v ninp_loadu(const float *p) {
    ninp_v v;
    memcpy(&v, p, sizeof v);
    return v;
}
NINP_SIMD ninp_v ninp_load(const float *p) {
    const ninp_quad *q = __builtin_assume_aligned(p, 64);
    return (ninp_v){{q[0], q[1], q[2], q[3]}};
}
NINP_SIMD void ninp_storeu(float *p, ninp_v v) {
    memcpy(p, &v, sizeof v);
}
NINP_SIMD void ninp_store(float *p, ninp_v v) {
    ninp_quad *q = __builtin_assume_aligned(p, 64);
    q[0] = v.q[0];
    q[1] = v.q[1];
    q[2] = v.q[2];
    q[3] = v.q[3];
}
/* All lanes f. */
NINP_SIMD ninp_v ninp_set(float f) {
    const ninp_quad q = {f, f, f, f};
    return (ninp_v){{q, q, q, q}};
}
NINP_SIMD ninp_v ninp_zero(void) {
    return ninp_set(0.0F);
}
NINP_SIMD ninp_v ninp_addv(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] + b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
NINP_SIMD ninp_v ninp_subv(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] - b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
NINP_SIMD ninp_v ninp_mulv(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] * b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
NINP_SIMD ninp_v ninp_divv(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] / b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* c + a * b and c - a * b. */
NINP_SIMD ninp_v ninp_fma(ninp_v a, ninp_v b, ninp_v c) {
#define NINP_QUAD(i) c.q[i] + a.q[i] * b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
NINP_SIMD ninp_v ninp_fnma(ninp_v a, ninp_v b, ninp_v c) {
#define NINP_QUAD(i) c.q[i] - a.q[i] * b.q[i]
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* v * 2^-n for whole n from 0 to 252; a result below the smallest normal number is rounded once.
 * NaN stays NaN, whatever n is then. Adding 1.5 * 2^23 makes the bits of a float count whole
 * numbers; 2^-n in two factors keeps both normal: 127 is the exponent's bias, 23 its place. */
NINP_SIMD ninp_quad ninp_halve_4(ninp_quad v, ninp_quad n) {
    const ninp_quad shift = {12582912.0F, 12582912.0F, 12582912.0F, 12582912.0F};
    const ninp_quad_bits whole = (ninp_quad_bits)(n + shift) - 0x4B400000U;
    const ninp_quad_bits half = whole >> 1;
    const ninp_quad_bits rest = whole - half;
    return v * (ninp_quad)((127U - half) << 23) * (ninp_quad)((127U - rest) << 23);
}
NINP_SIMD ninp_v ninp_halve(ninp_v v, ninp_v n) {
#define NINP_QUAD(i) ninp_halve_4(v.q[i], n.q[i])
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* a > b; false where either is NaN. */
NINP_SIMD ninp_m ninp_greater(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] > b.q[i]
    return (ninp_m)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* a > b, or a is NaN: PyTorch's rule for the maximum of a window. */
NINP_SIMD ninp_m ninp_greater_or_nan(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) (a.q[i] > b.q[i]) | (a.q[i] != a.q[i])
    return (ninp_m)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
NINP_SIMD ninp_m ninp_equal(ninp_v a, ninp_v b) {
#define NINP_QUAD(i) a.q[i] == b.q[i]
    return (ninp_m)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* yes where m, no elsewhere. */
NINP_SIMD ninp_v ninp_select(ninp_m m, ninp_v yes, ninp_v no) {
#define NINP_QUAD(i) \
    (ninp_quad)((m.q[i] & (ninp_quad_mask)yes.q[i]) | (~m.q[i] & (ninp_quad_mask)no.q[i]))
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* v where m, 0 elsewhere. */
NINP_SIMD ninp_v ninp_keep(ninp_m m, ninp_v v) {
#define NINP_QUAD(i) (ninp_quad)(m.q[i] & (ninp_quad_mask)v.q[i])
    return (ninp_v)NINP_QUADS(NINP_QUAD);
#undef NINP_QUAD
}
/* max(v, 0); NaN stays NaN. */
NINP_SIMD ninp_v ninp_relu(ninp_v v) {
    return ninp_keep(ninp_greater_or_nan(v, ninp_zero()), v);
}
/* 16 bytes as floats 0 to 255, and back (values must be whole and in that range). */
NINP_SIMD ninp_v ninp_load_u8(const uint8_t *p) {
    float f[16];
    for (int i = 0; i < 16; i++) {
        f[i] = (float)p[i];
    }
    return ninp_loadu(f);
}
NINP_SIMD void ninp_store_u8(uint8_t *p, ninp_v v) {
    float f[16];
    ninp_storeu(f, v);
    for (int i = 0; i < 16; i++) {
        p[i] = (uint8_t)f[i];
    }
}
/* Rows become columns: lane j of v[i] and lane i of v[j] change places. */
NINP_SIMD void ninp_transpose(ninp_v v[16]) {
    float from[16][16];
    float to[16][16];
    memcpy(from, v, sizeof from);
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            to[j][i] = from[i][j];
        }
    }
    memcpy(v, to, sizeof to);
}
#undef NINP_QUADS

#endif

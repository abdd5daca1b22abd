/* 16 floats in one 512-bit register. The names are explained in generic.h. */
#ifndef NINP_CPU_SIMD_H
#define NINP_CPU_SIMD_H

#include <immintrin.h>
#include <stdint.h>

typedef __m512 ninp_v;
typedef __mmask16 ninp_m;
#define NINP_SIMD static inline __attribute__((always_inline))
#define NINP_VECTOR_REGISTERS 32 /* ninp_v that fit in registers at once */

NINP_SIMD ninp_v ninp_load(const float *p) {
    return _mm512_load_ps(p);
}
NINP_SIMD ninp_v ninp_loadu(const float *p) {
    return _mm512_loadu_ps(p);
}
NINP_SIMD void ninp_store(float *p, ninp_v v) {
    _mm512_store_ps(p, v);
}
NINP_SIMD void ninp_storeu(float *p, ninp_v v) {
    _mm512_storeu_ps(p, v);
}
NINP_SIMD ninp_v ninp_set(float f) {
    return _mm512_set1_ps(f);
}
NINP_SIMD ninp_v ninp_zero(void) {
    return _mm512_setzero_ps();
}
NINP_SIMD ninp_v ninp_addv(ninp_v a, ninp_v b) {
    return _mm512_add_ps(a, b);
}
NINP_SIMD ninp_v ninp_subv(ninp_v a, ninp_v b) {
    return _mm512_sub_ps(a, b);
}
NINP_SIMD ninp_v ninp_mulv(ninp_v a, ninp_v b) {
    return _mm512_mul_ps(a, b);
}
NINP_SIMD ninp_v ninp_divv(ninp_v a, ninp_v b) {
    return _mm512_div_ps(a, b);
}
NINP_SIMD ninp_v ninp_fma(ninp_v a, ninp_v b, ninp_v c) {
    return _mm512_fmadd_ps(a, b, c);
}
NINP_SIMD ninp_v ninp_fnma(ninp_v a, ninp_v b, ninp_v c) {
    return _mm512_fnmadd_ps(a, b, c);
}
NINP_SIMD ninp_v ninp_relu(ninp_v v) {
    return _mm512_max_ps(_mm512_setzero_ps(), v);
}
NINP_SIMD ninp_v ninp_halve(ninp_v v, ninp_v n) {
    return _mm512_scalef_ps(v, _mm512_sub_ps(_mm512_setzero_ps(), n));
}
NINP_SIMD ninp_m ninp_greater(ninp_v a, ninp_v b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
NINP_SIMD ninp_m ninp_greater_or_nan(ninp_v a, ninp_v b) {
    return (ninp_m)(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q));
}
NINP_SIMD ninp_m ninp_equal(ninp_v a, ninp_v b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
NINP_SIMD ninp_v ninp_select(ninp_m m, ninp_v yes, ninp_v no) {
    return _mm512_mask_blend_ps(m, no, yes);
}
NINP_SIMD ninp_v ninp_keep(ninp_m m, ninp_v v) {
    return _mm512_maskz_mov_ps(m, v);
}
NINP_SIMD ninp_v ninp_load_u8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
NINP_SIMD void ninp_store_u8(uint8_t *p, ninp_v v) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

/* In each step pairs of rows exchange halves: of 2, of 4, of 8 and of 16 floats. */
NINP_SIMD void ninp_transpose(ninp_v v[16]) {
    ninp_v t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        v[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xEE);
        v[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xDD);
        t[i + 8] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xDD);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        v[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xDD);
        v[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        v[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xDD);
    }
}

#endif

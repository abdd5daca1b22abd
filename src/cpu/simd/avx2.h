/* 16 floats in two 256-bit registers. The names are explained in generic.h. */
#ifndef NINP_CPU_SIMD_H
#define NINP_CPU_SIMD_H

#include <immintrin.h>
#include <stdint.h>

typedef struct ninp_v {
    __m256 lo, hi;
} ninp_v;
typedef ninp_v ninp_m; /* all bits of a lane set or clear */
#define NINP_SIMD static inline __attribute__((always_inline))
#define NINP_VECTOR_REGISTERS 8 /* ninp_v that fit in registers at once */

NINP_SIMD ninp_v ninp_load(const float *p) {
    return (ninp_v){_mm256_load_ps(p), _mm256_load_ps(p + 8)};
}
NINP_SIMD ninp_v ninp_loadu(const float *p) {
    return (ninp_v){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
NINP_SIMD void ninp_store(float *p, ninp_v v) {
    _mm256_store_ps(p, v.lo);
    _mm256_store_ps(p + 8, v.hi);
}
NINP_SIMD void ninp_storeu(float *p, ninp_v v) {
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
}
NINP_SIMD ninp_v ninp_set(float f) {
    __m256 half = _mm256_set1_ps(f);
    return (ninp_v){half, half};
}
NINP_SIMD ninp_v ninp_zero(void) {
    return (ninp_v){_mm256_setzero_ps(), _mm256_setzero_ps()};
}
NINP_SIMD ninp_v ninp_addv(ninp_v a, ninp_v b) {
    return (ninp_v){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
NINP_SIMD ninp_v ninp_subv(ninp_v a, ninp_v b) {
    return (ninp_v){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
NINP_SIMD ninp_v ninp_mulv(ninp_v a, ninp_v b) {
    return (ninp_v){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
NINP_SIMD ninp_v ninp_divv(ninp_v a, ninp_v b) {
    return (ninp_v){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
NINP_SIMD ninp_v ninp_fma(ninp_v a, ninp_v b, ninp_v c) {
    return (ninp_v){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
NINP_SIMD ninp_v ninp_fnma(ninp_v a, ninp_v b, ninp_v c) {
    return (ninp_v){_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
NINP_SIMD ninp_v ninp_relu(ninp_v v) {
    __m256 zero = _mm256_setzero_ps();
    return (ninp_v){_mm256_max_ps(zero, v.lo), _mm256_max_ps(zero, v.hi)};
}
/* In two factors, each a normal number: 127 is the exponent's bias, 23 its place. */
NINP_SIMD __m256 ninp_halve_8(__m256 v, __m256 n) {
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srli_epi32(whole, 1);
    const __m256i rest = _mm256_sub_epi32(whole, half);
    v = _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_sub_epi32(bias, half), 23)));
    return _mm256_mul_ps(v,
                         _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_sub_epi32(bias, rest), 23)));
}
NINP_SIMD ninp_v ninp_halve(ninp_v v, ninp_v n) {
    return (ninp_v){ninp_halve_8(v.lo, n.lo), ninp_halve_8(v.hi, n.hi)};
}
NINP_SIMD ninp_m ninp_greater(ninp_v a, ninp_v b) {
    return (ninp_m){_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ)};
}
NINP_SIMD ninp_m ninp_greater_or_nan(ninp_v a, ninp_v b) {
    return (ninp_m){_mm256_or_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ),
                                 _mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q)),
                    _mm256_or_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ),
                                 _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q))};
}
NINP_SIMD ninp_m ninp_equal(ninp_v a, ninp_v b) {
    return (ninp_m){_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)};
}
NINP_SIMD ninp_v ninp_select(ninp_m m, ninp_v yes, ninp_v no) {
    return (ninp_v){_mm256_blendv_ps(no.lo, yes.lo, m.lo), _mm256_blendv_ps(no.hi, yes.hi, m.hi)};
}
NINP_SIMD ninp_v ninp_keep(ninp_m m, ninp_v v) {
    return (ninp_v){_mm256_and_ps(m.lo, v.lo), _mm256_and_ps(m.hi, v.hi)};
}
NINP_SIMD ninp_v ninp_load_u8(const uint8_t *p) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (ninp_v){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                    _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
}
NINP_SIMD void ninp_store_u8(uint8_t *p, ninp_v v) {
    __m256i words = _mm256_packus_epi32(_mm256_cvtps_epi32(v.lo), _mm256_cvtps_epi32(v.hi));
    words = _mm256_permute4x64_epi64(words, 0xD8);
    _mm_storeu_si128((__m128i *)(void *)p, _mm_packus_epi16(_mm256_castsi256_si128(words),
                                                            _mm256_extracti128_si256(words, 1)));
}

/* 8 x 8 floats, in steps of 2, 4 and 8. */
NINP_SIMD void ninp_transpose_8x8(__m256 r[8]) {
    __m256 t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        __m256 low = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
        r[i] = low;
    }
}
/* Four blocks of 8 x 8, of which the two off the diagonal change places. */
NINP_SIMD void ninp_transpose(ninp_v v[16]) {
    __m256 block[4][8];
    for (int i = 0; i < 8; i++) {
        block[0][i] = v[i].lo;
        block[1][i] = v[i].hi;
        block[2][i] = v[i + 8].lo;
        block[3][i] = v[i + 8].hi;
    }
    for (int i = 0; i < 4; i++) {
        ninp_transpose_8x8(block[i]);
    }
    for (int i = 0; i < 8; i++) {
        v[i] = (ninp_v){block[0][i], block[2][i]};
        v[i + 8] = (ninp_v){block[1][i], block[3][i]};
    }
}

#endif

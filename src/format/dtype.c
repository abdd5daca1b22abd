#include "format/dtype.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void decode_f32(const unsigned char *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof bits);
        out[i] = float_from_bits(le32toh(bits));
    }
}

static void decode_f64(const unsigned char *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, bytes + 8 * i, sizeof bits);
        bits = le64toh(bits);
        double value;
        memcpy(&value, &bits, sizeof value);
        out[i] = (float)value;
    }
}

static void decode_i64(const unsigned char *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, bytes + 8 * i, sizeof bits);
        out[i] = (float)(int64_t)le64toh(bits);
    }
}

/* bfloat16 is the upper half of a float32. */
static void decode_bf16(const unsigned char *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, sizeof bits);
        out[i] = float_from_bits((uint32_t)le16toh(bits) << 16);
    }
}

/* IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction. */
static float float_from_half(uint32_t half) {
    uint32_t sign = (half & 0x8000U) << 16;
    uint32_t exponent = (half >> 10) & 0x1fU;
    uint32_t fraction = half & 0x3ffU;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24F;
        return sign ? -magnitude : magnitude;
    }
    exponent = exponent == 0x1fU ? 0xffU : exponent + (127 - 15);
    return float_from_bits(sign | exponent << 23 | fraction << 13);
}

static void decode_f16(const unsigned char *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, sizeof bits);
        out[i] = float_from_half(le16toh(bits));
    }
}

/* All types of the reference reader whose elements are whole bytes. */
static const ninp_dtype dtypes[] = {
    {"F32", 4, decode_f32},   {"F16", 2, decode_f16}, {"BF16", 2, decode_bf16},
    {"F64", 8, decode_f64},   {"I64", 8, decode_i64}, {"BOOL", 1, NULL},
    {"U8", 1, NULL},          {"I8", 1, NULL},        {"F8_E5M2", 1, NULL},
    {"F8_E4M3", 1, NULL},     {"F8_E8M0", 1, NULL},   {"F8_E4M3FNUZ", 1, NULL},
    {"F8_E5M2FNUZ", 1, NULL}, {"I16", 2, NULL},       {"U16", 2, NULL},
    {"I32", 4, NULL},         {"U32", 4, NULL},       {"U64", 8, NULL},
    {"C64", 8, NULL},
};

const ninp_dtype *ninp_dtype_find(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            return &dtypes[i];
        }
    }
    return NULL;
}

void ninp_dtype_encode(const float *values, size_t count, unsigned char *out) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        bits = htole32(bits);
        memcpy(out + 4 * i, &bits, sizeof bits);
    }
}

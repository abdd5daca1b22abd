/* The element types of safetensors files. */
#ifndef NINP_FORMAT_DTYPE_H
#define NINP_FORMAT_DTYPE_H

#include <stddef.h>

typedef struct ninp_dtype {
    const char *name; /* "F32" */
    size_t size;      /* bytes an element */
    /* `count` little-endian elements to float32, rounded to nearest; NULL: not a type for weights.
     */
    void (*decode)(const unsigned char *bytes, size_t count, float *out);
} ninp_dtype;

/* NULL when there is no such type, or when its elements are not whole bytes. */
const ninp_dtype *ninp_dtype_find(const char *name);

/* `count` float32 values as the bytes of "F32". */
void ninp_dtype_encode(const float *values, size_t count, unsigned char *out);

#endif

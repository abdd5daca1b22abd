/* Memory. All sizes go through checked arithmetic; nothing in the library calls malloc with a
 * product. */
#ifndef NINP_BASE_MEMORY_H
#define NINP_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b or a + b; false when the result does not fit (then *out is 0). */
static inline bool ninp_mul(size_t a, size_t b, size_t *out) {
    if (__builtin_mul_overflow(a, b, out)) {
        *out = 0;
        return false;
    }
    return true;
}
static inline bool ninp_add(size_t a, size_t b, size_t *out) {
    if (__builtin_add_overflow(a, b, out)) {
        *out = 0;
        return false;
    }
    return true;
}

/* `count` zeroed elements of `size` bytes, or NULL (also when the product overflows). count 0 gives
 * a pointer that may be freed. Release with free(). */
void *ninp_calloc(size_t count, size_t size);

/* The same, aligned to 64 bytes and rounded up to whole cache lines; large blocks are aligned to
 * 2 MiB and offered to the kernel for huge pages. Release with ninp_free_aligned. */
void *ninp_calloc_aligned(size_t count, size_t size);
void ninp_free_aligned(void *block);

/* A copy of a string, or NULL. Release with free(). */
char *ninp_strdup(const char *text);

/* `*array` of `*capacity` elements of `size` bytes grows to hold at least `needed`; false when out
 * of memory (the array stays as it was). */
bool ninp_grow(void **array, size_t *capacity, size_t needed, size_t size);

#endif

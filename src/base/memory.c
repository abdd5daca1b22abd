#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64 };
#define HUGE_PAGE ((size_t)2 << 20)

void *ninp_calloc(size_t count, size_t size) {
    return calloc(count ? count : 1, size ? size : 1);
}

void *ninp_calloc_aligned(size_t count, size_t size) {
    size_t bytes;
    if (!ninp_mul(count, size, &bytes) || !ninp_add(bytes, HUGE_PAGE, &bytes)) {
        return NULL;
    }
    bytes -= HUGE_PAGE;
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *block = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (!block) {
        return NULL;
    }
    if (alignment == HUGE_PAGE) {
        (void)madvise(block, rounded, MADV_HUGEPAGE); /* a hint: refusal costs speed only */
    }
    memset(block, 0, rounded ? rounded : alignment);
    return block;
}

void ninp_free_aligned(void *block) {
    free(block);
}

char *ninp_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) {
        memcpy(copy, text, size);
    }
    return copy;
}

bool ninp_grow(void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) {
        return true;
    }
    size_t grown = *capacity ? *capacity : 8;
    while (grown < needed) {
        if (!ninp_mul(grown, 2, &grown)) {
            return false;
        }
    }
    size_t bytes;
    if (!ninp_mul(grown, size, &bytes)) {
        return false;
    }
    void *moved = realloc(*array, bytes);
    if (!moved) {
        return false;
    }
    *array = moved;
    *capacity = grown;
    return true;
}

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

/* calloc gives large blocks as the system's fresh pages, which are zeros that nobody has to write:
 * memory that is never used is never there. What calloc gave lies in front of the block. */
void *ninp_calloc_aligned(size_t count, size_t size) {
    size_t bytes;
    size_t most;
    if (!ninp_mul(count, size, &bytes) || !ninp_add(bytes, 2 * HUGE_PAGE, &most)) {
        return NULL;
    }
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    const size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    unsigned char *given = calloc(1, bytes + sizeof(void *) + alignment);
    if (!given) {
        return NULL;
    }
    const size_t offset = sizeof(void *) + alignment - 1;
    unsigned char *block = given + offset - ((uintptr_t)given + offset) % alignment;
    if (alignment == HUGE_PAGE) { /* a hint: refusal costs speed only */
        (void)madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    }
    memcpy(block - sizeof(void *), &given, sizeof(void *));
    return block;
}

void ninp_free_aligned(void *block) {
    if (block) {
        void *given;
        memcpy(&given, (unsigned char *)block - sizeof(void *), sizeof(void *));
        free(given);
    }
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

#include "draw/svgids.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What cairo 1.16 ("surface7", "image12") and 1.18 ("source-12") put before its counter. */
static const char *const families[] = {"surface", "image", "source-"};
enum { FAMILIES = sizeof families / sizeof families[0] };

/* The numbers a family had, in order of appearance. */
typedef struct family_numbers {
    uint64_t *numbers;
    size_t count, capacity;
} family_numbers;

/* The place of `number` among those seen, from 1; 0 when out of memory. */
static size_t ordinal(family_numbers *seen, uint64_t number) {
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->numbers[i] == number) {
            return i + 1;
        }
    }
    if (!ninp_grow((void **)&seen->numbers, &seen->capacity, seen->count + 1,
                   sizeof *seen->numbers)) {
        return 0;
    }
    seen->numbers[seen->count++] = number;
    return seen->count;
}

/* Reads `family` and a number that ends the name at `at`. Returns the bytes read, or 0. */
static size_t read_name(const char *at, const char *end, const char *family, uint64_t *number) {
    size_t prefix = strlen(family);
    if ((size_t)(end - at) < prefix || memcmp(at, family, prefix) != 0) {
        return 0;
    }
    const char *digit = at + prefix;
    *number = 0;
    while (digit < end && *digit >= '0' && *digit <= '9') {
        *number = *number * 10 + (uint64_t)(*digit++ - '0');
    }
    bool ended = digit < end && (*digit == '"' || *digit == ')');
    return digit > at + prefix && ended ? (size_t)(digit - at) : 0;
}

/* Copies the name at `at` renumbered, if it is one of cairo's. Returns the bytes read, or 0. */
static size_t copy_name(const char *at, const char *end, family_numbers *seen, ninp_text *out) {
    for (size_t f = 0; f < FAMILIES; f++) {
        uint64_t number;
        size_t size = read_name(at, end, families[f], &number);
        if (size > 0) {
            size_t place = ordinal(&seen[f], number);
            out->failed = out->failed || place == 0;
            ninp_text_add(out, "%s%zu", families[f], place);
            return size;
        }
    }
    return 0;
}

void ninp_svg_renumber(const char *svg, size_t size, ninp_text *out) {
    family_numbers seen[FAMILIES] = {0};
    const char *end = svg + size;
    const char *copied = svg;
    for (const char *at = svg; at < end;) {
        if (*at != '"' && *at != '#') { /* a name stands in quotes or behind url(# */
            at++;
            continue;
        }
        at++;
        ninp_text_add_bytes(out, copied, (size_t)(at - copied));
        at += copy_name(at, end, seen, out);
        copied = at;
    }
    ninp_text_add_bytes(out, copied, (size_t)(end - copied));
    for (size_t f = 0; f < FAMILIES; f++) {
        free(seen[f].numbers);
    }
}

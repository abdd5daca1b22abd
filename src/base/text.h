/* A growing string. */
#ifndef NINP_BASE_TEXT_H
#define NINP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Start with {0}. `failed` is set for good when memory runs out: check it once at the end. */
typedef struct ninp_text {
    char *chars; /* NUL-ended once anything was added; NULL before */
    size_t length, capacity;
    bool failed;
} ninp_text;

void ninp_text_add(ninp_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ninp_text_add_bytes(ninp_text *text, const char *bytes, size_t size);
/* Hands the string over (release with free) and clears *text; NULL when it failed. */
char *ninp_text_take(ninp_text *text);
void ninp_text_free(ninp_text *text);

/* Of `count` words, the one nearest to `word` by edit distance, for "did you mean"; NULL when none
 * is near (more than a third of its letters differ). */
const char *ninp_nearest(const char *word, const char *const *words, size_t count);

#endif

#include "base/text.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ninp_text_add_bytes(ninp_text *text, const char *bytes, size_t size) {
    size_t needed;
    if (text->failed || !ninp_add(text->length, size, &needed) || !ninp_add(needed, 1, &needed) ||
        !ninp_grow((void **)&text->chars, &text->capacity, needed, 1)) {
        text->failed = true;
        return;
    }
    memcpy(text->chars + text->length, bytes, size);
    text->length += size;
    text->chars[text->length] = '\0';
}

void ninp_text_add(ninp_text *text, const char *format, ...) {
    char small[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length < 0) {
        text->failed = true;
        return;
    }
    if ((size_t)length < sizeof small) {
        ninp_text_add_bytes(text, small, (size_t)length);
        return;
    }
    char *large = malloc((size_t)length + 1);
    if (!large) {
        text->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(large, (size_t)length + 1, format, args);
    va_end(args);
    ninp_text_add_bytes(text, large, (size_t)length);
    free(large);
}

char *ninp_text_take(ninp_text *text) {
    if (!text->failed && !text->chars) {
        ninp_text_add_bytes(text, "", 0);
    }
    char *taken = text->failed ? NULL : text->chars;
    if (text->failed) {
        free(text->chars);
    }
    *text = (ninp_text){0};
    return taken;
}

void ninp_text_free(ninp_text *text) {
    free(text->chars);
    *text = (ninp_text){0};
}

enum { WORD_LIMIT = 64 };

/* Edit distance with insertions, deletions, substitutions and swaps of neighbours; words of
 * WORD_LIMIT letters and more are near to nothing. */
static size_t edit_distance(const char *a, const char *b) {
    size_t la = strlen(a);
    size_t lb = strlen(b);
    if (la >= WORD_LIMIT || lb >= WORD_LIMIT) {
        return SIZE_MAX;
    }
    size_t rows[3][WORD_LIMIT];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= lb; j++) {
        last[j] = j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= la; i++) {
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            row[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[lb];
}

const char *ninp_nearest(const char *word, const char *const *words, size_t count) {
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, words[i]);
        if (distance <= least && (!nearest || distance < least)) {
            nearest = words[i];
            least = distance;
        }
    }
    return nearest;
}

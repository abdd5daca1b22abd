/* Text of people (titles, class names, captions) made safe to draw. */
#ifndef NINP_DRAW_UTF8_H
#define NINP_DRAW_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a label, NUL included. */
enum { NINP_LABEL_BYTES = 512 };

/* Whether there is anything to draw. */
static inline bool ninp_has_text(const char *text) {
    return text && *text;
}

typedef struct ninp_label {
    char chars[NINP_LABEL_BYTES];
} ninp_label;

/* A copy of `text` (NULL: "") that is well-formed UTF-8 without control characters: a byte that is
 * not UTF-8 becomes U+FFFD, a control character a space. What is too long for a label is cut and
 * ends in an ellipsis. */
ninp_label ninp_label_make(const char *text);

/* The same in ASCII: every other character becomes '?'. */
ninp_label ninp_label_make_ascii(const char *text);

/* Characters of a label: code points, each taken as one column wide. */
size_t ninp_label_length(const ninp_label *label);

/* Cuts a label that has more than `length` characters (at least 1) to its first `length` - 1 and an
 * ellipsis (U+2026); in ASCII (`ascii`) the last character becomes '~'. */
void ninp_label_cut(ninp_label *label, size_t length, bool ascii);

#endif

#include "draw/utf8.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"
#define ELLIPSIS "\xE2\x80\xA6"

/* Characters that may not stand in interchanged text: surrogates and noncharacters (The Unicode
 * Standard, sections 23.6 and 23.7). cairo refuses them too. */
static bool is_drawable(uint32_t code) {
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    bool noncharacter = (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
    return code <= 0x10FFFF && !surrogate && !noncharacter;
}

/* Bytes of the well-formed UTF-8 sequence at `text`, or 0. Reads no further than the first byte
 * that does not fit, so the NUL at the end is never passed. */
static size_t sequence_bytes(const char *text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80) {
        return 1;
    }
    size_t size = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    if (bytes[0] < 0xC0 || bytes[0] >= 0xF8) {
        return 0;
    }
    uint32_t code = bytes[0] & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (bytes[i] & 0x3FU);
    }
    return code >= least[size] && is_drawable(code) ? size : 0;
}

static bool is_control(const char *text) {
    unsigned char first = (unsigned char)text[0];
    unsigned char second = first ? (unsigned char)text[1] : 0;
    return first < 0x20 || first == 0x7F || (first == 0xC2 && second < 0xA0); /* C0, DEL, C1 */
}

ninp_label ninp_label_make(const char *text) {
    ninp_label label = {""};
    const size_t limit = sizeof label.chars - sizeof ELLIPSIS;
    size_t used = 0;
    for (const char *at = text ? text : ""; *at;) {
        size_t size = sequence_bytes(at);
        const char *piece = size == 0 ? REPLACEMENT : is_control(at) ? " " : at;
        size_t piece_size = piece == at ? size : strlen(piece);
        if (used + piece_size > limit) {
            memcpy(label.chars + used, ELLIPSIS, sizeof ELLIPSIS);
            break;
        }
        memcpy(label.chars + used, piece, piece_size);
        used += piece_size;
        at += size ? size : 1;
    }
    return label;
}

ninp_label ninp_label_make_ascii(const char *text) {
    ninp_label label = ninp_label_make(text);
    char *to = label.chars;
    for (const char *at = label.chars; *at;) {
        size_t size = sequence_bytes(at);
        *to++ = size == 1 ? *at : '?';
        at += size;
    }
    *to = '\0';
    return label;
}

size_t ninp_label_length(const ninp_label *label) {
    size_t length = 0;
    for (const char *at = label->chars; *at; at += sequence_bytes(at)) {
        length++;
    }
    return length;
}

void ninp_label_cut(ninp_label *label, size_t length, bool ascii) {
    if (ninp_label_length(label) <= length) {
        return;
    }
    char *at = label->chars;
    for (size_t i = 1; i < length; i++) {
        at += sequence_bytes(at);
    }
    if (ascii) {
        memcpy(at, "~", 2);
    } else {
        memcpy(at, ELLIPSIS, sizeof ELLIPSIS);
    }
}

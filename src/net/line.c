#include "net/line.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

nin_status ninp_line_split(const char *text, size_t length, int classes, ninp_line *line,
                           nin_error *err) {
    *line = (ninp_line){.classes = classes};
    const char *comment = length > 0 ? memchr(text, '#', length) : NULL;
    if (comment) {
        length = (size_t)(comment - text);
    }
    if (length >= sizeof line->text) {
        return ninp_fail(err, NIN_ERROR_DATA, "the line is longer than %zu characters",
                         sizeof line->text - 1);
    }
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank && (c < '!' || c > '~')) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "character %zu (0x%02x) is not allowed outside a comment", i + 1, c);
        }
        if (!blank && !inside) {
            if (line->count == NINP_LINE_WORDS) {
                return ninp_fail(err, NIN_ERROR_DATA, "the line has more than %d words",
                                 NINP_LINE_WORDS);
            }
            line->words[line->count++] = line->text + i;
        }
        inside = !blank;
        line->text[i] = blank ? '\0' : (char)c;
    }
    line->used[0] = true;
    return NIN_OK;
}

const char *ninp_line_next(ninp_line *line) {
    for (int i = 1; i < line->count; i++) {
        if (!line->used[i] && !strchr(line->words[i], '=')) {
            line->used[i] = true;
            return line->words[i];
        }
    }
    return NULL;
}

/* Looks for KEY=VALUE or a bare KEY and marks it as used. *value: the text behind the "=", "" for a
 * bare key, NULL when the key is not there. */
static nin_status find_option(ninp_line *line, const char *key, const char **value,
                              nin_error *err) {
    size_t length = strlen(key);
    *value = NULL;
    for (int i = 1; i < line->count; i++) {
        const char *word = line->words[i];
        if (strncmp(word, key, length) != 0 || (word[length] != '=' && word[length] != '\0')) {
            continue;
        }
        if (*value) {
            return ninp_fail(err, NIN_ERROR_DATA, "%s is given twice", key);
        }
        line->used[i] = true;
        *value = word + length + (word[length] == '=');
    }
    return NIN_OK;
}

/* Digits only, no more than an int holds. */
static bool parse_int(const char *word, int *out) {
    int value = 0;
    if (!*word) {
        return false;
    }
    for (; *word; word++) {
        if (*word < '0' || *word > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *word - '0', &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

nin_status ninp_line_int(const char *word, const ninp_line *line, const char *what, int least,
                         int most, int *out, nin_error *err) {
    int value;
    if (strcmp(word, "classes") == 0 && line->classes > 0) {
        value = line->classes;
    } else if (!parse_int(word, &value)) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s=%s is not a whole number from %d to %d", what,
                         word, least, most);
    }
    if (value < least || value > most) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s=%d is not in the range %d to %d", what, value,
                         least, most);
    }
    *out = value;
    return NIN_OK;
}

nin_status ninp_line_next_int(ninp_line *line, const char *what, int least, int most, int *out,
                              nin_error *err) {
    const char *word = ninp_line_next(line);
    if (!word) {
        return ninp_fail(err, NIN_ERROR_DATA, "the %s is missing", what);
    }
    return ninp_line_int(word, line, what, least, most, out, err);
}

enum { DIGITS = 15, LARGEST_POWER = 22 };

/* Reads digits and counts those from the first that is not 0. *digits stays at most DIGITS + 1. */
static const char *read_digits(const char *word, double *value, int *digits) {
    for (; *word >= '0' && *word <= '9'; word++) {
        *value = *value * 10.0 + (*word - '0');
        if (*digits <= DIGITS && (*digits > 0 || *word != '0')) {
            (*digits)++;
        }
    }
    return word;
}

/* A decimal fraction, without strtod, which depends on the locale. Fifteen digits and powers of ten
 * up to 22 are exact in a double, so that one multiplication or division rounds correctly (Clinger,
 * "How to read floating point numbers accurately", PLDI 1990). */
bool ninp_parse_decimal(const char *word, double *out) {
    double value = 0.0;
    int digits = 0;
    const char *point = read_digits(word, &value, &digits);
    bool any = point > word;
    int exponent = 0;
    const char *end = point;
    if (*point == '.') {
        end = read_digits(point + 1, &value, &digits);
        any = any || end > point + 1;
        exponent = -(int)(end - point - 1);
    }
    if (any && (*end == 'e' || *end == 'E')) {
        bool negative = end[1] == '-';
        int power;
        if (!parse_int(end + 1 + (negative || end[1] == '+'), &power) ||
            power > LARGEST_POWER + DIGITS) {
            return false;
        }
        exponent += negative ? -power : power;
        end += strlen(end);
    }
    if (!any || *end || digits > DIGITS || exponent > LARGEST_POWER || exponent < -LARGEST_POWER) {
        return false;
    }
    double scale = 1.0;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--) {
        scale *= 10.0;
    }
    *out = exponent < 0 ? value / scale : value * scale;
    return true;
}

static nin_status read_double(const char *word, const char *what, double least, double most,
                              double *out, nin_error *err) {
    double value;
    if (!ninp_parse_decimal(word, &value)) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s=%s is not a number from %g to %g", what, word,
                         least, most);
    }
    if (value < least || value > most) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s=%s is not in the range %g to %g", what, word,
                         least, most);
    }
    *out = value;
    return NIN_OK;
}

nin_status ninp_line_next_double(ninp_line *line, const char *what, double least, double most,
                                 double *out, nin_error *err) {
    const char *word = ninp_line_next(line);
    if (!word) {
        return ninp_fail(err, NIN_ERROR_DATA, "the %s is missing", what);
    }
    return read_double(word, what, least, most, out, err);
}

nin_status ninp_line_next_ints(ninp_line *line, const char *what, int most, int limit, int *out,
                               int *count, nin_error *err) {
    const char *word = ninp_line_next(line);
    if (!word) {
        return ninp_fail(err, NIN_ERROR_DATA, "the %s is missing", what);
    }
    *count = 0;
    for (;;) {
        size_t length = strcspn(word, ",");
        char item[sizeof line->text];
        memcpy(item, word, length);
        item[length] = '\0';
        if (*count == limit) {
            return ninp_fail(err, NIN_ERROR_DATA, "more than %d values for the %s", limit, what);
        }
        nin_status status = ninp_line_int(item, line, what, 1, most, &out[*count], err);
        if (status != NIN_OK) {
            return status;
        }
        (*count)++;
        if (!word[length]) {
            return NIN_OK;
        }
        word += length + 1;
    }
}

nin_status ninp_line_option_int(ninp_line *line, const char *key, int least, int most, int *out,
                                nin_error *err) {
    const char *value;
    nin_status status = find_option(line, key, &value, err);
    if (status != NIN_OK || !value) {
        return status;
    }
    return ninp_line_int(value, line, key, least, most, out, err);
}

nin_status ninp_line_option_double(ninp_line *line, const char *key, double least, double most,
                                   double *out, nin_error *err) {
    const char *value;
    nin_status status = find_option(line, key, &value, err);
    if (status != NIN_OK || !value) {
        return status;
    }
    return read_double(value, key, least, most, out, err);
}

nin_status ninp_line_option_bool(ninp_line *line, const char *key, bool *out, nin_error *err) {
    const char *value;
    nin_status status = find_option(line, key, &value, err);
    if (status != NIN_OK || !value) {
        return status;
    }
    if (*value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s=%s is neither true nor false", key, value);
    }
    *out = strcmp(value, "false") != 0;
    return NIN_OK;
}

/* The options of a usage text: words in lower case, without brackets and values. Returns their
 * number; they point into buffer. */
static size_t usage_options(const char *usage, char *buffer, size_t size, const char **options,
                            size_t limit) {
    size_t count = 0;
    size_t used = 0;
    const char *word = usage + strcspn(usage, " ");
    while (*(word += strspn(word, " []")) && count < limit) {
        size_t length = strcspn(word, " []=");
        if (*word >= 'a' && *word <= 'z' && used + length < size) {
            memcpy(buffer + used, word, length);
            buffer[used + length] = '\0';
            options[count++] = buffer + used;
            used += length + 1;
        }
        word += strcspn(word, " ]");
    }
    return count;
}

nin_status ninp_line_end(const ninp_line *line, const char *usage, nin_error *err) {
    for (int i = 1; i < line->count; i++) {
        if (line->used[i]) {
            continue;
        }
        char key[sizeof line->text];
        size_t length = strcspn(line->words[i], "=");
        memcpy(key, line->words[i], length);
        key[length] = '\0';
        char buffer[256];
        const char *options[NINP_LINE_WORDS];
        size_t count = usage_options(usage, buffer, sizeof buffer, options, NINP_LINE_WORDS);
        const char *nearest = ninp_nearest(key, options, count);
        return ninp_fail(err, NIN_ERROR_DATA, "\"%s\" is not understood%s%s%s (usage: %s)",
                         line->words[i], nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "", usage);
    }
    return NIN_OK;
}

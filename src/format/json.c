#include "format/json.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

const char *ninp_printable(const char *text, char *buffer, size_t size) {
    size_t length = strlen(text);
    size_t kept = length < size ? length : size - 1;
    for (size_t i = 0; i < kept; i++) {
        buffer[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    }
    if (kept < length) {
        memset(buffer + kept - 3, '.', 3);
    }
    buffer[kept] = '\0';
    return buffer;
}

/* The byte where nesting first gets deeper than NINP_JSON_DEPTH, or `size`. Looks at brackets
 * outside strings only, so it is right for valid JSON; what is not valid the parser refuses itself.
 */
static size_t too_deep_at(const char *bytes, size_t size) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > NINP_JSON_DEPTH) {
                return i;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return size;
}

nin_status ninp_json_parse(const char *bytes, size_t size, const char *where, size_t base,
                           json_t **out, nin_error *err) {
    *out = NULL;
    size_t deep = too_deep_at(bytes, size);
    if (deep < size) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: byte %zu: nested more than %d deep", where,
                         base + deep, NINP_JSON_DEPTH);
    }
    json_error_t failure;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &failure);
    if (*out) {
        return NIN_OK;
    }
    if (json_error_code(&failure) == json_error_out_of_memory) {
        return ninp_fail_memory(err, size, "JSON");
    }
    char reason[JSON_ERROR_TEXT_LENGTH];
    size_t position = failure.position > 0 ? (size_t)failure.position : 0;
    return ninp_fail(err, NIN_ERROR_DATA, "%s: byte %zu: %s", where, base + position,
                     ninp_printable(failure.text, reason, sizeof reason));
}

char *ninp_json_line(const json_t *value, int digits) {
    return value ? json_dumps(value,
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits))
                 : NULL;
}

nin_status ninp_json_text(const char *text, const char *what, json_t **out, nin_error *err) {
    *out = json_string(text);
    if (*out) {
        return NIN_OK;
    }
    json_t *unchecked = json_string_nocheck(text); /* tells bad UTF-8 from a lack of memory */
    json_decref(unchecked);
    return unchecked ? ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: not UTF-8", what)
                     : ninp_fail_memory(err, strlen(text), what);
}

json_t *ninp_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

bool ninp_json_get_number(const json_t *value, double *out) {
    *out = json_is_number(value) ? json_number_value(value) : (double)NAN;
    return json_is_number(value) || json_is_null(value);
}

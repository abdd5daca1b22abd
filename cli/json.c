#include "json.h"

#include "fail.h"
#include "files.h"
#include "text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 9 digits are enough to read any float back. */
#define JSON_FLAGS JSON_REAL_PRECISION(9)

static json_t *or_end(json_t *value) {
    if (!value) {
        cli_out_of_memory();
    }
    return value;
}

json_t *cli_json_real(double value) {
    return or_end(isfinite(value) ? json_real(value) : json_null());
}

json_t *cli_json_integer(unsigned long long value) {
    return or_end(value <= LLONG_MAX ? json_integer((json_int_t)value) : json_real((double)value));
}

json_t *cli_json_text(const char *text) {
    static const char replacement[] = "\xef\xbf\xbd";
    char *valid = cli_allocate(strlen(text) + 1, sizeof replacement - 1);
    size_t length = 0;
    while (*text) {
        size_t bytes;
        if (cli_utf8_character(text, &bytes)) {
            memcpy(valid + length, text, bytes);
            length += bytes;
            text += bytes;
        } else {
            memcpy(valid + length, replacement, sizeof replacement - 1);
            length += sizeof replacement - 1;
            text++;
        }
    }
    json_t *value = or_end(json_stringn(valid, length));
    free(valid);
    return value;
}

json_t *cli_json_object(void) {
    return or_end(json_object());
}

json_t *cli_json_array(void) {
    return or_end(json_array());
}

void cli_json_set(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, or_end(value)) != 0) {
        cli_out_of_memory();
    }
}

void cli_json_append(json_t *array, json_t *value) {
    if (json_array_append_new(array, or_end(value)) != 0) {
        cli_out_of_memory();
    }
}

static char *text_of(const json_t *value, size_t flags) {
    char *text = json_dumps(value, JSON_FLAGS | flags);
    if (!text) {
        cli_out_of_memory();
    }
    return text;
}

char *cli_json_line(const json_t *value) {
    return text_of(value, 0);
}

nin_status cli_json_write(const json_t *value, const char *directory, const char *name,
                          nin_error *err) {
    char *pages = text_of(value, JSON_INDENT(2));
    char *text = cli_format("%s\n", pages);
    free(pages);
    return cli_write_text(directory, name, text, err);
}

void cli_json_print(json_t *value) {
    char *text = cli_json_line(value);
    puts(text);
    free(text);
    json_decref(value);
}

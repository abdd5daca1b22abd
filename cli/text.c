#include "text.h"

#include "fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cli_allocate(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        cli_out_of_memory();
    }
    return memory;
}

char *cli_copy_part(const char *text, size_t length) {
    char *copy = cli_allocate(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

char *cli_copy(const char *text) {
    return cli_copy_part(text, strlen(text));
}

char *cli_format_list(const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = cli_allocate(size, 1);
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}

char *cli_format(const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = cli_format_list(format, list);
    va_end(list);
    return text;
}

cli_short_text cli_thousands(uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    cli_short_text out = {""};
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out.text[at++] = ',';
        }
        out.text[at++] = digits[i];
    }
    return out;
}

cli_short_text cli_bytes(double bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    cli_short_text out;
    snprintf(out.text, sizeof out.text, "%.*f %s", unit > 0, bytes, units[unit]);
    return out;
}

cli_short_text cli_duration(double seconds) {
    cli_short_text out;
    if (!(seconds >= 0 && seconds < 1e9)) {
        snprintf(out.text, sizeof out.text, "?");
        return out;
    }
    long long whole = (long long)(seconds + 0.5);
    if (whole >= 3600) {
        snprintf(out.text, sizeof out.text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                 whole % 60);
    } else {
        snprintf(out.text, sizeof out.text, "%lld:%02lld", whole / 60, whole % 60);
    }
    return out;
}

cli_short_text cli_float(float value) {
    cli_short_text out;
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out.text, sizeof out.text, "%.*g", digits, (double)value);
        if (strtof(out.text, NULL) == value) {
            break;
        }
    }
    return out;
}

cli_short_text cli_double(double value) {
    cli_short_text out;
    if (fabs(value) < 1e15 && value == floor(value)) {
        snprintf(out.text, sizeof out.text, "%.0f", value);
        return out;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out.text, sizeof out.text, "%.*g", digits, value);
        if (strtod(out.text, NULL) == value) {
            break;
        }
    }
    return out;
}

cli_short_text cli_rate(double value) {
    cli_short_text out;
    int digits = value < 10 ? 2 : value < 1000 ? 1 : 0;
    snprintf(out.text, sizeof out.text, "%.*f", digits, value);
    return out;
}

/* The number of bytes that the first byte of a character promises; 0: it is none. */
static size_t utf8_length(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

bool cli_utf8_character(const char *text, size_t *length) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t promised = utf8_length(byte[0]);
    *length = promised;
    for (size_t i = 1; i < promised; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    bool overlong = (byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90);
    bool surrogate = byte[0] == 0xed && byte[1] >= 0xa0;
    bool beyond = byte[0] == 0xf4 && byte[1] >= 0x90;
    return promised > 0 && !overlong && !surrogate && !beyond;
}

int cli_columns(const char *text) {
    int columns = 0;
    for (const char *at = text; *at; at++) {
        columns += ((unsigned char)*at & 0xc0) != 0x80;
    }
    return columns;
}

char *cli_make_printable(char *text) {
    for (char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        bool c1 = byte == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
        if (byte < 0x20 || byte == 0x7f) {
            *at = '?';
        } else if (c1) {
            at[0] = '?';
            at[1] = '?';
        }
    }
    return text;
}

bool cli_ends_with(const char *text, const char *ending) {
    size_t length = strlen(text);
    size_t part = strlen(ending);
    return length >= part && strcmp(text + length - part, ending) == 0;
}

enum { LONGEST_NAME = 40 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The optimal string alignment distance (Damerau 1964, without repeated edits), by rows: cost[i][j]
 * turns the first i bytes of a into the first j of b. */
static size_t distance(const char *a, const char *b) {
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows > LONGEST_NAME || columns > LONGEST_NAME) {
        return SIZE_MAX;
    }
    size_t cost[LONGEST_NAME + 1][LONGEST_NAME + 1];
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            size_t best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            best = smaller(best, smaller(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = smaller(best, cost[i - 2][j - 2] + 1);
            }
            cost[i][j] = best;
        }
    }
    return cost[rows][columns];
}

const char *cli_nearest(const char *text, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t wrong = distance(text, names[i]);
        size_t length = strlen(names[i]);
        if (wrong < least && wrong * 3 <= (length > 3 ? length : 3)) {
            least = wrong;
            nearest = names[i];
        }
    }
    return nearest;
}

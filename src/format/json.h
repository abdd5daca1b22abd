/* JSON inside files: jansson with limits, and failures as nin_status. */
#ifndef NINP_FORMAT_JSON_H
#define NINP_FORMAT_JSON_H

#include <nin/base.h>

#include <jansson.h>

enum {
    NINP_JSON_DEPTH = 8,  /* objects and arrays inside one another */
    NINP_JSON_EXACT = 17, /* significant digits that bring every double back */
    NINP_JSON_SHORT = 7   /* for people: as many as a float32 has */
};

/* Parses `size` bytes; duplicate keys, NUL characters and deeper nesting than NINP_JSON_DEPTH are
 * refused. Messages read "WHERE: byte N: REASON" with N counted from `base`. Release with
 * json_decref. NIN_ERROR_DATA, NIN_ERROR_MEMORY. */
nin_status ninp_json_parse(const char *bytes, size_t size, const char *where, size_t base,
                           json_t **out, nin_error *err);

/* The value as one line without spaces, numbers with `digits` significant digits. Release with
 * free; NULL when out of memory or when `value` is NULL. */
char *ninp_json_line(const json_t *value, int digits);

/* A string value. NIN_ERROR_ARGUMENT when the text is not UTF-8: "WHAT: not UTF-8". */
nin_status ninp_json_text(const char *text, const char *what, json_t **out, nin_error *err);

/* A number, or null where it is not finite (JSON has no NaN). NULL when out of memory. */
json_t *ninp_json_number(double value);
/* Back: NaN for null. False when it is neither a number nor null. */
bool ninp_json_get_number(const json_t *value, double *out);

/* A copy of text from a file for use in a message: at most size - 1 characters, those that are not
 * printable ASCII become '?', and "..." ends a text that was cut. Returns buffer; size >= 4. */
const char *ninp_printable(const char *text, char *buffer, size_t size);

#endif

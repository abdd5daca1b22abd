/* JSON for scripts. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <nin/nin.h>

#include <jansson.h>

/* A number, or null where it is not finite. */
json_t *cli_json_real(double value);

/* A string; bytes that are not UTF-8 become U+FFFD. */
json_t *cli_json_text(const char *text);

json_t *cli_json_integer(unsigned long long value);

/* New objects and arrays, and giving them something (which they take over). Without memory the
 * program ends. */
json_t *cli_json_object(void);
json_t *cli_json_array(void);
void cli_json_set(json_t *object, const char *key, json_t *value);
void cli_json_append(json_t *array, json_t *value);

/* The value as text on one line. Freed by the caller. */
char *cli_json_line(const json_t *value);

/* The value, indented, becomes the file DIRECTORY/NAME, whole or not at all. */
nin_status cli_json_write(const json_t *value, const char *directory, const char *name,
                          nin_error *err);

/* Prints the value on one line of the standard output and frees it. */
void cli_json_print(json_t *value);

#endif

/* Text for people: formatting, numbers, and memory that is there or the program ends. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory for `count` things of `size` bytes. Never NULL: without memory the program ends. */
void *cli_allocate(size_t count, size_t size);

/* A copy of a string, or of its first `length` bytes; freed by the caller. */
char *cli_copy(const char *text);
char *cli_copy_part(const char *text, size_t length);

/* printf into new memory; freed by the caller. */
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *cli_format_list(const char *format, va_list list) __attribute__((format(printf, 1, 0)));

/* A short text by value, to be used in place: printf("%s", cli_thousands(n).text). */
typedef struct cli_short_text {
    char text[48];
} cli_short_text;

/* 1992166 as "1,992,166". */
cli_short_text cli_thousands(uint64_t number);

/* 31457280 as "30.0 MiB". */
cli_short_text cli_bytes(double bytes);

/* 75.2 s as "1:15", 3750 s as "1:02:30". */
cli_short_text cli_duration(double seconds);

/* A decimal number that reads back as this value, without digits that it does not need: "0.1". */
cli_short_text cli_float(float value);
cli_short_text cli_double(double value);

/* A rate with as many digits as it is worth: "3.21", "58.3", "3192". */
cli_short_text cli_rate(double value);

/* How many columns of a terminal UTF-8 text takes, each character counted as one. */
int cli_columns(const char *text);

/* Whether UTF-8 text has a well-formed character at `text`; *length receives its bytes. */
bool cli_utf8_character(const char *text, size_t *length);

/* Replaces what would move the cursor or change colours (control characters) by '?', in place.
 * Names that come from files are printed only after this. Gives `text`. */
char *cli_make_printable(char *text);

/* Whether `text` ends in `ending`. */
bool cli_ends_with(const char *text, const char *ending);

/* Of `count` names the one that `text` was probably meant to be, or NULL: the nearest by
 * insertions, deletions, replacements and swaps of neighbours, if no more than a third of it is
 * wrong. */
const char *cli_nearest(const char *text, const char *const *names, size_t count);

#endif

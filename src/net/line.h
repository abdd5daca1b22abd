/* One line of a network description, split into words: `conv2d 96 kernel=11 stride=4`. Layers read
 * their arguments through these functions, so that mistakes are reported in one way. Flags are read
 * before positional words, which a flag would pass for. */
#ifndef NINP_NET_LINE_H
#define NINP_NET_LINE_H

#include <nin/base.h>

enum { NINP_LINE_WORDS = 16 };

typedef struct ninp_line {
    char text[256];                     /* cut into words in place */
    const char *words[NINP_LINE_WORDS]; /* words[0] is the layer's; they point into text */
    bool used[NINP_LINE_WORDS];
    int count;
    int classes; /* what the word "classes" stands for; 0: nothing here */
} ninp_line;

/* Splits `length` characters of text; a `#` starts a comment. count is 0 for an empty line.
 * *line may not be copied: words point into it. NIN_ERROR_DATA: too long, too many words, or a
 * character that is not printable ASCII outside a comment. */
nin_status ninp_line_split(const char *text, size_t length, int classes, ninp_line *line,
                           nin_error *err);

/* The next word that is not KEY=VALUE and not yet used, or NULL. */
const char *ninp_line_next(ninp_line *line);

/* Whole numbers in [least, most]; the word "classes" is allowed. `what` names the value in
 * messages. */
nin_status ninp_line_int(const char *word, const ninp_line *line, const char *what, int least,
                         int most, int *out, nin_error *err);
/* The next positional word as a number; NIN_ERROR_DATA when there is none. */
nin_status ninp_line_next_int(ninp_line *line, const char *what, int least, int most, int *out,
                              nin_error *err);
nin_status ninp_line_next_double(ninp_line *line, const char *what, double least, double most,
                                 double *out, nin_error *err);
/* A whole word that is a decimal fraction of at most 15 digits, without a sign, with or without an
 * exponent; false: it is none. Does not depend on the locale. */
bool ninp_parse_decimal(const char *word, double *out);
/* A comma-separated list of 1 to `limit` numbers in [1, most]; *count says how many. */
nin_status ninp_line_next_ints(ninp_line *line, const char *what, int most, int limit, int *out,
                               int *count, nin_error *err);

/* KEY=N; *out keeps its value when the key is not there. NIN_ERROR_DATA also when a key is there
 * twice. Decimal fractions have at most 15 digits. */
nin_status ninp_line_option_int(ninp_line *line, const char *key, int least, int most, int *out,
                                nin_error *err);
nin_status ninp_line_option_double(ninp_line *line, const char *key, double least, double most,
                                   double *out, nin_error *err);
/* KEY, which means true, KEY=true or KEY=false; *out keeps its value when the key is not there. */
nin_status ninp_line_option_bool(ninp_line *line, const char *key, bool *out, nin_error *err);

/* NIN_ERROR_DATA when a word was not used: names it, the nearest option in `usage`, and `usage`
 * ("conv2d WIDTH kernel=K [stride=1]": options are its lower-case words). */
nin_status ninp_line_end(const ninp_line *line, const char *usage, nin_error *err);

#endif

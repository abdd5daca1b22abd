/* Experiments: trainings that differ in some settings, side by side, as text. Settings before the
 * first heading count for all rows:
 *
 *     # What is asked
 *     recipe = lecture
 *     epochs = 8
 *
 *     [he]
 *     about = He weights
 *     init = he
 *
 * A row's settings are those of the recipe (its own, or that of all rows), then those of all rows,
 * then its own, then those of the command line. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "command.h"

typedef struct cli_row {
    char *name;   /* small letters, digits, '-' and '.': also part of the names of files */
    char *about;  /* one line; "" where there is none */
    double paper; /* the test error in percent that the paper reports: `paper = 10.41`; or NaN */
    cli_settings settings;
} cli_row;

typedef struct cli_rows {
    char *summary; /* the first line, if it is a comment; or "" */
    cli_row *rows;
    size_t count;
} cli_rows;

/* The built-in experiment of that name and its first line, or NULL. */
const char *cli_experiment_text(const char *name);
const char *cli_experiment_summary(const char *name);

/* Reads an experiment; `name` stands in messages with the line's number. The command line's
 * settings are applied to every row; one that is wrong ends the program. Freed with cli_rows_free.
 * NIN_ERROR_DATA: not an experiment. */
nin_status cli_rows_parse(const char *text, const char *name, const cli_line *line, cli_rows *out,
                          nin_error *err);
void cli_rows_free(cli_rows *rows);

/* The settings of one row, without those of the command line. Where there is no row of that name
 * (`row` NULL: in any case), those before the first heading: what an experiment starts from. */
nin_status cli_rows_parse_row(const char *text, const char *name, const char *row,
                              cli_settings *settings, nin_error *err);

/* Adds a row; takes the settings over. */
cli_row *cli_rows_add(cli_rows *rows, const char *name, const char *about, cli_settings settings);

/* The row of that name, or NULL. */
cli_row *cli_rows_find(const cli_rows *rows, const char *name);

/* Keeps the rows of these names, in their order here. NIN_ERROR_ARGUMENT: there is none of a name.
 */
nin_status cli_rows_keep(cli_rows *rows, const char *const *names, size_t count, nin_error *err);

#endif

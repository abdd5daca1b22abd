/* What the two output streams are connected to, and what that allows. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Looks at the streams and the environment once, at the start of the program. */
void cli_terminal_setup(void);

/* -q: messages for people are left out, errors stay. -v: more of them. */
void cli_set_quiet(bool quiet);
void cli_set_verbose(bool verbose);
bool cli_is_quiet(void);
bool cli_is_verbose(void);

/* Whether lines on the standard error may be drawn over: a terminal that is not dumb, no -q. */
bool cli_is_live(void);

/* Whether the terminal shows UTF-8. */
bool cli_is_utf8(void);

/* Columns of the terminal; 80 where there is none. */
int cli_terminal_width(void);

typedef enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GOOD, CLI_BAD, CLI_NOTICE } cli_style;

/* What to print before and after text of a style on `stream`; empty where colours are not wanted
 * (NO_COLOR, TERM=dumb, no terminal, unless CLICOLOR_FORCE). */
const char *cli_style_start(FILE *stream, cli_style style);
const char *cli_style_end(FILE *stream, cli_style style);

/* Prints a line for people on the standard error, unless -q. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* Commands, and the command line of each: argp with settings, own options, and suggestions. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "options.h"

#include <argp.h>

/* A command is one file in command/ and one row in main.c. `run` gets the words from the command's
 * name on and gives the exit code. */
typedef struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} cli_command;

/* The i-th command, or NULL past the end; by name, or NULL. */
const cli_command *cli_command_at(size_t index);
const cli_command *cli_command_find(const char *name);

/* Says that there is no such command, with the nearest that there is. Gives CLI_USAGE. */
int cli_unknown_command(const char *name);

int cli_command_bench(int argc, char **argv);
int cli_command_compare(int argc, char **argv);
int cli_command_data(int argc, char **argv);
int cli_command_doctor(int argc, char **argv);
int cli_command_eval(int argc, char **argv);
int cli_command_help(int argc, char **argv);
int cli_command_predict(int argc, char **argv);
int cli_command_reproduce(int argc, char **argv);
int cli_command_study(int argc, char **argv);
int cli_command_summary(int argc, char **argv);
int cli_command_train(int argc, char **argv);

/* A setting given on the command line; value NULL: a switch without one. */
typedef struct cli_given {
    const cli_setting *setting;
    const char *value;
} cli_given;

/* What a command takes, and what it was given. */
typedef struct cli_line {
    /* filled in by the command */
    const char *name;      /* "train" */
    const char *arguments; /* "MODEL.safetensors IMAGE|DIR|-..." */
    const char *doc;       /* for --help; what follows a vertical tab comes after the options */
    unsigned settings;     /* CLI_FOR_...: which settings it takes */
    bool headings;         /* help shows the settings' groups under headings */
    const struct argp_option *own; /* further options, ended by {0}; keys from CLI_OWN_KEY on */
    /* gets an own option and its value; false: the value is wrong, *wrong says what it should be */
    bool (*set_own)(int key, const char *value, void *context, const char **wrong);
    void *context;
    size_t fewest, most; /* arguments that are no options */

    /* filled in by cli_line_parse */
    cli_settings defaults; /* may be changed by the command before parsing; help shows them */
    cli_given *given;      /* settings, in the order they were given */
    size_t given_count;
    char **words; /* the arguments that are no options */
    size_t word_count;
} cli_line;

enum { CLI_OWN_KEY = 2000 };

/* Own options that several commands share. */
enum { CLI_KEY_JSON = CLI_OWN_KEY + 900 };
#define CLI_OPTION_JSON \
    { "json", CLI_KEY_JSON, NULL, 0, "print one JSON object a line, for scripts", 0 }

/* A line with the defaults set; freed with cli_line_free. */
cli_line cli_line_create(void);
void cli_line_free(cli_line *line);

/* Parses argv. Ends the program after --help, --usage, --version (code 0), and after a mistake
 * (code CLI_USAGE, with what was probably meant). */
void cli_line_parse(cli_line *line, int argc, char **argv);

/* Applies the settings given on the command line. Ends the program when one is wrong. */
void cli_line_apply(const cli_line *line, cli_settings *settings);

/* The defaults with the settings given on the command line applied: what most commands want. The
 * line's own; freed with it. */
cli_settings *cli_line_settings(cli_line *line);

/* Whether a setting was given on the command line. */
bool cli_line_has(const cli_line *line, const char *setting);

/* Ends the program with a message about this use of the command. */
_Noreturn void cli_line_usage_error(const cli_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A whole number from `low` to `high` as the value of an own option; false: it is none. */
bool cli_read_count(const char *text, long long low, long long high, long long *value);

#endif

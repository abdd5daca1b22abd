/* The settings: everything that says what is trained or run, and how. One table (options.c)
 * describes each of them once, for the command line, settings files, recipes, --print-config,
 * config.json and the manual. Adding a setting is adding a row. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <nin/train.h>

#include <jansson.h>

/* Values of all settings. Texts are owned; NULL or "" where there is none. */
typedef struct cli_settings {
    char *model, *data, *data_dir, *normalize;
    char *device, *isa, *algorithms;
    char *lr_scale, *decay_scale, *freeze;
    char *from;
    uint64_t limit;
    int resize;
    float gcn;
    int whiten;
    int math; /* an index into the names */
    nin_train_options train;
} cli_settings;

typedef enum cli_kind {
    CLI_TEXT,         /* char * */
    CLI_INTEGER,      /* int */
    CLI_COUNT,        /* uint64_t */
    CLI_REAL,         /* float */
    CLI_REAL_OR_NONE, /* float; NaN is written "none" */
    CLI_SECONDS,      /* double */
    CLI_SWITCH,       /* bool; true without a value */
    CLI_CHOICE,       /* int, an index into the names */
    CLI_AUGMENTATIONS /* a list that sets other settings; has no value of its own */
} cli_kind;

/* Which commands take a setting, and what it may do. */
enum {
    CLI_FOR_TRAIN = 1,
    CLI_FOR_DATA = 2,    /* commands that open a data set */
    CLI_FOR_ENGINE = 4,  /* commands that make a session */
    CLI_FOR_BATCHES = 8, /* commands that choose a batch */
    CLI_FOR_BENCH = 16,
    CLI_SEARCHES_DATA = 32, /* commands that look for data sets */
    CLI_FOR_PICTURES = 64,  /* commands that show pictures as a net would see them */
    CLI_MAY_CHANGE = 256,   /* when a run is resumed; nothing of the result depends on it */
    CLI_MAY_MOVE = 512      /* likewise, but the run goes on to other bits than it would have */
};

typedef struct cli_setting {
    const char *name; /* --NAME, and the key in files */
    int letter;       /* -LETTER, or 0 */
    cli_kind kind;
    size_t offset;              /* in cli_settings */
    double low, high;           /* smallest and largest value of numbers */
    const char *const *choices; /* NULL-ended */
    const char *argument;       /* what help calls the value */
    const char *help;
    int group;    /* of cli_setting_group */
    unsigned use; /* CLI_FOR_... and CLI_MAY_... */
} cli_setting;

/* The i-th setting, and the heading of a group of settings; NULL past the end. */
const cli_setting *cli_setting_at(size_t index);
const char *cli_setting_group(int group);

enum { CLI_SETTING_LIMIT = 64 }; /* there are fewer */

/* The setting of that name, or NULL; the name that was probably meant, or NULL. */
const cli_setting *cli_setting_find(const char *name);
const char *cli_setting_nearest(const char *name);

/* The lecture's values. Freed with cli_settings_free. */
cli_settings cli_settings_defaults(void);
void cli_settings_free(cli_settings *settings);

/* Sets a value from text. NIN_ERROR_ARGUMENT: not a value, out of range; the message says which
 * are. `text` NULL: a switch without a value. */
nin_status cli_setting_set(const cli_setting *setting, cli_settings *settings, const char *text,
                           nin_error *err);

/* The value as text that cli_setting_set takes; freed by the caller. */
char *cli_setting_text(const cli_setting *setting, const cli_settings *settings);

/* The value as JSON, and setting it from that. */
json_t *cli_setting_json(const cli_setting *setting, const cli_settings *settings);
nin_status cli_setting_set_json(const cli_setting *setting, cli_settings *settings,
                                const json_t *value, nin_error *err);

/* The library's options with these settings; valid as long as they are. */
nin_train_options cli_train_options(const cli_settings *settings);
nin_session_options cli_session_options(const cli_settings *settings);

#endif

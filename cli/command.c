#include "command.h"

#include "fail.h"
#include "terminal.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys of argp: letters for themselves; settings and the common options by these. */
enum { SETTING_KEY = 1000, LARGEST_KEY = 10000, GROUP_COMMON = 20 };

static const struct argp_option common_options[] = {
    {"quiet", 'q', NULL, 0, "say nothing but errors and the result", GROUP_COMMON},
    {"verbose", 'v', NULL, 0, "say more", GROUP_COMMON},
    {"help", 'h', NULL, 0, "give this help list", GROUP_COMMON},
    {"usage", 'U', NULL, OPTION_HIDDEN, NULL, GROUP_COMMON},
    {"version", 'V', NULL, 0, "print the program's version", GROUP_COMMON},
};

enum { COMMON_COUNT = sizeof common_options / sizeof common_options[0] };

/* The options of a command as argp wants them, built from settings, own and common ones. */
typedef struct option_list {
    struct argp_option *options;
    size_t count;
    char *texts[CLI_SETTING_LIMIT]; /* help with defaults */
} option_list;

typedef struct parse_state {
    cli_line *line;
    const option_list *list;
    char *argp_name; /* "nin train" */
} parse_state;

static bool takes(const cli_line *line, const cli_setting *setting) {
    return (setting->use & line->settings) != 0;
}

static int key_of_setting(size_t index) {
    int letter = cli_setting_at(index)->letter;
    return letter ? letter : SETTING_KEY + (int)index;
}

static char *help_text(const cli_setting *setting, const cli_settings *defaults) {
    char *value = cli_setting_text(setting, defaults);
    char *text = value[0] && setting->kind != CLI_AUGMENTATIONS
                     ? cli_format("%s (default %s)", setting->help, value)
                     : cli_copy(setting->help);
    free(value);
    return text;
}

static option_list list_options(const cli_line *line) {
    size_t own = 0;
    while (line->own && (line->own[own].name || line->own[own].doc)) {
        own++;
    }
    option_list list = {0};
    list.options =
        cli_allocate(2 * (size_t)CLI_SETTING_LIMIT + own + COMMON_COUNT + 1, sizeof *list.options);
    for (size_t i = 0; i < own; i++) {
        list.options[list.count++] = line->own[i];
    }
    int group = -1;
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (!takes(line, setting)) {
            continue;
        }
        int number = line->headings ? setting->group + 1 : 1;
        if (line->headings && group != setting->group) {
            group = setting->group;
            list.options[list.count++] =
                (struct argp_option){.doc = cli_setting_group(group), .group = number};
        }
        list.texts[i] = help_text(setting, &line->defaults);
        list.options[list.count++] = (struct argp_option){
            .name = setting->name,
            .key = key_of_setting(i),
            .arg = setting->argument,
            .flags = setting->kind == CLI_SWITCH ? OPTION_ARG_OPTIONAL : 0,
            .doc = list.texts[i],
            .group = number,
        };
    }
    if (line->headings) {
        list.options[list.count++] =
            (struct argp_option){.doc = "Everywhere:", .group = GROUP_COMMON};
    }
    memcpy(list.options + list.count, common_options, sizeof common_options);
    list.count += COMMON_COUNT;
    return list;
}

static void free_options(option_list *list) {
    for (size_t i = 0; i < CLI_SETTING_LIMIT; i++) {
        free(list->texts[i]);
    }
    free(list->options);
}

void cli_line_usage_error(const cli_line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = cli_format_list(format, arguments);
    va_end(arguments);
    fprintf(stderr, "nin %s: %s\nTry 'nin %s --help'.\n", line->name, cli_make_printable(text),
            line->name);
    free(text);
    exit(CLI_USAGE);
}

/* The setting that an argp key stands for, or NULL. */
static const cli_setting *setting_of_key(const cli_line *line, int key) {
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (takes(line, setting) && key_of_setting(i) == key) {
            return setting;
        }
    }
    return NULL;
}

static const char *own_name(const cli_line *line, int key) {
    for (size_t i = 0; line->own[i].name || line->own[i].doc; i++) {
        if (line->own[i].name && line->own[i].key == key) {
            return line->own[i].name;
        }
    }
    return "";
}

static error_t set_option(cli_line *line, int key, char *value) {
    const cli_setting *setting = setting_of_key(line, key);
    if (setting) {
        line->given[line->given_count++] = (cli_given){setting, value};
        return 0;
    }
    const char *wrong = NULL;
    if (!line->own || !own_name(line, key)[0]) {
        return ARGP_ERR_UNKNOWN;
    }
    if (!line->set_own(key, value, line->context, &wrong)) {
        cli_line_usage_error(line, "--%s: '%s' is not %s", own_name(line, key), value, wrong);
    }
    return 0;
}

static error_t on_option(int key, char *value, struct argp_state *argp) {
    parse_state *state = argp->input;
    cli_line *line = state->line;
    switch (key) {
    case ARGP_KEY_ARG:
        if (line->word_count == line->most) {
            cli_line_usage_error(line, "'%s' is one argument too many", value);
        }
        line->words[line->word_count++] = value;
        return 0;
    case ARGP_KEY_END:
        if (line->word_count < line->fewest) {
            cli_line_usage_error(line, "it needs %s", line->arguments);
        }
        return 0;
    case 'q': cli_set_quiet(true); return 0;
    case 'v': cli_set_verbose(true); return 0;
    case 'h': argp_state_help(argp, stdout, ARGP_HELP_STD_HELP); return 0;
    case 'U': argp_state_help(argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK); return 0;
    case 'V': printf("nin %s\n", nin_version()); exit(CLI_DONE);
    default: break;
    }
    bool is_option = key > 0 && key < LARGEST_KEY; /* argp's own keys lie beyond */
    return is_option ? set_option(line, key, value) : ARGP_ERR_UNKNOWN;
}

/* The options whose name is `text` or, if none is, begins with it. */
static const struct argp_option *match_option(const option_list *list, const char *text,
                                              size_t length, size_t *matches) {
    const struct argp_option *found = NULL;
    *matches = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct argp_option *option = &list->options[i];
        if (option->name && strncmp(option->name, text, length) == 0) {
            if (option->name[length] == '\0') {
                *matches = 1;
                return option;
            }
            found = option;
            (*matches)++;
        }
    }
    return found;
}

static _Noreturn void unknown_option(const cli_line *line, const option_list *list,
                                     const char *text, size_t length) {
    const char **names = cli_allocate(list->count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->options[i].name && !(list->options[i].flags & OPTION_HIDDEN)) {
            names[count++] = list->options[i].name;
        }
    }
    char *name = cli_copy_part(text, length);
    const char *nearest = cli_nearest(name, names, count);
    if (nearest) {
        cli_line_usage_error(line, "there is no option --%s; did you mean --%s?", name, nearest);
    }
    const cli_setting *elsewhere = cli_setting_find(name);
    cli_line_usage_error(line, "there is no option --%s%s", name,
                         elsewhere ? " for this command" : "");
}

/* getopt tells of unknown options but knows no nearest one; so look at the long options before it
 * does. Values of options are skipped; what is left to say, getopt says. */
static void check_long_options(const cli_line *line, const option_list *list, int argc,
                               char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            continue;
        }
        const char *name = argv[i] + 2;
        size_t length = strcspn(name, "=");
        size_t matches;
        const struct argp_option *option = match_option(list, name, length, &matches);
        if (matches == 0) {
            unknown_option(line, list, name, length);
        }
        bool takes_next = option->arg && !(option->flags & OPTION_ARG_OPTIONAL);
        i += takes_next && name[length] != '=';
    }
}

cli_line cli_line_create(void) {
    return (cli_line){.defaults = cli_settings_defaults()};
}

void cli_line_free(cli_line *line) {
    cli_settings_free(&line->defaults);
    free(line->given);
    free(line->words);
}

/* More than there can be options: letters stand together ("-qv"). */
static size_t count_letters(int argc, char **argv) {
    size_t count = 0;
    for (int i = 0; i < argc; i++) {
        count += strlen(argv[i]);
    }
    return count;
}

void cli_line_parse(cli_line *line, int argc, char **argv) {
    option_list list = list_options(line);
    check_long_options(line, &list, argc, argv);

    line->words = cli_allocate((size_t)argc + 1, sizeof *line->words);
    line->given = cli_allocate(count_letters(argc, argv), sizeof *line->given);
    parse_state state = {line, &list, cli_format("nin %s", line->name)};
    struct argp argp = {
        .options = list.options,
        .parser = on_option,
        .args_doc = line->arguments,
        .doc = line->doc,
    };
    char *first = argv[0];
    argv[0] = state.argp_name;
    argp_err_exit_status = CLI_USAGE;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    error_t failed = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &state);
    argv[0] = first;
    if (failed) {
        exit(cli_fail_with(CLI_FAILED, "%s: %s", line->name, strerror(failed)));
    }
    free(state.argp_name);
    free_options(&list);
}

void cli_line_apply(const cli_line *line, cli_settings *settings) {
    for (size_t i = 0; i < line->given_count; i++) {
        const cli_given *given = &line->given[i];
        nin_error err = {0};
        if (cli_setting_set(given->setting, settings, given->value, &err) != NIN_OK) {
            cli_line_usage_error(line, "--%s", err.message);
        }
    }
}

cli_settings *cli_line_settings(cli_line *line) {
    cli_line_apply(line, &line->defaults);
    return &line->defaults;
}

bool cli_line_has(const cli_line *line, const char *setting) {
    for (size_t i = 0; i < line->given_count; i++) {
        if (strcmp(line->given[i].setting->name, setting) == 0) {
            return true;
        }
    }
    return false;
}

bool cli_read_count(const char *text, long long low, long long high, long long *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *value >= low && *value <= high;
}

int cli_unknown_command(const char *name) {
    const char *names[32];
    size_t count = 0;
    for (; count < 32 && cli_command_at(count); count++) {
        names[count] = cli_command_at(count)->name;
    }
    const char *nearest = cli_nearest(name, names, count);
    if (nearest) {
        return cli_fail_with(CLI_USAGE, "there is no command '%s'; did you mean '%s'?", name,
                             nearest);
    }
    return cli_fail_with(CLI_USAGE, "there is no command '%s'; 'nin help' lists them", name);
}

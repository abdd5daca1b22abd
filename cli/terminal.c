#include "terminal.h"

#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct {
    bool quiet, verbose;
    bool live, utf8;
    bool colour_out, colour_err;
} state;

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value && value[0];
}

static bool wants_colour(bool is_terminal, bool dumb) {
    if (is_set("NO_COLOR")) {
        return false;
    }
    const char *force = getenv("CLICOLOR_FORCE");
    return (is_terminal && !dumb) || (force && force[0] && strcmp(force, "0") != 0);
}

void cli_terminal_setup(void) {
    /* Characters only: numbers are written and read the same way everywhere. */
    setlocale(LC_CTYPE, "");
    state.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

    const char *term = getenv("TERM");
    bool dumb = !term || !term[0] || strcmp(term, "dumb") == 0;
    bool error_terminal = isatty(STDERR_FILENO);
    state.live = error_terminal && !dumb;
    state.colour_out = wants_colour(isatty(STDOUT_FILENO), dumb);
    state.colour_err = wants_colour(error_terminal, dumb);
}

void cli_set_quiet(bool quiet) {
    state.quiet = quiet;
}

void cli_set_verbose(bool verbose) {
    state.verbose = verbose;
}

bool cli_is_quiet(void) {
    return state.quiet;
}

bool cli_is_verbose(void) {
    return state.verbose && !state.quiet;
}

bool cli_is_live(void) {
    return state.live && !state.quiet;
}

bool cli_is_utf8(void) {
    return state.utf8;
}

int cli_terminal_width(void) {
    struct winsize size;
    if ((ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ||
         ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) &&
        size.ws_col > 0) {
        return size.ws_col;
    }
    const char *columns = getenv("COLUMNS");
    long number = columns ? strtol(columns, NULL, 10) : 0;
    return number >= 20 && number <= 10000 ? (int)number : 80;
}

static bool has_colour(FILE *stream) {
    return stream == stdout ? state.colour_out : state.colour_err;
}

const char *cli_style_start(FILE *stream, cli_style style) {
    static const char *const codes[] = {
        [CLI_PLAIN] = "",        [CLI_BOLD] = "\033[1m", [CLI_DIM] = "\033[2m",
        [CLI_GOOD] = "\033[32m", [CLI_BAD] = "\033[31m", [CLI_NOTICE] = "\033[33m",
    };
    return has_colour(stream) ? codes[style] : "";
}

const char *cli_style_end(FILE *stream, cli_style style) {
    return has_colour(stream) && style != CLI_PLAIN ? "\033[0m" : "";
}

void cli_note(const char *format, ...) {
    if (state.quiet) {
        return;
    }
    va_list list;
    va_start(list, format);
    char *text = cli_format_list(format, list);
    va_end(list);
    fprintf(stderr, "%s\n", cli_make_printable(text));
    free(text);
}

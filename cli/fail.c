#include "fail.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_exit_code(nin_status status) {
    switch (status) {
    case NIN_OK: return CLI_DONE;
    case NIN_ERROR_ARGUMENT: return CLI_USAGE;
    case NIN_ERROR_DATA: return CLI_DATA;
    case NIN_ERROR_NO_INPUT: return CLI_NO_INPUT;
    case NIN_ERROR_UNAVAILABLE: return CLI_UNAVAILABLE;
    case NIN_ERROR_IO: return CLI_IO;
    case NIN_ERROR_MEMORY: return CLI_FAILED;
    case NIN_ERROR_NOT_FINITE: return CLI_DATA;
    }
    return CLI_FAILED;
}

/* One call of stdio, so that lines of several threads do not mix. Takes the message over. */
static void print_message(char *message) {
    fprintf(stderr, "nin: %s\n", cli_make_printable(message));
    free(message);
}

int cli_fail(const nin_error *error) {
    print_message(cli_copy(error->message[0] ? error->message : nin_status_text(error->status)));
    return cli_exit_code(error->status);
}

int cli_fail_with(int exit_code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    print_message(cli_format_list(format, list));
    va_end(list);
    return exit_code;
}

void cli_warn(const char *format, ...) {
    va_list list;
    va_start(list, format);
    print_message(cli_format_list(format, list));
    va_end(list);
}

void cli_out_of_memory(void) {
    static const char message[] = "nin: out of memory\n";
    (void)!write(STDERR_FILENO, message, sizeof message - 1);
    _exit(CLI_FAILED);
}

/* A reader that has gone (EPIPE) has seen what it wanted: no message then. Where an earlier write
 * failed, its reason is what another byte meets. */
void cli_finish_output(void) {
    bool failed_before = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed_before) {
        return;
    }
    if (errno == 0) {
        (void)!write(STDOUT_FILENO, "\n", 1);
    }
    if (errno != EPIPE) {
        fprintf(stderr, "nin: cannot write to the standard output%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
    }
    _exit(CLI_IO);
}

void cli_guard_streams(void) {
    for (int number = 0; number <= STDERR_FILENO; number++) {
        if (fcntl(number, F_GETFD) == -1 && errno == EBADF) {
            /* The wrong way round, so that reading and writing still fail. */
            int opened = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (opened == -1) {
                _exit(CLI_IO);
            }
        }
    }
    /* For what --help prints before argp ends the program; main does it for commands, before other
     * handlers can flush the stream and lose the reason of a failure. */
    if (atexit(cli_finish_output) != 0) {
        _exit(CLI_FAILED);
    }
}

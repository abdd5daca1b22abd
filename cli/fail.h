/* How commands end: exit codes, and messages that say why. */
#ifndef CLI_FAIL_H
#define CLI_FAIL_H

#include <nin/base.h>

/* Exit codes that scripts can rely on; 128 + the signal's number after a signal. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,        /* an unknown command, option or value */
    CLI_DATA = 65,        /* the content of a file is wrong; training that is no longer finite */
    CLI_NO_INPUT = 66,    /* a named input does not exist */
    CLI_UNAVAILABLE = 69, /* something needed is not available here */
    CLI_IO = 74           /* reading or writing failed */
};

int cli_exit_code(nin_status status);

/* Prints "nin: MESSAGE" and gives the exit code of what failed. */
int cli_fail(const nin_error *error);

/* The same for failures that the program finds itself. */
int cli_fail_with(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "nin: MESSAGE" on the way. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program. */
_Noreturn void cli_out_of_memory(void);

/* Opens descriptors 0 to 2 where the caller left them closed, so that no file that is written to
 * gets their numbers, and sees to it that cli_finish_output is done when the program ends. */
void cli_guard_streams(void);

/* Writes what is left for the standard output. Failing to do that ends the program with CLI_IO. */
void cli_finish_output(void);

#endif

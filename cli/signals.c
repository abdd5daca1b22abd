#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static const char *volatile first_notice;

static void on_signal(int number) {
    if (seen) {
        _exit(128 + number);
    }
    seen = number;
    int kept = errno;
    const char *notice = first_notice;
    if (notice) {
        (void)!write(STDERR_FILENO, notice, strlen(notice));
    }
    errno = kept;
}

void cli_catch_signals(const char *notice) {
    first_notice = notice;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        struct sigaction before;
        /* nohup, and shells for background jobs, leave signals ignored: they stay so. SIGINT and
         * SIGTERM stop training in any case, because scripts use them for that. */
        if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN &&
            caught[i] == SIGHUP) {
            continue;
        }
        sigaction(caught[i], &action, NULL);
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

int cli_signal_seen(void) {
    return seen;
}

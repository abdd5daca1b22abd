/* A line that says how far something is. On a terminal it is drawn over in place, at most ten times
 * a second; elsewhere it is printed every ten seconds. A thread of its own does that, so that it
 * never waits for the work nor the work for it. Nothing is printed with -q. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

typedef struct cli_progress cli_progress;

/* Starts with `text` (short: "preparing"). Ends with cli_progress_free, which removes the line from
 * a terminal. One at a time. */
cli_progress *cli_progress_start(const char *text);
void cli_progress_free(cli_progress *progress);

/* What the line says from now on. */
void cli_progress_set(cli_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints a line that stays, above the one that changes. */
void cli_progress_note(cli_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

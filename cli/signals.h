/* SIGINT, SIGTERM and SIGHUP: the first one asks to stop, the second one stops. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* From now on the first signal only makes cli_signal_seen answer, and prints `notice` (a literal;
 * not copied) on the standard error unless it is NULL. The second ends the program at once. A pipe
 * that nobody reads any more is a failed write, not a signal. */
void cli_catch_signals(const char *notice);

/* The signal that was received, or 0. The exit code for it is 128 + its number. */
int cli_signal_seen(void);

#endif

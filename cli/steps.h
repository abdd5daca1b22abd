/* How long each step of a session's plan takes, beside what the machine could do: nin bench
 * --steps. */
#ifndef CLI_STEPS_H
#define CLI_STEPS_H

#include <nin/session.h>

#include <jansson.h>

typedef struct cli_steps {
    const nin_session *session;
    int batch;            /* pictures of a run */
    nin_step_time *times; /* of each step the median, of all threads together */
    size_t count;         /* steps */
    double whole;         /* seconds of a run on the clock while its steps are not timed */
    double peak;          /* operations a second; 0: not known */
} cli_steps;

/* Runs the examples for at least so many seconds and at least five times. Freed with
 * cli_steps_free, after a failure too. */
nin_status cli_steps_measure(nin_session *session, const nin_examples *examples, double seconds,
                             double whole, cli_steps *steps, nin_error *err);
void cli_steps_free(cli_steps *steps);

/* A table for people, on the standard output. */
void cli_steps_print(const cli_steps *steps);

/* The same for scripts: sets "peak_gflops" (null: not known), "plan" and "other_ms". */
void cli_steps_add_json(const cli_steps *steps, json_t *object);

#endif

/* The curves of a run, from its log.jsonl: the lecture's plot as files and for the terminal. */
#ifndef CLI_CURVES_H
#define CLI_CURVES_H

#include <nin/base.h>

/* Draws curves.svg and curves.png there, if there is a point yet. `epochs`: of the whole run. */
nin_status cli_curves_draw(const char *directory, int epochs, nin_error *err);

/* The same as lines of text for a terminal of that many columns; freed with nin_text_free. NULL
 * where there is no point. */
nin_status cli_curves_text(const char *directory, int epochs, int columns, bool ascii, char **text,
                           nin_error *err);

/* What the log says of each epoch that has been tested. */
typedef struct cli_epochs {
    double *epoch; /* from 1 */
    double *train_accuracy, *test_accuracy;
    size_t count;
} cli_epochs;

/* Reads the log of the run there; freed with cli_epochs_free. */
nin_status cli_epochs_read(const char *directory, cli_epochs *out, nin_error *err);
void cli_epochs_free(cli_epochs *epochs);

#endif

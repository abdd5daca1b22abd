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

#endif

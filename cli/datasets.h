/* Where data sets are looked for, and opening them. */
#ifndef CLI_DATASETS_H
#define CLI_DATASETS_H

#include "options.h"
#include "text.h"

/* The directories in which known names are looked for, in order: --data-dir, $NIN_DATA, the user's
 * data directory, /usr/share/datasets. */
typedef struct cli_search {
    const char *directories[5]; /* NULL-ended */
    char *user;                 /* the user's: $XDG_DATA_HOME/nin or ~/.local/share/nin; or NULL */
} cli_search;

cli_search cli_search_create(const cli_settings *settings);
void cli_search_free(cli_search *search);

/* Where new data sets go: the first of --data-dir, $NIN_DATA and the user's; or NULL. */
const char *cli_search_writable(const cli_search *search, const cli_settings *settings);

/* Where a known data set is, by the directories it is looked for in; NULL: nowhere. Freed by the
 * caller. */
char *cli_dataset_place(const char *name, const char *const *search);

/* Opens a split of --data. On failure prints why and what can be done, and gives the exit code. */
int cli_dataset_open(const cli_settings *settings, nin_split split, nin_dataset **out);

/* A known data set's row by name, or NULL. */
const nin_known_dataset *cli_known_dataset(const char *name);

/* "28x28 grey", "32x32 RGB". */
cli_short_text cli_picture_kind(int channels, int height, int width);

#endif

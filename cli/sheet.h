/* The pictures of a contact sheet: as they are in the data set, or as a net would see them. */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "options.h"

#include <nin/draw.h>

/* Cells of a sheet with a row of `columns` pictures for each class, and what they point at. */
typedef struct cli_sheet_cells {
    nin_sheet_cell *cells;
    uint8_t *pixels; /* NULL: the data set's own */
    char **captions; /* NULL: none */
    size_t count;
} cli_sheet_cells;

/* The pictures of each class that come first. With settings that change pictures: those that a net
 * would be given first in its first epoch, at the size of the source, prepared and augmented. Mixed
 * ones are with the label that has the larger share; the caption says the share and the other
 * label. On failure prints why and gives the exit code. */
int cli_sheet_choose(const cli_settings *settings, const nin_dataset *dataset, size_t columns,
                     cli_sheet_cells *out);

void cli_sheet_free(cli_sheet_cells *cells);

#endif

/* A table or figure of the NiN paper (Lin, Chen, Yan 2014, arXiv 1312.4400) as it is run again. */
#ifndef CLI_REPRODUCTION_H
#define CLI_REPRODUCTION_H

#include "../rows.h"

#include <nin/nin.h>

#include <jansson.h>

/* A row when it has been trained. */
typedef struct cli_reproduced {
    const cli_row *row;
    char *directory;  /* of its run */
    int paper_epochs; /* of the paper's training; epochs of ours are a setting */
    bool finite;      /* the run stayed so */
    double train_accuracy, test_accuracy; /* of the last epoch; NaN where not finite */
    size_t parameters;
} cli_reproduced;

typedef struct cli_reproduction {
    const char *name;    /* "table1" */
    const char *summary; /* "Table 1: test error on CIFAR-10" */
    const char *paper_data;
    const char *data;   /* what it was run on */
    const char *length; /* how it is shorter than the paper's; "" if it is not */
    const char *remark; /* how it differs from the paper's: goes into every output; "" if it does
                           not */
    cli_reproduced *rows;
    size_t count;
} cli_reproduction;

/* The table on the standard output, and into DIRECTORY/NAME.md; the same as JSON, freed by the
 * caller. */
void cli_reproduction_print(const cli_reproduction *all);
nin_status cli_reproduction_write_table(const cli_reproduction *all, const char *directory,
                                        nin_error *err);
json_t *cli_reproduction_json(const cli_reproduction *all);

/* Figure 3: errors by epoch of all rows, from their logs, into DIRECTORY/NAME.svg and .png. */
nin_status cli_reproduction_draw_errors(const cli_reproduction *all, const char *directory,
                                        nin_error *err);

/* Figure 4: a test picture of each class beside the class maps that the net gives for it, of which
 * the strongest tenth is shown, into DIRECTORY/NAME.png and .svg. *right: of how many pictures the
 * strongest value lies in the map of their class. NIN_ERROR_ARGUMENT: a net without class maps. */
nin_status cli_reproduction_draw_maps(const cli_reproduction *all, nin_model *model,
                                      const nin_dataset *test, const char *directory, int *pictures,
                                      int *right, nin_error *err);

#endif

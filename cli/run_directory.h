/* The directory of a training run: its name and its config.json. The library does the rest. */
#ifndef CLI_RUN_DIRECTORY_H
#define CLI_RUN_DIRECTORY_H

#include "options.h"

#include <nin/nin.h>

/* What config.json records beside the settings: what repeating the run or going on needs. */
typedef struct cli_run_record {
    const char *net;     /* the description, written out */
    const char *recipe;  /* NULL: none */
    const nin_net *from; /* whose weights it starts from; NULL: drawn ones */
    nin_dataset_info train, test;
    nin_session_info session;
} cli_run_record;

/* A directory for a new run of a net of this name that is not there yet: runs/NAME-DATE-TIME. Freed
 * by the caller. */
char *cli_run_default_directory(const char *model);

/* Makes the directory for a new run. NIN_ERROR_ARGUMENT: it holds a run already. */
nin_status cli_run_create(const char *directory, nin_error *err);

/* Removes what cli_run_create and cli_run_write made, if nothing was trained there. */
void cli_run_discard(const char *directory);

/* Writes config.json. */
nin_status cli_run_write(const char *directory, const cli_settings *settings,
                         const cli_run_record *record, nin_error *err);

/* Writes config.json of a run that goes on elsewhere: the settings that may change for that, and
 * the session, are put in place of those in `config`. */
nin_status cli_run_move(const char *directory, json_t *config, const cli_settings *settings,
                        const nin_session_info *session, nin_error *err);

/* Reads config.json: the settings, and the whole as JSON (freed with json_decref) for cli_run_text.
 * NIN_ERROR_NO_INPUT: there is no run. */
nin_status cli_run_read(const char *directory, cli_settings *settings, json_t **config,
                        nin_error *err);

/* The text at ["a"]["b"], or ["a"] when b is NULL; "" where there is none. */
const char *cli_run_text(const json_t *config, const char *a, const char *b);

#endif

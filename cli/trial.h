/* One training among several: a run directory of its own, gone on with where it stopped. */
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include "options.h"
#include "progress.h"

#include <nin/nin.h>

typedef struct cli_trial {
    const cli_settings *settings;
    const nin_dataset *train, *test; /* test NULL: it is not measured after epochs */
    const char *directory;
    nin_train_callback callback; /* or NULL */
    void *context;

    /* filled in by cli_trial_run */
    nin_model model; /* with the weights at the end */
    nin_train_result result;
} cli_trial;

/* A net for these settings and data, weights not yet drawn, with class names and preprocessing. */
nin_status cli_trial_model(const cli_settings *settings, const nin_dataset *train,
                           const nin_dataset *test, nin_model *out, nin_error *err);

/* What cli_trial_run would refuse before it trains: a net that is not there or does not fit the
 * data, settings that do not go together. To be asked of all trials before the first one begins. */
nin_status cli_trial_check(const cli_settings *settings, const nin_dataset *train,
                           const nin_dataset *test, nin_error *err);

/* Trains into the directory, or goes on with the run that it holds, which must have the same
 * settings. Of a run that is finished the weights are read. The directory becomes that of a run of
 * nin train, with config.json. Errors are those of nin_train. The model is there after any failure
 * but those of opening the net; freed with cli_trial_free. */
nin_status cli_trial_run(cli_trial *trial, nin_error *err);
void cli_trial_free(cli_trial *trial);

/* A callback that tells on a line of progress how far a trial is, a line an epoch, and stops after
 * a signal. Its context is a cli_trial_follower. */
typedef struct cli_trial_follower {
    cli_progress *line;
    const char *name; /* of the trial */
} cli_trial_follower;

bool cli_trial_follow(nin_event event, const nin_progress *progress, void *context);

/* Removes the directory of a run with all that nin train puts there. What else is in it stays, and
 * so does the directory then. */
void cli_trial_remove(const char *directory);

#endif

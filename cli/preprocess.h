/* What the settings make of pictures before a net sees them. */
#ifndef CLI_PREPROCESS_H
#define CLI_PREPROCESS_H

#include "options.h"

/* Preprocessing for inputs of these sizes, 1 or 3 channels as data sets have, with what
 * --normalize, --gcn and --whiten say. A whitening is asked for in it and has yet to be found. */
nin_status cli_preprocess_create(const cli_settings *settings, const nin_dataset *train,
                                 nin_shape input, nin_preprocess *out, nin_error *err);

/* The first of these settings that is not none, or NULL. */
const char *cli_preprocess_setting(const cli_settings *settings);

/* nin_preprocess_fit, with a line that says what takes so long. Freed with nin_preprocess_free. */
nin_status cli_preprocess_fit(nin_preprocess *preprocess, const nin_dataset *train, nin_error *err);

#endif

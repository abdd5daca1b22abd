#ifndef NINP_TRAIN_OPTIONS_H
#define NINP_TRAIN_OPTIONS_H

#include <nin/train.h>

/* NIN_ERROR_ARGUMENT names the first option that has no sensible meaning. */
nin_status ninp_train_options_check(const nin_train_options *options, nin_error *err);

#endif

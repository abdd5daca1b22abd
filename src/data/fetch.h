/* Downloading, with the data set given rather than looked up. */
#ifndef NINP_DATA_FETCH_H
#define NINP_DATA_FETCH_H

#include "data/known.h"

/* nin_dataset_fetch of `known`, which is fetchable. */
nin_status ninp_fetch(const ninp_known *known, const char *directory, const char *base_url,
                      nin_fetch_progress progress, void *context, nin_error *err);

#endif

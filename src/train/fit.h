/* Whether a net, the pictures and their preparation go together. */
#ifndef NINP_TRAIN_FIT_H
#define NINP_TRAIN_FIT_H

#include <nin/data.h>
#include <nin/net.h>

/* NIN_ERROR_ARGUMENT: the pictures are prepared in another size than the net takes, or there are
 * more classes than it has outputs. */
nin_status ninp_fit_check(const nin_net *net, const nin_dataset *dataset,
                          const nin_preprocess *preprocess, nin_error *err);

#endif

#include "train/fit.h"

#include "base/error.h"
#include "format/preprocess.h"

nin_status ninp_fit_check(const nin_net *net, const nin_dataset *dataset,
                          const nin_preprocess *preprocess, nin_error *err) {
    nin_status status = ninp_preprocess_check(preprocess, nin_net_input(net), err);
    if (status != NIN_OK) {
        return status;
    }
    nin_dataset_info info = nin_dataset_get_info(dataset);
    int classes = nin_net_output(net).channels;
    if (info.classes > classes) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "%s has %d classes, the net tells %d apart",
                         info.name, info.classes, classes);
    }
    return NIN_OK;
}

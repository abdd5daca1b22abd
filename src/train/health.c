#include "train/health.h"

#include "base/error.h"
#include "format/weights.h"

#include <inttypes.h>
#include <stdbool.h>

/* Where something is not finite. */
typedef struct find {
    const char *name; /* of the tensor; NULL: everything is finite */
    size_t index;
    double value;
} find;

static find find_in_tensor(const nin_tensor *tensor, const float *values) {
    size_t index = ninp_first_nonfinite(values, tensor->count);
    return index < tensor->count
               ? (find){tensor->name, index, ninp_unsigned_nan((double)values[index])}
               : (find){0};
}

/* gradients NULL: looks at the tensors themselves. */
static find find_bad(const nin_net *net, const float *gradients) {
    find bad = {0};
    for (size_t i = 0; i < nin_net_tensor_count(net) && !bad.name; i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        if (!gradients) {
            bad = find_in_tensor(&tensor, tensor.values);
        } else if (tensor.trainable) {
            bad = find_in_tensor(&tensor, gradients);
            gradients += tensor.count;
        }
    }
    return bad;
}

nin_status ninp_health_weights(const nin_net *net, uint64_t step, nin_error *err) {
    find bad = find_bad(net, NULL);
    return bad.name ? ninp_fail(err, NIN_ERROR_NOT_FINITE,
                                "step %" PRIu64 ": weights %s: value %zu is %g", step, bad.name,
                                bad.index, bad.value)
                    : NIN_OK;
}

nin_status ninp_health_step(const nin_net *net, const float *gradients, double loss, uint64_t step,
                            nin_error *err) {
    const char *kind = "weights";
    loss = ninp_unsigned_nan(loss);
    find bad = find_bad(net, NULL);
    if (!bad.name) {
        kind = "gradient of";
        bad = find_bad(net, gradients);
    }
    if (!bad.name) {
        return ninp_fail(err, NIN_ERROR_NOT_FINITE,
                         "step %" PRIu64 ": the loss is %g; weights and gradients are finite", step,
                         loss);
    }
    return ninp_fail(err, NIN_ERROR_NOT_FINITE,
                     "step %" PRIu64 ": the loss is %g; %s %s: value %zu is %g", step, loss, kind,
                     bad.name, bad.index, bad.value);
}

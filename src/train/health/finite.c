#include "train/health/finite.h"

#include "base/error.h"
#include "format/weights.h"
#include "net/net.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

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

/* ---- a step -------------------------------------------------------------------------------- */

static size_t picture_values(const ninp_health_bad_step *bad) {
    return ninp_shape_count(nin_net_input(bad->net));
}

int ninp_health_bad_picture(const ninp_health_bad_step *bad) {
    size_t count = picture_values(bad);
    int picture = 0;
    while (picture < bad->batch->count &&
           ninp_first_nonfinite(bad->batch->images + (size_t)picture * count, count) == count) {
        picture++;
    }
    return picture;
}

static nin_status fail_for_picture(const ninp_health_bad_step *bad, int picture, nin_error *err) {
    nin_shape input = nin_net_input(bad->net);
    size_t width = (size_t)input.width;
    size_t plane = (size_t)input.height * width;
    const float *values = bad->batch->images + (size_t)picture * picture_values(bad);
    size_t at = ninp_first_nonfinite(values, picture_values(bad));
    return ninp_fail(err, NIN_ERROR_NOT_FINITE,
                     "step %" PRIu64 ": picture %" PRIu32
                     " of the training data (counted from 0): channel %zu, row %zu, column %zu is "
                     "%g after the preparation; look at this picture, and at the mean and std of "
                     "the preparation",
                     bad->number, bad->batch->indices[picture], at / plane, at % plane / width,
                     at % width, ninp_unsigned_nan((double)values[at]));
}

nin_status ninp_health_explain(const ninp_health_bad_step *bad, nin_error *err) {
    int picture = ninp_health_bad_picture(bad);
    if (picture < bad->batch->count) {
        return fail_for_picture(bad, picture, err);
    }
    const char *kind = "weights";
    double loss = ninp_unsigned_nan(bad->loss);
    find found = find_bad(bad->net, NULL);
    if (!found.name) {
        kind = "gradient of";
        found = find_bad(bad->net, bad->gradients);
    }
    char where[160] = "weights and gradients are finite";
    if (found.name) {
        snprintf(where, sizeof where, "%s %s: value %zu is %g", kind, found.name, found.index,
                 found.value);
    }
    return ninp_fail(err, NIN_ERROR_NOT_FINITE,
                     "step %" PRIu64 ": the loss is %g; %s; the learning rate %g is probably too "
                     "high: a smaller --lr, --warmup-steps 500 or --clip-norm 1 may help",
                     bad->number, loss, where, (double)bad->lr);
}

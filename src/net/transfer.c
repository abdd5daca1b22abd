#include "net/transfer.h"

#include "base/error.h"
#include "net/net.h"

#include <string.h>

static bool same_shape(const ninp_net_tensor *a, const ninp_net_tensor *b) {
    return a->spec.rank == b->spec.rank &&
           memcmp(a->spec.shape, b->spec.shape, (size_t)a->spec.rank * sizeof *a->spec.shape) == 0;
}

/* model: with as many classes as the net. */
static nin_status compare(const nin_net *net, const nin_net *model, nin_error *err) {
    for (size_t i = 0; i < net->tensor_count && i < model->tensor_count; i++) {
        const ninp_net_tensor *here = &net->tensors[i];
        const ninp_net_tensor *there = &model->tensors[i];
        if (strcmp(here->name, there->name) != 0) {
            return ninp_fail(
                err, NIN_ERROR_ARGUMENT,
                "the net to train has a tensor %s where the model to start from has %s", here->name,
                there->name);
        }
        if (!same_shape(here, there)) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "tensor %s of the net to train has %zu values, but would have %zu in "
                             "the model to start from: the input's size or the layers differ",
                             here->name, here->count, there->count);
        }
    }
    return net->tensor_count == model->tensor_count
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "the net to train has %zu tensors, the model to start from %zu",
                           net->tensor_count, model->tensor_count);
}

nin_status ninp_net_transfer_check(const nin_net *net, const nin_net *from, nin_error *err) {
    const nin_net_options options = {.classes = net->classes};
    nin_error why = {0};
    nin_net *model;
    nin_status status =
        nin_net_parse(from->text, strlen(from->text), "its description", &options, &model, &why);
    if (status == NIN_ERROR_DATA) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "the model to start from cannot have %d classes: %s", net->classes,
                         why.message);
    }
    if (status != NIN_OK) {
        return ninp_fail(err, status, "%s", why.message);
    }
    status = compare(net, model, err);
    nin_net_free(model);
    return status;
}

void ninp_net_transfer(nin_net *net, const nin_net *from) {
    for (size_t i = 0; i < net->tensor_count; i++) {
        const ninp_net_tensor *tensor = &net->tensors[i];
        if (same_shape(tensor, &from->tensors[i])) {
            memcpy(net->values + tensor->offset, from->values + from->tensors[i].offset,
                   tensor->count * sizeof *net->values);
        }
    }
}

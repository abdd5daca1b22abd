#include "train/buffers.h"

#include "base/error.h"
#include "base/memory.h"
#include "net/net.h"

#include <stdlib.h>
#include <string.h>

void ninp_buffers_free(ninp_buffers *buffers) {
    ninp_free_aligned(buffers->gradients);
    ninp_free_aligned(buffers->sums);
    for (size_t i = 0; i < NINP_OPTIMIZER_SLOTS; i++) {
        ninp_free_aligned(buffers->slots[i]);
    }
    free(buffers->rules);
    free(buffers->frozen);
    nin_net_free(buffers->average);
    *buffers = (ninp_buffers){0};
}

static nin_status allocate(size_t count, float **out, nin_error *err) {
    *out = ninp_calloc_aligned(count, sizeof **out);
    return *out ? NIN_OK : ninp_fail_memory(err, count * sizeof **out, "gradients");
}

static nin_status list_frozen(const nin_net *net, ninp_buffers *out, nin_error *err) {
    const size_t count = net->trainable_count;
    out->frozen = ninp_calloc(count, sizeof *out->frozen);
    for (size_t i = 0; out->frozen && i < count; i++) {
        out->frozen[i] = out->rules[i].frozen;
    }
    return out->frozen ? NIN_OK : ninp_fail_memory(err, count, "rules for tensors");
}

static nin_status create_slots(const nin_train_options *options, size_t count, ninp_buffers *out,
                               nin_error *err) {
    const ninp_optimizer_type *type = ninp_optimizer_of(options);
    const size_t slots = type->slot_count(options);
    nin_status status = NIN_OK;
    for (size_t i = 0; i < slots && status == NIN_OK; i++) {
        status = allocate(count, &out->slots[i], err);
        out->state[out->state_count++] =
            (ninp_run_array){.name = type->slots[i], .values = out->slots[i], .count = count};
    }
    return status;
}

static nin_status create_average(const nin_net *net, ninp_buffers *out, nin_error *err) {
    const char *text = nin_net_text(net);
    nin_status status = nin_net_parse(text, strlen(text), "the net", NULL, &out->average, err);
    if (status == NIN_OK) {
        const size_t count = net->value_count;
        memcpy(out->average->values, net->values, count * sizeof *net->values);
        out->state[out->state_count++] =
            (ninp_run_array){.name = "average", .values = out->average->values, .count = count};
    }
    return status;
}

nin_status ninp_buffers_create(const nin_train_options *options, const nin_net *net,
                               ninp_buffers *out, nin_error *err) {
    const size_t count = nin_net_parameter_count(net);
    *out = (ninp_buffers){0};
    nin_status status = ninp_tensor_rules_create(options, net, &out->rules, err);
    if (status == NIN_OK) {
        status = list_frozen(net, out, err);
    }
    if (status == NIN_OK) {
        status = allocate(count, &out->gradients, err);
    }
    if (status == NIN_OK && options->accumulate > 1) {
        status = allocate(count, &out->sums, err);
    }
    if (status == NIN_OK) {
        status = create_slots(options, count, out, err);
    }
    if (status == NIN_OK && options->ema > 0) {
        status = create_average(net, out, err);
    }
    if (status != NIN_OK) {
        ninp_buffers_free(out);
    }
    return status;
}

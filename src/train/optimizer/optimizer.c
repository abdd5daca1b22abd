#include "train/optimizer/optimizer.h"

#include <assert.h>

enum { CHUNK = 1 << 15 }; /* values a thread takes at once */

/* In the order of nin_optimizer. */
static const ninp_optimizer_type *const types[] = {&ninp_optimizer_sgd, &ninp_optimizer_adam,
                                                   &ninp_optimizer_adamw};

const ninp_optimizer_type *ninp_optimizer_of(const nin_train_options *options) {
    assert((size_t)options->optimizer < sizeof types / sizeof *types);
    return types[options->optimizer];
}

/* first: of the tensor, in the slots. */
static void update_tensor(const ninp_update *update, const nin_tensor *tensor,
                          const float *gradient, float *const *slots, size_t first, int threads) {
    const ninp_optimizer_type *type = ninp_optimizer_of(update->options);
    const size_t slot_count = type->slot_count(update->options);
    const size_t chunks = (tensor->count + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(threads) schedule(static) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        size_t at = chunk * CHUNK;
        size_t count = tensor->count - at < CHUNK ? tensor->count - at : CHUNK;
        float *parts[NINP_OPTIMIZER_SLOTS] = {NULL};
        for (size_t i = 0; i < slot_count; i++) {
            parts[i] = slots[i] + first + at;
        }
        type->update(update, count, gradient + at, parts, tensor->values + at);
    }
}

void ninp_optimizer_update(const ninp_optimizer_step *step, nin_net *net, const float *gradients,
                           float *const *slots) {
    size_t first = 0;
    for (size_t i = 0; first < nin_net_parameter_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        const ninp_tensor_rule *rule = &step->rules[i];
        const ninp_update update = {.options = step->options,
                                    .lr = step->lr * rule->lr_scale,
                                    .weight_decay = rule->weight_decay,
                                    .scale = step->scale,
                                    .number = step->number};
        if (!rule->frozen) {
            update_tensor(&update, &tensor, gradients + first, slots, first, step->threads);
        }
        first += tensor.count;
    }
}

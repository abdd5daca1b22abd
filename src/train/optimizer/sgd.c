/* Stochastic gradient descent as PyTorch's SGD does it: L2 decay is added to the gradient before
 * momentum; b = momentum b + d; Nesterov's variant moves along d + momentum b. */
#include "train/optimizer/optimizer.h"

static void update_plain(const ninp_update *update, size_t count, const float *restrict g,
                         float *restrict w) {
    const float lr = update->lr;
    const float scale = update->scale;
    const float decay = update->weight_decay;
    for (size_t i = 0; i < count; i++) {
        w[i] -= lr * (scale * g[i] + decay * w[i]);
    }
}

/* A zero buffer gives b = d in the first step, as PyTorch has it. */
static void update_momentum(const ninp_update *update, size_t count, const float *restrict g,
                            float *restrict b, float *restrict w) {
    const float lr = update->lr;
    const float scale = update->scale;
    const float decay = update->weight_decay;
    const float momentum = update->options->momentum;
    const bool nesterov = update->options->nesterov;
    for (size_t i = 0; i < count; i++) {
        float d = scale * g[i] + decay * w[i];
        float moved = momentum * b[i] + d;
        b[i] = moved;
        w[i] -= lr * (nesterov ? d + momentum * moved : moved);
    }
}

static void update(const ninp_update *update, size_t count, const float *gradient,
                   float *const *slots, float *weights) {
    if (slots[0]) {
        update_momentum(update, count, gradient, slots[0], weights);
    } else {
        update_plain(update, count, gradient, weights);
    }
}

static size_t slot_count(const nin_train_options *options) {
    return options->momentum > 0 ? 1 : 0;
}

const ninp_optimizer_type ninp_optimizer_sgd = {
    .slots = {"momentum"}, .slot_count = slot_count, .update = update};

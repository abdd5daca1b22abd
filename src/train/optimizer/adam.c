/* Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1) and
 * AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2),
 * as PyTorch's Adam and AdamW do them: epsilon is added after the bias correction, and AdamW's
 * decay is multiplied by the learning rate. */
#include "train/optimizer/optimizer.h"

#include <math.h>

enum { FIRST_MOMENT, SECOND_MOMENT };

/* What all values of an update have in common. */
typedef struct adam {
    float step;                /* lr / (1 - beta1^t) */
    float correction;          /* sqrt(1 - beta2^t) */
    float beta2, rest1, rest2; /* rest: 1 - beta */
    float epsilon;
    float scale;
    float coupled; /* decay that goes into the gradient */
    float kept;    /* what decay leaves of a weight: 1 - lr decay, or 1 */
} adam;

static adam settle(const ninp_update *update, bool decoupled) {
    const nin_train_options *options = update->options;
    const double t = (double)update->number;
    const double beta1 = (double)options->beta1;
    const double beta2 = (double)options->beta2;
    const double lr = (double)update->lr;
    const double decay = (double)update->weight_decay;
    return (adam){.step = (float)(lr / (1 - pow(beta1, t))),
                  .correction = (float)sqrt(1 - pow(beta2, t)),
                  .beta2 = options->beta2,
                  .rest1 = (float)(1 - beta1),
                  .rest2 = (float)(1 - beta2),
                  .epsilon = options->epsilon,
                  .scale = update->scale,
                  .coupled = decoupled ? 0 : update->weight_decay,
                  .kept = (float)(decoupled ? 1 - lr * decay : 1)};
}

static void move(const adam *how, size_t count, const float *restrict g, float *restrict first,
                 float *restrict second, float *restrict w) {
    const adam a = *how;
    for (size_t i = 0; i < count; i++) {
        float d = a.scale * g[i] + a.coupled * w[i];
        float m = first[i] + a.rest1 * (d - first[i]);
        float v = a.beta2 * second[i] + a.rest2 * d * d;
        first[i] = m;
        second[i] = v;
        w[i] = a.kept * w[i] - a.step * m / (sqrtf(v) / a.correction + a.epsilon);
    }
}

static void update_adam(const ninp_update *update, size_t count, const float *gradient,
                        float *const *slots, float *weights) {
    const adam how = settle(update, false);
    move(&how, count, gradient, slots[FIRST_MOMENT], slots[SECOND_MOMENT], weights);
}

static void update_adamw(const ninp_update *update, size_t count, const float *gradient,
                         float *const *slots, float *weights) {
    const adam how = settle(update, true);
    move(&how, count, gradient, slots[FIRST_MOMENT], slots[SECOND_MOMENT], weights);
}

static size_t slot_count(const nin_train_options *options) {
    (void)options;
    return 2;
}

#define SLOTS [FIRST_MOMENT] = "first_moment", [SECOND_MOMENT] = "second_moment"

const ninp_optimizer_type ninp_optimizer_adam = {
    .slots = {SLOTS}, .slot_count = slot_count, .update = update_adam};
const ninp_optimizer_type ninp_optimizer_adamw = {
    .slots = {SLOTS}, .slot_count = slot_count, .update = update_adamw};

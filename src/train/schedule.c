#include <nin/train.h>

#include <math.h>

#define PI 3.14159265358979323846
/* PyTorch's OneCycleLR: the rising part, and where it starts. */
#define RISE 0.3
#define START 25.0

/* From `from` at position 0 to `to` at position 1 along half a cosine. */
static double half_cosine(double from, double to, double position) {
    return to + (from - to) * (1 + cos(PI * position)) / 2;
}

/* The phases meet at step RISE * steps - 1, as in PyTorch, where that need not be a whole number.
 */
static double one_cycle(double lr, double final_lr, double step, double steps) {
    double top = RISE * steps - 1;
    if (step <= top) {
        return half_cosine(lr / START, lr, top > 0 ? step / top : 1);
    }
    return half_cosine(lr, final_lr, (step - top) / (steps - 1 - top));
}

float nin_schedule_lr(const nin_train_options *options, uint64_t step, uint64_t steps,
                      int batches) {
    double lr = (double)options->lr;
    double final_lr = lr * (double)options->final_factor;
    double now = lr;
    switch (options->schedule) {
    case NIN_SCHEDULE_CONSTANT: break;
    case NIN_SCHEDULE_STEP: {
        uint64_t drops = step / (uint64_t)batches / (uint64_t)options->step_epochs;
        now = lr * pow((double)options->step_factor, (double)drops);
        break;
    }
    case NIN_SCHEDULE_COSINE: now = half_cosine(lr, final_lr, (double)step / (double)steps); break;
    case NIN_SCHEDULE_ONE_CYCLE: now = one_cycle(lr, final_lr, (double)step, (double)steps); break;
    }
    if (step < (uint64_t)options->warmup_steps) {
        now *= (double)(step + 1) / (double)options->warmup_steps;
    }
    return (float)now;
}

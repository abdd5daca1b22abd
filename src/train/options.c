#include "train/options.h"

#include "base/error.h"

nin_train_options nin_train_options_defaults(void) {
    return (nin_train_options){.epochs = 10,
                               .batch = 128,
                               .accumulate = 1,
                               .optimizer = NIN_OPTIMIZER_SGD,
                               .lr = 0.1F,
                               .beta1 = 0.9F,
                               .beta2 = 0.999F,
                               .epsilon = 1e-8F,
                               .schedule = NIN_SCHEDULE_CONSTANT,
                               .step_factor = 0.1F,
                               .health = true,
                               .restarts = 3,
                               .init = nin_init_options_defaults(),
                               .session = nin_session_options_defaults()};
}

/* One option's value and where it has to lie. NaN lies nowhere. */
typedef struct range {
    const char *name;
    double value, least, most;
    bool open; /* `most` itself does not count */
} range;

static nin_status check_ranges(const range *ranges, size_t count, nin_error *err) {
    for (size_t i = 0; i < count; i++) {
        const range *r = &ranges[i];
        bool below = r->open ? r->value < r->most : r->value <= r->most;
        if (!(r->value >= r->least && below)) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT, "%s %g is not within %g to %s%g", r->name,
                             r->value, r->least, r->open ? "below " : "", r->most);
        }
    }
    return NIN_OK;
}

/* Settings that only make sense, or only make no sense, beside others. */
static nin_status check_combinations(const nin_train_options *options, nin_error *err) {
    if (options->optimizer != NIN_OPTIMIZER_SGD && options->momentum > 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "momentum %g is for optimizer sgd; adam and adamw have beta1",
                         (double)options->momentum);
    }
    if (options->nesterov && options->momentum <= 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "nesterov needs a momentum above 0");
    }
    if (options->on_failure != NIN_ON_FAILURE_CONTINUE && !options->health) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "on_failure stop and restart need the health watch");
    }
    if (options->schedule == NIN_SCHEDULE_STEP && options->step_epochs < 1) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "schedule step needs step_epochs of at least 1");
    }
    return NIN_OK;
}

nin_status ninp_train_options_check(const nin_train_options *options, nin_error *err) {
    const range ranges[] = {
        {"epochs", options->epochs, 1, 1e6, false},
        {"batch", options->batch, 1, 1e6, false},
        {"lr", (double)options->lr, 0, 1e6, false},
        {"accumulate", options->accumulate, 1, 1e6, false},
        {"momentum", (double)options->momentum, 0, 1, true},
        {"beta1", (double)options->beta1, 0, 1, true},
        {"beta2", (double)options->beta2, 0, 1, true},
        {"epsilon", (double)options->epsilon, 1e-30, 1, false},
        {"ema", (double)options->ema, 0, 1, true},
        {"weight_decay", (double)options->weight_decay, 0, 1e6, false},
        {"step_factor", (double)options->step_factor, 0, 1e6, false},
        {"step_epochs", options->step_epochs, 0, 1e6, false},
        {"final_factor", (double)options->final_factor, 0, 1e6, false},
        {"warmup_steps", options->warmup_steps, 0, 1e9, false},
        {"clip_norm", (double)options->clip_norm, 0, 1e30, false},
        {"label_smoothing", (double)options->label_smoothing, 0, 1, true},
        {"patience", options->patience, 0, 1e6, false},
        {"points_per_epoch", options->points_per_epoch, 0, 1e6, false},
        {"checkpoint_seconds", options->checkpoint_seconds, 0, 1e9, false},
        {"restarts", options->restarts, 0, 1000, false},
    };
    nin_status status = check_ranges(ranges, sizeof ranges / sizeof *ranges, err);
    if (status != NIN_OK) {
        return status;
    }
    return check_combinations(options, err);
}

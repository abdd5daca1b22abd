#include "train/options.h"

#include "base/error.h"

nin_train_options nin_train_options_defaults(void) {
    return (nin_train_options){.epochs = 10,
                               .batch = 128,
                               .lr = 0.1F,
                               .schedule = NIN_SCHEDULE_CONSTANT,
                               .step_factor = 0.1F,
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

nin_status ninp_train_options_check(const nin_train_options *options, nin_error *err) {
    const range ranges[] = {
        {"epochs", options->epochs, 1, 1e6, false},
        {"batch", options->batch, 1, 1e6, false},
        {"lr", (double)options->lr, 0, 1e6, false},
        {"momentum", (double)options->momentum, 0, 1, true},
        {"weight_decay", (double)options->weight_decay, 0, 1e6, false},
        {"step_factor", (double)options->step_factor, 0, 1e6, false},
        {"step_epochs", options->step_epochs, 0, 1e6, false},
        {"final_factor", (double)options->final_factor, 0, 1e6, false},
        {"warmup_steps", options->warmup_steps, 0, 1e9, false},
        {"clip_norm", (double)options->clip_norm, 0, 1e30, false},
        {"label_smoothing", (double)options->label_smoothing, 0, 1, true},
        {"points_per_epoch", options->points_per_epoch, 0, 1e6, false},
        {"checkpoint_seconds", options->checkpoint_seconds, 0, 1e9, false},
    };
    nin_status status = check_ranges(ranges, sizeof ranges / sizeof *ranges, err);
    if (status != NIN_OK) {
        return status;
    }
    if (options->nesterov && options->momentum <= 0) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "nesterov needs a momentum above 0");
    }
    if (options->schedule == NIN_SCHEDULE_STEP && options->step_epochs < 1) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "schedule step needs step_epochs of at least 1");
    }
    return NIN_OK;
}

/* How much a step changes the weights of a layer, in parts of their size: root mean square of the
 * change over that of the values. About a thousandth is usual (Karpathy, notes of Stanford's
 * CS231n, "Ratio of weights:updates"). */
#include "train/health/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double LARGEST_RATIO = 0.3;
static const double LEAST_RATIO = 1e-7;
static const double USUAL_RATIO = 1e-3;
static const double LEAST_RATE = 0.1; /* of the largest learning rate: below that, schedules mean to
                                         change little */

/* Weights that started at zero, as those of a last layer may, and have not grown to a tenth of what
 * He's start would give them: for those any change is large. */
static bool has_not_grown(const ninp_health_weight *weight) {
    double inputs = (double)weight->tensor.count / (double)weight->tensor.shape[0];
    return weight->size < 0.1 * sqrt(2 / inputs);
}

/* Puts the weight's layer, "3.0" of "3.0.weight", into the finding. */
static void name_layer(const ninp_health_weight *weight, nin_finding *finding) {
    const char *name = weight->tensor.name;
    const char *dot = strrchr(name, '.');
    int length = dot ? (int)(dot - name) : (int)strlen(name);
    snprintf(finding->layer, sizeof finding->layer, "%.*s", length, name);
}

/* Tells of the layer whose ratio is the worst of those past `limit`; NULL: there is none. */
static bool tell_worst(const ninp_health_view *view, const ninp_health_weight *worst, double limit,
                       nin_finding *finding) {
    if (!worst) {
        return false;
    }
    name_layer(worst, finding);
    finding->of = (int)view->weight_count;
    finding->value = worst->ratio;
    finding->limit = limit;
    return true;
}

/* ---- too large ------------------------------------------------------------------------------ */

bool ninp_health_large_sees(const ninp_health_view *view, nin_finding *finding) {
    const ninp_health_weight *worst = NULL;
    for (size_t i = 0; i < view->weight_count; i++) {
        const ninp_health_weight *weight = &view->weights[i];
        if (weight->ratio > LARGEST_RATIO && !has_not_grown(weight)) {
            worst = !worst || weight->ratio > worst->ratio ? weight : worst;
            finding->count++;
        }
    }
    return tell_worst(view, worst, LARGEST_RATIO, finding);
}

void ninp_health_large_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "one step changes the weights of layer %s by %.3g times their size since %s, "
                    "where about %g is usual (%d of %d layers are above %g): the learning rate %g "
                    "is too high. Use --lr %s, or let it grow with --warmup-steps 500",
                    finding->layer, finding->value, ninp_health_since(finding).text, USUAL_RATIO,
                    finding->count, finding->of, LARGEST_RATIO, (double)view->options->lr,
                    ninp_health_lr(view->options->lr, 10 * USUAL_RATIO / finding->value).text);
}

/* ---- too small, and not at all -------------------------------------------------------------- */

static bool rate_counts(const ninp_health_view *view) {
    return view->lr > 0 && (double)view->lr >= LEAST_RATE * (double)view->options->lr;
}

bool ninp_health_small_sees(const ninp_health_view *view, nin_finding *finding) {
    if (!rate_counts(view) || ninp_health_all_dead(view) ||
        view->loss < 0.5 * ninp_health_guessing(view)) {
        return false;
    }
    const ninp_health_weight *worst = NULL;
    for (size_t i = 0; i < view->weight_count; i++) {
        const ninp_health_weight *weight = &view->weights[i];
        if (weight->ratio > 0 && weight->ratio < LEAST_RATIO) {
            worst = !worst || weight->ratio < worst->ratio ? weight : worst;
            finding->count++;
        }
    }
    return tell_worst(view, worst, LEAST_RATIO, finding);
}

void ninp_health_small_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "one step changes the weights of layer %s by only %.3g times their size since "
                    "%s, where about %g is usual (%d of %d layers are below %g): they hardly "
                    "learn; the learning rate %g is too low, or the gradient shrinks on its way. "
                    "Use a higher --lr, start with --init he, or take a net with batch norm",
                    finding->layer, finding->value, ninp_health_since(finding).text, USUAL_RATIO,
                    finding->count, finding->of, LEAST_RATIO, (double)view->options->lr);
}

/* Whether the loss is no better than it was: means of twenty steps, so three against three are
 * sixty steps against the sixty before. */
static bool loss_stands(const ninp_health_view *view) {
    enum { WINDOW = 3 };
    static const double PROGRESS = 0.01;
    double now = 0;
    double before = 0;
    for (int i = 0; i < WINDOW; i++) {
        now += view->means[i];
        before += view->means[WINDOW + i];
    }
    return now > before * (1 - PROGRESS); /* not so while there are too few, which are NaN */
}

/* Layers that are frozen on purpose do no harm as long as the loss falls. */
bool ninp_health_frozen_sees(const ninp_health_view *view, nin_finding *finding) {
    if (!rate_counts(view) || ninp_health_all_dead(view) || !loss_stands(view)) {
        return false;
    }
    for (size_t i = 0; i < view->weight_count; i++) {
        if (view->weights[i].ratio == 0) {
            if (finding->count++ == 0) {
                name_layer(&view->weights[i], finding);
            }
        }
    }
    finding->of = (int)view->weight_count;
    finding->value = view->loss;
    return finding->count > 0;
}

void ninp_health_frozen_say(const ninp_health_view *view, nin_finding *finding) {
    char also[32] = "";
    if (finding->count > 1) {
        snprintf(also, sizeof also, " and %d more", finding->count - 1);
    }
    ninp_health_say(finding,
                    "the loss stands at %.3f while the weights of layer %s%s have not changed "
                    "since %s: they are frozen (--freeze, or an lr-scale of 0), or no gradient "
                    "reaches them because a layer behind them gives nothing. Let them learn",
                    view->loss, finding->layer, also, ninp_health_since(finding).text);
}

/* The L2 norm of the whole gradient. */
#include "train/health/check.h"

#include <math.h>

/* Far outside what nets that learn show: their norms lie between a thousandth and some hundred. */
static const double LARGEST_NORM = 1e4;
static const double LARGEST_JUMP = 1000; /* over the usual norm of the run */
static const double JUMP_FLOOR = 100;    /* below that a jump does no harm */
enum { JUMP_STEPS = 20 };                /* before that, nothing is usual */
static const double LEAST_NORM = 1e-6;

bool ninp_health_exploding_sees(const ninp_health_view *view, nin_finding *finding) {
    double limit = LARGEST_NORM;
    if (view->step > JUMP_STEPS) {
        limit = fmin(limit, fmax(JUMP_FLOOR, LARGEST_JUMP * view->usual_norm));
    }
    finding->value = view->gradient_norm;
    finding->limit = limit;
    return view->gradient_norm > limit;
}

void ninp_health_exploding_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "the norm of the gradient has reached %.3g at %s, where %.3g was usual before: "
                    "it explodes, as it does just before the loss becomes infinite; the learning "
                    "rate %g is probably too high. Use --lr %s, or --clip-norm 1",
                    finding->value, ninp_health_since(finding).text,
                    isnan(view->usual_norm) ? 1.0 : view->usual_norm, (double)view->options->lr,
                    ninp_health_lr(view->options->lr, 0.1).text);
}

/* A net that has learnt its pictures by heart has no gradient left either. */
bool ninp_health_vanishing_sees(const ninp_health_view *view, nin_finding *finding) {
    finding->value = view->gradient_norm;
    finding->limit = LEAST_NORM;
    return view->gradient_norm < LEAST_NORM && view->loss > 0.5 * ninp_health_guessing(view) &&
           !ninp_health_all_dead(view);
}

void ninp_health_vanishing_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "the norm of the gradient has been below %g since %s (now %.3g) while the loss "
                    "is %.3f: nothing is left to learn from; the signal vanishes on its way "
                    "through the layers. Start with --init he, or take a net with batch norm",
                    finding->limit, ninp_health_since(finding).text, finding->value, view->loss);
}

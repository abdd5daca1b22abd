/* Where the loss stands. */
#include "train/health/check.h"

#include <math.h>

/* Guessing costs ln(classes). The band is wide enough for the noise of twenty small batches. */
static const double BAND = 0.02;

bool ninp_health_standstill_sees(const ninp_health_view *view, nin_finding *finding) {
    double guessing = ninp_health_guessing(view);
    if (ninp_health_all_dead(view) || view->classes < 2 || fabs(view->loss - guessing) > BAND) {
        return false;
    }
    finding->value = view->loss;
    finding->limit = guessing - BAND;
    return true;
}

/* Why that is likely, and what may help. */
static const char *advise(const ninp_health_view *view) {
    if (view->relu_count == 0 && !view->map_layer) {
        return "sigmoids pass little gradient back. Use a higher --lr, or a net with ReLU";
    }
    if (view->options->init.weights != NIN_INIT_HE) {
        return "the signal shrinks from layer to layer. Start with --init he, or take a net with "
               "batch norm";
    }
    return "the learning rate does not suit the net. Use another --lr or another --seed, or take a "
           "net with batch norm";
}

void ninp_health_standstill_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "the loss has stood where guessing does, at ln %d = %.3f, since %s: the net "
                    "tells no class from another yet; such a run learns later or never, mostly "
                    "because %s",
                    view->classes, ninp_health_guessing(view), ninp_health_since(finding).text,
                    advise(view));
}

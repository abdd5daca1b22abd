/* What gives nothing: class maps and the units of hidden layers. */
#include "train/health/check.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- class maps ---------------------------------------------------------------------------- */

/* A class map whose last ReLU gives nothing for any picture gets no gradient, and its logit is zero
 * for ever: the class is never learnt (the many runs of the lecture's net that end at nine, eight,
 * ... tenths of the accuracy). */
bool ninp_health_maps_sees(const ninp_health_view *view, nin_finding *finding) {
    if (!view->map_layer || view->dead_maps == 0) {
        return false;
    }
    snprintf(finding->layer, sizeof finding->layer, "%s", view->map_layer);
    finding->count = view->dead_maps;
    finding->of = view->classes;
    finding->value = (double)view->dead_maps / view->classes;
    return true;
}

/* Does not tell anybody to do what the run does. */
static ninp_health_words advise(const ninp_health_view *view) {
    ninp_health_words words;
    snprintf(words.text, sizeof words.text, "%suse a smaller learning rate than %g",
             view->options->init.last_bias > 0 ? "Let it grow with --warmup-steps 500, or "
                                               : "Start with --last-bias 1 --last-scale 0.3, or ",
             (double)view->options->lr);
    return words;
}

void ninp_health_maps_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_words advice = advise(view);
    ninp_health_words since = ninp_health_since(finding);
    if (finding->count == finding->of) {
        ninp_health_say(finding,
                        "all %d class maps (layer %s) have given nothing since %s, so the net "
                        "answers the same for every picture and no gradient is left to learn from; "
                        "their last ReLU died. %s",
                        finding->of, finding->layer, since.text, advice.text);
        return;
    }
    ninp_health_say(finding,
                    "%d of %d class maps (layer %s: %s) %s given nothing since %s: as long as that "
                    "lasts %s cannot be learnt, because the last ReLU passes no gradient back. %s",
                    finding->count, finding->of, finding->layer,
                    ninp_health_classes(view->model, view->maps, view->classes).text,
                    finding->count == 1 ? "has" : "have", since.text,
                    finding->count == 1 ? "this class" : "these classes", advice.text);
}

/* ---- units --------------------------------------------------------------------------------- */

/* Half of a layer may be dead without harm to what it can say; what counts is a layer that has
 * little left. */
static const double LARGEST_SHARE = 0.9;

static double share(const ninp_health_relu *relu) {
    return (double)relu->dead / relu->units;
}

/* The layer with the largest share. */
bool ninp_health_units_sees(const ninp_health_view *view, nin_finding *finding) {
    const ninp_health_relu *worst = NULL;
    for (size_t i = 0; i < view->relu_count; i++) {
        const ninp_health_relu *relu = &view->relus[i];
        worst = !worst || share(relu) > share(worst) ? relu : worst;
    }
    if (!worst || share(worst) < LARGEST_SHARE) {
        return false;
    }
    snprintf(finding->layer, sizeof finding->layer, "%s", worst->layer);
    finding->count = worst->dead;
    finding->of = worst->units;
    finding->value = share(worst);
    finding->limit = LARGEST_SHARE;
    return true;
}

void ninp_health_units_say(const ninp_health_view *view, nin_finding *finding) {
    int others = -1;
    for (size_t i = 0; i < view->relu_count; i++) {
        others += share(&view->relus[i]) >= LARGEST_SHARE;
    }
    char also[48] = "";
    if (others > 0) {
        snprintf(also, sizeof also, ", and %d more layer%s %s alike", others, others > 1 ? "s" : "",
                 others > 1 ? "are" : "is");
    }
    ninp_health_say(finding,
                    "%d of %d units of layer %s have given nothing since %s%s: their ReLU died, "
                    "and little of a picture gets through; the learning rate %g is probably too "
                    "high. Use --lr %s, or let it grow with --warmup-steps 500",
                    finding->count, finding->of, finding->layer, ninp_health_since(finding).text,
                    also, (double)view->options->lr, ninp_health_lr(view->options->lr, 0.3).text);
}

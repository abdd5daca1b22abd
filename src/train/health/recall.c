/* Classes of which an evaluation recognised nothing. */
#include "train/health/check.h"

#include <stdlib.h>

enum {
    LEAST_STEPS = 400,  /* before that a net need not know every class */
    LEAST_SUPPORT = 50, /* pictures of a class */
    MOST_CLASSES = 1024 /* of those, the names are looked at */
};

static bool is_lost(const nin_evaluation *evaluation, int c) {
    const nin_class_score *score = &evaluation->scores[c];
    return score->support >= LEAST_SUPPORT && score->recall == 0;
}

bool ninp_health_recall_sees(const ninp_health_view *view, nin_finding *finding) {
    const nin_evaluation *evaluation = view->evaluation;
    for (int c = 0; c < evaluation->classes; c++) {
        finding->count += is_lost(evaluation, c);
    }
    finding->of = evaluation->classes;
    finding->value = evaluation->accuracy;
    return finding->count > 0 && view->step >= LEAST_STEPS;
}

void ninp_health_recall_say(const ninp_health_view *view, nin_finding *finding) {
    bool lost[MOST_CLASSES] = {false};
    int classes =
        view->evaluation->classes < MOST_CLASSES ? view->evaluation->classes : MOST_CLASSES;
    for (int c = 0; c < classes; c++) {
        lost[c] = is_lost(view->evaluation, c);
    }
    ninp_health_say(
        finding,
        "none of the test pictures of %d of %d classes (%s) was recognised at %s, where "
        "the accuracy is %.3f: the net has not learnt %s, or lost %s again. Train for "
        "more epochs, or lower the learning rate",
        finding->count, finding->of, ninp_health_classes(view->model, lost, classes).text,
        ninp_health_since(finding).text, finding->value, finding->count == 1 ? "it" : "them",
        finding->count == 1 ? "it" : "them");
}

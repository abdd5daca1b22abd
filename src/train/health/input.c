/* What goes into the net: labels and prepared pictures. */
#include "train/health/check.h"

#include <math.h>
#include <stdio.h>

/* ---- labels --------------------------------------------------------------------------------- */

/* What the labels of a data set say about themselves. */
typedef struct label_counts {
    int seen;     /* labels that occur */
    int least;    /* of them */
    int step;     /* the largest number that divides all of them; 0: only label 0 occurs */
    size_t count; /* pictures */
} label_counts;

static int greatest_divisor(int a, int b) {
    while (b != 0) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static label_counts count_labels(const nin_dataset *train) {
    enum { LABELS = 65536 };
    bool seen[LABELS] = {false}; /* more classes than any data set here has */
    nin_dataset_info info = nin_dataset_get_info(train);
    label_counts counts = {.least = LABELS, .count = info.count};
    for (size_t i = 0; i < info.count; i++) {
        int label = nin_dataset_label(train, i);
        if (label >= 0 && label < LABELS && !seen[label]) {
            seen[label] = true;
            counts.seen++;
            counts.least = label < counts.least ? label : counts.least;
            counts.step = greatest_divisor(label, counts.step);
        }
    }
    return counts;
}

/* Small parts of large data sets may lack a class now and then; half of the classes are never
 * missing by chance when there are ten times as many pictures as classes. */
bool ninp_health_labels_sees(const ninp_health_view *view, nin_finding *finding) {
    enum { PICTURES_A_CLASS = 10 };
    label_counts counts = count_labels(view->train);
    finding->count = view->classes - counts.seen;
    finding->of = view->classes;
    finding->value = counts.seen;
    finding->limit = view->classes / 2.0;
    return view->classes > 1 && counts.count >= (size_t)view->classes * PICTURES_A_CLASS &&
           counts.seen <= view->classes / 2;
}

void ninp_health_labels_say(const ninp_health_view *view, nin_finding *finding) {
    label_counts counts = count_labels(view->train);
    char why[160] = "";
    if (counts.seen == 1) {
        snprintf(why, sizeof why, "all %zu pictures are of class %d", counts.count, counts.least);
    } else if (counts.step > 1) {
        snprintf(why, sizeof why,
                 "the labels are multiples of %d, so they are on a wrong scale: they should count "
                 "the classes from 0",
                 counts.step);
    } else {
        snprintf(why, sizeof why, "the labels begin at %d", counts.least);
    }
    ninp_health_say(finding,
                    "only %d of %d classes occur in the labels of the %zu training pictures: %s. "
                    "Check the labels and the number of classes",
                    counts.seen, view->classes, counts.count, why);
}

/* ---- pictures ------------------------------------------------------------------------------- */

bool ninp_health_constant_sees(const ninp_health_view *view, nin_finding *finding) {
    finding->value = (double)view->most - (double)view->least;
    return view->least == view->most || view->same_pictures;
}

void ninp_health_constant_say(const ninp_health_view *view, nin_finding *finding) {
    char what[80] = "all pictures of a batch are the same one";
    if (view->least == view->most) {
        snprintf(what, sizeof what, "every value of every picture is %g", (double)view->least);
    }
    ninp_health_say(finding,
                    "%s since %s: there is nothing to tell classes apart by. Check the pictures "
                    "(nin data show) and how they are prepared",
                    what, ninp_health_since(finding).text);
}

/* Bytes over 255 lie in 0 to 1, normalised ones within some standard deviations of 0; values of
 * bytes that nobody scaled reach 255, and those scaled twice 1/255. */
static const double LARGEST = 100;
static const double LEAST = 0.02;

bool ninp_health_range_sees(const ninp_health_view *view, nin_finding *finding) {
    double size = fmax(fabs((double)view->least), fabs((double)view->most));
    finding->value = size;
    finding->limit = size > LARGEST ? LARGEST : LEAST;
    return size > LARGEST || size < LEAST;
}

void ninp_health_range_say(const ninp_health_view *view, nin_finding *finding) {
    ninp_health_say(finding,
                    "the values of the pictures go from %.4g to %.4g since %s, where 0 to 1, or a "
                    "few units around 0, is expected: they are %s. Check the mean and std of the "
                    "preparation (value = (byte / 255 - mean) / std)",
                    (double)view->least, (double)view->most, ninp_health_since(finding).text,
                    finding->value > LARGEST ? "not scaled" : "scaled twice");
}

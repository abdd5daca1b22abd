#include <nin/session.h>

#include <assert.h>
#include <math.h>

static int first_maximum(const float *values, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return best;
}

/* log(sum(exp(x - maximum))): between 0 and log(count) for finite x, so it can neither overflow nor
 * lose the label's term. */
static double log_sum(const float *logits, int classes, double maximum) {
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        sum += exp((double)logits[c] - maximum);
    }
    return log(sum);
}

/* What one example is to be taken for. `other` is `label` where there is one label only. */
typedef struct soft_label {
    int label, other;
    double share; /* of `label` */
    double smoothing;
} soft_label;

/* One example. With smoothing s the target is q = (1 - s) onehot + s / classes, the loss
 * -sum(q log p) and its gradient p - q (Szegedy et al. 2016, section 7; PyTorch's
 * CrossEntropyLoss). With two labels, onehot is their weighted mean (Zhang et al. 2018,
 * equation 2). */
static double one_loss(const float *logits, soft_label target, int classes, double scale,
                       float *gradient) {
    const double hard = 1 - target.smoothing;
    double maximum = (double)logits[first_maximum(logits, classes)];
    double shift = maximum + log_sum(logits, classes, maximum);
    double share = target.smoothing / classes;
    double log_all = 0;
    for (int c = 0; c < classes; c++) {
        double log_probability = (double)logits[c] - shift;
        log_all += log_probability;
        if (gradient) {
            double wanted = share + (c == target.label ? hard * target.share : 0) +
                            (c == target.other ? hard * (1 - target.share) : 0);
            gradient[c] = (float)((exp(log_probability) - wanted) * scale);
        }
    }
    double log_label = (double)logits[target.label] - shift;
    /* Terms of weight 0 stay out: 0 times an infinite logarithm would be NaN. */
    if (target.share < 1) {
        double log_other = (double)logits[target.other] - shift;
        log_label =
            (target.share > 0 ? target.share * log_label : 0) + (1 - target.share) * log_other;
    }
    return target.smoothing > 0 ? -hard * log_label - share * log_all : -log_label;
}

static soft_label target_of(const nin_examples *examples, int index) {
    const int label = examples->labels[index];
    const bool two = examples->other_labels != NULL;
    return (soft_label){.label = label,
                        .other = two ? examples->other_labels[index] : label,
                        .share = two ? (double)examples->label_shares[index] : 1,
                        .smoothing = (double)examples->label_smoothing};
}

nin_loss nin_cross_entropy(const nin_examples *examples, const float *logits, int classes,
                           float *gradient) {
    const int count = examples->count;
    nin_loss loss = {0};
    for (int i = 0; i < count; i++) {
        const float *row = logits + (size_t)i * (size_t)classes;
        const soft_label target = target_of(examples, i);
        assert(target.label >= 0 && target.label < classes);
        assert(target.other >= 0 && target.other < classes);
        loss.loss_sum += one_loss(row, target, classes, 1.0 / count,
                                  gradient ? gradient + (size_t)i * (size_t)classes : NULL);
        loss.correct += first_maximum(row, classes) == target.label;
    }
    return loss;
}

void nin_softmax(const float *logits, int classes, float *probabilities) {
    double maximum = (double)logits[first_maximum(logits, classes)];
    double shift = maximum + log_sum(logits, classes, maximum);
    for (int c = 0; c < classes; c++) {
        probabilities[c] = (float)exp((double)logits[c] - shift);
    }
}

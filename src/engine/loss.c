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

/* One example. With smoothing s the target is q = (1 - s) onehot + s / classes, the loss
 * -sum(q log p) and its gradient p - q (Szegedy et al. 2016, section 7; PyTorch's
 * CrossEntropyLoss). */
static double one_loss(const float *logits, int label, int classes, double smoothing, double scale,
                       float *gradient) {
    double maximum = (double)logits[first_maximum(logits, classes)];
    double shift = maximum + log_sum(logits, classes, maximum);
    double share = smoothing / classes;
    double log_all = 0;
    for (int c = 0; c < classes; c++) {
        double log_probability = (double)logits[c] - shift;
        log_all += log_probability;
        if (gradient) {
            double target = share + (c == label ? 1 - smoothing : 0);
            gradient[c] = (float)((exp(log_probability) - target) * scale);
        }
    }
    double log_label = (double)logits[label] - shift;
    /* Without smoothing log_all stays out: 0 times an infinite sum would be NaN. */
    return smoothing > 0 ? -(1 - smoothing) * log_label - share * log_all : -log_label;
}

nin_loss nin_cross_entropy(const float *logits, const int32_t *labels, int count, int classes,
                           float label_smoothing, float *gradient) {
    nin_loss loss = {0};
    for (int i = 0; i < count; i++) {
        const float *row = logits + (size_t)i * (size_t)classes;
        assert(labels[i] >= 0 && labels[i] < classes);
        loss.loss_sum += one_loss(row, labels[i], classes, (double)label_smoothing, 1.0 / count,
                                  gradient ? gradient + (size_t)i * (size_t)classes : NULL);
        loss.correct += first_maximum(row, classes) == labels[i];
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

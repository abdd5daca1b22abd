/* Cross-entropy with label smoothing and one or two labels, and its gradient: nin_cross_entropy
 * (src/engine/loss.c), term by term. One thread an example, then one that adds the losses up in
 * order. */
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

template <typename T> __device__ int first_maximum(const T *values, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
        if (widen(values[i]) > widen(values[best])) {
            best = i;
        }
    }
    return best;
}

/* What is left of a logit when log(sum(exp)) is taken away. */
template <typename T> __device__ double log_probability(const T *logits, int c, double shift) {
    return (double)widen(logits[c]) - shift;
}

struct loss_target {
    int label, other;
    double share, smoothing;
};

/* The loss of one example whose logits' log(sum(exp)) is `shift`. Terms of weight 0 stay out: 0
 * times an infinite logarithm would be NaN. */
template <typename T>
__device__ double loss_of(const T *logits, const loss_target &target, int classes, double shift) {
    double log_label = log_probability(logits, target.label, shift);
    if (target.share < 1.0) {
        log_label = (target.share > 0.0 ? target.share * log_label : 0.0) +
                    (1.0 - target.share) * log_probability(logits, target.other, shift);
    }
    if (!(target.smoothing > 0.0)) {
        return -log_label;
    }
    double log_all = 0.0;
    for (int c = 0; c < classes; c++) {
        log_all += log_probability(logits, c, shift);
    }
    return -(1.0 - target.smoothing) * log_label - target.smoothing / classes * log_all;
}

template <typename T>
__global__ void loss_kernel(loss_targets targets, const T *logits, ninp_activation activation,
                            T *dlogits, double *results) {
    const int count = targets.count;
    const int classes = targets.classes;
    const size_t example = each_index();
    if (example >= (size_t)count) {
        return;
    }
    const T *row = logits + example * (size_t)classes;
    const loss_target target = {targets.labels[example], targets.others[example],
                                (double)targets.shares[example], (double)*targets.smoothing};
    const int best = first_maximum(row, classes);
    const double maximum = (double)widen(row[best]);
    double sum = 0.0;
    for (int c = 0; c < classes; c++) {
        sum += exp((double)widen(row[c]) - maximum);
    }
    const double shift = maximum + log(sum);
    const double hard = 1.0 - target.smoothing;
    for (int c = 0; c < classes; c++) {
        const double wanted = target.smoothing / classes +
                              (c == target.label ? hard * target.share : 0.0) +
                              (c == target.other ? hard * (1.0 - target.share) : 0.0);
        const float gradient =
            (float)((exp(log_probability(row, c, shift)) - wanted) * (1.0 / (double)count));
        put(dlogits + example * (size_t)classes + c, derive(activation, widen(row[c]), gradient));
    }
    results[example] = loss_of(row, target, classes, shift);
    results[(size_t)count + 2 + example] = best == target.label ? 1.0 : 0.0;
}

__global__ void total_kernel(int count, double *results) {
    double loss = 0.0;
    double correct = 0.0;
    for (int i = 0; i < count; i++) {
        loss += results[i];
        correct += results[count + 2 + i];
    }
    results[count] = loss;
    results[count + 1] = correct;
}

template <typename T>
void run(launcher &on, const loss_targets &targets, const void *logits, ninp_activation activation,
         void *dlogits, double *results) {
    launch_apart(on, loss_kernel<T>, each_grid((size_t)targets.count), EACH_THREADS, targets,
                 static_cast<const T *>(logits), activation, static_cast<T *>(dlogits), results);
    launch_apart(on, total_kernel, dim3(1), 1, targets.count, results);
}

} // namespace

void cross_entropy(launcher &on, const loss_targets &targets, const void *logits,
                   ninp_activation activation, void *dlogits, double *results) {
    (on.math == NINP_CUDA_BF16 ? run<bf16> : run<float>)(on, targets, logits, activation, dlogits,
                                                         results);
}

} // namespace ninp_cuda

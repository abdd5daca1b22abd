/* What the checks see of a run at one moment. */
#ifndef NINP_TRAIN_HEALTH_VIEW_H
#define NINP_TRAIN_HEALTH_VIEW_H

#include "engine/session.h"

#include <nin/train.h>

/* A step of the plan that ends in a ReLU. */
typedef struct ninp_health_relu {
    size_t step;       /* of the plan */
    const char *layer; /* the first that it computes: "7.4" */
    int units, dead;   /* channels, and those that gave nothing at the last regular look */
} ninp_health_relu;

/* A tensor of weights (not a bias: those may start at zero). */
typedef struct ninp_health_weight {
    nin_tensor tensor;
    double size;  /* root mean square of the values before */
    double ratio; /* that of their change over it; infinite when the size is 0 */
} ninp_health_weight;

enum { NINP_HEALTH_MEANS = 10 };

typedef struct ninp_health_view {
    const nin_model *model;
    const nin_session *session;
    const nin_dataset *train;
    const nin_train_options *options;
    int classes;
    /* The last weighted layer, where nothing but a ReLU and pooling stands between it and the
     * logits, so that each of its channels is a class map; NULL in other nets. */
    const char *map_layer;

    ninp_health_relu *relus; /* hidden ones: without that of the class maps */
    size_t relu_count;
    ninp_health_weight *weights;
    size_t weight_count;
    ninp_resident_samples *samples; /* those of all weights */
    float *before, *after; /* what they were, weight behind weight, before and after the update */
    size_t sample_count;
    bool *active;                /* room for the channels of a ReLU */
    bool *maps;                  /* classes: the map gave nothing for any picture of the batch */
    ninp_resident_device device; /* where weights and pictures are; no functions: here */

    /* At a look. */
    uint64_t step; /* done */
    float lr;      /* of this step; options->lr is the largest of the schedule */
    int dead_maps;
    double loss;                     /* mean over the steps since the look before */
    double means[NINP_HEALTH_MEANS]; /* of the latest regular looks, the latest first; NaN: none */
    double gradient_norm;            /* the largest since the look before */
    double usual_norm;               /* geometric mean of the norms of earlier looks; NaN: none */
    float least, most;               /* of all values of the batch's pictures */
    bool same_pictures;              /* of the batch */

    const nin_evaluation *evaluation; /* at NINP_HEALTH_EVALUATION */
} ninp_health_view;

/* Finds the layers and makes room. The view is zero before. NIN_ERROR_MEMORY. */
nin_status ninp_health_view_open(ninp_health_view *view, nin_error *err);
void ninp_health_view_close(ninp_health_view *view);

/* Takes the values before an update; fills in what is seen of weights, activations and the batch
 * of `count` after it; images is NULL where the device has them. The units of hidden layers, which
 * cost most, are looked at in regular looks only. */
void ninp_health_view_before(ninp_health_view *view);
void ninp_health_view_after(ninp_health_view *view, const float *images, int count, bool regular);

/* All class maps are dead: then gradients are zero and the loss is ln(classes) because of it. */
static inline bool ninp_health_all_dead(const ninp_health_view *view) {
    return view->map_layer && view->dead_maps == view->classes;
}

/* ln(classes): what guessing costs. */
double ninp_health_guessing(const ninp_health_view *view);

#endif

/* Gathers what the checks look at. All of it is sampled so that a look costs little beside a step;
 * the samples are the same ones on every machine. */
#include "train/health/view.h"

#include "base/error.h"
#include "base/memory.h"
#include "net/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 4096, /* values of a tensor, evenly spread */
    PICTURES = 32   /* of the batch, for the units of hidden layers */
};

/* ---- the layers ---------------------------------------------------------------------------- */

/* Class maps: a ReLU stands behind the last layer that has weights, and pooling at most behind
 * it. The last word of the net's layers is then that of the logits. */
static const char *find_map_layer(const nin_net *net) {
    const char *weighted = NULL;
    bool relu = false;
    for (size_t i = 0; i < net->layer_count; i++) {
        const ninp_net_layer *layer = &net->layers[i];
        if (ninp_layer_is_container(layer)) {
            continue;
        }
        if (layer->tensor_count > 0) {
            weighted = layer->name;
            relu = false;
        }
        relu = relu || layer->type == &ninp_layer_relu;
    }
    return relu ? weighted : NULL;
}

/* The name of the first layer that a step of the plan computes is the start of `layers`. */
static const char *layer_name(const nin_net *net, const char *layers) {
    size_t length = strcspn(layers, " ");
    for (size_t i = 0; i < net->layer_count; i++) {
        const char *name = net->layers[i].name;
        if (strlen(name) == length && memcmp(name, layers, length) == 0) {
            return name;
        }
    }
    return "";
}

/* The last step with a ReLU is that of the class maps, where there are such. */
static int find_relus(ninp_health_view *view) {
    int widest = 0;
    size_t steps = nin_session_step_count(view->session);
    for (size_t i = 0; i < steps; i++) {
        nin_plan_step step = nin_session_step(view->session, i);
        if (strstr(step.work, "relu")) {
            view->relus[view->relu_count++] =
                (ninp_health_relu){.step = i,
                                   .layer = layer_name(view->model->net, step.layers),
                                   .units = step.output.channels};
            widest = step.output.channels > widest ? step.output.channels : widest;
        }
    }
    view->relu_count -= view->map_layer != NULL;
    return widest;
}

static void find_weights(ninp_health_view *view) {
    const float *values = nin_net_tensor(view->model->net, 0).values;
    for (size_t i = 0; i < nin_net_tensor_count(view->model->net); i++) {
        const nin_tensor tensor = nin_net_tensor(view->model->net, i);
        if (tensor.trainable && tensor.rank > 1) {
            const bool all = tensor.count <= SAMPLES;
            view->samples[view->weight_count] =
                (ninp_resident_samples){.first = (size_t)(tensor.values - values),
                                        .stride = all ? 1 : tensor.count / SAMPLES,
                                        .count = all ? tensor.count : SAMPLES};
            view->sample_count += view->samples[view->weight_count].count;
            view->weights[view->weight_count++].tensor = tensor;
        }
    }
}

nin_status ninp_health_view_open(ninp_health_view *view, nin_error *err) {
    const nin_net *net = view->model->net;
    view->classes = nin_net_output(net).channels;
    view->map_layer = find_map_layer(net);
    view->usual_norm = (double)NAN;
    for (int i = 0; i < NINP_HEALTH_MEANS; i++) {
        view->means[i] = (double)NAN;
    }
    view->relus = ninp_calloc(nin_session_step_count(view->session), sizeof *view->relus);
    view->weights = ninp_calloc(nin_net_tensor_count(net), sizeof *view->weights);
    view->samples = ninp_calloc(nin_net_tensor_count(net), sizeof *view->samples);
    view->maps = ninp_calloc((size_t)view->classes, sizeof *view->maps);
    if (view->relus && view->weights && view->samples) {
        view->active = ninp_calloc((size_t)find_relus(view), sizeof *view->active);
        find_weights(view);
        view->before = ninp_calloc(view->sample_count, sizeof *view->before);
        view->after = ninp_calloc(view->sample_count, sizeof *view->after);
    }
    return view->active && view->before && view->after && view->maps
               ? NIN_OK
               : ninp_fail_memory(err, SAMPLES * sizeof *view->before, "the health watch");
}

void ninp_health_view_close(ninp_health_view *view) {
    free(view->relus);
    free(view->weights);
    free(view->samples);
    free(view->before);
    free(view->after);
    free(view->active);
    free(view->maps);
}

/* ---- a look -------------------------------------------------------------------------------- */

/* A device that is lost fails the next step of training; what is seen until then means nothing. */
static void take_samples(const ninp_health_view *view, float *to) {
    const ninp_resident_device *device = &view->device;
    if (device->functions) {
        (void)device->functions->sample(device->state, view->samples, view->weight_count, to, NULL);
        return;
    }
    const float *values = nin_net_tensor(view->model->net, 0).values;
    for (size_t i = 0; i < view->weight_count; i++) {
        const ninp_resident_samples *samples = &view->samples[i];
        for (size_t k = 0; k < samples->count; k++) {
            *to++ = values[samples->first + k * samples->stride];
        }
    }
}

void ninp_health_view_before(ninp_health_view *view) {
    take_samples(view, view->before);
}

static void measure_update(ninp_health_weight *weight, const float *before, const float *after,
                           size_t samples) {
    double change = 0;
    double size = 0;
    for (size_t k = 0; k < samples; k++) {
        double was = (double)before[k];
        double difference = (double)after[k] - was;
        change += difference * difference;
        size += was * was;
    }
    weight->size = sqrt(size / (double)samples);
    weight->ratio = change > 0 ? sqrt(change / size) : 0;
}

static void measure_updates(ninp_health_view *view) {
    take_samples(view, view->after);
    for (size_t i = 0, first = 0; i < view->weight_count; i++) {
        const size_t count = view->samples[i].count;
        measure_update(&view->weights[i], view->before + first, view->after + first, count);
        first += count;
    }
}

static void count_dead_units(ninp_health_view *view, ninp_health_relu *relu) {
    memset(view->active, 0, (size_t)relu->units * sizeof *view->active);
    relu->dead = 0;
    if (ninp_session_mark_active(view->session, relu->step, PICTURES, view->active, NULL) !=
        NIN_OK) {
        return; /* a device that is lost fails the next step of training */
    }
    relu->dead = relu->units;
    for (int unit = 0; unit < relu->units; unit++) {
        relu->dead -= view->active[unit];
    }
}

/* A logit is a mean or a maximum of its class map, which the ReLU keeps from being negative: it is
 * zero when, and only when, the whole map is. */
static void find_dead_maps(ninp_health_view *view, int count) {
    view->dead_maps = 0;
    if (!view->map_layer) {
        return;
    }
    const size_t last = nin_session_step_count(view->session) - 1;
    memset(view->maps, 0, (size_t)view->classes * sizeof *view->maps);
    if (ninp_session_mark_active(view->session, last, count, view->maps, NULL) != NIN_OK) {
        return;
    }
    for (int c = 0; c < view->classes; c++) {
        view->maps[c] = !view->maps[c];
        view->dead_maps += view->maps[c];
    }
}

/* In lanes, which the compiler turns into vectors; NaN never compares as less or more. */
static void measure_images(ninp_health_view *view, const float *values, size_t pictures) {
    enum { LANES = 16 };
    nin_shape input = nin_net_input(view->model->net);
    const size_t picture = ninp_shape_count(input);
    const size_t count = picture * pictures;
    float least[LANES];
    float most[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        least[lane] = most[lane] = values[0];
    }
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            float value = values[i + lane];
            least[lane] = value < least[lane] ? value : least[lane];
            most[lane] = value > most[lane] ? value : most[lane];
        }
    }
    for (; i < count; i++) {
        least[0] = values[i] < least[0] ? values[i] : least[0];
        most[0] = values[i] > most[0] ? values[i] : most[0];
    }
    view->least = least[0];
    view->most = most[0];
    for (int lane = 1; lane < LANES; lane++) {
        view->least = least[lane] < view->least ? least[lane] : view->least;
        view->most = most[lane] > view->most ? most[lane] : view->most;
    }
    view->same_pictures = pictures > 1;
    for (size_t k = 1; k < pictures && view->same_pictures; k++) {
        view->same_pictures = memcmp(values + k * picture, values, picture * sizeof *values) == 0;
    }
}

static void measure_pictures(ninp_health_view *view, const float *images, int count) {
    const ninp_resident_device *device = &view->device;
    ninp_resident_range range;
    if (images) {
        measure_images(view, images, (size_t)count);
    } else if (device->functions->range(device->state, count, &range, NULL) == NIN_OK) {
        view->least = range.least;
        view->most = range.most;
        view->same_pictures = range.same;
    }
}

void ninp_health_view_after(ninp_health_view *view, const float *images, int count, bool regular) {
    measure_updates(view);
    for (size_t i = 0; regular && i < view->relu_count; i++) {
        count_dead_units(view, &view->relus[i]);
    }
    find_dead_maps(view, count);
    measure_pictures(view, images, count);
}

double ninp_health_guessing(const ninp_health_view *view) {
    return log((double)view->classes);
}

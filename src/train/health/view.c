/* Gathers what the checks look at. All of it is sampled so that a look costs little beside a step;
 * the samples are the same ones on every machine. */
#include "train/health/view.h"

#include "base/error.h"
#include "base/memory.h"
#include "engine/session.h"
#include "net/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 4096, /* values of a tensor, evenly spread */
    PICTURES = 32   /* of the batch, for the units of hidden layers */
};

static size_t stride_of(const nin_tensor *tensor) {
    return tensor->count > SAMPLES ? tensor->count / SAMPLES : 1;
}

static size_t samples_of(const nin_tensor *tensor) {
    return tensor->count > SAMPLES ? SAMPLES : tensor->count;
}

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

static size_t find_weights(ninp_health_view *view) {
    size_t samples = 0;
    for (size_t i = 0; i < nin_net_tensor_count(view->model->net); i++) {
        nin_tensor tensor = nin_net_tensor(view->model->net, i);
        if (tensor.trainable && tensor.rank > 1) {
            view->weights[view->weight_count++].tensor = tensor;
            samples += samples_of(&tensor);
        }
    }
    return samples;
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
    view->logits = ninp_calloc((size_t)view->classes, sizeof *view->logits);
    view->maps = ninp_calloc((size_t)view->classes, sizeof *view->maps);
    if (view->relus && view->weights) {
        view->active = ninp_calloc((size_t)find_relus(view), sizeof *view->active);
        view->before = ninp_calloc(find_weights(view), sizeof *view->before);
    }
    return view->active && view->before && view->logits && view->maps
               ? NIN_OK
               : ninp_fail_memory(err, SAMPLES * sizeof *view->before, "the health watch");
}

void ninp_health_view_close(ninp_health_view *view) {
    free(view->relus);
    free(view->weights);
    free(view->before);
    free(view->active);
    free(view->logits);
    free(view->maps);
}

/* ---- a look -------------------------------------------------------------------------------- */

void ninp_health_view_before(ninp_health_view *view) {
    float *to = view->before;
    for (size_t i = 0; i < view->weight_count; i++) {
        ninp_health_weight *weight = &view->weights[i];
        size_t stride = stride_of(&weight->tensor);
        size_t samples = samples_of(&weight->tensor);
        weight->before = to;
        for (size_t k = 0; k < samples; k++) {
            *to++ = weight->tensor.values[k * stride];
        }
    }
}

static void measure_update(ninp_health_weight *weight) {
    size_t stride = stride_of(&weight->tensor);
    double change = 0;
    double size = 0;
    size_t samples = samples_of(&weight->tensor);
    for (size_t k = 0; k < samples; k++) {
        double before = (double)weight->before[k];
        double difference = (double)weight->tensor.values[k * stride] - before;
        change += difference * difference;
        size += before * before;
    }
    weight->size = sqrt(size / (double)samples);
    weight->ratio = change > 0 ? sqrt(change / size) : 0;
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
    size_t last = nin_session_step_count(view->session) - 1;
    for (int c = 0; c < view->classes; c++) {
        view->maps[c] = true;
    }
    for (int picture = 0; picture < count; picture++) {
        if (nin_session_result(view->session, last, picture, view->logits, NULL) != NIN_OK) {
            return;
        }
        for (int c = 0; c < view->classes; c++) {
            view->maps[c] = view->maps[c] && view->logits[c] == 0;
        }
    }
    for (int c = 0; c < view->classes; c++) {
        view->dead_maps += view->maps[c];
    }
}

/* In lanes, which the compiler turns into vectors; NaN never compares as less or more. */
static void measure_pictures(ninp_health_view *view, const nin_batch *batch) {
    enum { LANES = 16 };
    nin_shape input = nin_net_input(view->model->net);
    const size_t picture = ninp_shape_count(input);
    const size_t count = picture * (size_t)batch->count;
    const float *values = batch->images;
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
    view->same_pictures = batch->count > 1;
    for (size_t k = 1; k < (size_t)batch->count && view->same_pictures; k++) {
        view->same_pictures = memcmp(values + k * picture, values, picture * sizeof *values) == 0;
    }
}

void ninp_health_view_after(ninp_health_view *view, const nin_batch *batch, bool regular) {
    for (size_t i = 0; i < view->weight_count; i++) {
        measure_update(&view->weights[i]);
    }
    for (size_t i = 0; regular && i < view->relu_count; i++) {
        count_dead_units(view, &view->relus[i]);
    }
    find_dead_maps(view, batch->count);
    measure_pictures(view, batch);
}

double ninp_health_guessing(const ninp_health_view *view) {
    return log((double)view->classes);
}

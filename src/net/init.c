/* How weights start. */
#include "net/net.h"

#include "base/random.h"

#include <math.h>

nin_init_options nin_init_options_defaults(void) {
    return (nin_init_options){
        .weights = NIN_INIT_XAVIER, .std = 0.05F, .last_scale = 1.0F, .last_bias = NAN};
}

/* Inputs of one output value, and outputs that one input value reaches, as PyTorch counts them:
 * torch.nn.init._calculate_fan_in_and_fan_out. */
static double fan(const ninp_tensor_spec *spec, int side) {
    double count = (double)spec->shape[side];
    for (int d = 2; d < spec->rank; d++) {
        count *= (double)spec->shape[d];
    }
    return count;
}
static double fan_in(const ninp_tensor_spec *spec) {
    return fan(spec, 1);
}
static double fan_out(const ninp_tensor_spec *spec) {
    return fan(spec, 0);
}

static void fill(float *values, size_t count, float value) {
    for (size_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

static void fill_uniform(float *values, size_t count, double bound, ninp_random *random) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(bound * (2.0 * ninp_random_double(random) - 1.0));
    }
}

static void fill_normal(float *values, size_t count, double std, ninp_random *random) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(std * ninp_random_normal(random));
    }
}

static void fill_weight(float *values, const ninp_net_tensor *tensor,
                        const nin_init_options *options, ninp_random *random) {
    double in = fan_in(&tensor->spec);
    switch (options->weights) {
    case NIN_INIT_XAVIER:
        fill_uniform(values, tensor->count, sqrt(6.0 / (in + fan_out(&tensor->spec))), random);
        break;
    case NIN_INIT_HE: fill_normal(values, tensor->count, sqrt(2.0 / in), random); break;
    case NIN_INIT_GAUSSIAN: fill_normal(values, tensor->count, (double)options->std, random); break;
    case NIN_INIT_PYTORCH: fill_uniform(values, tensor->count, 1.0 / sqrt(in), random); break;
    }
}

static bool is_weight(const ninp_net_tensor *tensor) {
    return tensor->spec.random && tensor->spec.rank >= 2;
}

/* A bias follows the weight of its layer. */
static void fill_bias(float *values, const ninp_net_tensor *tensor, const nin_init_options *options,
                      ninp_random *random) {
    if (options->zero_bias) {
        fill(values, tensor->count, 0.0F);
    } else {
        fill_uniform(values, tensor->count, 1.0 / sqrt(fan_in(&tensor[-1].spec)), random);
    }
}

static void adjust_last_layer(nin_net *net, const nin_init_options *options) {
    size_t last = net->tensor_count;
    while (last > 0 && !is_weight(&net->tensors[last - 1])) {
        last--;
    }
    if (last == 0) {
        return;
    }
    const ninp_net_tensor *weight = &net->tensors[last - 1];
    for (size_t i = 0; i < weight->count; i++) {
        net->values[weight->offset + i] *= options->last_scale;
    }
    if (last < net->tensor_count && weight[1].layer == weight->layer &&
        !isnan(options->last_bias)) {
        fill(net->values + weight[1].offset, weight[1].count, options->last_bias);
    }
}

void nin_net_initialize(nin_net *net, const nin_init_options *options) {
    for (size_t i = 0; i < net->tensor_count; i++) {
        const ninp_net_tensor *tensor = &net->tensors[i];
        float *values = net->values + tensor->offset;
        ninp_random random = ninp_random_start(options->seed, NINP_RANDOM_INIT, (uint32_t)i, 0);
        if (!tensor->spec.random) {
            fill(values, tensor->count, tensor->spec.start);
        } else if (is_weight(tensor)) {
            fill_weight(values, tensor, options, &random);
        } else {
            fill_bias(values, tensor, options, &random);
        }
    }
    adjust_last_layer(net, options);
}

#include "cpu/conv/plain.h"

#include "cpu/conv/cost.h"

enum { MOST_CHANNELS = 4 };

const char *ninp_plain_refuse(const ninp_step *step, const ninp_cpu_config *config) {
    if (step->input.channels > MOST_CHANNELS) {
        return "its input has more than 4 channels";
    }
    return config->first && !step->input_gradient ? NULL : "it is not the first layer";
}

double ninp_plain_cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    return ninp_conv_image_cost(&shape, step, config, shape.out_width);
}

ninp_filters ninp_plain_filters(const ninp_conv_shape *shape) {
    return (ninp_filters){shape->filters, shape->channels * ninp_conv_taps(shape), 1};
}

void ninp_plain_pack(const ninp_cpu_run *run, const float *weight, float *packed) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_plain_filters(&shape);
    ninp_conv_pack(run, &filters, false, weight, packed);
}

void ninp_plain_unpack(const ninp_cpu_run *run, const float *packed, float *gradient) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_plain_filters(&shape);
    ninp_conv_unpack(run, &filters, packed, gradient);
}

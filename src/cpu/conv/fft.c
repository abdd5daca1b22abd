/* Convolution by Fourier transforms of whole pictures: stride 1, odd kernels.
 *
 * Errors in relation to the results, by root mean squares, are 3e-7 in all passes (64 channels of
 * 26 x 26). But the largest values of a picture make them, everywhere: with a corner a thousand
 * times as bright as the rest they are 2e-5 far from it. So a NaN or an infinity spoils all results
 * of its picture, of all outputs, and all taps of its channel or output in the weight gradient. It
 * never reaches another picture's results. */
#include "cpu/conv/fft.h"
#include "cpu/conv/pooled.h"

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    if (step->conv.stride != 1) {
        return "its stride is not 1";
    }
    if (step->conv.kernel % 2 == 0 || step->conv.kernel == 1 ||
        step->conv.kernel > NINP_FFT_KERNEL) {
        return "its kernel is not odd and 3 to 11";
    }
    if (step->conv.padding >= step->conv.kernel) {
        return "its padding is not smaller than its kernel";
    }
    if (!ninp_fft_plan_of(step, config->kernels, 1, false).frame.vertical) {
        return "its pictures are too large for a transform at once";
    }
    return NULL;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    const ninp_fft_plan plan =
        ninp_fft_plan_of(step, config->kernels, config->batch, config->training);
    const ninp_filters filters = ninp_conv_filters(&plan.shape);
    const ninp_filters turned = ninp_conv_turned_filters(&plan.shape);
    needs->weight_floats = ninp_filter_floats(&filters);
    needs->gradient_floats = config->training ? needs->weight_floats : 0;
    if (ninp_conv_turns(step, config->training)) {
        needs->weight_floats += ninp_filter_floats(&turned);
    }
    needs->common_bytes = plan.common_floats * sizeof(float);
    needs->thread_bytes = plan.own_floats * sizeof(float);
    ninp_pooled_prepare(step, config, needs);
}

static void pack(const ninp_cpu_run *run, const float *weight, float *packed) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    ninp_conv_pack(run, &filters, ninp_conv_turns(run->step, run->training), weight, packed);
}

static void unpack(const ninp_cpu_run *run, const float *packed, float *gradient) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    ninp_conv_unpack(run, &filters, packed, gradient);
}

/* In multiply-accumulates at full speed, measured: what a float of a bin costs in the transform of
 * a picture, with the way of its pixels from or to memory; what one costs in that of a filter, with
 * loads and stores of its product; and what packing and unpacking cost for a weight. */
#define PICTURE 30.0
#define FILTER 9.0
#define PACK 110.0

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_fft_plan plan =
        ninp_fft_plan_of(step, config->kernels, config->batch, config->training);
    const bool turned = ninp_conv_turns(step, config->training);
    const double floats = (double)plan.bins * NINP_FFT_PAIR;
    const double filters = (double)plan.shape.channels * plan.blocks_out;
    const double weights = filters * NINP_BLOCK * ninp_conv_taps(&plan.shape);
    const int groups = (config->batch + plan.group - 1) / plan.group;
    const int passes = 1 + config->training + turned;
    const int pictures =
        (1 + config->training) * (plan.blocks_in + plan.blocks_out) + turned * plan.blocks_in;
    const double products =
        config->kernels->fft->products * plan.bins * filters * NINP_BLOCK * passes;
    const double once =
        FILTER * floats * filters * passes * groups + (config->training ? PACK * weights : 0.0);
    return products + PICTURE * floats * pictures + once / config->batch;
}

const ninp_cpu_algorithm ninp_conv_fft = {.name = "fft",
                                          .work = NINP_WORK_CONV,
                                          .scope = NINP_SCOPE_BATCH,
                                          .refuse = refuse,
                                          .cost = cost,
                                          .prepare = prepare,
                                          .pack = pack,
                                          .unpack = unpack,
                                          .forward = ninp_fft_forward,
                                          .backward = ninp_fft_backward};

/* Convolution by Fourier transforms of whole pictures: stride 1, odd kernels. */
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

/* As Winograd's: multiply-accumulates, and what a float costs that moves between the second or
 * third cache and the first. Measured on 5 x 5 filters, 96 to 256 channels of 26 x 26: quicker than
 * Winograd's F(4, 5) from batches of about 4 on. */
#define MOVE 8.0
enum { COMPLEX_PRODUCT = 4 };

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_fft_plan plan =
        ninp_fft_plan_of(step, config->kernels, config->batch, config->training);
    const bool turned = ninp_conv_turns(step, config->training);
    const double bins = plan.bins;
    const double in = plan.blocks_in * NINP_BLOCK;
    const double out = plan.blocks_out * NINP_BLOCK;
    const double weights = 2.0 * bins * step->input.channels * out;
    /* How often an example has all weights transformed. */
    const int groups = (config->batch + plan.group - 1) / plan.group;
    const double rounds = (double)groups / config->batch;
    double products = step->input.channels * out;
    double values = in + out;
    double passes = 1.0;
    if (config->training) {
        products *= 2.0;
        values *= 2.0;
        passes += 2.0;
    }
    if (turned) {
        products += step->unpooled.channels * in;
        values += in;
        passes += 1.0;
    }
    return COMPLEX_PRODUCT * bins * products +
           MOVE * (2.0 * 2.0 * bins * values + rounds * passes * weights);
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

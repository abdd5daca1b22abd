/* 1 x 1 filters: every pass is one matrix product over the pixels of a picture. */
#include "cpu/conv/cost.h"
#include "cpu/conv/pooled.h"
#include "cpu/conv/shape.h"
#include "cpu/conv/share.h"

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    (void)config;
    if (step->conv.kernel != 1) {
        return "its kernel is not 1 x 1";
    }
    if (step->conv.stride != 1) {
        return "its stride is not 1";
    }
    return step->conv.padding == 0 ? NULL : "its padding is not 0";
}

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    return ninp_conv_image_cost(&shape, step, config, ninp_conv_pixels(&shape));
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    const ninp_filters turned = ninp_conv_turned_filters(&shape);
    needs->weight_floats = ninp_filter_floats(&filters);
    if (ninp_conv_turns(step, config->training)) {
        needs->weight_floats += ninp_filter_floats(&turned);
    }
    needs->gradient_floats = config->training ? ninp_filter_floats(&filters) : 0;
    needs->thread_bytes = ninp_unpooled_bytes(step);
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

static void forward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const int pixels = ninp_conv_pixels(&shape);
    const ninp_gemm_product product = {.a = ninp_gemm_picture(run->x, pixels, shape.channels),
                                       .b = run->weights,
                                       .b_block_stride = (ptrdiff_t)shape.channels * 16,
                                       .blocks = ninp_blocks(shape.filters),
                                       .c = ninp_conv_result(run),
                                       .c_layout = ninp_gemm_picture_layout(pixels),
                                       .start = run->bias ? NINP_GEMM_BIAS : NINP_GEMM_ZERO,
                                       .finish = NINP_GEMM_ACTIVATE,
                                       .activation = run->step->activation,
                                       .bias = run->bias};
    ninp_share_multiply(run, &product);
    ninp_conv_finish(run);
}

static void input_gradient(const ninp_cpu_run *run, const ninp_conv_shape *shape, const float *dy) {
    const ninp_filters filters = ninp_conv_filters(shape);
    const int pixels = ninp_conv_pixels(shape);
    const ninp_gemm_product product = {.a = ninp_gemm_picture(dy, pixels, shape->filters),
                                       .b = run->weights + ninp_filter_floats(&filters),
                                       .b_block_stride = (ptrdiff_t)shape->filters * 16,
                                       .blocks = ninp_blocks(shape->channels),
                                       .c = run->dx,
                                       .c_layout = ninp_gemm_picture_layout(pixels),
                                       .start = NINP_GEMM_ZERO,
                                       .finish = NINP_GEMM_DERIVE,
                                       .activation = run->step->input_activation,
                                       .mask = run->x};
    ninp_share_multiply(run, &product);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const int pixels = ninp_conv_pixels(&shape);
    const float *dy = ninp_conv_result_gradient(run);
    const ninp_gemm_gradient gradient = {.a = ninp_gemm_picture(run->x, pixels, shape.channels),
                                         .c = dy,
                                         .c_layout = ninp_gemm_picture_layout(pixels),
                                         .blocks = ninp_blocks(shape.filters),
                                         .b = run->gradient,
                                         .b_block_stride = (ptrdiff_t)shape.channels * 16,
                                         .add = true,
                                         .sums = run->bias_gradient};
    ninp_share_gradient(run, &gradient);
    if (run->dx) {
        input_gradient(run, &shape, dy);
    }
}

const ninp_cpu_algorithm ninp_conv_pointwise = {.name = "pointwise",
                                                .work = NINP_WORK_CONV,
                                                .scope = NINP_SCOPE_IMAGE,
                                                .refuse = refuse,
                                                .cost = cost,
                                                .prepare = prepare,
                                                .pack = pack,
                                                .unpack = unpack,
                                                .forward = forward,
                                                .backward = backward};

/* The first layer of a net: it reads pictures of 1 to 4 channels as they come, N x C x H x W. A row
 * of a filter lies over neighbouring floats of the picture, so k runs along it, then over the rows,
 * then over the channels, which is the order of the filters in the net. */
#include "cpu/conv/frame.h"
#include "cpu/conv/plain.h"
#include "cpu/conv/pooled.h"
#include "cpu/conv/share.h"

static ninp_frame frame_of(const ninp_conv_shape *shape) {
    return (ninp_frame){.planes = shape->channels,
                        .height = shape->height,
                        .width = shape->width,
                        .lanes = 1,
                        .top = shape->padding,
                        .left = shape->padding,
                        .framed_height = shape->height + 2 * shape->padding,
                        .framed_width = shape->width + 2 * shape->padding};
}

static size_t places_bytes(const ninp_conv_shape *shape) {
    return ((size_t)shape->kernel * sizeof(ptrdiff_t) + 63) / 64 * 64;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    const ninp_filters filters = ninp_plain_filters(&shape);
    const ninp_frame frame = frame_of(&shape);
    needs->weight_floats = ninp_filter_floats(&filters);
    needs->gradient_floats = config->training ? needs->weight_floats : 0;
    needs->thread_bytes =
        ninp_unpooled_bytes(step) + places_bytes(&shape) + ninp_frame_bytes(&frame);
    ninp_pooled_prepare(step, config, needs);
}

/* The picture as a matrix: row = output pixel, chunk = row of a filter. */
static ninp_gemm_left picture_matrix(const ninp_cpu_run *run, const ninp_conv_shape *shape) {
    const ninp_frame frame = frame_of(shape);
    unsigned char *space = run->thread_space + ninp_unpooled_bytes(run->step);
    ptrdiff_t *places = (ptrdiff_t *)(void *)space;
    for (int r = 0; r < shape->kernel; r++) {
        places[r] = (ptrdiff_t)r * frame.framed_width;
    }
    space += places_bytes(shape);
    return (ninp_gemm_left){.values = ninp_frame_fill(&frame, run->x, (float *)(void *)space),
                            .lines = shape->out_height,
                            .length = shape->out_width,
                            .line_stride = (ptrdiff_t)shape->stride * frame.framed_width,
                            .row_stride = shape->stride,
                            .depth = shape->channels * ninp_conv_taps(shape),
                            .width = shape->kernel,
                            .chunk_stride = (ptrdiff_t)frame.framed_height * frame.framed_width,
                            .places = places,
                            .place_count = shape->kernel};
}

static ninp_gemm_layout output_layout(const ninp_conv_shape *shape) {
    return (ninp_gemm_layout){.line_stride = (ptrdiff_t)shape->out_width * 16,
                              .row_stride = 16,
                              .block_stride = (ptrdiff_t)ninp_conv_out_pixels(shape) * 16};
}

static void forward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_gemm_left a = picture_matrix(run, &shape);
    const ninp_gemm_product product = {.a = a,
                                       .b = run->weights,
                                       .b_block_stride = (ptrdiff_t)a.depth * 16,
                                       .blocks = ninp_blocks(shape.filters),
                                       .c = ninp_conv_result(run),
                                       .c_layout = output_layout(&shape),
                                       .start = run->bias ? NINP_GEMM_BIAS : NINP_GEMM_ZERO,
                                       .finish = NINP_GEMM_ACTIVATE,
                                       .activation = run->step->activation,
                                       .bias = run->bias};
    ninp_share_multiply(run, &product);
    ninp_conv_finish(run);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const float *dy = ninp_conv_result_gradient(run);
    const ninp_gemm_left a = picture_matrix(run, &shape);
    const ninp_gemm_gradient gradient = {.a = a,
                                         .c = dy,
                                         .c_layout = output_layout(&shape),
                                         .blocks = ninp_blocks(shape.filters),
                                         .b = run->gradient,
                                         .b_block_stride = (ptrdiff_t)a.depth * 16,
                                         .add = true,
                                         .sums = run->bias_gradient};
    ninp_share_gradient(run, &gradient);
}

const ninp_cpu_algorithm ninp_conv_few_channels = {.name = "few_channels",
                                                   .work = NINP_WORK_CONV,
                                                   .scope = NINP_SCOPE_IMAGE,
                                                   .reads_plain = true,
                                                   .refuse = ninp_plain_refuse,
                                                   .cost = ninp_plain_cost,
                                                   .prepare = prepare,
                                                   .pack = ninp_plain_pack,
                                                   .unpack = ninp_plain_unpack,
                                                   .forward = forward,
                                                   .backward = backward};

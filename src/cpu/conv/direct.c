/* Direct convolution of any shape, a picture at a time: implicit matrix products over a copy of the
 * picture with zeros round it. */
#include "cpu/conv/cost.h"
#include "cpu/conv/frame.h"
#include "cpu/conv/pooled.h"
#include "cpu/conv/taps.h"

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The input with its padding. */
static ninp_frame input_frame(const ninp_conv_shape *shape) {
    return (ninp_frame){.planes = ninp_blocks(shape->channels),
                        .height = shape->height,
                        .width = shape->width,
                        .lanes = NINP_BLOCK,
                        .top = shape->padding,
                        .left = shape->padding,
                        .framed_height = shape->height + 2 * shape->padding,
                        .framed_width = shape->width + 2 * shape->padding};
}

/* Input y takes part in outputs p = (y + padding - r) / stride, where that is whole: from
 * -(outputs_before) on for the last tap of input 0, up to this for tap 0 of the last input. */
static int outputs_before(const ninp_conv_shape *shape) {
    const int reach = shape->kernel - 1 - shape->padding;
    return reach > 0 ? reach / shape->stride : 0;
}
static int framed_outputs(const ninp_conv_shape *shape, int size, int out_size) {
    const int end = (size - 1 + shape->padding) / shape->stride + 1;
    return outputs_before(shape) + (end > out_size ? end : out_size);
}

/* The output's gradient with as many zeros round it as the input gradient reads. */
static ninp_frame output_frame(const ninp_conv_shape *shape) {
    return (ninp_frame){.planes = ninp_blocks(shape->filters),
                        .height = shape->out_height,
                        .width = shape->out_width,
                        .lanes = NINP_BLOCK,
                        .top = outputs_before(shape),
                        .left = outputs_before(shape),
                        .framed_height = framed_outputs(shape, shape->height, shape->out_height),
                        .framed_width = framed_outputs(shape, shape->width, shape->out_width)};
}

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    return ninp_conv_image_cost(&shape, step, config, shape.out_width);
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    const ninp_filters turned = ninp_conv_turned_filters(&shape);
    const ninp_frame input = input_frame(&shape);
    const ninp_frame output = output_frame(&shape);
    size_t frame_bytes = ninp_frame_bytes(&input);
    needs->weight_floats = ninp_filter_floats(&filters);
    if (ninp_conv_turns(step, config->training)) {
        needs->weight_floats += ninp_filter_floats(&turned);
        frame_bytes = larger(frame_bytes, ninp_frame_bytes(&output));
    }
    needs->gradient_floats = config->training ? ninp_filter_floats(&filters) : 0;
    needs->thread_bytes = ninp_unpooled_bytes(step) + ninp_taps_bytes(filters.taps) + frame_bytes;
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

/* Workspace behind the unpooled picture: the list of taps, then the framed picture. */
static ninp_taps start_taps(const ninp_cpu_run *run, const ninp_conv_shape *shape) {
    return ninp_taps_start(ninp_conv_taps(shape),
                           run->thread_space + ninp_unpooled_bytes(run->step));
}
static const float *fill_frame(const ninp_cpu_run *run, const ninp_frame *frame,
                               const ninp_conv_shape *shape, const float *x) {
    unsigned char *space =
        run->thread_space + ninp_unpooled_bytes(run->step) + ninp_taps_bytes(ninp_conv_taps(shape));
    return ninp_frame_fill(frame, x, (float *)(void *)space);
}

/* The framed input as a matrix, row = output pixel, and the taps that are its columns. */
static ninp_gemm_left input_matrix(const ninp_cpu_run *run, const ninp_conv_shape *shape,
                                   ninp_taps *taps) {
    const ninp_frame frame = input_frame(shape);
    const ptrdiff_t row = (ptrdiff_t)frame.framed_width * 16;
    *taps = start_taps(run, shape);
    for (int tap = 0; tap < ninp_conv_taps(shape); tap++) {
        const int r = tap / shape->kernel;
        const int s = tap % shape->kernel;
        if (ninp_conv_live_outputs(shape, shape->height, shape->out_height, r).count > 0 &&
            ninp_conv_live_outputs(shape, shape->width, shape->out_width, s).count > 0) {
            ninp_taps_add(taps, tap, r * row + s * 16);
        }
    }
    return (ninp_gemm_left){.values = fill_frame(run, &frame, shape, run->x),
                            .lines = shape->out_height,
                            .length = shape->out_width,
                            .line_stride = shape->stride * row,
                            .row_stride = (ptrdiff_t)shape->stride * 16,
                            .chunk_stride = frame.framed_height * row};
}

static ninp_gemm_layout output_layout(const ninp_conv_shape *shape) {
    return (ninp_gemm_layout){.line_stride = (ptrdiff_t)shape->out_width * 16,
                              .row_stride = 16,
                              .block_stride = (ptrdiff_t)ninp_conv_out_pixels(shape) * 16};
}

static void forward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    ninp_taps taps;
    const ninp_gemm_product product = {.a = input_matrix(run, &shape, &taps),
                                       .b = run->weights,
                                       .blocks = ninp_blocks(shape.filters),
                                       .c = ninp_conv_result(run),
                                       .c_layout = output_layout(&shape),
                                       .start = run->bias ? NINP_GEMM_BIAS : NINP_GEMM_ZERO,
                                       .finish = NINP_GEMM_ACTIVATE,
                                       .activation = run->step->activation,
                                       .bias = run->bias};
    ninp_taps_multiply(run->kernels->gemm, &filters, &taps, product);
    ninp_conv_finish(run);
}

/* Inputs of the same remainder by the stride, along one side. Tap r reads outputs first_output ..
 * from them, one after another; false: no whole number of strides, or none inside the picture. */
typedef struct input_phase {
    int first, count;
} input_phase;

static input_phase phase_of(const ninp_conv_shape *shape, int size, int remainder) {
    return (input_phase){remainder,
                         size > remainder ? (size - 1 - remainder) / shape->stride + 1 : 0};
}
static bool phase_reads(const ninp_conv_shape *shape, input_phase phase, int out_size, int tap,
                        int *first_output) {
    const int distance = phase.first + shape->padding - tap;
    *first_output = distance / shape->stride;
    return distance % shape->stride == 0 &&
           *first_output<out_size && * first_output + phase.count> 0;
}

/* The input gradient is a convolution of the output's gradient with stride 1, with other taps for
 * every remainder of y and x by the stride. */
static void phase_gradient(const ninp_cpu_run *run, const ninp_conv_shape *shape,
                           const float *framed_dy, input_phase rows, input_phase columns) {
    const ninp_filters filters = ninp_conv_filters(shape);
    const ninp_filters turned = ninp_conv_turned_filters(shape);
    const ninp_frame frame = output_frame(shape);
    const ptrdiff_t row = (ptrdiff_t)frame.framed_width * 16;
    const ptrdiff_t first = ((ptrdiff_t)rows.first * shape->width + columns.first) * 16;
    ninp_taps taps = start_taps(run, shape);
    for (int tap = 0; tap < ninp_conv_taps(shape); tap++) {
        int p;
        int q;
        if (phase_reads(shape, rows, shape->out_height, tap / shape->kernel, &p) &&
            phase_reads(shape, columns, shape->out_width, tap % shape->kernel, &q)) {
            ninp_taps_add(&taps, tap, (p + frame.top) * row + (q + frame.left) * 16);
        }
    }
    const ninp_gemm_product product = {
        .a = {.values = framed_dy,
              .lines = rows.count,
              .length = columns.count,
              .line_stride = row,
              .row_stride = 16,
              .chunk_stride = frame.framed_height * row},
        .b = run->weights + ninp_filter_floats(&filters),
        .blocks = ninp_blocks(shape->channels),
        .c = run->dx + first,
        .c_layout = {.line_stride = (ptrdiff_t)shape->stride * shape->width * 16,
                     .row_stride = (ptrdiff_t)shape->stride * 16,
                     .block_stride = (ptrdiff_t)ninp_conv_pixels(shape) * 16},
        .start = NINP_GEMM_ZERO,
        .finish = NINP_GEMM_DERIVE,
        .activation = run->step->input_activation,
        .mask = run->x + first};
    ninp_taps_multiply(run->kernels->gemm, &turned, &taps, product);
}

static void input_gradient(const ninp_cpu_run *run, const ninp_conv_shape *shape, const float *dy) {
    const ninp_frame frame = output_frame(shape);
    const float *framed = fill_frame(run, &frame, shape, dy);
    for (int i = 0; i < shape->stride * shape->stride; i++) {
        const input_phase rows = phase_of(shape, shape->height, i / shape->stride);
        const input_phase columns = phase_of(shape, shape->width, i % shape->stride);
        if (rows.count > 0 && columns.count > 0) {
            phase_gradient(run, shape, framed, rows, columns);
        }
    }
}

static void backward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    const float *dy = ninp_conv_result_gradient(run);
    ninp_taps taps;
    const ninp_gemm_gradient gradient = {.a = input_matrix(run, &shape, &taps),
                                         .c = dy,
                                         .c_layout = output_layout(&shape),
                                         .blocks = ninp_blocks(shape.filters),
                                         .b = run->gradient,
                                         .add = true,
                                         .sums = run->bias_gradient};
    ninp_taps_gradient(run->kernels->gemm, &filters, &taps, gradient);
    if (run->dx) {
        input_gradient(run, &shape, dy);
    }
}

const ninp_cpu_algorithm ninp_conv_direct = {.name = "direct",
                                             .work = NINP_WORK_CONV,
                                             .scope = NINP_SCOPE_IMAGE,
                                             .cost = cost,
                                             .prepare = prepare,
                                             .pack = pack,
                                             .unpack = unpack,
                                             .forward = forward,
                                             .backward = backward};

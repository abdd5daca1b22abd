/* The first layer of a net where it has few filters, as LeNet's: it reads pictures as they come,
 * like few_channels, and computes plane by plane (kernel/planes.h). */
#include "cpu/conv/frame.h"
#include "cpu/conv/plain.h"
#include "cpu/conv/pooled.h"

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    if (step->conv.stride != 1) {
        return "its stride is not 1";
    }
    if (step->unpooled.channels > NINP_PLANES_FILTERS) {
        return "it has more than 8 filters";
    }
    return ninp_plain_refuse(step, config);
}

/* Beside few_channels, which computes 16 filters whatever there are: measured on LeNet's 6. */
#define SHARE 0.6

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    return SHARE * ninp_plain_cost(step, config);
}

/* A row has room for the vectors that start at its last results. */
static ninp_frame frame_of(const ninp_conv_shape *shape) {
    return (ninp_frame){.planes = shape->channels,
                        .height = shape->height,
                        .width = shape->width,
                        .lanes = 1,
                        .top = shape->padding,
                        .left = shape->padding,
                        .framed_height = shape->height + 2 * shape->padding,
                        .framed_width = (shape->out_width + 15) / 16 * 16 + shape->kernel};
}

static ninp_planes planes_of(const ninp_conv_shape *shape) {
    const ninp_frame frame = frame_of(shape);
    return (ninp_planes){.channels = shape->channels,
                         .kernel = shape->kernel,
                         .filters = shape->filters,
                         .height = shape->out_height,
                         .width = shape->out_width,
                         .plane = (ptrdiff_t)frame.framed_height * frame.framed_width,
                         .pitch = frame.framed_width};
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    const ninp_filters filters = ninp_plain_filters(&shape);
    const ninp_frame frame = frame_of(&shape);
    const ninp_planes planes = planes_of(&shape);
    needs->weight_floats = ninp_filter_floats(&filters);
    needs->gradient_floats = config->training ? needs->weight_floats : 0;
    needs->thread_bytes = ninp_unpooled_bytes(step) + ninp_frame_bytes(&frame) +
                          (config->training ? ninp_planes_floats(&planes) * sizeof(float) : 0);
    ninp_pooled_prepare(step, config, needs);
}

/* Workspace: the unpooled picture, the framed picture, the turned gradients. */
static ninp_planes fill_planes(const ninp_cpu_run *run, const ninp_conv_shape *shape) {
    const ninp_frame frame = frame_of(shape);
    ninp_planes planes = planes_of(shape);
    unsigned char *space = run->thread_space + ninp_unpooled_bytes(run->step);
    planes.x = ninp_frame_fill(&frame, run->x, (float *)(void *)space);
    return planes;
}

static void forward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_planes planes = fill_planes(run, &shape);
    run->kernels->planes->forward(&planes, run->step->activation, run->weights, run->bias,
                                  ninp_conv_result(run));
    ninp_conv_finish(run);
}

static void backward(const ninp_cpu_run *run) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_frame frame = frame_of(&shape);
    const float *dy = ninp_conv_result_gradient(run);
    const ninp_planes planes = fill_planes(run, &shape);
    unsigned char *turned =
        run->thread_space + ninp_unpooled_bytes(run->step) + ninp_frame_bytes(&frame);
    run->kernels->planes->gradient(&planes, dy, (float *)(void *)turned, run->gradient);
    if (run->bias_gradient) {
        run->kernels->map->bias_sums((size_t)ninp_conv_out_pixels(&shape), dy, run->bias_gradient);
    }
}

const ninp_cpu_algorithm ninp_conv_few_filters = {.name = "few_filters",
                                                  .work = NINP_WORK_CONV,
                                                  .scope = NINP_SCOPE_IMAGE,
                                                  .reads_plain = true,
                                                  .refuse = refuse,
                                                  .cost = cost,
                                                  .prepare = prepare,
                                                  .pack = ninp_plain_pack,
                                                  .unpack = ninp_plain_unpack,
                                                  .forward = forward,
                                                  .backward = backward};

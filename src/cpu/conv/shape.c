#include "cpu/conv/shape.h"

#include "cpu/parallel.h"

ninp_conv_shape ninp_conv_shape_of(const ninp_step *step) {
    if (step->work == NINP_WORK_LINEAR) {
        return (ninp_conv_shape){step->input.channels, 1, 1, step->output.channels, 1, 1, 1, 1, 0};
    }
    return (ninp_conv_shape){.channels = step->input.channels,
                             .height = step->input.height,
                             .width = step->input.width,
                             .filters = step->unpooled.channels,
                             .out_height = step->unpooled.height,
                             .out_width = step->unpooled.width,
                             .kernel = step->conv.kernel,
                             .stride = step->conv.stride,
                             .padding = step->conv.padding};
}

/* Output p reads input p * stride + tap - padding. */
ninp_range ninp_conv_live_outputs(const ninp_conv_shape *shape, int size, int out_size, int tap) {
    const int before = shape->padding - tap; /* of input 0, in inputs */
    const int first = before > 0 ? (before + shape->stride - 1) / shape->stride : 0;
    const int behind = size + before > 0 ? (size + before - 1) / shape->stride + 1 : 0;
    const int end = behind < out_size ? behind : out_size;
    return (ninp_range){first, end > first ? end - first : 0};
}

void ninp_conv_turn(const ninp_gemm_kernels *gemm, const ninp_filters *filters, int block,
                    const float *packed, float *turned) {
    const ninp_filters back = {filters->channels, filters->filters, filters->taps};
    for (int other = 0; other < ninp_blocks(filters->filters); other++) {
        const float *from = packed + (size_t)other * ninp_filter_block(filters);
        for (int tap = 0; tap < filters->taps; tap++) {
            gemm->transpose(ninp_filter_width(&back, other), ninp_filter_width(filters, block),
                            from + ninp_filter_place(filters, block, tap), 0,
                            turned + ninp_filter_place(&back, other, tap), 0);
        }
    }
}

/* Filters in the net's layout and packed. */
typedef struct filter_pass {
    const ninp_cpu_run *run;
    const ninp_filters *filters;
    const float *from;
    float *to;
} filter_pass;

static void pack_task(const void *context, int block, int thread) {
    (void)thread;
    const filter_pass *pass = context;
    pass->run->kernels->conv->pack(pass->filters, block, pass->from, pass->to);
}

static void turn_task(const void *context, int block, int thread) {
    (void)thread;
    const filter_pass *pass = context;
    const ninp_filters *filters = pass->filters;
    const ninp_filters back = {filters->channels, filters->filters, filters->taps};
    ninp_conv_turn(pass->run->kernels->gemm, filters, block, pass->from,
                   pass->to + (size_t)block * ninp_filter_block(&back));
}

static void unpack_task(const void *context, int block, int thread) {
    (void)thread;
    const filter_pass *pass = context;
    pass->run->kernels->conv->unpack(pass->filters, block, pass->from, pass->to);
}

void ninp_conv_pack(const ninp_cpu_run *run, const ninp_filters *filters, bool turned,
                    const float *weight, float *packed) {
    const filter_pass pass = {run, filters, weight, packed};
    ninp_parallel_for(run->threads, ninp_blocks(filters->filters), pack_task, &pass);
    if (turned) {
        const filter_pass turn = {run, filters, packed, packed + ninp_filter_floats(filters)};
        ninp_parallel_for(run->threads, ninp_blocks(filters->channels), turn_task, &turn);
    }
}

void ninp_conv_unpack(const ninp_cpu_run *run, const ninp_filters *filters, const float *packed,
                      float *weight) {
    const filter_pass pass = {run, filters, packed, weight};
    ninp_parallel_for(run->threads, ninp_blocks(filters->filters), unpack_task, &pass);
}

/* The gradient of the results, all blocks of `pixels` pixels. */
typedef struct bias_pass {
    const ninp_cpu_run *run;
    size_t pixels;
    const float *dy;
} bias_pass;

static void bias_task(const void *context, int block, int thread) {
    (void)thread;
    const bias_pass *pass = context;
    pass->run->kernels->map->bias_sums(pass->pixels,
                                       pass->dy + (size_t)block * pass->pixels * NINP_BLOCK,
                                       pass->run->bias_gradient + block * NINP_BLOCK);
}

void ninp_conv_bias_gradient(const ninp_cpu_run *run, size_t pixels, const float *dy) {
    if (run->step->bias >= 0) {
        const bias_pass pass = {run, pixels, dy};
        ninp_parallel_for(run->threads, ninp_blocks(run->step->output.channels), bias_task, &pass);
    }
}

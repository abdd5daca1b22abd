#include "cpu/conv/shape.h"

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

void ninp_conv_pack(const ninp_cpu_run *run, const ninp_filters *filters, bool turned,
                    const float *weight, float *packed) {
#pragma omp parallel num_threads(run->threads)
    {
#pragma omp for schedule(static)
        for (int block = 0; block < ninp_blocks(filters->filters); block++) {
            run->kernels->conv->pack(filters, block, weight, packed);
        }
        if (turned) {
            const ninp_filters back = {filters->channels, filters->filters, filters->taps};
            float *behind = packed + ninp_filter_floats(filters);
#pragma omp for schedule(static)
            for (int block = 0; block < ninp_blocks(filters->channels); block++) {
                ninp_conv_turn(run->kernels->gemm, filters, block, packed,
                               behind + (size_t)block * ninp_filter_block(&back));
            }
        }
    }
}

void ninp_conv_unpack(const ninp_cpu_run *run, const ninp_filters *filters, const float *packed,
                      float *weight) {
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int block = 0; block < ninp_blocks(filters->filters); block++) {
        run->kernels->conv->unpack(filters, block, packed, weight);
    }
}

void ninp_conv_bias_gradient(const ninp_cpu_run *run, size_t pixels, const float *dy) {
    if (run->step->bias < 0) {
        return;
    }
    const int blocks = ninp_blocks(run->step->output.channels);
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int block = 0; block < blocks; block++) {
        run->kernels->map->bias_sums(pixels, dy + (size_t)block * pixels * NINP_BLOCK,
                                     run->bias_gradient + block * NINP_BLOCK);
    }
}

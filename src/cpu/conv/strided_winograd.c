/* Winograd's convolution for a first layer with a stride, such as 11 x 11 filters 4 pixels apart.
 *
 * A picture is taken apart into its phases: pixel (Y, X) of phase (i, j) is pixel (Y S + i, X S +
 * j) of the picture with its padding, S the stride. Filters are taken apart likewise, the last
 * phases of one filled up with zeros. Then the layer is a convolution of S S as many channels with
 * filters of K / S (rounded up) taps a side and stride 1, and F(M, 3) computes it: for 11 x 11 / 4
 * with 28 (M = 6) or 36 (M = 4) products an output in place of 121.
 *
 * That is picture by picture, in strips of rows of tiles whose bins stay in the second cache.
 * Errors are those of winograd.c. */
#include "cpu/conv/cost.h"
#include "cpu/conv/pooled.h"
#include "cpu/conv/winograd.h"
#include "cpu/parallel.h"

#include <string.h>

enum {
    MOST_CHANNELS = 4,
    STRIP_TILES = 28, /* about: they are the rows of the matrix products */
    OUTPUT_BLOCKS = 3 /* transformed at a time: their bins stay in the second cache */
};

typedef struct strip_plan {
    const ninp_winograd_form *form;
    int stride, padding;
    int phases;        /* of the picture: the channels of the convolution */
    int height, width; /* of a phase */
    int blocks_in, blocks_out;
    int rows, columns; /* of tiles */
    int strips;
    /* Bins are [bin][block][tile][16], those of filters [bin][block of outputs][phase][16]. Floats
     * between blocks, and between bins of inputs, outputs and filters: */
    size_t block_stride;
    size_t x_stride, y_stride, w_stride;
    /* Workspace of a thread: floats from its start. */
    size_t own_phases; /* of the first thread only: it is all threads' */
    size_t own_x, own_y, own_scratch, own_floats;
} strip_plan;

static int smaller(int a, int b) {
    return a < b ? a : b;
}
static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}
static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}
static const ninp_winograd_form *form_for(const ninp_step *step, const ninp_kernels *kernels,
                                          int outputs) {
    return ninp_winograd_form_of(kernels, outputs, parts_of(step->conv.kernel, step->conv.stride));
}

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config, int outputs) {
    if (step->input.channels > MOST_CHANNELS) {
        return "its input has more than 4 channels";
    }
    if (!config->first || step->input_gradient) {
        return "it is not the first layer";
    }
    if (step->conv.stride != 2 && step->conv.stride != 4) {
        return "its stride is not 2 or 4";
    }
    return form_for(step, config->kernels, outputs)
               ? NULL
               : "there is no Winograd form for its kernel divided by its stride";
}

/* Filters in the net's order of values and by phases, [phase][taps][taps][16], of one block. */
static size_t plain_floats(const ninp_step *step) {
    return (size_t)(step->input.channels * step->conv.kernel * step->conv.kernel) * NINP_BLOCK;
}
static size_t phased_floats(const strip_plan *plan) {
    return (size_t)(plan->phases * plan->form->weights * plan->form->weights) * NINP_BLOCK;
}

static strip_plan plan_of(const ninp_step *step, const ninp_winograd_form *form) {
    const nin_shape out = step->unpooled;
    const int stride = step->conv.stride;
    strip_plan plan = {.form = form,
                       .stride = stride,
                       .padding = step->conv.padding,
                       .phases = step->input.channels * stride * stride,
                       .height = out.height - 1 + form->weights,
                       .width = out.width - 1 + form->weights,
                       .blocks_out = ninp_blocks(out.channels),
                       .rows = parts_of(out.height, form->outputs),
                       .columns = parts_of(out.width, form->outputs)};
    plan.blocks_in = ninp_blocks(plan.phases);
    const int strip_rows = plan.columns < STRIP_TILES ? STRIP_TILES / plan.columns : 1;
    plan.strips = parts_of(plan.rows, strip_rows);
    const size_t bins = (size_t)(form->size * form->size);
    const size_t group = (size_t)smaller(plan.blocks_out, OUTPUT_BLOCKS);
    plan.block_stride = ninp_winograd_stride((size_t)(strip_rows * plan.columns));
    plan.x_stride = ninp_winograd_stride((size_t)plan.blocks_in * plan.block_stride / NINP_BLOCK);
    plan.y_stride = ninp_winograd_stride(group * plan.block_stride / NINP_BLOCK);
    plan.w_stride = ninp_winograd_stride((size_t)plan.blocks_out * (size_t)plan.phases);
    plan.own_phases = 0;
    plan.own_x = (size_t)(plan.blocks_in * plan.height * plan.width) * NINP_BLOCK;
    plan.own_y = plan.own_x + bins * plan.x_stride;
    plan.own_scratch = plan.own_y + bins * plan.y_stride;
    plan.own_floats = larger(plan.own_scratch + form->scratch(plan.columns),
                             plain_floats(step) + phased_floats(&plan));
    return plan;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, int outputs,
                    ninp_cpu_needs *needs) {
    const strip_plan plan = plan_of(step, form_for(step, config->kernels, outputs));
    needs->weight_floats = (size_t)(plan.form->size * plan.form->size) * plan.w_stride;
    needs->gradient_floats = config->training ? needs->weight_floats : 0;
    needs->thread_bytes = ninp_unpooled_bytes(step) + plan.own_floats * sizeof(float);
    ninp_pooled_prepare(step, config, needs);
}

/* In multiply-accumulates, measured: what a float of the bins costs in a transform with the loads
 * and stores of its product. */
#define MOVE 6.0

static double cost(const ninp_step *step, const ninp_cpu_config *config, int outputs) {
    const strip_plan plan = plan_of(step, form_for(step, config->kernels, outputs));
    const double tiles = (double)(plan.form->size * plan.form->size) * plan.rows * plan.columns;
    const double out = plan.blocks_out * NINP_BLOCK;
    const double pass = tiles * (plan.phases * out + MOVE * (plan.blocks_in * NINP_BLOCK + out));
    const int rounds = parts_of(config->batch, config->threads);
    const double idle = (double)rounds * config->threads / config->batch;
    return pass * (config->training ? 2.0 : 1.0) * idle;
}

/* One call. */
typedef struct strip_pass {
    const ninp_cpu_run *run;
    strip_plan plan;
    const float *phases;
    float *result;   /* forward: unpooled */
    const float *dy; /* backward: of the unpooled result */
    int parts;       /* backward: ranges of blocks of outputs */
} strip_pass;

static strip_pass begin(const ninp_cpu_run *run) {
    const int *outputs = run->settings;
    return (strip_pass){.run = run,
                        .plan = plan_of(run->step, form_for(run->step, run->kernels, *outputs))};
}

/* A place in a thread's workspace, which begins with the unpooled picture. */
static float *own(const strip_pass *pass, int thread, size_t offset) {
    const ninp_cpu_run *run = pass->run;
    unsigned char *space = run->thread_space + (size_t)thread * run->needs->thread_bytes;
    return (float *)(void *)(space + ninp_unpooled_bytes(run->step)) + offset;
}

/* What a line of the picture (NULL: outside of it) holds of `stride` neighbouring phases. */
static inline void take_line(const strip_plan *plan, const int stride, const float *line,
                             int line_width, float *out) {
    for (int i = 0; i < plan->width; i++, out += NINP_BLOCK) {
        const int x = i * stride - plan->padding;
        if (line && x >= 0 && x + stride <= line_width) {
            memcpy(out, line + x, (size_t)stride * sizeof *out);
        } else {
            for (int j = 0; j < stride; j++) {
                const bool inside = line && x + j >= 0 && x + j < line_width;
                out[j] = inside ? line[x + j] : 0.0F;
            }
        }
    }
}

/* Phase (channel, i, j) is channel (channel * stride + i) * stride + j; a stride divides 16, so the
 * phases of a line lie side by side in one block. */
static void take_phases(strip_pass *pass) {
    const strip_plan *plan = &pass->plan;
    const nin_shape shape = pass->run->step->input;
    const ptrdiff_t line_floats = (ptrdiff_t)plan->width * NINP_BLOCK;
    float *phases = own(pass, 0, plan->own_phases);
    if (plan->phases % NINP_BLOCK != 0) {
        memset(phases, 0, (plan->own_x - plan->own_phases) * sizeof *phases);
    }
    for (int row = 0; row < plan->height; row++) {
        for (int part = 0; part < shape.channels * plan->stride; part++) {
            const int first = part * plan->stride;
            const int y = row * plan->stride + part % plan->stride - plan->padding;
            const ptrdiff_t source =
                (ptrdiff_t)(part / plan->stride * shape.height + y) * shape.width;
            const float *line = y >= 0 && y < shape.height ? pass->run->x + source : NULL;
            float *out = phases + (first / NINP_BLOCK * plan->height + row) * line_floats +
                         first % NINP_BLOCK;
            if (plan->stride == 4) {
                take_line(plan, 4, line, shape.width, out);
            } else {
                take_line(plan, 2, line, shape.width, out);
            }
        }
    }
    pass->phases = phases;
}

/* Moves filters of one block between the net's order of values and phases. */
static void exchange(const ninp_step *step, const strip_plan *plan, float *plain, float *phased,
                     bool to_phases) {
    const int kernel = step->conv.kernel;
    const int taps = plan->form->weights;
    for (int i = 0; i < step->input.channels * kernel * kernel; i++) {
        const int row = i / kernel % kernel;
        const int column = i % kernel;
        const int phase =
            (i / (kernel * kernel) * plan->stride + row % plan->stride) * plan->stride +
            column % plan->stride;
        const int tap = row / plan->stride * taps + column / plan->stride;
        float *one = plain + (ptrdiff_t)i * NINP_BLOCK;
        float *other = phased + (ptrdiff_t)(phase * taps * taps + tap) * NINP_BLOCK;
        memcpy(to_phases ? other : one, to_phases ? one : other, NINP_BLOCK * sizeof(float));
    }
}

/* Filters of a block, and their values. */
static int block_filters(const ninp_step *step, int block) {
    return smaller(step->unpooled.channels - block * NINP_BLOCK, NINP_BLOCK);
}

/* Filters from the net's order to bins, or their gradient back. */
typedef struct packing {
    strip_pass pass;
    size_t values; /* of a filter */
    const float *weight;
    float *packed;
    const float *bins; /* of the gradient */
    float *gradient;
} packing;

static void pack_block(const void *context, int block, int thread) {
    const packing *job = context;
    const ninp_cpu_run *run = job->pass.run;
    const strip_plan *plan = &job->pass.plan;
    float *plain = own(&job->pass, thread, 0);
    float *phased = plain + plain_floats(run->step);
    run->kernels->map->block(block_filters(run->step, block), job->values,
                             job->weight + (size_t)block * NINP_BLOCK * job->values, plain);
    memset(phased, 0, phased_floats(plan) * sizeof *phased);
    exchange(run->step, plan, plain, phased, true);
    plan->form->weight(plan->phases, phased,
                       job->packed + (ptrdiff_t)block * plan->phases * NINP_BLOCK, plan->w_stride);
}

static void unpack_block(const void *context, int block, int thread) {
    const packing *job = context;
    const ninp_cpu_run *run = job->pass.run;
    const strip_plan *plan = &job->pass.plan;
    float *plain = own(&job->pass, thread, 0);
    float *phased = plain + plain_floats(run->step);
    plan->form->weight_gradient(plan->phases,
                                job->bins + (ptrdiff_t)block * plan->phases * NINP_BLOCK,
                                plan->w_stride, phased);
    exchange(run->step, plan, plain, phased, false);
    run->kernels->map->unblock(block_filters(run->step, block), job->values, plain,
                               job->gradient + (size_t)block * NINP_BLOCK * job->values);
}

static void pack(const ninp_cpu_run *run, const float *weight, float *packed) {
    const packing job = {.pass = begin(run),
                         .weight = weight,
                         .packed = packed,
                         .values = plain_floats(run->step) / NINP_BLOCK};
    ninp_parallel_for(run->threads, job.pass.plan.blocks_out, pack_block, &job);
}

static void unpack(const ninp_cpu_run *run, const float *packed, float *gradient) {
    const packing job = {.pass = begin(run),
                         .bins = packed,
                         .gradient = gradient,
                         .values = plain_floats(run->step) / NINP_BLOCK};
    ninp_parallel_for(run->threads, job.pass.plan.blocks_out, unpack_block, &job);
}

/* Bins of the inputs of a strip; returns the number of its tiles. */
static int transform_input(const strip_pass *pass, ninp_range rows, int thread) {
    const strip_plan *plan = &pass->plan;
    for (int block = 0; block < plan->blocks_in; block++) {
        const float *picture =
            pass->phases + (ptrdiff_t)block * plan->height * plan->width * NINP_BLOCK;
        float *bins = own(pass, thread, plan->own_x) + (size_t)block * plan->block_stride;
        ninp_winograd_row row = {
            .height = plan->height, .width = plan->width, .tiles = plan->columns};
        for (int i = 0; i < rows.count; i++) {
            row.top = (rows.first + i) * plan->form->outputs;
            plan->form->input(&row, picture, bins, plan->x_stride,
                              own(pass, thread, plan->own_scratch));
            bins += (ptrdiff_t)plan->columns * NINP_BLOCK;
        }
    }
    return rows.count * plan->columns;
}

/* The left matrix of a bin. */
static ninp_gemm_left input_bin(const strip_pass *pass, int bin, int tiles, int thread) {
    const strip_plan *plan = &pass->plan;
    ninp_gemm_left a = ninp_gemm_picture(
        own(pass, thread, plan->own_x) + (size_t)bin * plan->x_stride, tiles, plan->phases);
    a.chunk_stride = (ptrdiff_t)plan->block_stride;
    return a;
}
static ninp_gemm_layout bin_layout(const strip_plan *plan) {
    return (ninp_gemm_layout){.row_stride = NINP_BLOCK,
                              .block_stride = (ptrdiff_t)plan->block_stride};
}

static void multiply(const strip_pass *pass, ninp_range blocks, int tiles, int thread) {
    const strip_plan *plan = &pass->plan;
    for (int bin = 0; bin < plan->form->size * plan->form->size; bin++) {
        const ninp_gemm_product product = {.a = input_bin(pass, bin, tiles, thread),
                                           .b = pass->run->weights + (size_t)bin * plan->w_stride +
                                                (ptrdiff_t)blocks.first * plan->phases * NINP_BLOCK,
                                           .b_block_stride = (ptrdiff_t)plan->phases * NINP_BLOCK,
                                           .blocks = blocks.count,
                                           .c = own(pass, thread, plan->own_y) +
                                                (size_t)bin * plan->y_stride,
                                           .c_layout = bin_layout(plan)};
        pass->run->kernels->gemm->multiply(&product);
    }
}

static const _Alignas(64) float no_bias[NINP_BLOCK];

/* Bins of `block`, the `index`-th of those that are there, to rows of the result. */
static void transform_output(const strip_pass *pass, ninp_range rows, int block, int index,
                             int thread) {
    const ninp_cpu_run *run = pass->run;
    const strip_plan *plan = &pass->plan;
    const nin_shape shape = run->step->unpooled;
    float *y = pass->result + (size_t)block * ninp_block_floats(shape);
    const float *bins =
        own(pass, thread, plan->own_y) + (ptrdiff_t)index * (ptrdiff_t)plan->block_stride;
    const float *bias = run->bias ? run->bias + (ptrdiff_t)block * NINP_BLOCK : no_bias;
    ninp_winograd_row row = {.height = shape.height, .width = shape.width, .tiles = plan->columns};
    for (int i = 0; i < rows.count; i++) {
        row.top = (rows.first + i) * plan->form->outputs;
        plan->form->output(&row, bins, plan->y_stride, bias, y,
                           own(pass, thread, plan->own_scratch));
        bins += (ptrdiff_t)plan->columns * NINP_BLOCK;
        const int lines = smaller(plan->form->outputs, shape.height - row.top);
        float *made = y + (ptrdiff_t)row.top * shape.width * NINP_BLOCK;
        run->kernels->map->activate(run->step->activation,
                                    (size_t)(lines * shape.width) * NINP_BLOCK, made, made);
    }
}

static void forward_strip(const void *context, int strip, int thread) {
    const strip_pass *pass = context;
    const strip_plan *plan = &pass->plan;
    const ninp_range rows = ninp_winograd_part(plan->rows, plan->strips, strip);
    const int tiles = transform_input(pass, rows, thread);
    for (int block = 0; block < plan->blocks_out; block += OUTPUT_BLOCKS) {
        const ninp_range blocks = {block, smaller(OUTPUT_BLOCKS, plan->blocks_out - block)};
        multiply(pass, blocks, tiles, thread);
        for (int i = 0; i < blocks.count; i++) {
            transform_output(pass, rows, block + i, i, thread);
        }
    }
}

static void forward(const ninp_cpu_run *run) {
    strip_pass pass = begin(run);
    take_phases(&pass);
    pass.result = ninp_conv_result(run);
    ninp_parallel_for(run->threads, pass.plan.strips, forward_strip, &pass);
    ninp_conv_finish(run);
}

/* Bins of the output gradient of a block, as the `index`-th; and the bias gradient: the bin of row
 * 1, column 1 holds the sums of the tiles. */
static void transform_output_gradient(const strip_pass *pass, ninp_range rows, int block, int index,
                                      int thread) {
    const ninp_cpu_run *run = pass->run;
    const strip_plan *plan = &pass->plan;
    const nin_shape shape = run->step->unpooled;
    float *bins = own(pass, thread, plan->own_y) + (ptrdiff_t)index * (ptrdiff_t)plan->block_stride;
    ninp_winograd_row row = {.height = shape.height, .width = shape.width, .tiles = plan->columns};
    for (int i = 0; i < rows.count; i++) {
        row.top = (rows.first + i) * plan->form->outputs;
        plan->form->output_gradient(&row, pass->dy + (size_t)block * ninp_block_floats(shape),
                                    bins + (ptrdiff_t)i * plan->columns * NINP_BLOCK,
                                    plan->y_stride, own(pass, thread, plan->own_scratch));
    }
    if (run->bias_gradient) {
        run->kernels->map->bias_sums((size_t)(rows.count * plan->columns),
                                     bins + (size_t)(plan->form->size + 1) * plan->y_stride,
                                     run->bias_gradient + (ptrdiff_t)block * NINP_BLOCK);
    }
}

static void add_gradient(const strip_pass *pass, ninp_range blocks, int tiles, int thread) {
    const strip_plan *plan = &pass->plan;
    for (int bin = 0; bin < plan->form->size * plan->form->size; bin++) {
        const ninp_gemm_gradient gradient = {
            .a = input_bin(pass, bin, tiles, thread),
            .c = own(pass, thread, plan->own_y) + (size_t)bin * plan->y_stride,
            .c_layout = bin_layout(plan),
            .blocks = blocks.count,
            .b = pass->run->gradient + (size_t)bin * plan->w_stride +
                 (ptrdiff_t)blocks.first * plan->phases * NINP_BLOCK,
            .b_block_stride = (ptrdiff_t)plan->phases * NINP_BLOCK,
            .add = true};
        pass->run->kernels->gemm->gradient(&gradient);
    }
}

/* Gradients of the filters of some blocks of outputs, strip after strip. */
static void backward_blocks(const void *context, int part, int thread) {
    const strip_pass *pass = context;
    const strip_plan *plan = &pass->plan;
    const ninp_range blocks = ninp_winograd_part(plan->blocks_out, pass->parts, part);
    const int end = blocks.first + blocks.count;
    for (int strip = 0; strip < plan->strips; strip++) {
        const ninp_range rows = ninp_winograd_part(plan->rows, plan->strips, strip);
        const int tiles = transform_input(pass, rows, thread);
        for (int block = blocks.first; block < end; block += OUTPUT_BLOCKS) {
            const ninp_range some = {block, smaller(OUTPUT_BLOCKS, end - block)};
            for (int i = 0; i < some.count; i++) {
                transform_output_gradient(pass, rows, block + i, i, thread);
            }
            add_gradient(pass, some, tiles, thread);
        }
    }
}

static void backward(const ninp_cpu_run *run) {
    strip_pass pass = begin(run);
    take_phases(&pass);
    pass.dy = ninp_conv_result_gradient(run);
    pass.parts = smaller(run->threads, pass.plan.blocks_out);
    ninp_parallel_for(run->threads, pass.parts, backward_blocks, &pass);
}

#define BY_PICTURE \
    .scope = NINP_SCOPE_IMAGE, .reads_plain = true, .forward = forward, .backward = backward
NINP_WINOGRAD_ALGORITHM(ninp_conv_strided_winograd4, "strided_winograd4", 4, BY_PICTURE)
NINP_WINOGRAD_ALGORITHM(ninp_conv_strided_winograd6, "strided_winograd6", 6, BY_PICTURE)

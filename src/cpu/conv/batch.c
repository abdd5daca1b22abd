#include "cpu/conv/batch.h"
#include "cpu/conv/gather.h"
#include "cpu/conv/pooled.h"
#include "cpu/conv/taps.h"
#include "cpu/parallel.h"

#include <string.h>

enum {
    FORWARD_BLOCKS = 4,  /* of outputs that a task computes */
    GRADIENT_BLOCKS = 3, /* of outputs whose weight gradient a task computes */
    INPUT_BLOCKS = 2     /* of inputs whose gradient a task computes */
};

/* What one pass works on. */
typedef struct batch_pass {
    const ninp_cpu_run *run;
    ninp_conv_shape shape;
    ninp_filters filters, turned;
    float *unpooled; /* with a pool: [picture] of the results before it */
    float *x, *y;    /* gathered; y: gradients of the results */
} batch_pass;

static size_t gathered_floats(int channels, int pixels, int pictures) {
    return (size_t)ninp_blocks(channels) * (size_t)pixels * (size_t)pictures * NINP_BLOCK;
}

static batch_pass pass_of(const ninp_cpu_run *run) {
    batch_pass pass = {.run = run, .shape = ninp_conv_shape_of(run->step)};
    unsigned char *space = run->common_space;
    pass.filters = ninp_conv_filters(&pass.shape);
    pass.turned = ninp_conv_turned_filters(&pass.shape);
    pass.unpooled = (float *)(void *)space;
    space += (size_t)run->count * ninp_unpooled_bytes(run->step);
    pass.x = (float *)(void *)space;
    pass.y =
        pass.x + gathered_floats(pass.shape.channels, ninp_conv_pixels(&pass.shape), run->count);
    return pass;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

void ninp_batch_prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                        const void **settings) {
    (void)settings;
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    const ninp_filters turned = ninp_conv_turned_filters(&shape);
    size_t gathered = gathered_floats(shape.channels, ninp_conv_pixels(&shape), config->batch);
    needs->weight_floats = ninp_filter_floats(&filters);
    needs->thread_bytes = ninp_taps_bytes(filters.taps);
    if (config->training) {
        needs->gradient_floats = needs->weight_floats;
        gathered += gathered_floats(shape.filters, ninp_conv_out_pixels(&shape), config->batch);
    }
    if (ninp_conv_turns(step, config->training)) {
        needs->thread_bytes += INPUT_BLOCKS * ninp_filter_block(&turned) * sizeof(float);
    }
    needs->common_bytes =
        (size_t)config->batch * ninp_unpooled_bytes(step) + gathered * sizeof(float);
    ninp_pooled_prepare(step, config, needs);
}

void ninp_batch_pack(const ninp_cpu_run *run, const float *weight, float *packed) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    ninp_conv_pack(run, &filters, false, weight, packed);
}

void ninp_batch_unpack(const ninp_cpu_run *run, const float *packed, float *gradient) {
    const ninp_conv_shape shape = ninp_conv_shape_of(run->step);
    const ninp_filters filters = ninp_conv_filters(&shape);
    ninp_conv_unpack(run, &filters, packed, gradient);
}

/* Rows of one pixel in the gathered pictures; column blocks are `pixels` pixels apart. */
static ninp_gemm_left gathered_rows(const batch_pass *pass, const float *gathered, int pixels) {
    const ptrdiff_t pixel = (ptrdiff_t)pass->run->count * NINP_BLOCK;
    return (ninp_gemm_left){.values = gathered,
                            .lines = 1,
                            .length = pass->run->count,
                            .row_stride = NINP_BLOCK,
                            .chunk_stride = pixels * pixel};
}

static unsigned char *own_space(const ninp_cpu_run *run, int thread) {
    return run->thread_space + (size_t)thread * run->needs->thread_bytes;
}

/* Where the results before the pool go, or come from. */
typedef struct result_pictures {
    float *values;
    size_t stride;
} result_pictures;

static result_pictures results_of(const batch_pass *pass) {
    const ninp_cpu_run *run = pass->run;
    const size_t unpooled = ninp_unpooled_bytes(run->step) / sizeof(float);
    return unpooled ? (result_pictures){pass->unpooled, unpooled}
                    : (result_pictures){run->y, run->y_stride};
}

/* Some blocks of one output pixel, of all pictures. */
static void forward_pixel(const batch_pass *pass, int block, int pixel, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_conv_shape *shape = &pass->shape;
    const int out_pixels = ninp_conv_out_pixels(shape);
    const int top = pixel / shape->out_width * shape->stride - shape->padding;
    const int left = pixel % shape->out_width * shape->stride - shape->padding;
    const result_pictures results = results_of(pass);
    ninp_taps taps = ninp_taps_start(pass->filters.taps, own_space(run, thread));
    for (int tap = 0; tap < pass->filters.taps; tap++) {
        const int y = top + tap / shape->kernel;
        const int x = left + tap % shape->kernel;
        if (y >= 0 && y < shape->height && x >= 0 && x < shape->width) {
            ninp_taps_add(&taps, tap, ((ptrdiff_t)y * shape->width + x) * run->count * NINP_BLOCK);
        }
    }
    const ninp_gemm_product product = {
        .a = gathered_rows(pass, pass->x, ninp_conv_pixels(shape)),
        .b = run->weights + (size_t)block * ninp_filter_block(&pass->filters),
        .blocks = smaller(FORWARD_BLOCKS, ninp_blocks(shape->filters) - block),
        .c = results.values + ((ptrdiff_t)block * out_pixels + pixel) * NINP_BLOCK,
        .c_layout = {.row_stride = (ptrdiff_t)results.stride,
                     .block_stride = (ptrdiff_t)out_pixels * NINP_BLOCK},
        .start = run->bias ? NINP_GEMM_BIAS : NINP_GEMM_ZERO,
        .finish = NINP_GEMM_ACTIVATE,
        .activation = run->step->activation,
        .alone = run->count == 1,
        .bias = run->bias ? run->bias + block * NINP_BLOCK : NULL};
    ninp_taps_multiply(run->kernels->gemm, &pass->filters, &taps, product);
}

static void forward_task(const void *context, int index, int thread) {
    const batch_pass *pass = context;
    const int pixels = ninp_conv_out_pixels(&pass->shape);
    forward_pixel(pass, index / pixels * FORWARD_BLOCKS, index % pixels, thread);
}

/* The run for what a task calls: the threads are busy with tasks already. */
static ninp_cpu_run one_thread(const ninp_cpu_run *run) {
    ninp_cpu_run alone = *run;
    alone.threads = 1;
    return alone;
}

static void pool_task(const void *context, int picture, int thread) {
    (void)thread;
    const batch_pass *pass = context;
    const result_pictures results = results_of(pass);
    const ninp_cpu_run alone = one_thread(pass->run);
    ninp_pooled_forward(&alone, picture, results.values + (size_t)picture * results.stride);
}

static int parts_of(int count, int each) {
    return (count + each - 1) / each;
}

void ninp_batch_forward(const ninp_cpu_run *run) {
    const batch_pass pass = pass_of(run);
    const int parts = parts_of(ninp_blocks(pass.shape.filters), FORWARD_BLOCKS);
    ninp_gather(run,
                (size_t)ninp_blocks(pass.shape.channels) * (size_t)ninp_conv_pixels(&pass.shape),
                run->x, run->x_stride, pass.x);
    ninp_parallel_for(run->threads, parts * ninp_conv_out_pixels(&pass.shape), forward_task, &pass);
    if (run->step->pooled) {
        ninp_parallel_for(run->threads, run->count, pool_task, &pass);
    }
}

/* The weight gradient of a tap that lies outside everywhere. */
static void clear_tap(const batch_pass *pass, int block, int blocks, int tap) {
    const ninp_filters *filters = &pass->filters;
    for (int i = block; i < block + blocks; i++) {
        float *gradient = pass->run->gradient + (size_t)i * ninp_filter_block(filters);
        for (int other = 0; other < ninp_blocks(filters->channels); other++) {
            memset(gradient + ninp_filter_place(filters, other, tap), 0,
                   (size_t)ninp_filter_width(filters, other) * NINP_BLOCK * sizeof *gradient);
        }
    }
}

/* The weight gradient of one tap and some blocks of outputs: the sum over the output pixels for
 * which the tap lies inside, a row of them at a time. */
static void tap_gradient(const batch_pass *pass, int block, int tap, int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_conv_shape *shape = &pass->shape;
    const ptrdiff_t pixel = (ptrdiff_t)run->count * NINP_BLOCK;
    const int r = tap / shape->kernel;
    const int s = tap % shape->kernel;
    const ninp_range rows = ninp_conv_live_outputs(shape, shape->height, shape->out_height, r);
    const ninp_range columns = ninp_conv_live_outputs(shape, shape->width, shape->out_width, s);
    const int x = columns.first * shape->stride + s - shape->padding;
    const int blocks = smaller(GRADIENT_BLOCKS, ninp_blocks(shape->filters) - block);
    if (rows.count == 0 || columns.count == 0) {
        clear_tap(pass, block, blocks, tap);
        return;
    }
    ninp_taps taps = ninp_taps_start(1, own_space(run, thread));
    ninp_taps_add(&taps, tap, 0);
    ninp_gemm_gradient gradient = {
        .a = gathered_rows(pass, pass->x, ninp_conv_pixels(shape)),
        .c_layout = {.line_stride = pixel,
                     .row_stride = NINP_BLOCK,
                     .block_stride = ninp_conv_out_pixels(shape) * pixel},
        .blocks = blocks,
        .b = run->gradient + (size_t)block * ninp_filter_block(&pass->filters)};
    const float *y = pass->y + block * gradient.c_layout.block_stride;
    gradient.a.lines = columns.count;
    gradient.a.line_stride = shape->stride * pixel;
    for (int i = 0; i < rows.count; i++) {
        const int p = rows.first + i;
        gradient.a.values =
            pass->x +
            ((ptrdiff_t)(p * shape->stride + r - shape->padding) * shape->width + x) * pixel;
        gradient.c = y + ((ptrdiff_t)p * shape->out_width + columns.first) * pixel;
        gradient.add = i > 0;
        ninp_taps_gradient(run->kernels->gemm, &pass->filters, &taps, gradient);
    }
}

/* The gradients of one pixel's inputs, of all pictures, for some blocks of them. */
static void input_pixel(const batch_pass *pass, const float *turned, int block, int pixel,
                        int thread) {
    const ninp_cpu_run *run = pass->run;
    const ninp_conv_shape *shape = &pass->shape;
    const int pixels = ninp_conv_pixels(shape);
    const ptrdiff_t first = ((ptrdiff_t)block * pixels + pixel) * NINP_BLOCK;
    ninp_taps taps = ninp_taps_start(pass->filters.taps, own_space(run, thread));
    for (int tap = 0; tap < pass->filters.taps; tap++) {
        const int y = pixel / shape->width + shape->padding - tap / shape->kernel;
        const int x = pixel % shape->width + shape->padding - tap % shape->kernel;
        const int p = y / shape->stride;
        const int q = x / shape->stride;
        if (y >= 0 && x >= 0 && y % shape->stride == 0 && x % shape->stride == 0 &&
            p < shape->out_height && q < shape->out_width) {
            ninp_taps_add(&taps, tap,
                          ((ptrdiff_t)p * shape->out_width + q) * run->count * NINP_BLOCK);
        }
    }
    const ninp_gemm_product product = {
        .a = gathered_rows(pass, pass->y, ninp_conv_out_pixels(shape)),
        .b = turned,
        .blocks = smaller(INPUT_BLOCKS, ninp_blocks(shape->channels) - block),
        .c = run->dx + first,
        .c_layout = {.row_stride = (ptrdiff_t)run->x_stride,
                     .block_stride = (ptrdiff_t)pixels * NINP_BLOCK},
        .start = NINP_GEMM_ZERO,
        .finish = NINP_GEMM_DERIVE,
        .activation = run->step->input_activation,
        .alone = run->count == 1,
        .mask = run->x + first};
    ninp_taps_multiply(run->kernels->gemm, &pass->turned, &taps, product);
}

static void input_gradient(const void *context, int index, int thread) {
    const batch_pass *pass = context;
    const int block = index * INPUT_BLOCKS;
    const ninp_cpu_run *run = pass->run;
    float *turned = (float *)(void *)(own_space(run, thread) + ninp_taps_bytes(pass->filters.taps));
    const int blocks = smaller(INPUT_BLOCKS, ninp_blocks(pass->shape.channels) - block);
    for (int i = 0; i < blocks; i++) {
        ninp_conv_turn(run->kernels->gemm, &pass->filters, block + i, run->weights,
                       turned + (size_t)i * ninp_filter_block(&pass->turned));
    }
    for (int pixel = 0; pixel < ninp_conv_pixels(&pass->shape); pixel++) {
        input_pixel(pass, turned, block, pixel, thread);
    }
}

static void unpool_task(const void *context, int picture, int thread) {
    (void)thread;
    const batch_pass *pass = context;
    const result_pictures results = results_of(pass);
    const ninp_cpu_run alone = one_thread(pass->run);
    ninp_pooled_backward(&alone, picture, results.values + (size_t)picture * results.stride);
}

/* Gradients of the results before the pool, picture by picture or side by side. */
static void gather_result_gradients(const batch_pass *pass) {
    const ninp_cpu_run *run = pass->run;
    const float *dy = run->dy;
    size_t stride = run->y_stride;
    if (run->step->pooled) {
        const result_pictures results = results_of(pass);
        ninp_parallel_for(run->threads, run->count, unpool_task, pass);
        dy = results.values;
        stride = results.stride;
    }
    ninp_gather(
        run, (size_t)ninp_blocks(pass->shape.filters) * (size_t)ninp_conv_out_pixels(&pass->shape),
        dy, stride, pass->y);
}

static void tap_task(const void *context, int index, int thread) {
    const batch_pass *pass = context;
    const int taps = pass->filters.taps;
    tap_gradient(pass, index / taps * GRADIENT_BLOCKS, index % taps, thread);
}

void ninp_batch_backward(const ninp_cpu_run *run) {
    const batch_pass pass = pass_of(run);
    const int parts = parts_of(ninp_blocks(pass.shape.filters), GRADIENT_BLOCKS);
    ninp_gather(run,
                (size_t)ninp_blocks(pass.shape.channels) * (size_t)ninp_conv_pixels(&pass.shape),
                run->x, run->x_stride, pass.x);
    gather_result_gradients(&pass);
    ninp_conv_bias_gradient(run, (size_t)ninp_conv_out_pixels(&pass.shape) * (size_t)run->count,
                            pass.y);
    ninp_parallel_for(run->threads, parts * pass.filters.taps, tap_task, &pass);
    if (run->dx) {
        ninp_parallel_for(run->threads, parts_of(ninp_blocks(pass.shape.channels), INPUT_BLOCKS),
                          input_gradient, &pass);
    }
}

/* A fully-connected layer in training, on weights that stay where the net has them.
 *
 * Such a layer has many weights for little work: packing them, and unpacking their gradient, would
 * move them through memory six times where forward and backward read them once each and write the
 * gradient once. Here panels of weights, small enough for the second cache, are brought into the
 * order of the kernels just before they are multiplied, and panels of gradients into that of the
 * net just after:
 *
 *   forward          [16 outputs][inputs] is turned into [input][16 outputs];
 *   input gradient   rows are cut into [output][16 inputs], which the net has already;
 *   weight gradient  comes as [output][16 inputs] and goes back into rows. */
#include "cpu/algorithm.h"
#include "cpu/conv/gather.h"
#include "cpu/conv/shape.h"
#include "cpu/parallel.h"

#include <string.h>

/* Panels, outputs x inputs in floats. Rows are read and written two kilobytes or more at a time. */
enum {
    FORWARD_OUTPUTS = 32,
    FORWARD_INPUTS = 2048,
    INPUT_OUTPUTS = 128,
    INPUT_INPUTS = 512,
    WEIGHT_OUTPUTS = 32,
    WEIGHT_INPUTS = 2048,
    PANEL_FLOATS = 1 << 16 /* the largest of them */
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}

static const char *refuse(const ninp_step *step, const ninp_cpu_config *config) {
    if (!config->training) {
        return "predictions pack the weights once";
    }
    return step->input.channels % NINP_BLOCK == 0 ? NULL : "its inputs are not a multiple of 16";
}

static size_t gathered_floats(int channels, int count) {
    return (size_t)ninp_blocks(channels) * NINP_BLOCK * (size_t)count;
}

static void prepare(const ninp_step *step, const ninp_cpu_config *config, ninp_cpu_needs *needs,
                    const void **settings) {
    (void)settings;
    needs->thread_bytes = PANEL_FLOATS * sizeof(float);
    needs->common_bytes = (gathered_floats(step->input.channels, config->batch) +
                           gathered_floats(step->output.channels, config->batch)) *
                          sizeof(float);
}

typedef struct linear_pass {
    const ninp_cpu_run *run;
    int inputs, outputs;
    float *x, *dy; /* gathered */
} linear_pass;

/* Gathers the inputs. */
static linear_pass begin_pass(const ninp_cpu_run *run) {
    linear_pass pass = {.run = run,
                        .inputs = run->step->input.channels,
                        .outputs = run->step->output.channels,
                        .x = (float *)(void *)run->common_space};
    pass.dy = pass.x + gathered_floats(pass.inputs, run->count);
    ninp_gather(run, (size_t)ninp_blocks(pass.inputs), run->x, run->x_stride, pass.x);
    return pass;
}

static float *panel_of(const ninp_cpu_run *run, int thread) {
    return (float *)(void *)(run->thread_space + (size_t)thread * run->needs->thread_bytes);
}

/* Where weight (output, input) is, in the net or in its gradient. */
static size_t weight_place(const linear_pass *pass, int output, int input) {
    return (size_t)output * (size_t)pass->inputs + (size_t)input;
}

/* `depth` gathered channels from `first` on as the left matrix: a row a picture. */
static ninp_gemm_left gathered_rows(const linear_pass *pass, const float *gathered, int first,
                                    int depth) {
    const int count = pass->run->count;
    return ninp_gemm_picture(gathered + (ptrdiff_t)first * count, count, depth);
}

/* Some outputs: panel after panel along the inputs. */
static void forward_task(const void *context, int part, int thread) {
    const linear_pass *pass = context;
    const ninp_cpu_run *run = pass->run;
    const int output = part * FORWARD_OUTPUTS;
    const int blocks = ninp_blocks(smaller(FORWARD_OUTPUTS, pass->outputs - output));
    float *panel = panel_of(run, thread);
    for (int input = 0; input < pass->inputs; input += FORWARD_INPUTS) {
        const int depth = smaller(FORWARD_INPUTS, pass->inputs - input);
        for (int block = 0; block < blocks; block++) {
            const int row = output + block * NINP_BLOCK;
            run->kernels->map->block_rows(smaller(NINP_BLOCK, pass->outputs - row),
                                          (size_t)pass->inputs, (size_t)depth,
                                          run->weights + weight_place(pass, row, input),
                                          panel + (size_t)block * FORWARD_INPUTS * NINP_BLOCK);
        }
        const bool last = input + depth == pass->inputs;
        const ninp_gemm_start first_start = run->bias ? NINP_GEMM_BIAS : NINP_GEMM_ZERO;
        const ninp_gemm_product product = {
            .a = gathered_rows(pass, pass->x, input, depth),
            .b = panel,
            .b_block_stride = FORWARD_INPUTS * NINP_BLOCK,
            .blocks = blocks,
            .c = run->y + output,
            .c_layout = {.row_stride = (ptrdiff_t)run->y_stride, .block_stride = NINP_BLOCK},
            .start = input == 0 ? first_start : NINP_GEMM_ADD,
            .finish = last ? NINP_GEMM_ACTIVATE : NINP_GEMM_STORE,
            .activation = run->step->activation,
            .alone = run->count == 1,
            .bias = run->bias ? run->bias + output : NULL};
        run->kernels->gemm->multiply(&product);
    }
}

static void forward(const ninp_cpu_run *run) {
    const linear_pass pass = begin_pass(run);
    ninp_parallel_for(run->threads, parts_of(pass.outputs, FORWARD_OUTPUTS), forward_task, &pass);
}

/* The gradients of some inputs: panel after panel along the outputs. */
static void input_task(const void *context, int part, int thread) {
    const linear_pass *pass = context;
    const ninp_cpu_run *run = pass->run;
    const int input = part * INPUT_INPUTS;
    const int blocks = ninp_blocks(smaller(INPUT_INPUTS, pass->inputs - input));
    float *panel = panel_of(run, thread);
    for (int output = 0; output < pass->outputs; output += INPUT_OUTPUTS) {
        const int depth = smaller(INPUT_OUTPUTS, pass->outputs - output);
        for (int row = 0; row < depth; row++) {
            const float *weights = run->weights + weight_place(pass, output + row, input);
            for (int block = 0; block < blocks; block++) {
                memcpy(panel + ((size_t)block * INPUT_OUTPUTS + (size_t)row) * NINP_BLOCK,
                       weights + (size_t)block * NINP_BLOCK, NINP_BLOCK * sizeof *panel);
            }
        }
        const ninp_gemm_product product = {
            .a = gathered_rows(pass, pass->dy, output, depth),
            .b = panel,
            .b_block_stride = INPUT_OUTPUTS * NINP_BLOCK,
            .blocks = blocks,
            .c = run->dx + input,
            .c_layout = {.row_stride = (ptrdiff_t)run->x_stride, .block_stride = NINP_BLOCK},
            .start = output == 0 ? NINP_GEMM_ZERO : NINP_GEMM_ADD,
            .finish = output + depth == pass->outputs ? NINP_GEMM_DERIVE : NINP_GEMM_STORE,
            .activation = run->step->input_activation,
            .alone = run->count == 1,
            .mask = run->x + input};
        run->kernels->gemm->multiply(&product);
    }
}

/* One panel of the weight gradient: the sum over the pictures is its whole depth. */
static void weight_task(const void *context, int part, int thread) {
    const linear_pass *pass = context;
    const ninp_cpu_run *run = pass->run;
    const int across = parts_of(pass->inputs, WEIGHT_INPUTS);
    const int input = part % across * WEIGHT_INPUTS;
    const int output = part / across * WEIGHT_OUTPUTS;
    const int blocks = ninp_blocks(smaller(WEIGHT_INPUTS, pass->inputs - input));
    const int rows = smaller(WEIGHT_OUTPUTS, pass->outputs - output);
    float *panel = panel_of(run, thread);
    const ninp_gemm_gradient gradient = {.a = gathered_rows(pass, pass->dy, output, rows),
                                         .c = pass->x + (ptrdiff_t)input * run->count,
                                         .c_layout = ninp_gemm_picture_layout(run->count),
                                         .blocks = blocks,
                                         .b = panel,
                                         .b_block_stride = WEIGHT_OUTPUTS * NINP_BLOCK};
    run->kernels->gemm->gradient(&gradient);
    for (int row = 0; row < rows; row++) {
        float *to = run->gradient + weight_place(pass, output + row, input);
        for (int block = 0; block < blocks; block++) {
            memcpy(to + (size_t)block * NINP_BLOCK,
                   panel + ((size_t)block * WEIGHT_OUTPUTS + (size_t)row) * NINP_BLOCK,
                   NINP_BLOCK * sizeof *panel);
        }
    }
}

static void backward(const ninp_cpu_run *run) {
    const linear_pass pass = begin_pass(run);
    ninp_gather(run, (size_t)ninp_blocks(pass.outputs), run->dy, run->y_stride, pass.dy);
    ninp_conv_bias_gradient(run, (size_t)run->count, pass.dy);
    ninp_parallel_for(run->threads,
                      parts_of(pass.outputs, WEIGHT_OUTPUTS) * parts_of(pass.inputs, WEIGHT_INPUTS),
                      weight_task, &pass);
    if (run->dx) {
        ninp_parallel_for(run->threads, parts_of(pass.inputs, INPUT_INPUTS), input_task, &pass);
    }
}

const ninp_cpu_algorithm ninp_linear_in_place = {.name = "linear_in_place",
                                                 .work = NINP_WORK_LINEAR,
                                                 .scope = NINP_SCOPE_BATCH,
                                                 .in_place = true,
                                                 .refuse = refuse,
                                                 .prepare = prepare,
                                                 .forward = forward,
                                                 .backward = backward};

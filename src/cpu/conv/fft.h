/* How the Fourier convolution works through a batch.
 *
 * Pictures are transformed as a whole, products of transforms are convolutions (M. Mathieu, M.
 * Henaff, Y. LeCun, "Fast Training of Convolutional Networks through FFTs", arXiv 1312.5851). Every
 * bin is a matrix product, pictures x channels times channels x outputs. The frame need not hold
 * the filter's reach on both sides, for what goes round an edge may spoil what nobody reads: H +
 * padding rows are enough for all three passes.
 *
 * The transforms of weights and of a batch are far larger than what they are made from, and cost
 * less to compute again than to fetch from memory. So the batch is cut into groups of pictures and
 * the outputs into chunks of channel blocks, such that a group's inputs and a chunk of its outputs
 * stay in the shared cache while they are transformed, multiplied and transformed back, and nothing
 * of them is kept. All threads work on the same group and chunk. They share out channel blocks
 * where it is transformed, and columns of the frame where it is multiplied: a column's part of the
 * filters' transforms is made, used and forgotten in a thread's own cache. */
#ifndef NINP_CPU_CONV_FFT_H
#define NINP_CPU_CONV_FFT_H

#include "cpu/conv/shape.h"

/* Depends on the step, the instruction set and a number of pictures: sizes grow with the latter. */
typedef struct ninp_fft_plan {
    ninp_conv_shape shape;
    ninp_fft_frame frame; /* .vertical NULL: there is no frame of that size */
    int bins;
    int blocks_in, blocks_out; /* channel blocks of input and output */
    int group;                 /* pictures, at most */
    int chunk;                 /* blocks of outputs, at most */

    /* Bins are [bin][block][picture, or channel of the other side][pair]. Floats between blocks of
     * pictures, and between bins of inputs, of a chunk's outputs and of its weights: */
    size_t block_stride;
    size_t x_stride, y_stride, w_stride;
    size_t filter_lines; /* of one channel of the gradient of a block's filters */

    /* Workspace of all threads together: floats from its start. */
    size_t common_x, common_dx, common_y, common_lines, common_floats;
    /* Workspace of a thread, likewise. */
    size_t own_scratch, own_unpooled; /* of transforms of pictures */
    size_t own_w;                     /* of products */
    size_t own_floats;
} ninp_fft_plan;

ninp_fft_plan ninp_fft_plan_of(const ninp_step *step, const ninp_kernels *kernels, int pictures,
                               bool training);

/* One forward or backward pass. */
typedef struct ninp_fft_pass {
    const ninp_cpu_run *run;
    const ninp_fft_kernels *kernels;
    ninp_fft_plan plan;
    ninp_fft_picture input, output; /* where they lie */
    float *x, *dx, *y, *lines;      /* in the common workspace */
    int groups, chunks;
} ninp_fft_pass;

ninp_fft_pass ninp_fft_begin(const ninp_cpu_run *run);

static inline float *ninp_fft_own(const ninp_fft_pass *pass, int thread, size_t offset) {
    const ninp_cpu_run *run = pass->run;
    return (float *)(void *)(run->thread_space + (size_t)thread * run->needs->thread_bytes) +
           offset;
}

/* Part `part` of `parts` nearly equal ones of `count`. */
static inline ninp_range ninp_fft_part(int count, int parts, int part) {
    const int first = (int)((int64_t)count * part / parts);
    const int end = (int)((int64_t)count * (part + 1) / parts);
    return (ninp_range){first, end - first};
}
static inline ninp_range ninp_fft_group(const ninp_fft_pass *pass, int index) {
    return ninp_fft_part(pass->run->count, pass->groups, index);
}
static inline ninp_range ninp_fft_chunk(const ninp_fft_pass *pass, int index) {
    const int first = index * pass->plan.chunk;
    const int rest = pass->plan.blocks_out - first;
    return (ninp_range){first, rest < pass->plan.chunk ? rest : pass->plan.chunk};
}

/* A channel block of a picture. */
typedef struct ninp_fft_task {
    int picture;  /* of the run */
    int block;    /* of the input, or of the output */
    size_t place; /* in a bin */
} ninp_fft_task;

static inline ninp_fft_task ninp_fft_task_at(const ninp_fft_pass *pass, ninp_range group,
                                             ninp_range blocks, int index) {
    const int picture = index / blocks.count;
    const int block = index % blocks.count;
    return (ninp_fft_task){.picture = group.first + picture,
                           .block = blocks.first + block,
                           .place = (size_t)block * pass->plan.block_stride +
                                    (size_t)picture * NINP_FFT_PAIR};
}

/* Bins of a column. */
static inline ninp_range ninp_fft_column(const ninp_fft_plan *plan, int column) {
    int first = 0;
    for (int i = 0; i < column; i++) {
        first += ninp_fft_column_bins(&plan->frame, i);
    }
    return (ninp_range){first, ninp_fft_column_bins(&plan->frame, column)};
}

/* What kernels want to know of the filters of one block of outputs from one of inputs. */
ninp_fft_filters ninp_fft_filters_of(const ninp_fft_pass *pass, const ninp_filters *filters,
                                     int channel_block);

/* A block of inputs to bins. */
void ninp_fft_transform_input(const ninp_fft_pass *pass, ninp_range group, int index, int thread);

void ninp_fft_forward(const ninp_cpu_run *run);
void ninp_fft_backward(const ninp_cpu_run *run);

#endif

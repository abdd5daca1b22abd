/* How Winograd's convolution works through a batch.
 *
 * The batch is cut into groups: some whole pictures, or a band of tile rows of one picture where a
 * picture has very many tiles. A group's tiles are transformed, every bin is a matrix product
 * (tiles x channels times channels x outputs), and the products are transformed back, all in the
 * shared cache (A. Gelashvili, N. Shavit, A. Zlateski, "L3 Fusion: Fast Transformed Convolutions on
 * CPUs", arXiv 1912.02165). All threads work on the same group: they share out channel blocks of
 * pictures where it is transformed, and bins where it is multiplied. */
#ifndef NINP_CPU_CONV_WINOGRAD_H
#define NINP_CPU_CONV_WINOGRAD_H

#include "cpu/conv/shape.h"

/* Depends on the step, the instruction set and a number of pictures: sizes grow with the latter. */
typedef struct ninp_winograd_plan {
    const ninp_winograd_form *form;
    int bins;
    int blocks_in, blocks_out; /* channel blocks of input and output */
    int rows, columns;         /* of a picture's tiles */
    int pictures;              /* of a group, at most */
    int band;                  /* rows of tiles of a group; < rows: then pictures is 1 */
    int parts_in, parts_out;   /* ranges of blocks that a bin's product is cut into */

    /* Transformed inputs (x), outputs (y) and weights (w), and the weights for the input gradient
     * (t), are [bin][block][tile, or channel of the other side][16]. Floats between blocks of x and
     * y, and between bins: */
    size_t block_stride;
    size_t x_stride, y_stride, w_stride, t_stride;
    size_t sums_line; /* floats of a row of the input gradient, with what lies outside of it */

    /* Workspace of all threads together: floats from its start. */
    size_t common_x, common_y, common_t;
    size_t common_overlap;  /* bands: per block, R - 1 rows of sums that the band above left */
    size_t common_unpooled; /* bands with a max-pool: an unpooled picture */
    size_t common_floats;
    /* Workspace of a thread, likewise. */
    size_t own_scratch;  /* of the transforms; or one block of weights, [C][R][R][16] */
    size_t own_sums;     /* N rows of the input gradient */
    size_t own_unpooled; /* with a max-pool: one block of an unpooled picture */
    size_t own_floats;
} ninp_winograd_plan;

/* F(outputs, weights), or NULL: there is none. */
const ninp_winograd_form *ninp_winograd_form_of(const ninp_kernels *kernels, int outputs,
                                                int weights);
/* Floats of `lines` cache lines, one more if they are even: strides then spread over the sets of a
 * cache. */
static inline size_t ninp_winograd_stride(size_t lines) {
    return (lines | 1) * NINP_BLOCK;
}
ninp_winograd_plan ninp_winograd_plan_of(const ninp_step *step, const ninp_winograd_form *form,
                                         int pictures, bool training);

typedef struct ninp_winograd_group {
    int picture, pictures;
    int row, rows; /* of tiles, in each of them */
    int tiles;
} ninp_winograd_group;

int ninp_winograd_group_count(const ninp_winograd_plan *plan, int pictures);
ninp_winograd_group ninp_winograd_group_at(const ninp_winograd_plan *plan, int pictures, int index);
/* Whether a group holds parts of pictures. */
static inline bool ninp_winograd_has_bands(const ninp_winograd_plan *plan) {
    return plan->band < plan->rows;
}

/* One forward or backward pass. */
typedef struct ninp_winograd_pass {
    const ninp_cpu_run *run;
    const ninp_winograd_form *form;
    ninp_winograd_plan plan;
    float *x, *y, *t; /* in the common workspace */
} ninp_winograd_pass;

ninp_winograd_pass ninp_winograd_begin(const ninp_cpu_run *run);
static inline float *ninp_winograd_own(const ninp_winograd_pass *pass, int thread, size_t offset) {
    const ninp_cpu_run *run = pass->run;
    return (float *)(void *)(run->thread_space + (size_t)thread * run->needs->thread_bytes) +
           offset;
}

/* A channel block of a picture, or of a band of it, in a group. */
typedef struct ninp_winograd_task {
    int picture; /* of the run */
    int block;
    size_t tile; /* its first one in the group */
} ninp_winograd_task;

static inline ninp_winograd_task ninp_winograd_task_at(const ninp_winograd_plan *plan,
                                                       const ninp_winograd_group *group, int blocks,
                                                       int index) {
    const int picture = index / blocks;
    const size_t tiles = (size_t)group->rows * (size_t)plan->columns;
    return (ninp_winograd_task){.picture = group->picture + picture,
                                .block = index % blocks,
                                .tile = (size_t)picture * tiles};
}

/* Inputs to bins: task `index` of the group's pictures x blocks. */
void ninp_winograd_transform_input(const ninp_winograd_pass *pass, const ninp_winograd_group *group,
                                   int index, int thread);

void ninp_winograd_forward(const ninp_cpu_run *run);
void ninp_winograd_backward(const ninp_cpu_run *run);

/* Part `part` of `parts` nearly equal ones of `count`. */
static inline ninp_range ninp_winograd_part(int count, int parts, int part) {
    int first = (int)((int64_t)count * part / parts);
    int end = (int)((int64_t)count * (part + 1) / parts);
    return (ninp_range){first, end - first};
}

/* The registry entry `entry` of tiles of M outputs a side, whose file has refuse, cost and prepare
 * that take M as well, pack and unpack; `settings` points to M. What follows sets further members.
 */
#define NINP_WINOGRAD_ALGORITHM(entry, text, M, ...)                                      \
    static const int outputs_##M = M;                                                     \
    static const char *refuse_##M(const ninp_step *step, const ninp_cpu_config *config) { \
        return refuse(step, config, M);                                                   \
    }                                                                                     \
    static double cost_##M(const ninp_step *step, const ninp_cpu_config *config) {        \
        return cost(step, config, M);                                                     \
    }                                                                                     \
    static void prepare_##M(const ninp_step *step, const ninp_cpu_config *config,         \
                            ninp_cpu_needs *needs, const void **settings) {               \
        prepare(step, config, M, needs);                                                  \
        *settings = &outputs_##M;                                                         \
    }                                                                                     \
    const ninp_cpu_algorithm entry = {.name = text,                                       \
                                      .work = NINP_WORK_CONV,                             \
                                      .refuse = refuse_##M,                               \
                                      .cost = cost_##M,                                   \
                                      .prepare = prepare_##M,                             \
                                      .pack = pack,                                       \
                                      .unpack = unpack,                                   \
                                      __VA_ARGS__};

#endif

#include "cpu/conv/share.h"

#include "cpu/parallel.h"

/* Handing a product of fewer multiply-accumulates over to other threads costs more than it saves.
 */
#define LEAST_MACS ((int64_t)1 << 19)

static int part_count(const ninp_cpu_run *run, const ninp_gemm_left *a, int blocks) {
    const int64_t macs = (int64_t)a->lines * a->length * a->depth * blocks * NINP_BLOCK;
    const int most = macs < LEAST_MACS ? 1 : run->threads;
    return most < blocks ? most : blocks;
}

/* One product cut into parts. */
typedef struct multiply_pass {
    const ninp_cpu_run *run;
    const ninp_gemm_product *product;
    int parts;
} multiply_pass;

static void multiply_task(const void *context, int part, int thread) {
    (void)thread;
    const multiply_pass *pass = context;
    ninp_gemm_product product = *pass->product;
    const int first = product.blocks * part / pass->parts;
    product.blocks = product.blocks * (part + 1) / pass->parts - first;
    product.b += first * product.b_block_stride;
    product.c += first * product.c_layout.block_stride;
    product.bias = product.bias ? product.bias + (size_t)first * NINP_BLOCK : NULL;
    product.mask = product.mask ? product.mask + first * product.c_layout.block_stride : NULL;
    pass->run->kernels->gemm->multiply(&product);
}

void ninp_share_multiply(const ninp_cpu_run *run, const ninp_gemm_product *product) {
    const multiply_pass pass = {run, product, part_count(run, &product->a, product->blocks)};
    ninp_parallel_for(run->threads, pass.parts, multiply_task, &pass);
}

typedef struct gradient_pass {
    const ninp_cpu_run *run;
    const ninp_gemm_gradient *gradient;
    int parts;
} gradient_pass;

static void gradient_task(const void *context, int part, int thread) {
    (void)thread;
    const gradient_pass *pass = context;
    ninp_gemm_gradient gradient = *pass->gradient;
    const int first = gradient.blocks * part / pass->parts;
    gradient.blocks = gradient.blocks * (part + 1) / pass->parts - first;
    gradient.b += first * gradient.b_block_stride;
    gradient.c += first * gradient.c_layout.block_stride;
    gradient.sums = gradient.sums ? gradient.sums + (size_t)first * NINP_BLOCK : NULL;
    pass->run->kernels->gemm->gradient(&gradient);
}

void ninp_share_gradient(const ninp_cpu_run *run, const ninp_gemm_gradient *gradient) {
    const gradient_pass pass = {run, gradient, part_count(run, &gradient->a, gradient->blocks)};
    ninp_parallel_for(run->threads, pass.parts, gradient_task, &pass);
}

#include "cpu/conv/share.h"

/* Handing a product of fewer multiply-accumulates over to other threads costs more than it saves.
 */
#define LEAST_MACS ((int64_t)1 << 19)

static int part_count(const ninp_cpu_run *run, const ninp_gemm_left *a, int blocks) {
    const int64_t macs = (int64_t)a->lines * a->length * a->depth * blocks * NINP_BLOCK;
    const int most = macs < LEAST_MACS ? 1 : run->threads;
    return most < blocks ? most : blocks;
}

static void multiply_part(const ninp_cpu_run *run, ninp_gemm_product product, int part, int parts) {
    const int first = product.blocks * part / parts;
    product.blocks = product.blocks * (part + 1) / parts - first;
    product.b += first * product.b_block_stride;
    product.c += first * product.c_layout.block_stride;
    product.bias = product.bias ? product.bias + (size_t)first * NINP_BLOCK : NULL;
    product.mask = product.mask ? product.mask + first * product.c_layout.block_stride : NULL;
    run->kernels->gemm->multiply(&product);
}

void ninp_share_multiply(const ninp_cpu_run *run, const ninp_gemm_product *product) {
    const int parts = part_count(run, &product->a, product->blocks);
    if (parts == 1) {
        run->kernels->gemm->multiply(product);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int part = 0; part < parts; part++) {
        multiply_part(run, *product, part, parts);
    }
}

static void gradient_part(const ninp_cpu_run *run, ninp_gemm_gradient gradient, int part,
                          int parts) {
    const int first = gradient.blocks * part / parts;
    gradient.blocks = gradient.blocks * (part + 1) / parts - first;
    gradient.b += first * gradient.b_block_stride;
    gradient.c += first * gradient.c_layout.block_stride;
    gradient.sums = gradient.sums ? gradient.sums + (size_t)first * NINP_BLOCK : NULL;
    run->kernels->gemm->gradient(&gradient);
}

void ninp_share_gradient(const ninp_cpu_run *run, const ninp_gemm_gradient *gradient) {
    const int parts = part_count(run, &gradient->a, gradient->blocks);
    if (parts == 1) {
        run->kernels->gemm->gradient(gradient);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(run->threads)
    for (int part = 0; part < parts; part++) {
        gradient_part(run, *gradient, part, parts);
    }
}

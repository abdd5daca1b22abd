/* Matrix products by cuBLASLt, for convolutions of kernel 1 and fully-connected layers. This file
 * and cublaslt.cpp see nothing of CUDA's runtime, so that they can be tested with another library
 * behind the same names. */
#ifndef NINP_CUDA_PLUGIN_CUBLASLT_H
#define NINP_CUDA_PLUGIN_CUBLASLT_H

#include "cuda/plugin.h"

namespace ninp_cuda {

/* Gives the address of a function of the library, or NULL. */
struct lt_source {
    void *(*find)(void *context, const char *name);
    void *context;
};

struct lt_library;
/* NULL: a function is missing, or the library does not start. Release with lt_close. */
lt_library *lt_open(const lt_source &source);
void lt_close(lt_library *library);

/* Pixels x C times C x K, rows lying one behind another as in kernels.h: */
enum lt_pass {
    LT_FORWARD,         /* y = relu(x W + bias): a = x, b = W (C x K), vector = bias, as stored */
    LT_INPUT_GRADIENT,  /* dx = dy W^T: a = dy, b = W (C x K); no vector */
    LT_WEIGHT_GRADIENT, /* dW^T = dy^T x, K x C floats: a = x, b = dy; vector = sums of dy, floats
                         */
    LT_PASSES
};

struct lt_problem {
    lt_pass pass;
    ninp_cuda_math math;
    size_t pixels;
    int inputs, outputs; /* C and K */
    bool relu;           /* LT_FORWARD */
    void *vector;        /* in device memory */
    size_t workspace_bytes;
};

struct lt_arrays {
    const void *a, *b;
    void *result;
    void *workspace;
    void *stream; /* cudaStream_t */
};

/* A product with the algorithms that the library proposes for it, best guess first. */
struct lt_product;
/* NULL: the library does not do it, or not well: its vectors of 16 bytes do not fit the channels.
 * Release with lt_free. */
lt_product *lt_plan(lt_library *library, const lt_problem &problem, int *algorithms);
/* False: it failed, and nothing was computed. Always adds in the same order. */
bool lt_run(const lt_product *product, int algorithm, const lt_arrays &arrays);
void lt_free(lt_product *product);

} // namespace ninp_cuda

#endif

/* What a library computes of a convolution or fully-connected layer: one of its passes for one
 * shape and batch. The files of the libraries (cublaslt.cpp, cudnn.cpp) see nothing of CUDA's
 * runtime but this, so that they can be tested with something else behind the same names. */
#ifndef NINP_CUDA_PLUGIN_PRODUCT_H
#define NINP_CUDA_PLUGIN_PRODUCT_H

#include "cuda/plugin.h"

namespace ninp_cuda {

/* Gives the address of a library's function, or NULL. */
struct function_source {
    void *(*find)(void *context, const char *name);
    void *context;
};

template <typename Function>
bool find_function(const function_source &source, const char *name, Function *function) {
    void *found = source.find(source.context, name);
    *function = reinterpret_cast<Function>(found);
    return found != NULL;
}

/* Pictures N x H x W x C, in the memory order of kernels.h. */
enum product_pass {
    PASS_FORWARD,         /* y = relu(conv(x) + bias), or without the ReLU */
    PASS_INPUT_GRADIENT,  /* dx, not yet multiplied by a derivative but a mask's */
    PASS_WEIGHT_GRADIENT, /* dW in floats */
    PASSES
};

struct product_problem {
    product_pass pass;
    ninp_cuda_math math;
    int count; /* pictures */
    nin_shape input, output;
    int kernel, stride, padding;
    bool relu;    /* PASS_FORWARD */
    void *vector; /* device memory, NULL: none. PASS_FORWARD: the bias, as values are stored. Else
                     where a bias gradient goes, as floats, if the library makes it: this one's
                     (PASS_WEIGHT_GRADIENT) or that of what gave x, the sums of dx, which then must
                     be floats too (PASS_INPUT_GRADIENT with a mask) */
    void *mask;   /* device memory, NULL: none. A bit for each result of a ReLU, 1 where it passed,
                     mask_bits a pixel: of y, written (PASS_FORWARD), or of x, and dx becomes 0 where
                     they are 0 (PASS_INPUT_GRADIENT). Of cuBLASLt only */
    size_t workspace_bytes;
};

/* A matrix product: what cuBLASLt can do. */
inline bool is_one_pixel(int kernel, int stride, int padding) {
    return kernel == 1 && stride == 1 && padding == 0;
}

/* cuBLASLt takes masks whose pixels begin at multiples of 128 bits. */
inline size_t mask_bits(int channels) {
    const size_t group = 128;
    return ((size_t)channels + group - 1) / group * group;
}

/* Left and right: x and W; dy and W; x and dy. */
struct product_arrays {
    const void *left, *right;
    void *result;
    void *workspace;
    void *stream; /* cudaStream_t */
};

/* A product with the algorithms that the library proposes, best guess first. None of them adds in
 * an order that changes from run to run. */
class product {
  public:
    explicit product(const char *library_name) : name(library_name), algorithms(0) {
    }
    product(const product &) = delete;
    product &operator=(const product &) = delete;
    virtual ~product() {
    }
    /* False: it failed, and nothing was computed. */
    virtual bool run(int algorithm, const product_arrays &arrays) const = 0;

    const char *const name; /* "cublaslt" */
    int algorithms;
};

} // namespace ninp_cuda

#endif

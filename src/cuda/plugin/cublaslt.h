/* Convolutions of kernel 1 and fully-connected layers as matrix products by cuBLASLt. W is C x K:
 * the order of pack_weights' `forward`. The weight gradient comes as K x C, and with it the bias
 * gradient, unless the next product's input gradient brings that. */
#ifndef NINP_CUDA_PLUGIN_CUBLASLT_H
#define NINP_CUDA_PLUGIN_CUBLASLT_H

#include "cuda/plugin/product.h"

namespace ninp_cuda {

struct lt_library;
/* NULL: a function is missing, or the library does not start. Release with lt_close. */
lt_library *lt_open(const function_source &source);
void lt_close(lt_library *library);

/* NULL: the library does not do it. Release with delete. */
product *lt_plan(const lt_library *library, const product_problem &problem);

} // namespace ninp_cuda

#endif

/* Convolutions by cuDNN 9, through its graphs (the backend API). Filters are K x R x S x C; the
 * weight gradient comes in the same order, without the bias gradient. */
#ifndef NINP_CUDA_PLUGIN_CUDNN_H
#define NINP_CUDA_PLUGIN_CUDNN_H

#include "cuda/plugin/product.h"

namespace ninp_cuda {

struct dnn_library;
/* NULL: a function is missing, or the library does not start. Release with dnn_close. */
dnn_library *dnn_open(const function_source &source);
void dnn_close(dnn_library *library);

/* NULL: the library does not do it. Release with delete. */
product *dnn_plan(const dnn_library *library, const product_problem &problem);

} // namespace ninp_cuda

#endif

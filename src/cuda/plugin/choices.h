/* Algorithms that earlier sessions settled, and what they are known by. */
#ifndef NINP_CUDA_PLUGIN_CHOICES_H
#define NINP_CUDA_PLUGIN_CHOICES_H

#include "cuda/plugin/product.h"

namespace ninp_cuda {

/* The algorithm chosen for such a product, or -1. `choices` may be NULL. */
int recall_algorithm(const ninp_cuda_choices *choices, const product_problem &problem,
                     const product &made);
/* Puts it in place of what was chosen before, or behind the others if there is room. */
void keep_algorithm(ninp_cuda_choices *choices, const product_problem &problem, const product &made,
                    int algorithm);

} // namespace ninp_cuda

#endif

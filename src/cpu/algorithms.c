/* The registry. Where several algorithms can do a step at the same cost, the first one is taken. */
#include "cpu/algorithm.h"

#define ALGORITHMS(X)              \
    X(ninp_conv_pointwise)         \
    X(ninp_conv_few_filters)       \
    X(ninp_conv_few_channels)      \
    X(ninp_conv_strided_winograd4) \
    X(ninp_conv_strided_winograd6) \
    X(ninp_conv_winograd2)         \
    X(ninp_conv_winograd4)         \
    X(ninp_conv_winograd6)         \
    X(ninp_conv_fft)               \
    X(ninp_conv_direct)            \
    X(ninp_conv_direct_batch)      \
    X(ninp_linear_in_place)        \
    X(ninp_linear)                 \
    X(ninp_max_pool)               \
    X(ninp_max_pool_search)        \
    X(ninp_avg_pool)               \
    X(ninp_batch_norm)             \
    X(ninp_running_norm)           \
    X(ninp_dropout)                \
    X(ninp_flatten)                \
    X(ninp_activation_alone)

#define DECLARE(algorithm) extern const ninp_cpu_algorithm algorithm;
ALGORITHMS(DECLARE)

#define LIST(algorithm) &algorithm,
const ninp_cpu_algorithm *const ninp_cpu_algorithms[] = {ALGORITHMS(LIST) NULL};

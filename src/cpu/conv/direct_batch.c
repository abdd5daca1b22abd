/* Direct convolution of any shape, the whole batch at once: for small pictures. */
#include "cpu/conv/batch.h"
#include "cpu/conv/cost.h"

static double cost(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_conv_shape shape = ninp_conv_shape_of(step);
    return ninp_conv_batch_cost(&shape, step, config);
}

const ninp_cpu_algorithm ninp_conv_direct_batch = {.name = "direct_batch",
                                                   .work = NINP_WORK_CONV,
                                                   .scope = NINP_SCOPE_BATCH,
                                                   .cost = cost,
                                                   .prepare = ninp_batch_prepare,
                                                   .pack = ninp_batch_pack,
                                                   .unpack = ninp_batch_unpack,
                                                   .forward = ninp_batch_forward,
                                                   .backward = ninp_batch_backward};

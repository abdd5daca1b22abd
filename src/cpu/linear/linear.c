/* A fully-connected layer: a 1 x 1 convolution of 1 x 1 pictures, the whole batch at once. */
#include "cpu/conv/batch.h"

const ninp_cpu_algorithm ninp_linear = {.name = "linear",
                                        .work = NINP_WORK_LINEAR,
                                        .scope = NINP_SCOPE_BATCH,
                                        .prepare = ninp_batch_prepare,
                                        .pack = ninp_batch_pack,
                                        .unpack = ninp_batch_unpack,
                                        .forward = ninp_batch_forward,
                                        .backward = ninp_batch_backward};

/* CUDA graphs of a whole pass: what is started kernel by kernel the first time is recorded the
 * second time and started at once from then on. */
#ifndef NINP_CUDA_PLUGIN_CAPTURE_H
#define NINP_CUDA_PLUGIN_CAPTURE_H

#include "cuda/plugin/device.h"

namespace ninp_cuda {

struct session;
typedef void pass(session &of, int count);

/* One graph a pass and batch size: that of most batches and that of the last one. */
struct graph_cache {
    enum { KEPT = 4 };
    pass *bodies[KEPT]; /* NULL: free */
    int counts[KEPT];
    bool seen[KEPT]; /* ran once */
#ifndef NINP_CUDA_EMULATED
    cudaGraphExec_t graphs[KEPT];
#endif
    int next;     /* to be replaced */
    bool refused; /* a pass cannot be recorded: its kernels are always started one by one */
};

/* Runs `body`, which must start the same kernels with the same arguments whenever `count` is the
 * same. */
void run_captured(session &of, int count, pass *body);
/* Leaves none; there may be new ones. */
void free_graphs(graph_cache &graphs);

} // namespace ninp_cuda

#endif

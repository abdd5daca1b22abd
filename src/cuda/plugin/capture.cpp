#include "cuda/plugin/session.h"

namespace ninp_cuda {

#ifdef NINP_CUDA_EMULATED

/* There is nothing to record: kernels run where they are started. */
void run_captured(session &of, int count, pass *body) {
    body(of, count);
}

void free_graphs(graph_cache &) {
}

#else

/* The place of a pass, made free for it where it has none. */
static int place_of(graph_cache &graphs, int count, pass *body) {
    for (int i = 0; i < graph_cache::KEPT; i++) {
        if (graphs.bodies[i] == body && graphs.counts[i] == count) {
            return i;
        }
    }
    const int place = graphs.next;
    graphs.next = (graphs.next + 1) % graph_cache::KEPT;
    if (graphs.graphs[place]) {
        (void)cudaGraphExecDestroy(graphs.graphs[place]);
    }
    graphs.graphs[place] = NULL;
    graphs.bodies[place] = body;
    graphs.counts[place] = count;
    graphs.seen[place] = false;
    return place;
}

/* NULL: something in the pass cannot be recorded. A device that failed says so again when the pass
 * is run. */
static cudaGraphExec_t record(session &of, int count, pass *body) {
    cudaGraph_t graph = NULL;
    cudaGraphExec_t made = NULL;
    if (cudaStreamBeginCapture(of.on.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess) {
        body(of, count);
        note(of.on, cudaStreamEndCapture(of.on.stream, &graph));
    }
    if (graph && of.on.error == cudaSuccess) {
        note(of.on, cudaGraphInstantiate(&made, graph, 0));
    }
    if (graph) {
        (void)cudaGraphDestroy(graph);
    }
    if (!made) {
        of.on.error = cudaSuccess;
        (void)cudaGetLastError();
    }
    return made;
}

/* The first run is not recorded: modules are loaded in it, which may not happen in a recording. */
void run_captured(session &of, int count, pass *body) {
    if (of.on.error != cudaSuccess) {
        return;
    }
    const int place = place_of(of.graphs, count, body);
    if (of.graphs.seen[place] && !of.graphs.graphs[place] && !of.graphs.refused) {
        of.graphs.graphs[place] = record(of, count, body);
        of.graphs.refused = !of.graphs.graphs[place];
    }
    of.graphs.seen[place] = true;
    if (of.graphs.graphs[place]) {
        note(of.on, cudaGraphLaunch(of.graphs.graphs[place], of.on.stream));
    } else {
        body(of, count);
    }
}

void free_graphs(graph_cache &graphs) {
    for (int i = 0; i < graph_cache::KEPT; i++) {
        if (graphs.graphs[i]) {
            (void)cudaGraphExecDestroy(graphs.graphs[i]);
        }
    }
    const bool refused = graphs.refused;
    graphs = {};
    graphs.refused = refused;
}

#endif

} // namespace ninp_cuda

/* Times on the device, by a session's two events: between open_clock and close_clock. */
#ifndef NINP_CUDA_PLUGIN_TIMING_H
#define NINP_CUDA_PLUGIN_TIMING_H

#include "cuda/plugin/session.h"

namespace ninp_cuda {

inline void open_clock(session &of) {
    note(of.on, cudaEventCreate(&of.start));
    note(of.on, cudaEventCreate(&of.end));
}

inline void close_clock(session &of) {
    (void)cudaEventDestroy(of.start);
    (void)cudaEventDestroy(of.end);
}

inline void start_clock(session &of) {
    note(of.on, cudaEventRecord(of.start, of.on.stream));
}

/* Waits for what was started since start_clock: milliseconds. */
inline float stop_clock(session &of) {
    float milliseconds = 0.0F;
    note(of.on, cudaEventRecord(of.end, of.on.stream));
    note(of.on, cudaStreamSynchronize(of.on.stream));
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaEventElapsedTime(&milliseconds, of.start, of.end));
    }
    return milliseconds;
}

/* Milliseconds of a few runs, behind one that warms; negative: `run` returned false. */
template <typename Run> float time_runs(session &of, Run run) {
    enum { RUNS = 3 };
    if (!run()) {
        return -1.0F;
    }
    start_clock(of);
    for (int i = 0; i < RUNS; i++) {
        if (!run()) {
            return -1.0F;
        }
    }
    return stop_clock(of);
}

} // namespace ninp_cuda

#endif

#include "cuda/plugin/session.h"

extern "C" {
#include "base/error.h"
}

namespace ninp_cuda {

nin_status fail_cuda(const session &of, const char *what, nin_error *err) {
    return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "%s failed: %s", what,
                     cudaGetErrorString(of.on.error));
}

nin_status wait(session &of, const char *what, nin_error *err) {
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaStreamSynchronize(of.on.stream));
    }
    return of.on.error == cudaSuccess ? NIN_OK : fail_cuda(of, what, err);
}

} // namespace ninp_cuda

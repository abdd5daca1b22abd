#include "cuda/plugin.h"
#include "cuda/plugin/table.h"

#define TEXT_OF(number) #number
#define VERSION_OF(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

NIN_API const ninp_cuda_plugin *ninp_cuda_plugin_v1(void) {
    static const ninp_resident_functions resident = {
        ninp_cuda::hold_pictures,   ninp_cuda::compute_held_logits, ninp_cuda::begin_training,
        ninp_cuda::take_epoch,      ninp_cuda::run_steps,           ninp_cuda::fetch_training,
        ninp_cuda::fetch_gradients, ninp_cuda::sample_values,       ninp_cuda::measure_range,
    };
    static const ninp_cuda_plugin plugin = {
        NINP_CUDA_PLUGIN_ABI,
        VERSION_OF(NIN_VERSION_MAJOR, NIN_VERSION_MINOR, NIN_VERSION_PATCH),
        ninp_cuda::list_devices,
        ninp_cuda::open_session,
        ninp_cuda::close_session,
        ninp_cuda::weights_changed,
        ninp_cuda::compute_logits,
        ninp_cuda::compute_gradients,
        ninp_cuda::copy_result,
        ninp_cuda::profile_steps,
        ninp_cuda::mark_active_channels,
        ninp_cuda::session_bytes,
        ninp_cuda::session_step,
        &resident,
    };
    return &plugin;
}

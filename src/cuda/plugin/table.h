/* The functions behind the plug-in's table (cuda/plugin.h says what they do). */
#ifndef NINP_CUDA_PLUGIN_TABLE_H
#define NINP_CUDA_PLUGIN_TABLE_H

#include "cuda/plugin.h"

namespace ninp_cuda {

nin_status list_devices(ninp_cuda_device *devices, int capacity, int *count,
                        ninp_cuda_libraries *libraries, nin_error *err);

nin_status open_session(const ninp_cuda_task *task, void **state, nin_error *err);
void close_session(void *state);
void weights_changed(void *state);
nin_status compute_logits(void *state, const float *images, int count, float *logits,
                          nin_error *err);
nin_status compute_gradients(void *state, const nin_examples *examples, float *gradients,
                             nin_loss *loss, nin_error *err);
nin_status copy_result(const void *state, size_t step, int example, float *values, nin_error *err);
nin_status profile_steps(void *state, const nin_examples *examples, nin_step_time *times,
                         nin_error *err);
nin_status mark_active_channels(const void *state, size_t step, int pictures, bool *active,
                                nin_error *err);
size_t session_bytes(const void *state);
ninp_cuda_step session_step(const void *state, size_t index);

/* Those of ninp_resident_functions. */
nin_status hold_pictures(void *state, const ninp_resident_pictures *pictures, nin_error *err);
nin_status compute_held_logits(void *state, const ninp_resident_place *places, int count,
                               float *logits, nin_error *err);
nin_status begin_training(void *state, const ninp_resident_update *how, nin_error *err);
nin_status take_epoch(void *state, const ninp_resident_place *places, size_t place_count,
                      const ninp_resident_step *steps, size_t step_count, nin_error *err);
nin_status run_steps(void *state, size_t first, size_t count, ninp_resident_result *results,
                     nin_error *err);
nin_status fetch_training(void *state, float *const *slots, float *average, nin_error *err);
nin_status fetch_gradients(void *state, float *gradients, nin_error *err);
nin_status sample_values(void *state, const ninp_resident_samples *ranges, size_t count,
                         float *values, nin_error *err);
nin_status measure_range(void *state, int count, ninp_resident_range *range, nin_error *err);

} // namespace ninp_cuda

#endif

/* What tests may do to the emulated device. C and C++. */
#ifndef NINP_CUDA_EMULATE_CONTROL_H
#define NINP_CUDA_EMULATE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks, and the threads between two barriers, run in the opposite order. What depends on it has a
 * race. */
void emulated_set_reversed(bool reversed);
/* cudaMalloc refuses what goes beyond; 0: no limit. */
void emulated_set_memory(size_t bytes);
/* Calls of cudaMalloc so far, and bytes that are allocated now. */
size_t emulated_allocations(void);
size_t emulated_bytes(void);

/* Gives functions that stand in for those of NVIDIA's libraries, by name, or NULL. NULL, as at the
 * start: there are no libraries.
 */
typedef void *emulated_find(const char *name);
void emulated_set_libraries(emulated_find *find);

#ifdef __cplusplus
}
#endif

#endif

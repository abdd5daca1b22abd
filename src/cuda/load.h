/* Finding the CUDA plug-in and the device that a session asks for. Where there is no plug-in, that
 * takes one look at the file system; where there is one and no driver, one failed dlopen. */
#ifndef NINP_CUDA_LOAD_H
#define NINP_CUDA_LOAD_H

#include "cuda/plugin.h"

/* Opens libnin-cuda.so in `directory` (NULL: where it was installed), once the driver's library is
 * there, and sees that it belongs to this library. It stays open for good. NIN_ERROR_UNAVAILABLE:
 * the message says which part is missing or does not fit. */
nin_status ninp_cuda_load(const char *directory, const ninp_cuda_plugin **out, nin_error *err);

/* The device that "cuda" (the first one that can be used) or "cuda:N" means. NIN_ERROR_ARGUMENT: N
 * is no number; NIN_ERROR_UNAVAILABLE: there is none, or it cannot be used. */
nin_status ninp_cuda_find(const ninp_cuda_plugin *plugin, const char *device, int *number,
                          ninp_cuda_device *out, nin_error *err);

#endif

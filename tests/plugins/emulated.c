/* The CUDA engine with its device emulated, as a plug-in: this takes it out of its library. */
#include "cuda/plugin.h"

extern const ninp_cuda_plugin *(*const nin_test_engine)(void);
const ninp_cuda_plugin *(*const nin_test_engine)(void) = ninp_cuda_plugin_v1;

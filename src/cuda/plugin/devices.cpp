/* What there is to compute on. */
#include "cuda/plugin/device.h"
#include "cuda/plugin/libraries.h"
#include "cuda/plugin/table.h"

#include <stdio.h>

extern "C" {
#include "base/error.h"
}

namespace ninp_cuda {
namespace {

enum { LEAST_MAJOR = 8 }; /* bfloat16 and TF32 on tensor cores; the oldest this is compiled for */

void describe(int number, ninp_cuda_device *device) {
    cudaDeviceProp properties = {};
    *device = {};
    const cudaError_t error = cudaGetDeviceProperties(&properties, number);
    if (error != cudaSuccess) {
        snprintf(device->reason, sizeof device->reason, "it does not answer: %s",
                 cudaGetErrorString(error));
        (void)cudaGetLastError();
        return;
    }
    snprintf(device->name, sizeof device->name, "%.*s", (int)sizeof device->name - 1,
             properties.name);
    device->major = properties.major;
    device->minor = properties.minor;
    device->multiprocessors = properties.multiProcessorCount;
    device->memory_bytes = properties.totalGlobalMem;
    device->usable = properties.major >= LEAST_MAJOR;
    if (!device->usable) {
        snprintf(device->reason, sizeof device->reason,
                 "its compute capability is %d.%d; %d.0 is the least", properties.major,
                 properties.minor, (int)LEAST_MAJOR);
    }
}

} // namespace

nin_status list_devices(ninp_cuda_device *devices, int capacity, int *count,
                        ninp_cuda_libraries *libraries, nin_error *err) {
    *count = 0;
    if (libraries) {
        *libraries = {};
        (void)cudaDriverGetVersion(&libraries->driver);
        (void)cudaRuntimeGetVersion(&libraries->runtime);
        describe_libraries(libraries);
    }
    int found = 0;
    const cudaError_t error = cudaGetDeviceCount(&found);
    if (error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver) {
        (void)cudaGetLastError(); /* no driver, or none that is new enough: no devices */
        return NIN_OK;
    }
    if (error != cudaSuccess) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "the CUDA driver does not answer: %s",
                         cudaGetErrorString(error));
    }
    for (int i = 0; i < found && i < capacity; i++) {
        describe(i, &devices[i]);
    }
    *count = found;
    return NIN_OK;
}

} // namespace ninp_cuda

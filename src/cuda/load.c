#include "cuda/load.h"

#include "base/error.h"
#include "base/library.h"
#include "engine/engine.h"

#include <nin/cuda.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "libnin-cuda.so"
#define DRIVER "libcuda.so.1"

typedef struct plugin_path {
    char text[sizeof(((nin_cuda_info *)NULL)->plugin)];
} plugin_path;

static nin_status find_file(const char *directory, plugin_path *path, nin_error *err) {
    directory = directory ? directory : NINP_PLUGIN_DIRECTORY;
    int length = snprintf(path->text, sizeof path->text, "%s/%s", directory, FILE_NAME);
    if (length < 0 || (size_t)length >= sizeof path->text) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "the directory of plug-ins has a name of %d bytes", length);
    }
    if (access(path->text, R_OK) != 0) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE,
                         "device cuda needs the CUDA engine, a part of nin of its own: %s: %s",
                         path->text, strerror(errno));
    }
    return NIN_OK;
}

static nin_status open_file(const plugin_path *path, const ninp_cuda_plugin **out, nin_error *err) {
    const ninp_cuda_plugin *(*get)(void) = NULL;
    const ninp_symbol symbols[] = {{NINP_CUDA_PLUGIN_SYMBOL, &get}, {"", NULL}};
    nin_status status = ninp_library_open(path->text, "device cuda", symbols, err);
    if (status != NIN_OK) {
        return status;
    }
    const ninp_cuda_plugin *plugin = get();
    /* The version lies where it always did; what comes after it depends on the ABI. */
    if (strcmp(plugin->version, nin_version()) != 0) {
        return ninp_fail(
            err, NIN_ERROR_UNAVAILABLE,
            "%s belongs to nin %s, and this is nin %s: install the one of this version", path->text,
            plugin->version, nin_version());
    }
    if (plugin->abi != NINP_CUDA_PLUGIN_ABI) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE,
                         "%s is of another build of nin %s (interface %u, not %d): build both anew",
                         path->text, plugin->version, plugin->abi, (int)NINP_CUDA_PLUGIN_ABI);
    }
    *out = plugin;
    return NIN_OK;
}

static nin_status load(const plugin_path *path, const ninp_cuda_plugin **out, nin_error *err) {
    static const ninp_symbol none[] = {{"", NULL}};
    nin_status status =
        ninp_library_open(DRIVER, "device cuda, through NVIDIA's driver,", none, err);
    return status == NIN_OK ? open_file(path, out, err) : status;
}

nin_status ninp_cuda_load(const char *directory, const ninp_cuda_plugin **out, nin_error *err) {
    *out = NULL;
    plugin_path path;
    nin_status status = find_file(directory, &path, err);
    return status == NIN_OK ? load(&path, out, err) : status;
}

/* -1: any. */
static nin_status read_number(const char *device, int *number, nin_error *err) {
    *number = -1;
    if (device[4] == '\0') {
        return NIN_OK;
    }
    char *end;
    errno = 0;
    long value = strtol(device + 5, &end, 10);
    bool right =
        device[5] >= '0' && device[5] <= '9' && *end == '\0' && errno == 0 && value <= 9999;
    *number = right ? (int)value : -1;
    return right ? NIN_OK
                 : ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "device %s: N of cuda:N is the number of a device, from 0", device);
}

static nin_status fail_without_devices(const ninp_cuda_plugin *plugin, const char *device,
                                       nin_error *err) {
    ninp_cuda_libraries has = {0};
    int count;
    (void)plugin->devices(NULL, 0, &count, &has, NULL);
    if (has.driver < has.runtime) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE,
                         "device %s: the driver has CUDA %d.%d and shows no device; the engine was "
                         "built with CUDA %d.%d",
                         device, has.driver / 1000, has.driver % 1000 / 10, has.runtime / 1000,
                         has.runtime % 1000 / 10);
    }
    return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "device %s: the driver shows no device", device);
}

nin_status ninp_cuda_find(const ninp_cuda_plugin *plugin, const char *device, int *number,
                          ninp_cuda_device *out, nin_error *err) {
    ninp_cuda_device devices[NIN_CUDA_DEVICES];
    int count = 0;
    int wanted;
    nin_status status = read_number(device, &wanted, err);
    if (status == NIN_OK) {
        status = plugin->devices(devices, NIN_CUDA_DEVICES, &count, NULL, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    if (count == 0) {
        return fail_without_devices(plugin, device, err);
    }
    int known = count < NIN_CUDA_DEVICES ? count : NIN_CUDA_DEVICES;
    if (wanted >= known) {
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "device %s: there %s %d, counted from 0",
                         device, count == 1 ? "is" : "are", count);
    }
    int at = wanted < 0 ? 0 : wanted;
    while (wanted < 0 && at < known - 1 && !devices[at].usable) {
        at++;
    }
    if (!devices[at].usable) {
        at = wanted < 0 ? 0 : wanted;
        return ninp_fail(err, NIN_ERROR_UNAVAILABLE, "device cuda:%d, %s, cannot be used: %s", at,
                         devices[at].name, devices[at].reason);
    }
    *number = at;
    *out = devices[at];
    return NIN_OK;
}

nin_status ninp_cuda_available(const char *directory, nin_error *err) {
    const ninp_cuda_plugin *plugin;
    ninp_cuda_device device;
    int number;
    nin_status status = ninp_cuda_load(directory, &plugin, err);
    return status == NIN_OK ? ninp_cuda_find(plugin, "cuda", &number, &device, err) : status;
}

static void copy_text(char *to, size_t size, const char *from) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

nin_status nin_cuda_look(const char *plugins, nin_cuda_info *out, nin_error *err) {
    *out = (nin_cuda_info){0};
    plugin_path path = {""};
    const ninp_cuda_plugin *plugin;
    ninp_cuda_device devices[NIN_CUDA_DEVICES];
    ninp_cuda_libraries libraries = {0};
    nin_status status = find_file(plugins, &path, err);
    copy_text(out->plugin, sizeof out->plugin, path.text);
    if (status == NIN_OK) {
        status = load(&path, &plugin, err);
    }
    if (status == NIN_OK) {
        status = plugin->devices(devices, NIN_CUDA_DEVICES, &out->device_count, &libraries, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    out->driver = libraries.driver;
    out->runtime = libraries.runtime;
    copy_text(out->cublaslt.version, sizeof out->cublaslt.version, libraries.cublaslt);
    copy_text(out->cublaslt.reason, sizeof out->cublaslt.reason, libraries.cublaslt_reason);
    copy_text(out->cudnn.version, sizeof out->cudnn.version, libraries.cudnn);
    copy_text(out->cudnn.reason, sizeof out->cudnn.reason, libraries.cudnn_reason);
    for (int i = 0; i < out->device_count && i < NIN_CUDA_DEVICES; i++) {
        nin_cuda_device *device = &out->devices[i];
        *device = (nin_cuda_device){.major = devices[i].major,
                                    .minor = devices[i].minor,
                                    .multiprocessors = devices[i].multiprocessors,
                                    .memory_bytes = devices[i].memory_bytes,
                                    .usable = devices[i].usable};
        copy_text(device->name, sizeof device->name, devices[i].name);
        copy_text(device->reason, sizeof device->reason, devices[i].reason);
    }
    return NIN_OK;
}

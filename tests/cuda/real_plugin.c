/* The plug-in as it is built for a GPU; NINP_TEST_PLUGIN is its path. */
#include "cuda/cuda_run.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SKIPPED = 77 };

static void end_skipped(const char *reason) {
    printf("skipped: %s\n", reason);
    exit(SKIPPED);
}

const ninp_cuda_plugin *cuda_plugin(void) {
    static const ninp_cuda_plugin *plugin;
    if (plugin) {
        return plugin;
    }
    void *library = dlopen(NINP_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    void *found = library ? dlsym(library, NINP_CUDA_PLUGIN_SYMBOL) : NULL;
    if (!found) {
        printf("%s: %s\n", NINP_TEST_PLUGIN, dlerror());
        exit(EXIT_FAILURE);
    }
    const ninp_cuda_plugin *(*open_plugin)(void);
    memcpy(&open_plugin, &found, sizeof open_plugin);
    ninp_cuda_device device = {0};
    nin_error err = {0};
    int count = 0;
    if (open_plugin()->devices(&device, 1, &count, NULL, &err) != NIN_OK) {
        end_skipped(err.message);
    }
    if (count == 0 || !device.usable) {
        end_skipped(count ? device.reason : "no CUDA device");
    }
    plugin = open_plugin();
    return plugin;
}

bool cuda_reverse_threads(bool reversed) {
    (void)reversed;
    return false;
}

bool cuda_limit_memory(size_t bytes) {
    (void)bytes;
    return false;
}

/* A session uses what is installed. */
static ninp_cuda_libraries installed(void) {
    ninp_cuda_libraries libraries = {0};
    nin_error err = {0};
    int count;
    cuda_plugin()->devices(NULL, 0, &count, &libraries, &err);
    return libraries;
}

void cuda_use_cublaslt(void) {
    if (!installed().cublaslt[0]) {
        skip();
    }
}

void cuda_use_cudnn(void) {
    if (!installed().cudnn[0]) {
        skip();
    }
}

void cuda_use_no_library(void) {
}

int cuda_library_products(void) {
    return -1;
}

bool cuda_count_cublaslt(fake_cublaslt_counts *counts) {
    *counts = (fake_cublaslt_counts){0};
    return false;
}

bool cuda_set_masks(bool supported) {
    (void)supported;
    return false;
}

size_t cuda_allocations(void) {
    return 0;
}

size_t cuda_allocated_bytes(void) {
    return 0;
}

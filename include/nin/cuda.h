/* What a machine has for the device "cuda". */
#ifndef NIN_CUDA_H
#define NIN_CUDA_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nin_cuda_device {
    char name[96];    /* "NVIDIA H100 80GB HBM3" */
    int major, minor; /* compute capability: 9, 0 */
    int multiprocessors;
    size_t memory_bytes;
    bool usable;
    char reason[200]; /* why it is not */
} nin_cuda_device;

/* A library that the engine uses where it is, and does without. */
typedef struct nin_cuda_library {
    char version[64]; /* "" where it is missing */
    char reason[200]; /* why */
} nin_cuda_library;

enum { NIN_CUDA_DEVICES = 16 };

typedef struct nin_cuda_info {
    char plugin[1000]; /* path of the plug-in that holds the engine; set after a failure too */
    int driver;        /* the CUDA version it offers, 13000 for 13.0 */
    int runtime;       /* the one the plug-in was built with */
    nin_cuda_library cublaslt, cudnn;
    nin_cuda_device devices[NIN_CUDA_DEVICES]; /* the first ones, by number */
    int device_count;                          /* all that there are */
} nin_cuda_info;

/* Opens the plug-in and asks it. `plugins` is that of nin_session_options. The first call in a
 * process takes a good part of a second where there is a device, and next to nothing where there
 * is no plug-in or no driver. NIN_ERROR_UNAVAILABLE: the message says which part is missing or does
 * not fit. */
NIN_API nin_status nin_cuda_look(const char *plugins, nin_cuda_info *out, nin_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* What a session runs on, and how that is told. */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include "options.h"

#include <nin/nin.h>

#include <jansson.h>

/* What a session told, kept beyond it: `info` points into `texts`. */
typedef struct cli_device {
    nin_session_info info;
    char *texts[4];
} cli_device;

/* What a session of these settings will be on: asked of one for a single picture, which is small.
 * Its algorithms are NULL, because those of a whole batch are known later. Freed with
 * cli_device_free. */
nin_status cli_device_ask(nin_net *net, const cli_settings *settings, cli_device *out,
                          nin_error *err);
void cli_device_free(cli_device *device);

/* Whether a session's device is a CUDA device. */
bool cli_device_is_cuda(const char *device);

/* "avx2, 2 threads", "NVIDIA H100, sm_90, bf16, deterministic, 2 threads"; freed by the caller. */
char *cli_device_details(const nin_session_info *info);

/* Says on the way which device was found, unless it is the processor. */
void cli_device_tell(const nin_session *session);

/* Adds "device", "isa" and "math"; of CUDA devices "hardware" and "deterministic" too. */
void cli_device_add_json(const nin_session_info *info, json_t *object);

#endif

#include "device.h"

#include "json.h"
#include "terminal.h"
#include "text.h"

#include <stdlib.h>

nin_status cli_device_ask(nin_net *net, const cli_settings *settings, cli_device *out,
                          nin_error *err) {
    *out = (cli_device){0};
    nin_session_options options = cli_session_options(settings);
    options.batch = 1;
    options.algorithms = NULL;
    nin_session *session;
    nin_status status = nin_session_create(net, &options, &session, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_session_info *info = &out->info;
    *info = nin_session_get_info(session);
    info->device = out->texts[0] = cli_copy(info->device);
    info->isa = out->texts[1] = cli_copy(info->isa);
    info->hardware = out->texts[2] = cli_copy(info->hardware);
    info->math = out->texts[3] = cli_copy(info->math);
    info->algorithms = NULL;
    nin_session_free(session);
    return NIN_OK;
}

void cli_device_free(cli_device *device) {
    for (size_t i = 0; i < sizeof device->texts / sizeof device->texts[0]; i++) {
        free(device->texts[i]);
    }
    *device = (cli_device){0};
}

bool cli_device_is_cuda(const char *device) {
    return nin_device_fits("cuda", device);
}

char *cli_device_details(const nin_session_info *info) {
    const char *plural = info->threads == 1 ? "" : "s";
    if (!cli_device_is_cuda(info->device)) {
        return cli_format("%s, %d thread%s", info->isa, info->threads, plural);
    }
    return cli_format("%s, %s, %s, %s%d thread%s", info->hardware, info->isa, info->math,
                      info->deterministic ? "deterministic, " : "", info->threads, plural);
}

void cli_device_tell(const nin_session *session) {
    nin_session_info info = nin_session_get_info(session);
    if (cli_device_is_cuda(info.device)) {
        char *details = cli_device_details(&info);
        cli_note("on %s (%s)", info.device, details);
        free(details);
    }
}

void cli_device_add_json(const nin_session_info *info, json_t *object) {
    cli_json_set(object, "device", cli_json_text(info->device));
    cli_json_set(object, "isa", cli_json_text(info->isa));
    cli_json_set(object, "math", cli_json_text(info->math));
    if (cli_device_is_cuda(info->device)) {
        cli_json_set(object, "hardware", cli_json_text(info->hardware));
        cli_json_set(object, "deterministic", json_boolean(info->deterministic));
    }
}

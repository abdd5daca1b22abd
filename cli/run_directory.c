#include "run_directory.h"

#include "config.h"
#include "device.h"
#include "files.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What shows that a directory holds a run. config.json alone does not: training never began. */
static const char *const run_files[] = {"state", "log.jsonl", "last.safetensors",
                                        "best.safetensors"};

char *cli_run_default_directory(const char *model) {
    const char *slash = strrchr(model, '/');
    char *name = cli_copy(slash ? slash + 1 : model);
    static const char *const endings[] = {".net", ".safetensors"};
    for (size_t i = 0; i < 2; i++) {
        if (cli_ends_with(name, endings[i])) {
            name[strlen(name) - strlen(endings[i])] = '\0';
        }
    }
    char date[32] = "";
    time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local)) {
        strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    }
    char *directory = cli_format("runs/%s-%s", name, date);
    for (int number = 2; cli_exists(directory); number++) {
        free(directory);
        directory = cli_format("runs/%s-%s-%d", name, date, number);
    }
    free(name);
    return directory;
}

nin_status cli_run_create(const char *directory, nin_error *err) {
    for (size_t i = 0; i < sizeof run_files / sizeof run_files[0]; i++) {
        char *path = cli_join(directory, run_files[i]);
        bool there = cli_exists(path);
        free(path);
        if (there) {
            return cli_error(err, NIN_ERROR_ARGUMENT,
                             "%s holds a run already (%s is there): --resume %s goes on with it, "
                             "another --out starts a new one",
                             directory, run_files[i], directory);
        }
    }
    return cli_make_directories(directory, err);
}

void cli_run_discard(const char *directory) {
    char *state = cli_join(directory, "state");
    if (!cli_exists(state)) {
        char *config = cli_join(directory, "config.json");
        unlink(config);
        rmdir(directory); /* fails where there is something else in it, as it should */
        free(config);
    }
    free(state);
}

static json_t *dataset_json(const nin_dataset_info *info) {
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(info->name));
    cli_json_set(object, "place", cli_json_text(info->place));
    cli_json_set(object, "count", cli_json_integer(info->count));
    cli_json_set(object, "digest", cli_json_text(info->digest));
    return object;
}

static json_t *session_json(const nin_session_info *info) {
    json_t *session = cli_json_object();
    cli_device_add_json(info, session);
    cli_json_set(session, "threads", cli_json_integer((unsigned)info->threads));
    if (info->algorithms) {
        cli_json_set(session, "algorithms", cli_json_text(info->algorithms));
    }
    return session;
}

nin_status cli_run_write(const char *directory, const cli_settings *settings,
                         const cli_run_record *record, nin_error *err) {
    json_t *config = cli_json_object();
    cli_json_set(config, "nin", cli_json_text(nin_version()));
    cli_json_set(config, "recipe", record->recipe ? cli_json_text(record->recipe) : json_null());
    cli_json_set(config, "settings", cli_config_json(settings));
    cli_json_set(config, "net", cli_json_text(record->net));
    json_t *data = cli_json_object();
    cli_json_set(data, "train", dataset_json(&record->train));
    cli_json_set(data, "test", dataset_json(&record->test));
    cli_json_set(config, "data", data);
    cli_json_set(config, "session", session_json(&record->session));

    nin_status status = cli_json_write(config, directory, "config.json", err);
    json_decref(config);
    return status;
}

nin_status cli_run_move(const char *directory, json_t *config, const cli_settings *settings,
                        const nin_session_info *session, nin_error *err) {
    json_t *recorded = json_object_get(config, "settings");
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (setting->use & CLI_MAY_MOVE || strcmp(setting->name, "isa") == 0) {
            cli_json_set(recorded, setting->name, cli_setting_json(setting, settings));
        }
    }
    cli_json_set(config, "session", session_json(session));
    return cli_json_write(config, directory, "config.json", err);
}

nin_status cli_run_read(const char *directory, cli_settings *settings, json_t **config,
                        nin_error *err) {
    *config = NULL;
    char *path = cli_join(directory, "config.json");
    char *text = NULL;
    size_t size;
    nin_status status = cli_read_file(path, (size_t)16 << 20, &text, &size, err);
    if (status == NIN_ERROR_NO_INPUT) {
        cli_error(err, status, "%s: there is no run to go on with (no config.json)", directory);
    }
    if (status == NIN_OK) {
        status = cli_config_apply_record(text, size, path, settings, config, err);
    }
    free(text);
    free(path);
    return status;
}

const char *cli_run_text(const json_t *config, const char *a, const char *b) {
    const json_t *value = json_object_get(config, a);
    const char *text = json_string_value(b ? json_object_get(value, b) : value);
    return text ? text : "";
}

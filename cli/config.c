#include "config.h"

#include "device.h"
#include "files.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r";

/* Cuts blanks off both ends, in place. */
static char *trim(char *text) {
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    return text;
}

static void cut_comment(char *line) {
    for (char *at = line; *at; at++) {
        if (*at == '#' && (at == line || strchr(blanks, at[-1]))) {
            *at = '\0';
            return;
        }
    }
}

static nin_status unknown_key(const char *key, const char *where, nin_error *err) {
    const char *nearest = cli_setting_nearest(key);
    return cli_error(err, NIN_ERROR_ARGUMENT, "%s: there is no setting '%s'%s%s%s", where, key,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* `where` goes in front of the message. */
static nin_status prefix(nin_status status, const char *where, nin_error *err) {
    if (status != NIN_OK) {
        char *message = cli_copy(err->message);
        cli_error(err, status, "%s: %s", where, message);
        free(message);
    }
    return status;
}

static nin_status apply_line(char *line, const char *where, cli_settings *settings,
                             nin_error *err) {
    cut_comment(line);
    char *key = trim(line);
    if (!key[0]) {
        return NIN_OK;
    }
    char *equals = strchr(key, '=');
    if (!equals) {
        return cli_error(err, NIN_ERROR_ARGUMENT, "%s: '%s' is not 'key = value'", where, key);
    }
    *equals = '\0';
    key = trim(key);
    const cli_setting *setting = cli_setting_find(key);
    if (!setting) {
        return unknown_key(key, where, err);
    }
    return prefix(cli_setting_set(setting, settings, trim(equals + 1), err), where, err);
}

nin_status cli_config_apply(const char *text, const char *name, cli_settings *settings,
                            nin_error *err) {
    char *copy = cli_copy(text);
    char *rest = copy;
    nin_status status = NIN_OK;
    for (int number = 1; rest && status == NIN_OK; number++) {
        char *line = rest;
        rest = strchr(rest, '\n');
        if (rest) {
            *rest++ = '\0';
        }
        char *where = cli_format("%s:%d", name, number);
        status = apply_line(line, where, settings, err);
        free(where);
    }
    free(copy);
    return status;
}

/* What the run settled takes the place of what was left open. */
static void adopt(const json_t *session, const char *key, char **value) {
    const char *settled = json_string_value(json_object_get(session, key));
    if (settled && settled[0] && (!*value || strcmp(*value, "auto") == 0)) {
        free(*value);
        *value = cli_copy(settled);
    }
}

static nin_status repeat_run(const char *text, size_t size, const char *path,
                             cli_settings *settings, nin_error *err) {
    json_t *record;
    nin_status status = cli_config_apply_record(text, size, path, settings, &record, err);
    if (status == NIN_OK) {
        const json_t *session = json_object_get(record, "session");
        adopt(session, "device", &settings->device);
        if (!cli_device_is_cuda(settings->device)) {
            adopt(session, "isa", &settings->isa);
        }
        adopt(session, "algorithms", &settings->algorithms);
        json_decref(record);
    }
    return status;
}

nin_status cli_config_apply_file(const char *path, cli_settings *settings, nin_error *err) {
    char *text;
    size_t size;
    nin_status status = cli_read_file(path, (size_t)16 << 20, &text, &size, err);
    if (status == NIN_OK && text[strspn(text, " \t\r\n")] == '{') {
        status = repeat_run(text, size, path, settings, err);
        free(text);
    } else if (status == NIN_OK) {
        status = strlen(text) == size ? cli_config_apply(text, path, settings, err)
                                      : cli_error(err, NIN_ERROR_DATA, "%s: not a text file", path);
        free(text);
    }
    return status;
}

nin_status cli_config_apply_recipe(const char *name, cli_settings *settings, nin_error *err) {
    const char *names[32];
    char list[400] = "";
    size_t length = 0;
    size_t count = 0;
    const char *text;
    for (; count < 32 && (names[count] = nin_recipe(count, &text)); count++) {
        if (strcmp(names[count], name) == 0) {
            char *where = cli_format("recipe %s", name);
            nin_status status = cli_config_apply(text, where, settings, err);
            free(where);
            return status;
        }
        if (length < sizeof list) {
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
                                       count ? ", " : "", names[count]);
        }
    }
    const char *nearest = cli_nearest(name, names, count);
    return cli_error(err, NIN_ERROR_ARGUMENT, "recipe: '%s' is none of %s%s%s%s", name, list,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

void cli_config_print(const cli_settings *settings) {
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (setting->kind != CLI_AUGMENTATIONS) {
            char *text = cli_setting_text(setting, settings);
            printf("%s =%s%s\n", setting->name, text[0] ? " " : "", text);
            free(text);
        }
    }
}

json_t *cli_config_json(const cli_settings *settings) {
    json_t *object = cli_json_object();
    for (size_t i = 0; cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (setting->kind != CLI_AUGMENTATIONS) {
            cli_json_set(object, setting->name, cli_setting_json(setting, settings));
        }
    }
    return object;
}

nin_status cli_config_apply_json(json_t *object, const char *name, cli_settings *settings,
                                 nin_error *err) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const cli_setting *setting = cli_setting_find(key);
        nin_status status =
            setting ? prefix(cli_setting_set_json(setting, settings, value, err), name, err)
                    : unknown_key(key, name, err);
        if (status != NIN_OK) {
            return status;
        }
    }
    return NIN_OK;
}

nin_status cli_config_apply_record(const char *text, size_t size, const char *name,
                                   cli_settings *settings, json_t **record, nin_error *err) {
    json_error_t where;
    nin_status status = NIN_OK;
    *record = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    json_t *values = json_object_get(*record, "settings");
    if (!*record) {
        return cli_error(err, NIN_ERROR_DATA, "%s:%d: %s", name, where.line, where.text);
    }
    if (!json_is_object(values)) {
        status = cli_error(err, NIN_ERROR_DATA, "%s: it has no settings", name);
    } else if (cli_config_apply_json(values, name, settings, err) != NIN_OK) {
        status = err->status = NIN_ERROR_DATA;
    }
    if (status != NIN_OK) {
        json_decref(*record);
        *record = NULL;
    }
    return status;
}

#include "plan.h"

#include "../config.h"
#include "../files.h"
#include "../json.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>

static json_t *data_json(const nin_dataset_info *info) {
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(info->name));
    cli_json_set(object, "count", cli_json_integer(info->count));
    cli_json_set(object, "digest", cli_json_text(info->digest));
    return object;
}

/* A step limit may change when one run goes on, but not between the runs of a study; seeds are
 * counted up. */
static bool must_agree(const cli_setting *setting) {
    return strcmp(setting->name, "seed") != 0 && setting->kind != CLI_AUGMENTATIONS &&
           (!(setting->use & CLI_MAY_CHANGE) || strcmp(setting->name, "max-steps") == 0);
}

static nin_status compare_row(const char *directory, const cli_row *row, json_t *recorded,
                              nin_error *err) {
    cli_settings before = cli_settings_defaults();
    nin_status status = cli_config_apply_json(recorded, directory, &before, err);
    for (size_t i = 0; status == NIN_OK && cli_setting_at(i); i++) {
        const cli_setting *setting = cli_setting_at(i);
        if (!must_agree(setting)) {
            continue;
        }
        char *was = cli_setting_text(setting, &before);
        char *is = cli_setting_text(setting, &row->settings);
        if (strcmp(was, is) != 0) {
            status = cli_error(err, NIN_ERROR_ARGUMENT,
                               "%s: row %s has --%s '%s' there, not '%s': another --out begins a "
                               "new study",
                               directory, row->name, setting->name, was, is);
        }
        free(was);
        free(is);
    }
    cli_settings_free(&before);
    return status;
}

static nin_status compare_data(const char *directory, const char *split, const json_t *recorded,
                               const nin_dataset_info *info, nin_error *err) {
    const char *digest = json_string_value(json_object_get(recorded, "digest"));
    return digest && strcmp(digest, info->digest) == 0
               ? NIN_OK
               : cli_error(err, NIN_ERROR_ARGUMENT,
                           "%s: the study there was made with other %s pictures: another --out "
                           "begins a new study",
                           directory, split);
}

/* The row of that name in the list, or NULL. */
static json_t *recorded_row(const json_t *list, const char *name) {
    size_t index;
    json_t *entry;
    json_array_foreach(list, index, entry) {
        const char *other = json_string_value(json_object_get(entry, "name"));
        if (other && strcmp(other, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static nin_status read_plan(const char *path, json_t **plan, nin_error *err) {
    *plan = NULL;
    if (!cli_exists(path)) {
        return NIN_OK;
    }
    char *text;
    size_t size;
    nin_status status = cli_read_file(path, (size_t)16 << 20, &text, &size, err);
    if (status != NIN_OK) {
        return status;
    }
    json_error_t where;
    *plan = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!*plan) {
        return cli_error(err, NIN_ERROR_DATA, "%s:%d: %s", path, where.line, where.text);
    }
    if (!json_is_array(json_object_get(*plan, "rows"))) {
        json_decref(*plan);
        *plan = NULL;
        return cli_error(err, NIN_ERROR_DATA, "%s: it has no rows", path);
    }
    return NIN_OK;
}

static json_t *new_plan(const cli_rows *rows, const nin_dataset_info *train,
                        const nin_dataset_info *test) {
    json_t *plan = cli_json_object();
    cli_json_set(plan, "nin", cli_json_text(nin_version()));
    cli_json_set(plan, "summary", cli_json_text(rows->summary));
    cli_json_set(plan, "train", data_json(train));
    cli_json_set(plan, "test", data_json(test));
    cli_json_set(plan, "rows", cli_json_array());
    return plan;
}

/* Compares the rows that are there, and adds those that are not. */
static nin_status merge_rows(const char *directory, const cli_rows *rows, json_t *list,
                             nin_error *err) {
    nin_status status = NIN_OK;
    for (size_t i = 0; i < rows->count && status == NIN_OK; i++) {
        const cli_row *row = &rows->rows[i];
        json_t *recorded = recorded_row(list, row->name);
        if (recorded) {
            status = compare_row(directory, row, json_object_get(recorded, "settings"), err);
            continue;
        }
        json_t *object = cli_json_object();
        cli_json_set(object, "name", cli_json_text(row->name));
        cli_json_set(object, "about", cli_json_text(row->about));
        cli_json_set(object, "settings", cli_config_json(&row->settings));
        cli_json_append(list, object);
    }
    return status;
}

nin_status cli_study_record(const char *directory, const cli_rows *rows,
                            const nin_dataset_info *train, const nin_dataset_info *test,
                            nin_error *err) {
    char *path = cli_join(directory, "rows.json");
    json_t *plan;
    nin_status status = read_plan(path, &plan, err);
    if (status == NIN_OK && plan) {
        status = compare_data(directory, "training", json_object_get(plan, "train"), train, err);
        if (status == NIN_OK) {
            status = compare_data(directory, "test", json_object_get(plan, "test"), test, err);
        }
    } else if (status == NIN_OK) {
        plan = new_plan(rows, train, test);
    }
    if (status == NIN_OK) {
        status = merge_rows(directory, rows, json_object_get(plan, "rows"), err);
    }
    if (status == NIN_OK) {
        status = cli_json_write(plan, directory, "rows.json", err);
    }
    json_decref(plan);
    free(path);
    return status;
}

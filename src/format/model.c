/* Models as files: the metadata around the weights. */
#include "format/model.h"

#include "base/error.h"
#include "base/memory.h"
#include "format/json.h"
#include "format/preprocess.h"
#include "format/weights.h"
#include "format/whitening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET_KEY "nin.net"
#define CLASSES_KEY "nin.classes"
#define PREPROCESS_KEY "nin.preprocess"
#define VERSION_KEY "nin.version"

static size_t class_count(const nin_net *net) {
    return (size_t)nin_net_output(net).channels;
}

void nin_model_free(nin_model *model) {
    if (!model) {
        return;
    }
    size_t names = model->class_names && model->net ? class_count(model->net) : 0;
    for (size_t i = 0; i < names; i++) {
        free(model->class_names[i]);
    }
    free(model->class_names);
    nin_net_free(model->net);
    nin_preprocess_free(&model->preprocess);
    *model = (nin_model){0};
}

/* ---- saving ----------------------------------------------------------------------------- */

static nin_status add_classes(const nin_model *model, json_t *array, nin_error *err) {
    for (size_t i = 0; i < class_count(model->net); i++) {
        json_t *name;
        nin_status status = ninp_json_text(model->class_names[i], "a class name", &name, err);
        if (status != NIN_OK) {
            return status;
        }
        if (json_array_append_new(array, name) != 0) {
            return ninp_fail_memory(err, sizeof name, "a class name");
        }
    }
    return NIN_OK;
}

nin_status ninp_model_classes(const nin_model *model, json_t **out, nin_error *err) {
    *out = model->class_names ? json_array() : json_null();
    if (!model->class_names) {
        return NIN_OK;
    }
    nin_status status =
        *out ? add_classes(model, *out, err) : ninp_fail_memory(err, sizeof *out, "class names");
    if (status != NIN_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

/* The class names as a line of JSON; NULL where there are none. */
static nin_status classes_line(const nin_model *model, char **line, nin_error *err) {
    *line = NULL;
    json_t *classes;
    nin_status status = ninp_model_classes(model, &classes, err);
    if (status == NIN_OK && json_is_array(classes)) {
        *line = ninp_json_line(classes, NINP_JSON_EXACT);
        status = *line ? NIN_OK : ninp_fail_memory(err, sizeof classes, "class names");
    }
    json_decref(classes);
    return status;
}

static nin_status preprocess_line(const nin_model *model, char **line, nin_error *err) {
    *line = NULL;
    nin_status status = ninp_preprocess_check(&model->preprocess, nin_net_input(model->net), err);
    if (status == NIN_OK && model->preprocess.whiten && !model->preprocess.whitening) {
        status = ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "whitening is asked for, and no training set was looked at for it");
    }
    if (status != NIN_OK) {
        return status;
    }
    json_t *json = ninp_preprocess_to_json(&model->preprocess);
    *line = ninp_json_line(json, NINP_JSON_EXACT);
    json_decref(json);
    return *line ? NIN_OK : ninp_fail_memory(err, sizeof json, "the preprocessing");
}

static nin_status write_model(const char *path, const nin_model *model, const char *classes,
                              const char *preprocess, nin_error *err) {
    const ninp_safetensors_pair pairs[] = {{VERSION_KEY, nin_version()},
                                           {NET_KEY, nin_net_text(model->net)},
                                           {PREPROCESS_KEY, preprocess},
                                           {CLASSES_KEY, classes}};
    size_t count = nin_net_tensor_count(model->net);
    ninp_safetensors_source *sources = ninp_weights_sources(model->net, NINP_WHITENING_TENSORS);
    if (!sources) {
        return ninp_fail_memory(err, count * sizeof *sources, "a list of tensors");
    }
    count += ninp_whitening_sources(model->preprocess.whitening, sources + count);
    ninp_safetensors_content content = {.tensors = sources,
                                        .tensor_count = count,
                                        .pairs = pairs,
                                        .pair_count =
                                            sizeof pairs / sizeof *pairs - (classes ? 0 : 1)};
    nin_status status = ninp_safetensors_write(path, &content, err);
    free(sources);
    return status;
}

nin_status nin_model_save(const char *path, const nin_model *model, nin_error *err) {
    char *classes = NULL;
    char *preprocess = NULL;
    nin_status status = classes_line(model, &classes, err);
    if (status == NIN_OK) {
        status = preprocess_line(model, &preprocess, err);
    }
    status = status == NIN_OK ? write_model(path, model, classes, preprocess, err)
                              : ninp_prefix(err, status, "%s: ", path);
    free(classes);
    free(preprocess);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------- */

/* The description in a small file may ask for a huge net. A somewhat larger one than the file has
 * values for is let through: the message about the tensors that do not fit says more. */
static size_t plausible_values(const ninp_safetensors *file) {
    size_t values = (size_t)1 << 20;
    for (size_t i = 0; i < ninp_safetensors_count(file); i++) {
        values += 16 * ninp_safetensors_at(file, i)->count;
    }
    return values;
}

static nin_status read_net(const ninp_safetensors *file, nin_model *model, nin_error *err) {
    const char *path = ninp_safetensors_path(file);
    const char *text = ninp_safetensors_metadata(file, NET_KEY);
    if (!text) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: its metadata holds no network description (" NET_KEY
                         "): not a model that nin saved",
                         path);
    }
    nin_net_options options = {.largest_values = plausible_values(file)};
    nin_status status = nin_net_parse(text, strlen(text), NET_KEY, &options, &model->net, err);
    return status == NIN_OK ? NIN_OK : ninp_prefix(err, status, "%s: ", path);
}

static nin_status copy_classes(const json_t *classes, nin_model *model, nin_error *err) {
    size_t count = class_count(model->net);
    if (!json_is_array(classes) || json_array_size(classes) != count) {
        return ninp_fail(err, NIN_ERROR_DATA, CLASSES_KEY ": not an array of %zu names", count);
    }
    model->class_names = ninp_calloc(count, sizeof *model->class_names);
    if (!model->class_names) {
        return ninp_fail_memory(err, count * sizeof *model->class_names, "class names");
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(classes, i));
        if (!name) {
            return ninp_fail(err, NIN_ERROR_DATA, CLASSES_KEY ": name %zu is not a string", i);
        }
        model->class_names[i] = ninp_strdup(name);
        if (!model->class_names[i]) {
            return ninp_fail_memory(err, strlen(name), "a class name");
        }
    }
    return NIN_OK;
}

/* A model that was saved without names has "0", "1", ... */
static nin_status number_classes(nin_model *model, nin_error *err) {
    size_t count = class_count(model->net);
    model->class_names = ninp_calloc(count, sizeof *model->class_names);
    for (size_t i = 0; model->class_names && i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        model->class_names[i] = ninp_strdup(number);
        if (!model->class_names[i]) {
            return ninp_fail_memory(err, sizeof number, "a class name");
        }
    }
    return model->class_names ? NIN_OK : ninp_fail_memory(err, count, "class names");
}

static nin_status read_classes(const ninp_safetensors *file, nin_model *model, nin_error *err) {
    const char *text = ninp_safetensors_metadata(file, CLASSES_KEY);
    if (!text) {
        return number_classes(model, err);
    }
    json_t *classes;
    nin_status status = ninp_json_parse(text, strlen(text), CLASSES_KEY, 0, &classes, err);
    if (status == NIN_OK) {
        status = copy_classes(classes, model, err);
    }
    json_decref(classes);
    return status == NIN_OK ? NIN_OK
                            : ninp_prefix(err, status, "%s: ", ninp_safetensors_path(file));
}

static nin_status read_preprocess(const ninp_safetensors *file, nin_model *model, nin_error *err) {
    const char *path = ninp_safetensors_path(file);
    const char *text = ninp_safetensors_metadata(file, PREPROCESS_KEY);
    if (!text) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: its metadata holds no " PREPROCESS_KEY, path);
    }
    json_t *json;
    nin_status status = ninp_json_parse(text, strlen(text), PREPROCESS_KEY, 0, &json, err);
    if (status == NIN_OK) {
        status =
            ninp_preprocess_from_json(json, nin_net_input(model->net), &model->preprocess, err);
    }
    json_decref(json);
    return status == NIN_OK ? NIN_OK : ninp_prefix(err, status, "%s: ", path);
}

static nin_status read_model(ninp_safetensors *file, bool allow_nonfinite, nin_model *model,
                             nin_error *err) {
    nin_status status = read_net(file, model, err);
    if (status == NIN_OK) {
        status = ninp_safetensors_require_digests(file, err);
    }
    if (status == NIN_OK) {
        status = read_classes(file, model, err);
    }
    if (status == NIN_OK) {
        status = read_preprocess(file, model, err);
    }
    if (status == NIN_OK) {
        status = ninp_whitening_read(file, &model->preprocess, err);
    }
    return status == NIN_OK ? ninp_weights_read(file, model->net, NULL, allow_nonfinite, err)
                            : status;
}

nin_status nin_model_load(const char *path, bool allow_nonfinite, nin_model *model,
                          nin_error *err) {
    *model = (nin_model){0};
    ninp_safetensors *file;
    nin_status status = ninp_safetensors_open(path, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    status = read_model(file, allow_nonfinite, model, err);
    ninp_safetensors_close(file);
    if (status != NIN_OK) {
        nin_model_free(model);
    }
    return status;
}

nin_status nin_net_load_weights(nin_net *net, const char *path, nin_error *err) {
    ninp_safetensors *file;
    nin_status status = ninp_safetensors_open(path, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_weights_read(file, net, NULL, false, err);
    ninp_safetensors_close(file);
    return status;
}

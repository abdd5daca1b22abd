#include "train/state.h"

#include "base/error.h"
#include "base/memory.h"
#include "format/json.h"
#include "format/weights.h"
#include "format/whitening.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STATE_KEY "nin.state"
#define VERSION_KEY "nin.version"

void ninp_run_state_free(ninp_run_state *state) {
    json_decref(state->identity);
    json_decref(state->engine);
    json_decref(state->health);
    *state = (ninp_run_state){0};
}

/* ---- position <-> JSON: one table for both ways ------------------------------------------ */

typedef enum kind { KIND_INT, KIND_COUNT, KIND_DOUBLE } kind;

typedef struct field {
    const char *key;
    kind kind;
    size_t offset;
} field;

#define FIELD(kind, name) \
    { #name, kind, offsetof(ninp_run_position, name) }
static const field fields[] = {
    FIELD(KIND_INT, epoch),
    FIELD(KIND_INT, batch),
    FIELD(KIND_COUNT, step),
    FIELD(KIND_DOUBLE, loss_sum),
    FIELD(KIND_COUNT, correct),
    FIELD(KIND_COUNT, examples),
    FIELD(KIND_COUNT, all_examples),
    FIELD(KIND_DOUBLE, step_seconds),
    FIELD(KIND_DOUBLE, test_loss),
    FIELD(KIND_DOUBLE, test_accuracy),
    FIELD(KIND_DOUBLE, best_accuracy),
    FIELD(KIND_INT, best_epoch),
    FIELD(KIND_COUNT, log_bytes),
    FIELD(KIND_INT, restart),
};
#undef FIELD
enum { FIELDS = sizeof fields / sizeof *fields };

static json_t *get_number(const ninp_run_position *at, const field *which) {
    const char *place = (const char *)at + which->offset;
    int whole;
    uint64_t count;
    double number;
    switch (which->kind) {
    case KIND_INT: memcpy(&whole, place, sizeof whole); return json_integer(whole);
    case KIND_COUNT: memcpy(&count, place, sizeof count); return json_integer((json_int_t)count);
    case KIND_DOUBLE: memcpy(&number, place, sizeof number); return ninp_json_number(number);
    }
    return NULL;
}

static bool set_number(ninp_run_position *at, const field *which, const json_t *value) {
    char *place = (char *)at + which->offset;
    json_int_t integer = json_integer_value(value);
    int whole = (int)integer;
    uint64_t count = (uint64_t)integer;
    double number;
    switch (which->kind) {
    case KIND_INT:
        memcpy(place, &whole, sizeof whole);
        return json_is_integer(value) && integer >= -1 && integer <= INT_MAX;
    case KIND_COUNT:
        memcpy(place, &count, sizeof count);
        return json_is_integer(value) && integer >= 0;
    case KIND_DOUBLE: {
        bool right = ninp_json_get_number(value, &number);
        memcpy(place, &number, sizeof number);
        return right;
    }
    }
    return false;
}

static json_t *position_to_json(const ninp_run_position *at) {
    json_t *object = json_object();
    for (size_t i = 0; object && i < FIELDS; i++) {
        if (json_object_set_new(object, fields[i].key, get_number(at, &fields[i])) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static nin_status position_from_json(const json_t *object, ninp_run_position *at, nin_error *err) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (!set_number(at, &fields[i], json_object_get(object, fields[i].key))) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             STATE_KEY ": %s is missing or not a number that can stand there",
                             fields[i].key);
        }
    }
    return NIN_OK;
}

/* ---- saving ----------------------------------------------------------------------------- */

static char *state_line(const ninp_run_state *state) {
    json_t *position = position_to_json(&state->at);
    json_t *json =
        position ? json_pack("{s:o, s:O, s:O, s:O?}", "position", position, "engine", state->engine,
                             "identity", state->identity, "health", state->health)
                 : NULL;
    char *line = ninp_json_line(json, NINP_JSON_EXACT);
    json_decref(json);
    return line;
}

static nin_status write_state(const char *path, const char *line, const nin_model *model,
                              const ninp_run_array *arrays, size_t array_count, nin_error *err) {
    size_t count = nin_net_tensor_count(model->net);
    ninp_safetensors_source *sources =
        ninp_weights_sources(model->net, array_count + NINP_WHITENING_TENSORS);
    if (!sources) {
        return ninp_fail_memory(err, count * sizeof *sources, "a list of tensors");
    }
    for (size_t i = 0; i < array_count; i++) {
        sources[count++] = (ninp_safetensors_source){.name = arrays[i].name,
                                                     .rank = 1,
                                                     .shape = {arrays[i].count},
                                                     .count = arrays[i].count,
                                                     .values = arrays[i].values};
    }
    count += ninp_whitening_sources(model->preprocess.whitening, sources + count);
    const ninp_safetensors_pair pairs[] = {{VERSION_KEY, nin_version()}, {STATE_KEY, line}};
    ninp_safetensors_content content = {.tensors = sources,
                                        .tensor_count = count,
                                        .pairs = pairs,
                                        .pair_count = sizeof pairs / sizeof *pairs};
    nin_status status = ninp_safetensors_write(path, &content, err);
    free(sources);
    return status;
}

nin_status ninp_run_state_save(const char *path, const ninp_run_state *state,
                               const nin_model *model, const ninp_run_array *arrays,
                               size_t array_count, nin_error *err) {
    char *line = state_line(state);
    if (!line) {
        return ninp_fail_memory(err, sizeof *state, "the state");
    }
    nin_status status = write_state(path, line, model, arrays, array_count, err);
    free(line);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------- */

static nin_status read_parts(const json_t *json, ninp_run_state *state, nin_error *err) {
    state->identity = json_incref(json_object_get(json, "identity"));
    state->engine = json_incref(json_object_get(json, "engine"));
    json_t *health = json_object_get(json, "health");
    state->health = json_is_object(health) ? json_incref(health) : NULL;
    if (!json_is_object(state->identity) || !json_is_object(state->engine)) {
        return ninp_fail(err, NIN_ERROR_DATA, STATE_KEY ": not the state of a run");
    }
    return position_from_json(json_object_get(json, "position"), &state->at, err);
}

static nin_status read_state(const ninp_safetensors *file, ninp_run_state *state, nin_error *err) {
    const char *text = ninp_safetensors_metadata(file, STATE_KEY);
    if (!text) {
        return ninp_fail(err, NIN_ERROR_DATA, "its metadata holds no " STATE_KEY);
    }
    json_t *json;
    nin_status status = ninp_json_parse(text, strlen(text), STATE_KEY, 0, &json, err);
    if (status == NIN_OK) {
        status = read_parts(json, state, err);
    }
    json_decref(json);
    return status;
}

nin_status ninp_run_state_open(const char *path, ninp_run_state *state, ninp_safetensors **file,
                               nin_error *err) {
    *state = (ninp_run_state){0};
    nin_status status = ninp_safetensors_open(path, file, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_safetensors_require_digests(*file, err);
    if (status == NIN_OK) {
        status = read_state(*file, state, err);
        status = status == NIN_OK ? NIN_OK : ninp_prefix(err, status, "%s: ", path);
    }
    if (status != NIN_OK) {
        ninp_run_state_free(state);
        ninp_safetensors_close(*file);
        *file = NULL;
    }
    return status;
}

static nin_status read_array(ninp_safetensors *file, const ninp_run_array *array, nin_error *err) {
    const ninp_safetensors_tensor *tensor = ninp_safetensors_find(file, array->name);
    if (!tensor || tensor->count != array->count) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: tensor %s: missing or too short",
                         ninp_safetensors_path(file), array->name);
    }
    return ninp_safetensors_read(file, tensor, array->values, err);
}

nin_status ninp_run_state_read(ninp_safetensors *file, nin_net *net, const ninp_run_array *arrays,
                               size_t array_count, nin_error *err) {
    const char *names[NINP_RUN_ARRAYS + 1] = {NULL};
    assert(array_count <= NINP_RUN_ARRAYS);
    for (size_t i = 0; i < array_count; i++) {
        names[i] = arrays[i].name;
    }
    nin_status status = ninp_weights_read(file, net, names, false, err);
    for (size_t i = 0; i < array_count && status == NIN_OK; i++) {
        status = read_array(file, &arrays[i], err);
    }
    return status;
}

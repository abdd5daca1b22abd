#include "format/safetensors.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/digest.h"
#include "format/json.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8, CHUNK_VALUES = 4096 };

typedef struct header_writer {
    const char *path;
    const ninp_safetensors_content *content;
    ninp_digest *hasher;
    json_t *header;
} header_writer;

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const ninp_safetensors_pair *)a)->key, ((const ninp_safetensors_pair *)b)->key);
}

const char *ninp_safetensors_pairs_digest(ninp_safetensors_pair *pairs, size_t count, char *hex) {
    ninp_digest *hasher = ninp_digest_create();
    if (!hasher) {
        return NULL;
    }
    qsort(pairs, count, sizeof *pairs, compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].key, NINP_SAFETENSORS_DIGEST_KEY) != 0) {
            ninp_digest_add(hasher, pairs[i].key, strlen(pairs[i].key) + 1);
            ninp_digest_add(hasher, pairs[i].value, strlen(pairs[i].value) + 1);
        }
    }
    ninp_digest_finish(hasher, hex);
    ninp_digest_free(hasher);
    return hex;
}

/* ---- the header ------------------------------------------------------------------------- */

static nin_status out_of_memory(nin_error *err) {
    return ninp_fail_memory(err, NINP_SAFETENSORS_HEADER, "a header");
}

/* Sets object[key] = value, which it takes over, with checks of both. */
static nin_status set(json_t *object, const char *key, json_t *value, nin_error *err) {
    json_t *checked; /* a key must be UTF-8 as well */
    nin_status status = ninp_json_text(key, "a tensor's name or metadata key", &checked, err);
    json_decref(checked);
    if (status != NIN_OK) {
        json_decref(value);
        return status;
    }
    return json_object_set_new(object, key, value) == 0 ? NIN_OK : out_of_memory(err);
}

static nin_status add_digest(json_t *digests, const char *key, const char *hex, nin_error *err) {
    return set(digests, key, json_string(hex), err);
}

static void hash_values(const ninp_safetensors_source *tensor, ninp_digest *hasher) {
    unsigned char chunk[4 * CHUNK_VALUES];
    for (size_t done = 0; done < tensor->count;) {
        size_t left = tensor->count - done;
        size_t count = left < CHUNK_VALUES ? left : CHUNK_VALUES;
        ninp_dtype_encode(tensor->values + done, count, chunk);
        ninp_digest_add(hasher, chunk, 4 * count);
        done += count;
    }
}

/* The digests of the pairs and of all tensors, as one line of JSON (release with free). */
static nin_status digest_line(const header_writer *writer, char **line, nin_error *err) {
    const ninp_safetensors_content *content = writer->content;
    *line = NULL;
    char hex[NINP_DIGEST_SIZE];
    ninp_safetensors_pair *sorted = ninp_calloc(content->pair_count, sizeof *sorted);
    json_t *digests = json_object();
    nin_status status = sorted && digests ? NIN_OK : out_of_memory(err);
    if (status == NIN_OK) {
        for (size_t i = 0; i < content->pair_count; i++) {
            sorted[i] = content->pairs[i];
        }
        status = ninp_safetensors_pairs_digest(sorted, content->pair_count, hex)
                     ? add_digest(digests, NINP_SAFETENSORS_METADATA_KEY, hex, err)
                     : out_of_memory(err);
    }
    free(sorted);
    for (size_t i = 0; i < content->tensor_count && status == NIN_OK; i++) {
        hash_values(&content->tensors[i], writer->hasher);
        ninp_digest_finish(writer->hasher, hex);
        status = add_digest(digests, content->tensors[i].name, hex, err);
    }
    if (status == NIN_OK) {
        *line = ninp_json_line(digests, NINP_JSON_EXACT);
        status = *line ? NIN_OK : out_of_memory(err);
    }
    json_decref(digests);
    return status;
}

static nin_status add_pair(json_t *metadata, const char *key, const char *value, nin_error *err) {
    json_t *text;
    nin_status status = ninp_json_text(value, key, &text, err);
    return status == NIN_OK ? set(metadata, key, text, err) : status;
}

static nin_status add_metadata(header_writer *writer, nin_error *err) {
    json_t *metadata = json_object();
    nin_status status = metadata ? NIN_OK : out_of_memory(err);
    const ninp_safetensors_content *content = writer->content;
    for (size_t i = 0; i < content->pair_count && status == NIN_OK; i++) {
        status = add_pair(metadata, content->pairs[i].key, content->pairs[i].value, err);
    }
    char *line = NULL;
    if (status == NIN_OK) {
        status = digest_line(writer, &line, err);
    }
    if (status == NIN_OK) {
        status = add_pair(metadata, NINP_SAFETENSORS_DIGEST_KEY, line, err);
    }
    free(line);
    if (status != NIN_OK) {
        json_decref(metadata);
        return status;
    }
    return set(writer->header, NINP_SAFETENSORS_METADATA_KEY, metadata, err);
}

static nin_status add_tensor(json_t *header, const ninp_safetensors_source *tensor, size_t *offset,
                             nin_error *err) {
    json_t *shape = json_array();
    for (int d = 0; d < tensor->rank && shape; d++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->shape[d])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    }
    size_t end = *offset + 4 * tensor->count; /* the values are in memory: no overflow */
    json_t *entry = shape ? json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                                      "data_offsets", (json_int_t)*offset, (json_int_t)end)
                          : NULL;
    *offset = end;
    return entry ? set(header, tensor->name, entry, err) : out_of_memory(err);
}

/* The header's text, padded with spaces so that the values start at a multiple of 8 bytes. */
static nin_status header_text(const header_writer *writer, char **text, size_t *length,
                              nin_error *err) {
    char *line = ninp_json_line(writer->header, NINP_JSON_EXACT);
    if (!line) {
        return out_of_memory(err);
    }
    size_t used = strlen(line);
    *length = (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (*length > NINP_SAFETENSORS_HEADER) {
        free(line);
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "its header would have %zu bytes; at most %d can be read back", *length,
                         NINP_SAFETENSORS_HEADER);
    }
    *text = ninp_calloc(*length + 1, 1);
    if (*text) {
        memset(*text, ' ', *length);
        memcpy(*text, line, used);
    }
    free(line);
    return *text ? NIN_OK : out_of_memory(err);
}

/* The reference writer puts larger types first and sorts each type by name; here is one type. */
static int compare_names(const void *a, const void *b) {
    return strcmp(((const ninp_safetensors_source *)a)->name,
                  ((const ninp_safetensors_source *)b)->name);
}

static nin_status make_header(header_writer *writer, char **text, size_t *length, nin_error *err) {
    *text = NULL;
    *length = 0;
    writer->header = json_object();
    nin_status status = writer->header ? add_metadata(writer, err) : out_of_memory(err);
    size_t offset = 0;
    for (size_t i = 0; i < writer->content->tensor_count && status == NIN_OK; i++) {
        status = add_tensor(writer->header, &writer->content->tensors[i], &offset, err);
    }
    if (status == NIN_OK) {
        status = header_text(writer, text, length, err);
    }
    json_decref(writer->header);
    return status;
}

/* ---- the file --------------------------------------------------------------------------- */

static nin_status write_tensor(ninp_file *file, const ninp_safetensors_source *tensor,
                               nin_error *err) {
    unsigned char chunk[4 * CHUNK_VALUES];
    for (size_t done = 0; done < tensor->count;) {
        size_t left = tensor->count - done;
        size_t count = left < CHUNK_VALUES ? left : CHUNK_VALUES;
        ninp_dtype_encode(tensor->values + done, count, chunk);
        nin_status status = ninp_file_write(file, chunk, 4 * count, err);
        if (status != NIN_OK) {
            return status;
        }
        done += count;
    }
    return NIN_OK;
}

static nin_status write_file(const header_writer *writer, const char *header, size_t length,
                             nin_error *err) {
    ninp_file *file;
    nin_status status = ninp_file_create(writer->path, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    unsigned char promised[8];
    for (size_t i = 0; i < sizeof promised; i++) {
        promised[i] = (unsigned char)(length >> (8 * i));
    }
    status = ninp_file_write(file, promised, sizeof promised, err);
    if (status == NIN_OK) {
        status = ninp_file_write(file, header, length, err);
    }
    for (size_t i = 0; i < writer->content->tensor_count && status == NIN_OK; i++) {
        status = write_tensor(file, &writer->content->tensors[i], err);
    }
    if (status != NIN_OK) {
        ninp_file_abandon(file);
        return status;
    }
    return ninp_file_commit(file, err);
}

nin_status ninp_safetensors_write(const char *path, ninp_safetensors_content *content,
                                  nin_error *err) {
    if (content->tensor_count > NINP_SAFETENSORS_TENSORS) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: %zu tensors; at most %d can be read back",
                         path, content->tensor_count, NINP_SAFETENSORS_TENSORS);
    }
    qsort(content->tensors, content->tensor_count, sizeof *content->tensors, compare_names);
    header_writer writer = {.path = path, .content = content, .hasher = ninp_digest_create()};
    if (!writer.hasher) {
        return ninp_fail_memory(err, sizeof(void *), "a digest");
    }
    char *header;
    size_t length;
    nin_status status = make_header(&writer, &header, &length, err);
    ninp_digest_free(writer.hasher);
    if (status != NIN_OK) {
        return ninp_prefix(err, status, "%s: ", path);
    }
    status = write_file(&writer, header, length, err);
    free(header);
    return status;
}

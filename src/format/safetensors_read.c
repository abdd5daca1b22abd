/* The strict reader. Every rule of the reference reader holds (contiguous values without holes or
 * overlap, exact file length, checked products), and smaller limits, so that a hostile file costs
 * little memory. */
#include "format/safetensors.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/digest.h"
#include "format/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH_BYTES = 8, SHOWN = 80, CHUNK = 16384 };

struct ninp_safetensors {
    char *path;
    int fd;
    uint64_t data; /* where the values start in the file */
    uint64_t data_size;
    json_t *header;      /* owns names and metadata */
    json_t *digests;     /* owns the tensors' digests; NULL: the file has none */
    json_t *metadata;    /* in the header; NULL: none */
    ninp_digest *hasher; /* where there are digests */
    ninp_safetensors_tensor *tensors;
    size_t count;
};

void ninp_safetensors_close(ninp_safetensors *file) {
    if (!file) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    json_decref(file->header);
    json_decref(file->digests);
    ninp_digest_free(file->hasher);
    free(file->tensors);
    free(file->path);
    free(file);
}

const char *ninp_safetensors_path(const ninp_safetensors *file) {
    return file->path;
}

size_t ninp_safetensors_count(const ninp_safetensors *file) {
    return file->count;
}

const ninp_safetensors_tensor *ninp_safetensors_at(const ninp_safetensors *file, size_t index) {
    return &file->tensors[index];
}

const ninp_safetensors_tensor *ninp_safetensors_find(const ninp_safetensors *file,
                                                     const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return &file->tensors[i];
        }
    }
    return NULL;
}

const char *ninp_safetensors_metadata(const ninp_safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

/* ---- the header ------------------------------------------------------------------------- */

/* Reads the length and the text of the header, which must not be longer than the file is. */
static nin_status read_header(ninp_safetensors *file, uint64_t size, char **text, size_t *length,
                              nin_error *err) {
    unsigned char bytes[LENGTH_BYTES];
    size_t got;
    nin_status status = ninp_file_fill(file->fd, file->path, bytes, sizeof bytes, &got, err);
    if (status != NIN_OK) {
        return status;
    }
    if (got < sizeof bytes || size < sizeof bytes) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: not a safetensors file: %zu bytes, the header's length alone takes 8",
                         file->path, got);
    }
    uint64_t promised = 0;
    for (size_t i = sizeof bytes; i-- > 0;) {
        promised = promised << 8 | bytes[i];
    }
    uint64_t left = size - sizeof bytes;
    if (promised > NINP_SAFETENSORS_HEADER) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte 0: a header of %" PRIu64 " bytes; at most %d are read",
                         file->path, promised, NINP_SAFETENSORS_HEADER);
    }
    if (promised > left) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte 0: a header of %" PRIu64 " bytes promised, %" PRIu64 " there",
                         file->path, promised, left);
    }
    *length = (size_t)promised;
    *text = ninp_calloc(*length + 1, 1);
    if (!*text) {
        return ninp_fail_memory(err, *length, "a header");
    }
    status = ninp_file_fill(file->fd, file->path, *text, *length, &got, err);
    if (status == NIN_OK && got < *length) {
        status = ninp_fail(err, NIN_ERROR_DATA, "%s: the header ends at byte %zu of %zu",
                           file->path, got, *length);
    }
    if (status == NIN_OK && **text != '{') {
        status = ninp_fail(err, NIN_ERROR_DATA,
                           "%s: not a safetensors file: the header at byte 8 does not start with {",
                           file->path);
    }
    return status;
}

static nin_status check_metadata(const ninp_safetensors *file, nin_error *err) {
    if (!json_is_object(file->metadata)) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: __metadata__: not a JSON object", file->path);
    }
    const char *key;
    json_t *value;
    json_object_foreach(file->metadata, key, value) {
        if (!json_is_string(value)) {
            char shown[SHOWN];
            return ninp_fail(err, NIN_ERROR_DATA, "%s: __metadata__: %s: not a string", file->path,
                             ninp_printable(key, shown, sizeof shown));
        }
    }
    return NIN_OK;
}

/* ---- one entry -------------------------------------------------------------------------- */

/* A whole number that is not negative; anything else (1.0, 1e3, -1, "1") is refused. */
static bool get_number(const json_t *value, uint64_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* Reads "shape" and multiplies it out. Messages lack the file and the name, as in all functions
 * that read an entry. */
static nin_status read_shape(const json_t *shape, ninp_safetensors_tensor *tensor, nin_error *err) {
    if (!json_is_array(shape)) {
        return ninp_fail(err, NIN_ERROR_DATA, "no shape");
    }
    if (json_array_size(shape) > NINP_SAFETENSORS_RANK) {
        return ninp_fail(err, NIN_ERROR_DATA, "%zu dimensions; at most %d are read",
                         json_array_size(shape), NINP_SAFETENSORS_RANK);
    }
    tensor->count = 1;
    size_t d;
    json_t *value;
    json_array_foreach(shape, d, value) {
        uint64_t side;
        if (!get_number(value, &side) || side > SIZE_MAX) {
            return ninp_fail(err, NIN_ERROR_DATA, "shape[%zu] is not a whole number from 0", d);
        }
        tensor->shape[d] = (size_t)side;
        if (!ninp_mul(tensor->count, (size_t)side, &tensor->count)) {
            return ninp_fail(err, NIN_ERROR_DATA, "the product of the shape is too large");
        }
    }
    tensor->rank = (int)json_array_size(shape);
    return NIN_OK;
}

static nin_status read_offsets(const json_t *offsets, ninp_safetensors_tensor *tensor,
                               nin_error *err) {
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !get_number(json_array_get(offsets, 0), &tensor->begin) ||
        !get_number(json_array_get(offsets, 1), &tensor->end)) {
        return ninp_fail(err, NIN_ERROR_DATA, "data_offsets are not two whole numbers from 0");
    }
    size_t bytes;
    if (!ninp_mul(tensor->count, tensor->dtype->size, &bytes)) {
        return ninp_fail(err, NIN_ERROR_DATA, "the product of the shape is too large");
    }
    if (tensor->end < tensor->begin || tensor->end - tensor->begin != bytes) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "data_offsets [%" PRIu64 ", %" PRIu64 "], but its shape needs %zu bytes",
                         tensor->begin, tensor->end, bytes);
    }
    return NIN_OK;
}

static nin_status read_entry(const json_t *entry, ninp_safetensors_tensor *tensor, nin_error *err) {
    if (!*tensor->name || strlen(tensor->name) > NINP_SAFETENSORS_NAME) {
        return ninp_fail(err, NIN_ERROR_DATA, "a name of %zu bytes; 1 to %d are read",
                         strlen(tensor->name), NINP_SAFETENSORS_NAME);
    }
    if (!json_is_object(entry)) {
        return ninp_fail(err, NIN_ERROR_DATA, "not a JSON object");
    }
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    tensor->dtype = dtype ? ninp_dtype_find(dtype) : NULL;
    if (!tensor->dtype) {
        char shown[SHOWN];
        return ninp_fail(err, NIN_ERROR_DATA, "dtype %s is not known",
                         dtype ? ninp_printable(dtype, shown, sizeof shown) : "(none)");
    }
    nin_status status = read_shape(json_object_get(entry, "shape"), tensor, err);
    if (status == NIN_OK) {
        status = read_offsets(json_object_get(entry, "data_offsets"), tensor, err);
    }
    if (status == NIN_OK && json_object_size(entry) != 3) {
        status =
            ninp_fail(err, NIN_ERROR_DATA, "more than dtype, shape and data_offsets in its entry");
    }
    return status;
}

/* ---- all entries ------------------------------------------------------------------------ */

static nin_status read_entries(ninp_safetensors *file, nin_error *err) {
    file->metadata = json_object_get(file->header, NINP_SAFETENSORS_METADATA_KEY);
    nin_status status = file->metadata ? check_metadata(file, err) : NIN_OK;
    if (status != NIN_OK) {
        return status;
    }
    size_t count = json_object_size(file->header) - (file->metadata ? 1 : 0);
    if (count > NINP_SAFETENSORS_TENSORS) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: %zu tensors; at most %d are read", file->path,
                         count, NINP_SAFETENSORS_TENSORS);
    }
    file->tensors = ninp_calloc(count, sizeof *file->tensors);
    if (!file->tensors) {
        return ninp_fail_memory(err, count * sizeof *file->tensors, "a list of tensors");
    }
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (entry == file->metadata) {
            continue;
        }
        ninp_safetensors_tensor *tensor = &file->tensors[file->count++];
        tensor->name = name;
        status = read_entry(entry, tensor, err);
        if (status != NIN_OK) {
            char shown[SHOWN];
            return ninp_prefix(err, status, "%s: tensor %s: ", file->path,
                               ninp_printable(name, shown, sizeof shown));
        }
    }
    return NIN_OK;
}

static int compare_places(const void *a, const void *b) {
    const ninp_safetensors_tensor *left = a;
    const ninp_safetensors_tensor *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    if (left->end != right->end) {
        return left->end < right->end ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

/* The values must follow one another from 0 to the end of the file. */
static nin_status check_places(const ninp_safetensors *file, nin_error *err) {
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    uint64_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const ninp_safetensors_tensor *tensor = &file->tensors[i];
        if (tensor->begin != end) {
            char shown[SHOWN];
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: tensor %s: starts at byte %" PRIu64
                             " of the values, the one before it ends at %" PRIu64,
                             file->path, ninp_printable(tensor->name, shown, sizeof shown),
                             tensor->begin, end);
        }
        end = tensor->end;
    }
    if (end != file->data_size) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte %" PRIu64 ": %" PRIu64 " bytes of values promised, %" PRIu64
                         " there",
                         file->path, file->data, end, file->data_size);
    }
    return NIN_OK;
}

/* ---- digests ---------------------------------------------------------------------------- */

/* Compares the digest of everything in the metadata but the digests themselves. */
static nin_status check_metadata_digest(const ninp_safetensors *file, nin_error *err) {
    size_t count = json_object_size(file->metadata);
    ninp_safetensors_pair *pairs = ninp_calloc(count, sizeof *pairs);
    if (!pairs) {
        return ninp_fail_memory(err, count * sizeof *pairs, "metadata");
    }
    size_t used = 0;
    const char *key;
    json_t *value;
    json_object_foreach(file->metadata, key, value) {
        pairs[used++] = (ninp_safetensors_pair){.key = key, .value = json_string_value(value)};
    }
    char hex[NINP_DIGEST_SIZE];
    bool made = ninp_safetensors_pairs_digest(pairs, used, hex) != NULL;
    free(pairs);
    if (!made) {
        return ninp_fail_memory(err, sizeof hex, "a digest");
    }
    const char *expected =
        json_string_value(json_object_get(file->digests, NINP_SAFETENSORS_METADATA_KEY));
    if (!expected || strcmp(expected, hex) != 0) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: damaged: the metadata does not have the digest it was written with",
                         file->path);
    }
    return NIN_OK;
}

static nin_status read_digests(ninp_safetensors *file, nin_error *err) {
    const char *text = ninp_safetensors_metadata(file, NINP_SAFETENSORS_DIGEST_KEY);
    if (!text) {
        return NIN_OK;
    }
    nin_status status =
        ninp_json_parse(text, strlen(text), NINP_SAFETENSORS_DIGEST_KEY, 0, &file->digests, err);
    if (status != NIN_OK) {
        return ninp_prefix(err, status, "%s: ", file->path);
    }
    file->hasher = ninp_digest_create();
    if (!file->hasher) {
        return ninp_fail_memory(err, sizeof(void *), "a digest");
    }
    for (size_t i = 0; i < file->count; i++) {
        file->tensors[i].digest =
            json_string_value(json_object_get(file->digests, file->tensors[i].name));
    }
    return check_metadata_digest(file, err);
}

nin_status ninp_safetensors_require_digests(const ninp_safetensors *file, nin_error *err) {
    if (!file->digests) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: its metadata holds no digests (nin.digest)",
                         file->path);
    }
    for (size_t i = 0; i < file->count; i++) {
        if (!file->tensors[i].digest) {
            char shown[SHOWN];
            return ninp_fail(err, NIN_ERROR_DATA, "%s: tensor %s: has no digest", file->path,
                             ninp_printable(file->tensors[i].name, shown, sizeof shown));
        }
    }
    return NIN_OK;
}

/* ---- opening and reading ---------------------------------------------------------------- */

static nin_status open_and_check(ninp_safetensors *file, const char *path, nin_error *err) {
    uint64_t size;
    nin_status status = ninp_file_open(path, &file->fd, &size, err);
    char *text = NULL;
    size_t length = 0;
    if (status == NIN_OK) {
        status = read_header(file, size, &text, &length, err);
    }
    if (status == NIN_OK) {
        status = ninp_json_parse(text, length, path, LENGTH_BYTES, &file->header, err);
    }
    free(text);
    if (status == NIN_OK) {
        file->data = LENGTH_BYTES + length;
        file->data_size = size - file->data;
        status = read_entries(file, err);
    }
    if (status == NIN_OK) {
        status = check_places(file, err);
    }
    return status == NIN_OK ? read_digests(file, err) : status;
}

nin_status ninp_safetensors_open(const char *path, ninp_safetensors **out, nin_error *err) {
    *out = NULL;
    ninp_safetensors *file = ninp_calloc(1, sizeof *file);
    if (!file) {
        return ninp_fail_memory(err, sizeof *file, "a file");
    }
    file->fd = -1;
    file->path = ninp_strdup(path);
    nin_status status = file->path ? open_and_check(file, path, err)
                                   : ninp_fail_memory(err, strlen(path), "a path");
    if (status != NIN_OK) {
        ninp_safetensors_close(file);
        return status;
    }
    *out = file;
    return NIN_OK;
}

/* Reads and decodes in chunks, hashing what comes by. */
static nin_status read_values(ninp_safetensors *file, const ninp_safetensors_tensor *tensor,
                              float *out, nin_error *err) {
    uint64_t place = file->data + tensor->begin;
    if (lseek(file->fd, (off_t)place, SEEK_SET) < 0) {
        return ninp_fail(err, NIN_ERROR_IO, "%s: cannot go to byte %" PRIu64 ": %s", file->path,
                         place, strerror(errno));
    }
    unsigned char chunk[CHUNK];
    size_t width = tensor->dtype->size;
    size_t step = CHUNK / width;
    for (size_t done = 0; done < tensor->count;) {
        size_t count = tensor->count - done < step ? tensor->count - done : step;
        size_t got;
        nin_status status = ninp_file_fill(file->fd, file->path, chunk, count * width, &got, err);
        if (status != NIN_OK) {
            return status;
        }
        if (got < count * width) {
            return ninp_fail(err, NIN_ERROR_DATA, "%s: ends at byte %" PRIu64 " while it is read",
                             file->path, place + done * width + got);
        }
        if (file->hasher) {
            ninp_digest_add(file->hasher, chunk, got);
        }
        tensor->dtype->decode(chunk, count, out + done);
        done += count;
    }
    return NIN_OK;
}

nin_status ninp_safetensors_read(ninp_safetensors *file, const ninp_safetensors_tensor *tensor,
                                 float *out, nin_error *err) {
    char shown[SHOWN];
    ninp_printable(tensor->name, shown, sizeof shown);
    if (!tensor->dtype->decode) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: tensor %s: holds %s; weights are F32, F16, BF16, F64 or I64",
                         file->path, shown, tensor->dtype->name);
    }
    nin_status status = read_values(file, tensor, out, err);
    char hex[NINP_DIGEST_SIZE] = "";
    if (file->hasher) {
        ninp_digest_finish(file->hasher, hex); /* also after a failure: it starts again */
    }
    if (status == NIN_OK && tensor->digest && strcmp(hex, tensor->digest) != 0) {
        status = ninp_fail(err, NIN_ERROR_DATA,
                           "%s: tensor %s: damaged: bytes %" PRIu64 " to %" PRIu64
                           " do not have the digest they were written with",
                           file->path, shown, file->data + tensor->begin, file->data + tensor->end);
    }
    return status;
}

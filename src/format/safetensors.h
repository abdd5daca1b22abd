/* safetensors files (github.com/huggingface/safetensors): a JSON header with names, types, shapes
 * and places, then the values. The reader takes nothing on trust; the writer writes what the
 * reference writer would, and digests of everything in it. */
#ifndef NINP_FORMAT_SAFETENSORS_H
#define NINP_FORMAT_SAFETENSORS_H

#include "format/dtype.h"

#include <nin/base.h>

enum {
    NINP_SAFETENSORS_HEADER = 1 << 20, /* largest header, bytes */
    NINP_SAFETENSORS_TENSORS = 4096,
    NINP_SAFETENSORS_RANK = 8,
    NINP_SAFETENSORS_NAME = 512 /* bytes */
};

/* ---- reading ---------------------------------------------------------------------------- */

typedef struct ninp_safetensors ninp_safetensors;

typedef struct ninp_safetensors_tensor {
    const char *name;
    const ninp_dtype *dtype;
    int rank; /* 0: a single value */
    size_t shape[NINP_SAFETENSORS_RANK];
    size_t count;        /* values */
    uint64_t begin, end; /* bytes, from the start of the values */
    const char *digest;  /* that its bytes must have, or NULL */
} ninp_safetensors_tensor;

/* Opens a file and checks its whole structure, and the digest of its metadata where it has one. The
 * values are read later. NIN_ERROR_NO_INPUT, NIN_ERROR_DATA, NIN_ERROR_IO, NIN_ERROR_MEMORY. */
nin_status ninp_safetensors_open(const char *path, ninp_safetensors **out, nin_error *err);
void ninp_safetensors_close(ninp_safetensors *file);

const char *ninp_safetensors_path(const ninp_safetensors *file);

/* Tensors in the order of their values in the file. */
size_t ninp_safetensors_count(const ninp_safetensors *file);
const ninp_safetensors_tensor *ninp_safetensors_at(const ninp_safetensors *file, size_t index);
/* The tensor of this name, or NULL. */
const ninp_safetensors_tensor *ninp_safetensors_find(const ninp_safetensors *file,
                                                     const char *name);

/* The metadata's string for `key`, or NULL. */
const char *ninp_safetensors_metadata(const ninp_safetensors *file, const char *key);

/* NIN_ERROR_DATA unless the metadata and every tensor have a digest: asked of files that this
 * library wrote. */
nin_status ninp_safetensors_require_digests(const ninp_safetensors *file, nin_error *err);

/* Reads a tensor's values as float32 into `out` (tensor->count values), and compares its digest.
 * NIN_ERROR_DATA: a type that is not for weights, or the digest differs. */
nin_status ninp_safetensors_read(ninp_safetensors *file, const ninp_safetensors_tensor *tensor,
                                 float *out, nin_error *err);

/* ---- writing ---------------------------------------------------------------------------- */

typedef struct ninp_safetensors_source {
    const char *name;
    int rank;
    size_t shape[NINP_SAFETENSORS_RANK];
    size_t count; /* values: the product of the shape */
    const float *values;
} ninp_safetensors_source;

typedef struct ninp_safetensors_pair {
    const char *key, *value; /* UTF-8 */
} ninp_safetensors_pair;

/* What to write. Digests are added under the key "nin.digest": a JSON object from tensor names, and
 * from "__metadata__" for the other pairs, to XXH3-128. */
typedef struct ninp_safetensors_content {
    ninp_safetensors_source *tensors; /* sorted by name while writing */
    size_t tensor_count;
    const ninp_safetensors_pair *pairs;
    size_t pair_count;
} ninp_safetensors_content;

/* Replaces `path` atomically. NIN_ERROR_ARGUMENT: the header would be larger than readers here
 * take, or a text is not UTF-8; NIN_ERROR_IO, NIN_ERROR_MEMORY. */
nin_status ninp_safetensors_write(const char *path, ninp_safetensors_content *content,
                                  nin_error *err);

/* The digest of metadata pairs, whatever their order, into hex; "nin.digest" does not count. Sorts
 * `pairs`. NULL when out of memory. */
const char *ninp_safetensors_pairs_digest(ninp_safetensors_pair *pairs, size_t count, char *hex);

#define NINP_SAFETENSORS_DIGEST_KEY "nin.digest"
#define NINP_SAFETENSORS_METADATA_KEY "__metadata__"

#endif

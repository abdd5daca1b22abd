/* The IDX format of MNIST (yann.lecun.com/exdb/mnist): big-endian; bytes 0, 0, element type, number
 * of dimensions, each dimension in 4 bytes, then the elements with the last dimension fastest. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/content.h"
#include "data/reader.h"
#include "image/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TYPE_UNSIGNED_BYTE = 0x08,
    IMAGE_RANK = 3, /* count, height, width */
    LABEL_RANK = 1, /* count */
    MAGIC_SIZE = 4,
    DIMENSION_SIZE = 4
};

typedef enum content_kind { IMAGES, LABELS } content_kind;

static const char *const file_names[2][2] = {
    [NIN_SPLIT_TRAIN] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
    [NIN_SPLIT_TEST] = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}};

/* ---- finding the files ------------------------------------------------------------------ */

/* *path = DIRECTORY/NAME, or the same with ".gz" where only that exists; NULL where none does.
 * Release with free. */
static nin_status find_file(const char *directory, const char *name, char **path, nin_error *err) {
    *path = NULL;
    char compressed[sizeof "train-images-idx3-ubyte.gz"];
    snprintf(compressed, sizeof compressed, "%s.gz", name);
    const char *const candidates[2] = {name, compressed};
    for (int i = 0; i < 2; i++) {
        char *candidate = ninp_path_join(directory, candidates[i]);
        if (!candidate) {
            return ninp_fail_memory(err, strlen(directory), "a path");
        }
        struct stat about;
        if (stat(candidate, &about) == 0) {
            *path = candidate;
            return NIN_OK;
        }
        free(candidate);
    }
    return NIN_OK;
}

static bool idx_accepts(const char *place) {
    for (int i = 0; i < 4; i++) {
        char *path;
        if (find_file(place, file_names[i / 2][i % 2], &path, NULL) == NIN_OK && path) {
            free(path);
            return true;
        }
    }
    return false;
}

/* The same as find_file, but the file must be there. */
static nin_status require_file(const char *directory, const char *name, char **path,
                               nin_error *err) {
    nin_status status = find_file(directory, name, path, err);
    if (status == NIN_OK && !*path) {
        return ninp_fail(err, NIN_ERROR_NO_INPUT, "%s: neither %s nor %s.gz is there", directory,
                         name, name);
    }
    return status;
}

/* ---- reading one file ------------------------------------------------------------------- */

/* An IDX file whose header has been read and checked. */
typedef struct idx_file {
    char *path;
    ninp_content *content;
    size_t header; /* bytes */
    uint32_t sizes[IMAGE_RANK];
    size_t bytes; /* of all elements */
} idx_file;

static void idx_close(idx_file *file) {
    ninp_content_close(file->content);
    free(file->path);
    *file = (idx_file){0};
}

static const char *type_name(unsigned type) {
    switch (type) {
    case 0x09: return "signed bytes";
    case 0x0b: return "16-bit integers";
    case 0x0c: return "32-bit integers";
    case 0x0d: return "32-bit floats";
    case 0x0e: return "64-bit floats";
    default: return "of an unknown type";
    }
}

static nin_status check_magic(const idx_file *file, const unsigned char *magic, unsigned rank,
                              nin_error *err) {
    if (magic[0] != 0 || magic[1] != 0) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte 0: not an IDX file: it starts with %02x %02x, not 00 00",
                         file->path, magic[0], magic[1]);
    }
    if (magic[2] != TYPE_UNSIGNED_BYTE) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte 2: elements are %s (%02x), only unsigned bytes (08) are read",
                         file->path, type_name(magic[2]), magic[2]);
    }
    if (magic[3] != rank) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: byte 3: %u dimensions where %u belong",
                         file->path, magic[3], rank);
    }
    return NIN_OK;
}

/* Multiplies the dimensions into file->bytes and refuses what cannot be there. */
static nin_status check_sizes(idx_file *file, unsigned rank, nin_error *err) {
    file->bytes = 1;
    for (unsigned i = 0; i < rank; i++) {
        size_t offset = MAGIC_SIZE + (size_t)i * DIMENSION_SIZE;
        uint32_t limit = i == 0 ? NINP_PICTURES_LIMIT : NINP_IMAGE_SIDE_LIMIT;
        if (file->sizes[i] == 0 || file->sizes[i] > limit) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: byte %zu: dimension %u is %" PRIu32 ", not within 1 to %" PRIu32,
                             file->path, offset, i, file->sizes[i], limit);
        }
        if (!ninp_mul(file->bytes, file->sizes[i], &file->bytes) ||
            file->bytes > NINP_PICTURES_BYTES_LIMIT) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: byte %zu: more than the limit of %" PRIu64 " bytes promised",
                             file->path, offset, NINP_PICTURES_BYTES_LIMIT);
        }
    }
    if (file->header + file->bytes > ninp_content_limit(file->content)) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte %d: %zu bytes promised, the file is too small for them",
                         file->path, MAGIC_SIZE, file->bytes);
    }
    return NIN_OK;
}

static nin_status read_header(idx_file *file, unsigned rank, nin_error *err) {
    unsigned char bytes[MAGIC_SIZE + IMAGE_RANK * DIMENSION_SIZE];
    size_t got;
    file->header = MAGIC_SIZE + (size_t)rank * DIMENSION_SIZE;
    nin_status status = ninp_content_read(file->content, bytes, file->header, &got, err);
    if (status == NIN_OK && got >= MAGIC_SIZE) {
        status = check_magic(file, bytes, rank, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    if (got < file->header) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: byte %zu: the file ends within its header",
                         file->path, got);
    }
    for (unsigned i = 0; i < rank; i++) {
        const unsigned char *size = bytes + MAGIC_SIZE + (size_t)i * DIMENSION_SIZE;
        file->sizes[i] = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 |
                         (uint32_t)size[2] << 8 | (uint32_t)size[3];
    }
    return check_sizes(file, rank, err);
}

/* Opens the file of a split in `directory` and reads its header. On failure *file holds nothing. */
static nin_status idx_open(const char *directory, nin_split split, content_kind kind,
                           idx_file *file, nin_error *err) {
    *file = (idx_file){0};
    nin_status status = require_file(directory, file_names[split][kind], &file->path, err);
    if (status == NIN_OK) {
        status = ninp_content_open(file->path, &file->content, err);
    }
    if (status == NIN_OK) {
        status = read_header(file, kind == IMAGES ? IMAGE_RANK : LABEL_RANK, err);
    }
    if (status != NIN_OK) {
        idx_close(file);
    }
    return status;
}

/* Reads all elements, and one byte more to see that the file ends there. */
static nin_status read_elements(const idx_file *file, uint8_t *elements, nin_error *err) {
    size_t got;
    nin_status status = ninp_content_read(file->content, elements, file->bytes, &got, err);
    if (status != NIN_OK) {
        return status;
    }
    if (got < file->bytes) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte %zu: the file ends, %zu bytes of elements promised, %zu there",
                         file->path, file->header + got, file->bytes, got);
    }
    unsigned char behind;
    status = ninp_content_read(file->content, &behind, 1, &got, err);
    if (status == NIN_OK && got != 0) {
        status = ninp_fail(err, NIN_ERROR_DATA,
                           "%s: byte %zu: more bytes than the %zu elements that were promised",
                           file->path, file->header + file->bytes, file->bytes);
    }
    return status;
}

/* ---- labels ----------------------------------------------------------------------------- */

/* Reads all labels into *labels (release with free) and *classes = the largest + 1. `known` > 0:
 * they must be below it. */
static nin_status read_labels(const idx_file *file, int known, uint8_t **labels, int *classes,
                              nin_error *err) {
    *labels = NULL;
    *classes = 0;
    uint8_t *read = ninp_calloc(file->bytes, 1);
    if (!read) {
        return ninp_fail_memory(err, file->bytes, "labels");
    }
    nin_status status = read_elements(file, read, err);
    for (size_t i = 0; i < file->bytes && status == NIN_OK; i++) {
        if (known > 0 && read[i] >= known) {
            status = ninp_fail(err, NIN_ERROR_DATA, "%s: byte %zu: label %d of %d classes",
                               file->path, file->header + i, read[i], known);
        }
        *classes = read[i] >= *classes ? read[i] + 1 : *classes;
    }
    if (status != NIN_OK) {
        free(read);
        return status;
    }
    *labels = read;
    return NIN_OK;
}

/* Raises *classes to what the labels of `split` need, where the directory has them: both splits
 * must agree on the number of classes. */
static nin_status count_classes(const char *directory, nin_split split, int *classes,
                                nin_error *err) {
    char *path;
    nin_status status = find_file(directory, file_names[split][LABELS], &path, err);
    if (status != NIN_OK || !path) {
        return status;
    }
    free(path);
    idx_file file;
    status = idx_open(directory, split, LABELS, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    uint8_t *labels;
    int needed;
    status = read_labels(&file, 0, &labels, &needed, err);
    free(labels);
    idx_close(&file);
    *classes = needed > *classes ? needed : *classes;
    return status;
}

/* ---- both together ---------------------------------------------------------------------- */

static nin_status read_split(const ninp_request *request, const idx_file *images,
                             const idx_file *labels, ninp_pictures *pictures, nin_error *err) {
    if (images->sizes[0] != labels->sizes[0]) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: byte %d: %" PRIu32 " labels for the %" PRIu32 " pictures of %s",
                         labels->path, MAGIC_SIZE, labels->sizes[0], images->sizes[0],
                         images->path);
    }
    uint8_t *bytes;
    int classes;
    nin_status status = read_labels(labels, request->classes, &bytes, &classes, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_pictures_create(images->sizes[0], 1, (int)images->sizes[1], (int)images->sizes[2],
                                  pictures, err);
    if (status == NIN_OK) {
        for (size_t i = 0; i < pictures->count; i++) {
            pictures->labels[i] = bytes[i];
        }
        status = read_elements(images, pictures->pixels, err);
    }
    free(bytes);
    if (status == NIN_OK && request->classes == 0) {
        nin_split other =
            request->options.split == NIN_SPLIT_TRAIN ? NIN_SPLIT_TEST : NIN_SPLIT_TRAIN;
        status = count_classes(request->place, other, &classes, err);
    }
    pictures->classes = request->classes ? request->classes : classes;
    if (status != NIN_OK) {
        ninp_pictures_free(pictures);
    }
    return status;
}

static nin_status idx_read(const ninp_request *request, ninp_pictures *pictures, nin_error *err) {
    *pictures = (ninp_pictures){0};
    idx_file images;
    idx_file labels;
    nin_status status = idx_open(request->place, request->options.split, IMAGES, &images, err);
    if (status != NIN_OK) {
        return status;
    }
    status = idx_open(request->place, request->options.split, LABELS, &labels, err);
    if (status == NIN_OK) {
        status = read_split(request, &images, &labels, pictures, err);
        idx_close(&labels);
    }
    idx_close(&images);
    return status;
}

const ninp_reader ninp_reader_idx = {.name = "idx", .accepts = idx_accepts, .read = idx_read};

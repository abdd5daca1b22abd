#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/known.h"
#include "data/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* The readers, asked in this order. */
static const ninp_reader *const readers[] = {&ninp_reader_drawn, &ninp_reader_idx};

struct nin_dataset {
    char *name;
    char *place;
    char *made_names; /* "0", "1", ...: NULL where the classes' names are known */
    const char **class_names;
    ninp_pictures pictures;
    char digest[17];
};

/* ---- pictures --------------------------------------------------------------------------- */

nin_status ninp_pictures_create(size_t count, int channels, int height, int width,
                                ninp_pictures *pictures, nin_error *err) {
    *pictures =
        (ninp_pictures){.count = count, .channels = channels, .height = height, .width = width};
    size_t bytes;
    if (!ninp_mul(count, (size_t)channels, &bytes) || !ninp_mul(bytes, (size_t)height, &bytes) ||
        !ninp_mul(bytes, (size_t)width, &bytes)) {
        bytes = SIZE_MAX;
    }
    pictures->pixels = bytes < SIZE_MAX ? ninp_calloc(bytes, 1) : NULL;
    pictures->labels = ninp_calloc(count, sizeof *pictures->labels);
    if (!pictures->pixels || !pictures->labels) {
        ninp_pictures_free(pictures);
        return ninp_fail_memory(err, bytes, "pictures");
    }
    return NIN_OK;
}

void ninp_pictures_free(ninp_pictures *pictures) {
    free(pictures->pixels);
    free(pictures->labels);
    *pictures = (ninp_pictures){0};
}

static size_t picture_bytes(const ninp_pictures *p) {
    return (size_t)p->channels * (size_t)p->height * (size_t)p->width;
}

/* Keeps the first `limit` pictures. A block that cannot shrink stays as large as it is. */
static void keep_first(ninp_pictures *p, size_t limit) {
    size_t pixel_bytes = limit * picture_bytes(p);
    size_t label_bytes = limit * sizeof *p->labels;
    uint8_t *pixels = realloc(p->pixels, pixel_bytes);
    p->pixels = pixels ? pixels : p->pixels;
    int32_t *labels = realloc(p->labels, label_bytes);
    p->labels = labels ? labels : p->labels;
    p->count = limit;
}

static void add_number(XXH3_state_t *state, uint64_t number, size_t bytes) {
    unsigned char little_endian[8];
    for (size_t i = 0; i < bytes; i++) {
        little_endian[i] = (unsigned char)(number >> (8 * i));
    }
    XXH3_64bits_update(state, little_endian, bytes);
}

/* XXH3-64 over count, channels, height, width, classes (8 bytes each, little-endian), all pixels
 * and all labels (4 bytes each). */
static nin_status compute_digest(const ninp_pictures *p, char digest[17], nin_error *err) {
    XXH3_state_t *state = XXH3_createState();
    if (!state) {
        return ninp_fail_memory(err, 0, "a digest");
    }
    XXH3_64bits_reset(state);
    const uint64_t sizes[] = {p->count, (uint64_t)p->channels, (uint64_t)p->height,
                              (uint64_t)p->width, (uint64_t)p->classes};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        add_number(state, sizes[i], 8);
    }
    XXH3_64bits_update(state, p->pixels, p->count * picture_bytes(p));
    for (size_t i = 0; i < p->count; i++) {
        add_number(state, (uint64_t)p->labels[i], 4);
    }
    snprintf(digest, 17, "%016llx", (unsigned long long)XXH3_64bits_digest(state));
    XXH3_freeState(state);
    return NIN_OK;
}

/* ---- finding ---------------------------------------------------------------------------- */

static bool find_reader(const char *place, const ninp_reader **reader) {
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (readers[i]->accepts(place)) {
            *reader = readers[i];
            return true;
        }
    }
    return false;
}

/* Why nothing was found at `spec`. */
static nin_status fail_not_found(const char *spec, const ninp_known *known,
                                 const char *const *search, nin_error *err) {
    ninp_text text = {0};
    struct stat about;
    if (known) {
        ninp_text_add(&text, "%s: not found", spec);
        for (size_t i = 0; search && search[i]; i++) {
            ninp_text_add(&text, "%s %s/%s", i ? "," : ": looked for", search[i], spec);
        }
    } else if (stat(spec, &about) == 0) {
        ninp_text_add(&text, "%s: %s", spec,
                      S_ISDIR(about.st_mode) ? "a directory without the files of a data set"
                                             : "a data set is a directory or a known name");
    } else {
        ninp_text_add(&text, "%s: no such directory, and no data set known by this name (", spec);
        const nin_known_dataset *one;
        for (size_t i = 0; (one = nin_dataset_known(i)); i++) {
            ninp_text_add(&text, "%s%s", i ? ", " : "", one->name);
        }
        ninp_text_add(&text, " are)");
    }
    char *message = ninp_text_take(&text);
    nin_status status = message ? ninp_fail(err, NIN_ERROR_NO_INPUT, "%s", message)
                                : ninp_fail_memory(err, 0, "a message");
    free(message);
    return status;
}

/* *place (release with free) and *reader: a known set that comes as files is looked for in the
 * search directories; everything else, and it too at last, is a place itself. */
static nin_status find_place(const char *spec, const char *const *search, char **place,
                             const ninp_reader **reader, nin_error *err) {
    const ninp_known *known = ninp_known_find(spec);
    for (size_t i = 0; known && known->url && search && search[i]; i++) {
        *place = ninp_path_join(search[i], spec);
        if (!*place) {
            return ninp_fail_memory(err, strlen(search[i]), "a path");
        }
        if (find_reader(*place, reader)) {
            return NIN_OK;
        }
        free(*place);
    }
    *place = NULL;
    if (!find_reader(spec, reader)) {
        return fail_not_found(spec, known, search, err);
    }
    *place = ninp_strdup(spec);
    return *place ? NIN_OK : ninp_fail_memory(err, strlen(spec), "a path");
}

/* ---- opening ---------------------------------------------------------------------------- */

nin_dataset_options nin_dataset_options_defaults(void) {
    return (nin_dataset_options){.split = NIN_SPLIT_TRAIN};
}

/* The last component of a path, release with free; NULL when out of memory. */
static char *last_component(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    char *component = ninp_strdup(path + start);
    if (component) {
        component[end - start] = '\0';
    }
    return component;
}

/* The known names, or "0", "1", ... */
static nin_status name_classes(nin_dataset *dataset, const ninp_known *known, nin_error *err) {
    enum { NUMBER_SIZE = 12 };
    size_t classes = (size_t)dataset->pictures.classes;
    dataset->class_names = ninp_calloc(classes, sizeof *dataset->class_names);
    if (!known) {
        dataset->made_names = ninp_calloc(classes, NUMBER_SIZE);
    }
    if (!dataset->class_names || (!known && !dataset->made_names)) {
        return ninp_fail_memory(err, classes * NUMBER_SIZE, "class names");
    }
    for (int i = 0; i < dataset->pictures.classes; i++) {
        if (known) {
            dataset->class_names[i] = known->about.class_names[i];
        } else {
            char *name = dataset->made_names + (size_t)i * NUMBER_SIZE;
            snprintf(name, NUMBER_SIZE, "%d", i);
            dataset->class_names[i] = name;
        }
    }
    return NIN_OK;
}

/* Reads the pictures at dataset->place and settles classes and name. A directory whose last
 * component is a known name takes that set's classes where the labels allow it; asked for by name,
 * the labels must. */
static nin_status fill(nin_dataset *dataset, const char *spec, const ninp_reader *reader,
                       const nin_dataset_options *options, nin_error *err) {
    const ninp_known *known = ninp_known_find(spec);
    ninp_request request = {
        .place = dataset->place, .classes = known ? known->about.classes : 0, .options = *options};
    dataset->name = last_component(spec);
    if (!dataset->name) {
        return ninp_fail_memory(err, strlen(spec), "a name");
    }
    ninp_pictures *pictures = &dataset->pictures;
    nin_status status = reader->read(&request, pictures, err);
    if (status != NIN_OK) {
        return status;
    }
    if (!known) {
        known = ninp_known_find(dataset->name);
        if (known && pictures->classes <= known->about.classes) {
            pictures->classes = known->about.classes;
        } else {
            known = NULL;
        }
    }
    if (options->limit > 0 && options->limit < pictures->count) {
        keep_first(pictures, options->limit);
    }
    status = name_classes(dataset, known, err);
    return status == NIN_OK ? compute_digest(pictures, dataset->digest, err) : status;
}

nin_status nin_dataset_open(const char *spec, const nin_dataset_options *options, nin_dataset **out,
                            nin_error *err) {
    *out = NULL;
    if (options->split != NIN_SPLIT_TRAIN && options->split != NIN_SPLIT_TEST) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "a split is training or test, not %d",
                         (int)options->split);
    }
    nin_dataset *dataset = ninp_calloc(1, sizeof *dataset);
    if (!dataset) {
        return ninp_fail_memory(err, sizeof *dataset, "a data set");
    }
    const ninp_reader *reader = NULL;
    nin_status status = find_place(spec, options->search, &dataset->place, &reader, err);
    if (status == NIN_OK) {
        assert(reader);
        status = fill(dataset, spec, reader, options, err);
    }
    if (status != NIN_OK) {
        nin_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return NIN_OK;
}

void nin_dataset_free(nin_dataset *dataset) {
    if (!dataset) {
        return;
    }
    ninp_pictures_free(&dataset->pictures);
    free(dataset->name);
    free(dataset->place);
    free(dataset->made_names);
    free(dataset->class_names);
    free(dataset);
}

/* ---- asking ----------------------------------------------------------------------------- */

nin_dataset_info nin_dataset_get_info(const nin_dataset *dataset) {
    const ninp_pictures *p = &dataset->pictures;
    bool drawn = ninp_reader_drawn.accepts(dataset->place);
    nin_dataset_info info = {.name = dataset->name,
                             .place = drawn ? "drawn by this program" : dataset->place,
                             .count = p->count,
                             .channels = p->channels,
                             .height = p->height,
                             .width = p->width,
                             .classes = p->classes,
                             .class_names = dataset->class_names};
    memcpy(info.digest, dataset->digest, sizeof info.digest);
    return info;
}

const uint8_t *nin_dataset_pixels(const nin_dataset *dataset, size_t index) {
    assert(index < dataset->pictures.count);
    return dataset->pictures.pixels + index * picture_bytes(&dataset->pictures);
}

int nin_dataset_label(const nin_dataset *dataset, size_t index) {
    assert(index < dataset->pictures.count);
    return dataset->pictures.labels[index];
}

/* Data set readers: one file each, one line each in the table of dataset.c. */
#ifndef NINP_DATA_READER_H
#define NINP_DATA_READER_H

#include <nin/data.h>

/* What a reader is asked for. */
typedef struct ninp_request {
    const char *place; /* a directory, or the reader's own name */
    int classes;       /* labels must be below it; 0: not known */
    nin_dataset_options options;
} ninp_request;

/* Most pictures of a set and bytes of all of them. */
#define NINP_PICTURES_LIMIT UINT32_MAX
#define NINP_PICTURES_BYTES_LIMIT ((uint64_t)16 << 30)

/* What a reader gives. Blocks are released with free. */
typedef struct ninp_pictures {
    size_t count;
    int channels, height, width; /* channels 1 or 3 */
    int classes;
    uint8_t *pixels; /* count x channels x height x width */
    int32_t *labels; /* count, each below classes */
} ninp_pictures;

typedef struct ninp_reader {
    const char *name;
    /* Whether `place` is something for this reader. */
    bool (*accepts)(const char *place);
    /* Reads a split. It may give more than options.limit pictures. On failure *pictures holds
     * nothing. */
    nin_status (*read)(const ninp_request *request, ninp_pictures *pictures, nin_error *err);
} ninp_reader;

extern const ninp_reader ninp_reader_idx;
extern const ninp_reader ninp_reader_drawn;

enum { NINP_DRAWN_CLASSES = 10 };
extern const char *const ninp_drawn_class_names[NINP_DRAWN_CLASSES];

/* Makes room for `count` pictures of these sizes and their labels: NIN_ERROR_MEMORY. */
nin_status ninp_pictures_create(size_t count, int channels, int height, int width,
                                ninp_pictures *pictures, nin_error *err);
void ninp_pictures_free(ninp_pictures *pictures);

#endif

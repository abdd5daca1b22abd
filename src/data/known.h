/* Data sets known by name, with what it takes to fetch and check them. */
#ifndef NINP_DATA_KNOWN_H
#define NINP_DATA_KNOWN_H

#include <nin/data.h>

/* A file as the server holds it, compressed by gzip. */
typedef struct ninp_known_file {
    const char *name;
    uint64_t bytes;     /* of the decompressed content */
    const char *sha256; /* of the decompressed content, 64 hex digits: compressors differ */
} ninp_known_file;

enum { NINP_KNOWN_FILES = 4 };

typedef struct ninp_known {
    nin_known_dataset about;
    const char *url; /* ends in '/'; NULL: not fetchable */
    ninp_known_file files[NINP_KNOWN_FILES];
} ninp_known;

/* NULL where no data set has this name. */
const ninp_known *ninp_known_find(const char *name);

#endif

/* The network descriptions of models/ and the recipes of recipes/, compiled in. The arrays are made
 * by tools/embed.py while building. */
#ifndef NINP_BASE_EMBEDDED_H
#define NINP_BASE_EMBEDDED_H

#include <stddef.h>

typedef struct ninp_embedded {
    const char *name;    /* of the file, without its ending: "nin" for models/nin.net */
    const char *summary; /* its first line, a comment, without the mark */
    const char *text;    /* its content, NUL-ended */
    size_t length;       /* in bytes, without the NUL */
} ninp_embedded;

/* In the order of their names; behind the last one stands an entry whose name is NULL. */
extern const ninp_embedded ninp_embedded_models[];
extern const ninp_embedded ninp_embedded_recipes[];

#endif

/* The experiments of experiments/, compiled in. The arrays are made by tools/embed.py while
 * building. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

#include <stddef.h>

typedef struct cli_embedded {
    const char *name;    /* of the file, without its ending: "stability" */
    const char *summary; /* its first line, a comment, without the mark */
    const char *text;    /* its content, NUL-ended */
    size_t length;       /* in bytes, without the NUL */
} cli_embedded;

/* In the order of their names; behind the last one stands an entry whose name is NULL. */
extern const cli_embedded cli_embedded_experiments[];

#endif

/* Shared libraries that few runs need are opened when they are needed: linked to the program, with
 * all that they bring, they would take a third of the time to a first prediction. */
#ifndef NINP_BASE_LIBRARY_H
#define NINP_BASE_LIBRARY_H

#include <nin/base.h>

typedef struct ninp_symbol {
    const char *name;
    void *place; /* of the pointer that receives it: to a function of the type in the header */
} ninp_symbol;

/* Opens `library` ("libcurl.so.4") and finds all symbols, "" ends them. It stays open for good.
 * NIN_ERROR_UNAVAILABLE: the message says what the library is wanted for and the loader's reason.
 */
nin_status ninp_library_open(const char *library, const char *purpose, const ninp_symbol *symbols,
                             nin_error *err);

#endif

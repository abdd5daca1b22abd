#include "base/library.h"

#include "base/error.h"

#include <dlfcn.h>
#include <string.h>

/* POSIX makes pointers to functions and to objects alike, C does not: hence the copy. */
static bool find(void *library, const ninp_symbol *symbol) {
    void *found = dlsym(library, symbol->name);
    memcpy(symbol->place, &found, sizeof found);
    return found != NULL;
}

nin_status ninp_library_open(const char *name, const char *purpose, const ninp_symbol *symbols,
                             nin_error *err) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    bool complete = library != NULL;
    for (const ninp_symbol *symbol = symbols; complete && symbol->name[0]; symbol++) {
        complete = find(library, symbol);
    }
    if (complete) {
        return NIN_OK;
    }
    const char *reason = dlerror();
    nin_status status = ninp_fail(err, NIN_ERROR_UNAVAILABLE, "%s needs %s: %s", purpose, name,
                                  reason ? reason : "it lacks a function");
    if (library) {
        dlclose(library);
    }
    return status;
}

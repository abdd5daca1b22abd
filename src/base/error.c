#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

const char *nin_version(void) {
    return STRINGIFY(NIN_VERSION_MAJOR) "." STRINGIFY(NIN_VERSION_MINOR) "." STRINGIFY(
        NIN_VERSION_PATCH);
}

const char *nin_status_text(nin_status status) {
    switch (status) {
#define STATUS_CASE(name, number, text) \
    case NIN_##name: return text;
        NIN_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

/* The names stand in parentheses because the header has macros of the same names for the analyzer.
 */
nin_status(ninp_fail)(nin_error *err, nin_status status, const char *format, ...) {
    if (err && err->status == NIN_OK) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}

nin_status(ninp_prefix)(nin_error *err, nin_status status, const char *format, ...) {
    if (!err) {
        return status;
    }
    char whole[sizeof err->message];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(whole, sizeof whole, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof whole) {
        snprintf(whole + used, sizeof whole - (size_t)used, "%s", err->message);
    }
    memcpy(err->message, whole, sizeof whole);
    return err->status == NIN_OK ? status : err->status;
}

nin_status(ninp_fail_memory)(nin_error *err, size_t bytes, const char *what) {
    return ninp_fail(err, NIN_ERROR_MEMORY, "out of memory (%zu bytes for %s)", bytes, what);
}

/* How library code reports failure. The first writer wins: a function that passes a failure on may
 * put a prefix before the message but never replaces it. */
#ifndef NINP_BASE_ERROR_H
#define NINP_BASE_ERROR_H

#include <nin/base.h>

/* Writes status and message into *err (NULL allowed) and returns status:
 * `return ninp_fail(err, NIN_ERROR_DATA, "%s: byte %zu: bad magic", path, offset);` */
nin_status ninp_fail(nin_error *err, nin_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix" before the message of an error that is already set. Returns err's status or, where
 * err is NULL, `status`. */
nin_status ninp_prefix(nin_error *err, nin_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NIN_ERROR_MEMORY with "out of memory (N bytes for WHAT)". */
nin_status ninp_fail_memory(nin_error *err, size_t bytes, const char *what);

#ifdef __clang_analyzer__
/* The analyzer looks at one file at a time: this tells it what these functions return, so that it
 * does not follow paths on which a failure was reported as success. */
static inline nin_status ninp_analyzed(nin_status returned, nin_status known) {
    (void)returned;
    return known;
}
#define ninp_fail(err, status, ...) ninp_analyzed((ninp_fail)(err, status, __VA_ARGS__), status)
#define ninp_prefix(err, status, ...) ninp_analyzed((ninp_prefix)(err, status, __VA_ARGS__), status)
#define ninp_fail_memory(err, bytes, what) \
    ninp_analyzed((ninp_fail_memory)(err, bytes, what), NIN_ERROR_MEMORY)
#endif

#endif

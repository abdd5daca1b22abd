/* Status codes, error messages, version. Every other public header includes this one. */
#ifndef NIN_BASE_H
#define NIN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NIN_API __attribute__((visibility("default")))
#else
#define NIN_API
#endif

#define NIN_VERSION_MAJOR 0
#define NIN_VERSION_MINOR 1
#define NIN_VERSION_PATCH 0

/* The version of the library that is running, "MAJOR.MINOR.PATCH". */
NIN_API const char *nin_version(void);

/* What a function that can fail returns. The numbers are pinned: they never change meaning.
 * X(name, number, text). */
#define NIN_STATUS_MAP(X)                                             \
    X(OK, 0, "success")                                               \
    X(ERROR_ARGUMENT, 1, "an argument or option is wrong")            \
    X(ERROR_DATA, 2, "the content of a file is wrong")                \
    X(ERROR_NO_INPUT, 3, "a named input does not exist")              \
    X(ERROR_UNAVAILABLE, 4, "something needed is not available here") \
    X(ERROR_IO, 5, "reading or writing failed")                       \
    X(ERROR_MEMORY, 6, "out of memory")                               \
    X(ERROR_NOT_FINITE, 7, "training produced a value that is not a finite number")

typedef enum nin_status {
#define NIN_STATUS_ENUM(name, number, text) NIN_##name = number,
    NIN_STATUS_MAP(NIN_STATUS_ENUM)
#undef NIN_STATUS_ENUM
} nin_status;

/* A short English text for a status; "unknown status" for a number that is none. */
NIN_API const char *nin_status_text(nin_status status);

/* Where a failing function says what went wrong: one sentence that names the file, the place and
 * the reason. Functions take a `nin_error *` last; NULL is allowed there. Initialise with {0}. */
typedef struct nin_error {
    nin_status status;
    char message[1000];
} nin_error;

#ifdef __cplusplus
}
#endif

#endif

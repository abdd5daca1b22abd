/* A directory of its own for a test, and files in it. Failures fail the test. */
#ifndef NINP_TESTS_SUPPORT_SCRATCH_H
#define NINP_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

/* Makes an empty directory under $TMPDIR or /tmp. Release with scratch_remove. */
char *scratch_make(void);
/* Removes a directory with everything in it and frees its path. */
void scratch_remove(char *directory);

/* Writes or replaces a file. */
void scratch_write(const char *path, const void *bytes, size_t size);
/* Entries of a directory, without "." and "..". */
size_t scratch_count(const char *directory);

#endif

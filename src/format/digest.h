/* Digests that find damage in files: XXH3-128, as 32 hexadecimal digits. They are no protection
 * against an enemy. */
#ifndef NINP_FORMAT_DIGEST_H
#define NINP_FORMAT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { NINP_DIGEST_SIZE = 33 }; /* with the NUL */

/* Of bytes that come in parts. */
typedef struct ninp_digest ninp_digest;

/* NULL when out of memory. Release with ninp_digest_free. */
ninp_digest *ninp_digest_create(void);
void ninp_digest_free(ninp_digest *digest);
void ninp_digest_add(ninp_digest *digest, const void *bytes, size_t size);
/* Of all bytes since creation; then starts again. Returns hex. */
const char *ninp_digest_finish(ninp_digest *digest, char hex[NINP_DIGEST_SIZE]);

#endif

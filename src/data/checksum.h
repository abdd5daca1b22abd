/* Whether a file that may be compressed holds exactly the content that it should. */
#ifndef NINP_DATA_CHECKSUM_H
#define NINP_DATA_CHECKSUM_H

#include <nin/base.h>

/* Checks that the decompressed content of `path` has `bytes` bytes and this SHA-256 (64 lower-case
 * hex digits). Inflates one byte more than `bytes` at most. NIN_ERROR_DATA: it has not; errors of
 * ninp_content_open and ninp_content_read. */
nin_status ninp_checksum_check(const char *path, uint64_t bytes, const char *sha256,
                               nin_error *err);

#endif

/* The content of a file that may be compressed by gzip, read from start to end. */
#ifndef NINP_DATA_CONTENT_H
#define NINP_DATA_CONTENT_H

#include <nin/base.h>

typedef struct ninp_content ninp_content;

/* Opens a regular file; that it is gzip is told by its first two bytes. Errors as ninp_file_open.
 */
nin_status ninp_content_open(const char *path, ninp_content **out, nin_error *err);
void ninp_content_close(ninp_content *content);

/* Reads up to `size` bytes of the content; *got < size only at its end. The end of gzip content is
 * checked when it is reached: NIN_ERROR_DATA for a wrong checksum or length, for data that end too
 * early, and for anything behind them (a second gzip member too). Whoever wants these checks reads
 * until *got < size. */
nin_status ninp_content_read(ninp_content *content, void *bytes, size_t size, size_t *got,
                             nin_error *err);

/* No content of this file can be longer: its size, or 1032 times that for gzip (zlib's technical
 * notes: the limit of the deflate format). */
uint64_t ninp_content_limit(const ninp_content *content);

#endif

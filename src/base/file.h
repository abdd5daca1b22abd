/* Files: read whole or in parts, replace atomically. */
#ifndef NINP_BASE_FILE_H
#define NINP_BASE_FILE_H

#include <nin/base.h>

/* Reads a whole regular file of at most `limit` bytes into *bytes (one NUL added behind, release
 * with free) and *size. NIN_ERROR_NO_INPUT: does not exist; NIN_ERROR_DATA: larger than the limit
 * or not a regular file; NIN_ERROR_IO. */
nin_status ninp_file_read(const char *path, size_t limit, char **bytes, size_t *size,
                          nin_error *err);

/* Opens a regular file for reading: *fd (release with close) and its size in bytes. Errors as
 * ninp_file_read. A FIFO, device or socket is refused without waiting for it. */
nin_status ninp_file_open(const char *path, int *fd, uint64_t *size, nin_error *err);
/* Reads up to `size` bytes from fd; *got < size only at the end of the file. `path` stands in
 * messages. */
nin_status ninp_file_fill(int fd, const char *path, void *bytes, size_t size, size_t *got,
                          nin_error *err);

/* A file being written under a temporary name in the same directory (O_EXCL, mode 0666 & ~umask).
 * Its path holds the old content, whole, until ninp_file_commit has returned. */
typedef struct ninp_file ninp_file;

nin_status ninp_file_create(const char *path, ninp_file **out, nin_error *err);
/* Writes all of it (short writes and EINTR are handled). After a failure only ninp_file_abandon is
 * allowed. */
nin_status ninp_file_write(ninp_file *file, const void *bytes, size_t size, nin_error *err);
/* fsync(file), close, rename over the path, fsync(directory). Frees `file` whatever happens. On
 * failure the temporary file is removed and the path holds the old content, or, where only the last
 * step failed, the new one, which then may not survive a loss of power. */
nin_status ninp_file_commit(ninp_file *file, nin_error *err);
/* Removes the temporary file and frees. NULL allowed. */
void ninp_file_abandon(ninp_file *file);

/* Replaces `path` by `size` bytes: create, write, commit. */
nin_status ninp_file_replace(const char *path, const void *bytes, size_t size, nin_error *err);

/* Renames `from`, whose content is on disk already, over `to` in the same directory, and fsyncs the
 * directory. */
nin_status ninp_file_rename(const char *from, const char *to, nin_error *err);

/* Writes all bytes to fd; `path` stands in messages. */
nin_status ninp_file_put(int fd, const char *path, const void *bytes, size_t size, nin_error *err);
/* Puts what was written to fd on the disk. */
nin_status ninp_file_sync(int fd, const char *path, nin_error *err);

/* Makes a directory and its parents (0777 & ~umask); fine when it exists. */
nin_status ninp_directory_make(const char *path, nin_error *err);

/* "a/b" joined, release with free; NULL when out of memory. */
char *ninp_path_join(const char *directory, const char *name);

#endif

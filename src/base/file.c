#include "base/file.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---------------------------------------------------------------------------- */

nin_status ninp_file_open(const char *path, int *fd, uint64_t *size, nin_error *err) {
    *fd = -1;
    int opened;
    do {
        /* O_NONBLOCK: opening a FIFO would otherwise wait for a writer. */
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0) {
        int number = errno;
        if (number == ENXIO) { /* a socket */
            return ninp_fail(err, NIN_ERROR_DATA, "%s: not a regular file", path);
        }
        nin_status status =
            number == ENOENT || number == ENOTDIR ? NIN_ERROR_NO_INPUT : NIN_ERROR_IO;
        return ninp_fail(err, status, "%s: cannot open: %s", path, strerror(number));
    }
    struct stat about;
    nin_status status = NIN_OK;
    if (fstat(opened, &about) != 0) {
        status = ninp_fail(err, NIN_ERROR_IO, "%s: cannot inspect: %s", path, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        status = ninp_fail(err, NIN_ERROR_DATA, "%s: not a regular file", path);
    }
    if (status != NIN_OK) {
        close(opened);
        return status;
    }
    *fd = opened;
    *size = (uint64_t)about.st_size;
    return NIN_OK;
}

nin_status ninp_file_fill(int fd, const char *path, void *bytes, size_t size, size_t *got,
                          nin_error *err) {
    *got = 0;
    while (*got < size) {
        ssize_t arrived = read(fd, (char *)bytes + *got, size - *got);
        if (arrived > 0) {
            *got += (size_t)arrived;
        } else if (arrived == 0) {
            break;
        } else if (errno != EINTR) {
            return ninp_fail(err, NIN_ERROR_IO, "%s: cannot read: %s", path, strerror(errno));
        }
    }
    return NIN_OK;
}

/* Reads to the end of the file rather than to its size, which may change meanwhile. */
static nin_status read_all(int fd, const char *path, uint64_t expected, size_t limit, char **bytes,
                           size_t *size, nin_error *err) {
    char *buffer = NULL;
    size_t capacity = 0;
    size_t used = 0;
    size_t wanted = expected < limit ? (size_t)expected : limit;
    nin_status status = NIN_OK;
    for (;;) {
        size_t needed; /* one byte more shows the end of the file, and one is for the NUL */
        if (!ninp_add(used > wanted ? used : wanted, 2, &needed) ||
            !ninp_grow((void **)&buffer, &capacity, needed, 1)) {
            status = ninp_fail_memory(err, wanted, path);
            break;
        }
        size_t room = capacity - 1 - used;
        size_t got;
        status = ninp_file_fill(fd, path, buffer + used, room, &got, err);
        used += got;
        if (status != NIN_OK || got < room || used > limit) {
            break;
        }
    }
    if (status == NIN_OK && used > limit) {
        status = ninp_fail(err, NIN_ERROR_DATA, "%s: larger than %zu bytes", path, limit);
    }
    if (status != NIN_OK) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *bytes = buffer;
    *size = used;
    return NIN_OK;
}

nin_status ninp_file_read(const char *path, size_t limit, char **bytes, size_t *size,
                          nin_error *err) {
    *bytes = NULL;
    *size = 0;
    int fd;
    uint64_t expected;
    nin_status status = ninp_file_open(path, &fd, &expected, err);
    if (status != NIN_OK) {
        return status;
    }
    if (expected > limit) {
        status = ninp_fail(err, NIN_ERROR_DATA, "%s: larger than %zu bytes", path, limit);
    } else {
        status = read_all(fd, path, expected, limit, bytes, size, err);
    }
    close(fd);
    return status;
}

/* ---- writing ---------------------------------------------------------------------------- */

nin_status ninp_file_put(int fd, const char *path, const void *bytes, size_t size, nin_error *err) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written >= 0) {
            next += written;
            size -= (size_t)written;
        } else if (errno != EINTR) {
            return ninp_fail(err, NIN_ERROR_IO, "%s: cannot write: %s", path, strerror(errno));
        }
    }
    return NIN_OK;
}

/* After a failure the kernel may have dropped the data and a second fsync may succeed all the same,
 * so only EINTR is tried again. */
nin_status ninp_file_sync(int fd, const char *path, nin_error *err) {
    while (fsync(fd) != 0) {
        if (errno != EINTR) {
            return ninp_fail(err, NIN_ERROR_IO, "%s: cannot flush to disk: %s", path,
                             strerror(errno));
        }
    }
    return NIN_OK;
}

/* The length of the part of `path` that names its directory; 0: the working directory. */
static size_t directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return 0;
    }
    return slash == path ? 1 : (size_t)(slash - path);
}

/* fsyncs the directory that holds `path`, which makes the entry's creation or renaming durable. */
static nin_status sync_directory_of(const char *path, nin_error *err) {
    size_t length = directory_length(path);
    char *directory = ninp_strdup(length ? path : ".");
    if (!directory) {
        return ninp_fail_memory(err, length, "a path");
    }
    if (length) {
        directory[length] = '\0';
    }
    int fd;
    do {
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    nin_status status = NIN_OK;
    if (fd < 0) {
        status = ninp_fail(err, NIN_ERROR_IO, "%s: cannot open: %s", directory, strerror(errno));
    } else {
        status = ninp_file_sync(fd, directory, err);
        close(fd);
    }
    free(directory);
    return status;
}

nin_status ninp_file_rename(const char *from, const char *to, nin_error *err) {
    if (rename(from, to) != 0) {
        return ninp_fail(err, NIN_ERROR_IO, "%s: cannot rename %s to it: %s", to, from,
                         strerror(errno));
    }
    return sync_directory_of(to, err);
}

struct ninp_file {
    int fd; /* -1 once closed */
    char *path;
    char *temporary;
};

enum {
    TEMPORARY_TRIES = 100, /* files of that many killed processes with this number, or threads */
    TEMPORARY_SUFFIX = 48  /* bytes for ".PID.TRY.tmp" */
};

static void file_free(ninp_file *file) {
    free(file->path);
    free(file->temporary);
    free(file);
}

/* Opens PATH.PID.TRY.tmp under the first TRY that no file has. */
static nin_status open_temporary(ninp_file *file, size_t size, nin_error *err) {
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        snprintf(file->temporary, size, "%s.%ld.%d.tmp", file->path, (long)getpid(), i);
        do {
            file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        } while (file->fd < 0 && errno == EINTR);
        if (file->fd >= 0) {
            return NIN_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return ninp_fail(err, NIN_ERROR_IO, "%s: cannot create: %s", file->temporary, strerror(errno));
}

nin_status ninp_file_create(const char *path, ninp_file **out, nin_error *err) {
    *out = NULL;
    size_t size = strlen(path) + TEMPORARY_SUFFIX;
    ninp_file *file = ninp_calloc(1, sizeof *file);
    if (!file) {
        return ninp_fail_memory(err, sizeof *file, "a file");
    }
    file->path = ninp_strdup(path);
    file->temporary = ninp_calloc(size, 1);
    nin_status status = file->path && file->temporary ? open_temporary(file, size, err)
                                                      : ninp_fail_memory(err, size, "a path");
    if (status != NIN_OK) {
        file_free(file);
        return status;
    }
    *out = file;
    return NIN_OK;
}

nin_status ninp_file_write(ninp_file *file, const void *bytes, size_t size, nin_error *err) {
    return ninp_file_put(file->fd, file->path, bytes, size, err);
}

void ninp_file_abandon(ninp_file *file) {
    if (!file) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    unlink(file->temporary);
    file_free(file);
}

nin_status ninp_file_commit(ninp_file *file, nin_error *err) {
    nin_status status = ninp_file_sync(file->fd, file->path, err);
    if (status == NIN_OK) {
        int fd = file->fd;
        file->fd = -1; /* even a failing close releases it; EINTR loses nothing after fsync */
        if (close(fd) != 0 && errno != EINTR) {
            status =
                ninp_fail(err, NIN_ERROR_IO, "%s: cannot close: %s", file->path, strerror(errno));
        }
    }
    if (status == NIN_OK) {
        status = ninp_file_rename(file->temporary, file->path, err);
    }
    if (status != NIN_OK) {
        ninp_file_abandon(file); /* harmless after the rename: the temporary name is gone */
        return status;
    }
    file_free(file);
    return NIN_OK;
}

nin_status ninp_file_replace(const char *path, const void *bytes, size_t size, nin_error *err) {
    ninp_file *file;
    nin_status status = ninp_file_create(path, &file, err);
    if (status != NIN_OK) {
        return status;
    }
    status = ninp_file_write(file, bytes, size, err);
    if (status != NIN_OK) {
        ninp_file_abandon(file);
        return status;
    }
    return ninp_file_commit(file, err);
}

/* ---- directories ------------------------------------------------------------------------ */

static nin_status make_one(const char *path, nin_error *err) {
    if (mkdir(path, 0777) == 0) {
        return sync_directory_of(path, err);
    }
    int number = errno;
    struct stat about;
    if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode)) {
            return NIN_OK;
        }
        number = ENOTDIR;
    }
    return ninp_fail(err, NIN_ERROR_IO, "%s: cannot make the directory: %s", path,
                     strerror(number));
}

nin_status ninp_directory_make(const char *path, nin_error *err) {
    char *prefix = ninp_strdup(path);
    if (!prefix) {
        return ninp_fail_memory(err, strlen(path), "a path");
    }
    size_t length = strlen(prefix);
    while (length > 1 && prefix[length - 1] == '/') {
        prefix[--length] = '\0';
    }
    nin_status status = NIN_OK;
    for (size_t i = 1; i < length && status == NIN_OK; i++) {
        if (prefix[i] == '/' && prefix[i - 1] != '/') {
            prefix[i] = '\0';
            status = make_one(prefix, err);
            prefix[i] = '/';
        }
    }
    if (status == NIN_OK) {
        status = make_one(prefix, err);
    }
    free(prefix);
    return status;
}

char *ninp_path_join(const char *directory, const char *name) {
    size_t length = strlen(directory);
    const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
    size_t size = length + strlen(name) + 2;
    char *joined = ninp_calloc(size, 1);
    if (joined) {
        snprintf(joined, size, "%s%s%s", directory, slash, name);
    }
    return joined;
}

#include "files.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

nin_status cli_error(nin_error *err, nin_status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, list);
    va_end(list);
    return status;
}

static nin_status read_stream(FILE *file, const char *name, size_t limit, char **bytes,
                              size_t *size, nin_error *err) {
    size_t capacity = 65536;
    size_t length = 0;
    char *buffer = cli_allocate(capacity, 1);
    for (;;) {
        size_t got = fread(buffer + length, 1, capacity - 1 - length, file);
        length += got;
        if (got == 0) {
            break;
        }
        if (length > limit) {
            free(buffer);
            return cli_error(err, NIN_ERROR_DATA, "%s: longer than %zu bytes", name, limit);
        }
        if (length == capacity - 1) {
            char *larger = cli_allocate(capacity, 2);
            memcpy(larger, buffer, length);
            free(buffer);
            buffer = larger;
            capacity *= 2;
        }
    }
    if (ferror(file)) {
        free(buffer);
        return cli_error(err, NIN_ERROR_IO, "%s: %s", name, strerror(errno));
    }
    buffer[length] = '\0';
    *bytes = buffer;
    *size = length;
    return NIN_OK;
}

nin_status cli_read_file(const char *path, size_t limit, char **bytes, size_t *size,
                         nin_error *err) {
    *bytes = NULL;
    *size = 0;
    if (strcmp(path, "-") == 0) {
        return read_stream(stdin, "the standard input", limit, bytes, size, err);
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        nin_status status = errno == ENOENT || errno == ENOTDIR ? NIN_ERROR_NO_INPUT : NIN_ERROR_IO;
        return cli_error(err, status, "%s: %s", path, strerror(errno));
    }
    nin_status status = read_stream(file, path, limit, bytes, size, err);
    (void)!fclose(file);
    return status;
}

/* Gives 0 or the errno of what failed; the file may be there in part then. */
static int write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        return errno;
    }
    bool written = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int failure = written ? 0 : errno;
    if (fclose(file) != 0 && failure == 0) {
        failure = errno;
    }
    return failure;
}

nin_status cli_replace_file(const char *path, const char *text, nin_error *err) {
    char *temporary = cli_format("%s.tmp.%ld", path, (long)getpid());
    int failure = write_file(temporary, text);
    if (failure == 0 && rename(temporary, path) != 0) {
        failure = errno;
    }
    nin_status status = NIN_OK;
    if (failure != 0) {
        unlink(temporary);
        status = cli_error(err, NIN_ERROR_IO, "%s: cannot be written: %s", path, strerror(failure));
    }
    free(temporary);
    return status;
}

nin_status cli_write_text(const char *directory, const char *name, char *text, nin_error *err) {
    char *path = cli_join(directory, name);
    nin_status status = cli_replace_file(path, text, err);
    free(path);
    free(text);
    return status;
}

bool cli_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

bool cli_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

nin_status cli_make_directories(const char *path, nin_error *err) {
    if (!path[0]) {
        return cli_error(err, NIN_ERROR_IO, "a directory's name is empty");
    }
    char *part = cli_copy(path);
    nin_status status = NIN_OK;
    char *end = part;
    do {
        end += 1 + strcspn(end + 1, "/");
        char kept = *end;
        *end = '\0';
        if (mkdir(part, 0777) != 0 && !cli_is_directory(part)) {
            status = cli_error(err, NIN_ERROR_IO, "%s: the directory cannot be made: %s", part,
                               strerror(errno));
        }
        *end = kept;
    } while (*end && status == NIN_OK);
    free(part);
    return status;
}

char *cli_join(const char *directory, const char *name) {
    return cli_format("%s%s%s", directory, cli_ends_with(directory, "/") ? "" : "/", name);
}

char *cli_user_directory(const char *variable, const char *beside) {
    const char *xdg = getenv(variable);
    const char *home = getenv("HOME");
    if (xdg && xdg[0] == '/') {
        return cli_join(xdg, "nin");
    }
    return home && home[0] ? cli_format("%s/%s/nin", home, beside) : NULL;
}

const char *cli_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

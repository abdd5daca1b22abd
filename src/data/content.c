#include "data/content.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    INPUT_SIZE = 1 << 16,
    GZIP_WINDOW = 15 + 16, /* the largest window; 16: a gzip header and trailer, nothing else */
    DEFLATE_RATIO = 1032
};

struct ninp_content {
    char *path;
    int fd;
    uint64_t size; /* of the file */
    uint64_t
        consumed; /* bytes of the file that were taken from the input buffer so far, at refill */
    bool gzip;
    bool ended;      /* the gzip stream has */
    z_stream stream; /* plain content uses next_in and avail_in of it as well */
    unsigned char input[INPUT_SIZE];
};

void ninp_content_close(ninp_content *content) {
    if (!content) {
        return;
    }
    if (content->gzip) {
        inflateEnd(&content->stream);
    }
    close(content->fd);
    free(content->path);
    free(content);
}

/* Reads the next part of the file; avail_in stays 0 at its end. */
static nin_status refill(ninp_content *content, nin_error *err) {
    size_t got;
    nin_status status =
        ninp_file_fill(content->fd, content->path, content->input, INPUT_SIZE, &got, err);
    content->stream.next_in = content->input;
    content->stream.avail_in = (uInt)got;
    content->consumed += got;
    return status;
}

/* Where in the file the next byte of the input buffer comes from. */
static uint64_t position(const ninp_content *content) {
    return content->consumed - content->stream.avail_in;
}

nin_status ninp_content_open(const char *path, ninp_content **out, nin_error *err) {
    *out = NULL;
    ninp_content *content = ninp_calloc(1, sizeof *content);
    if (!content) {
        return ninp_fail_memory(err, sizeof *content, "a file's buffer");
    }
    nin_status status = ninp_file_open(path, &content->fd, &content->size, err);
    if (status != NIN_OK) {
        free(content);
        return status;
    }
    content->path = ninp_strdup(path);
    status = content->path ? refill(content, err) : ninp_fail_memory(err, strlen(path), "a path");
    if (status == NIN_OK && content->stream.avail_in >= 2 && content->input[0] == 0x1f &&
        content->input[1] == 0x8b) {
        content->gzip = inflateInit2(&content->stream, GZIP_WINDOW) == Z_OK;
        if (!content->gzip) {
            status = ninp_fail_memory(err, 0, "gzip decompression");
        }
    }
    if (status != NIN_OK) {
        ninp_content_close(content);
        return status;
    }
    *out = content;
    return NIN_OK;
}

uint64_t ninp_content_limit(const ninp_content *content) {
    if (!content->gzip) {
        return content->size;
    }
    return content->size < UINT64_MAX / DEFLATE_RATIO ? content->size * DEFLATE_RATIO : UINT64_MAX;
}

static nin_status read_plain(ninp_content *content, unsigned char *bytes, size_t size, size_t *got,
                             nin_error *err) {
    size_t buffered = content->stream.avail_in < size ? content->stream.avail_in : size;
    if (buffered > 0) {
        memcpy(bytes, content->stream.next_in, buffered);
        content->stream.next_in += buffered;
        content->stream.avail_in -= (uInt)buffered;
    }
    nin_status status = NIN_OK;
    size_t direct = 0;
    if (buffered < size) {
        status = ninp_file_fill(content->fd, content->path, bytes + buffered, size - buffered,
                                &direct, err);
        content->consumed += direct;
    }
    *got = buffered + direct;
    return status;
}

/* The gzip stream has ended with a right checksum: nothing may follow. */
static nin_status check_end(ninp_content *content, nin_error *err) {
    content->ended = true;
    if (content->stream.avail_in == 0) {
        nin_status status = refill(content, err);
        if (status != NIN_OK) {
            return status;
        }
    }
    if (content->stream.avail_in > 0) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: more data at byte %llu, where the gzip data have ended",
                         content->path, (unsigned long long)position(content));
    }
    return NIN_OK;
}

/* One step of inflate: takes input and gives output, at least one of them. */
static nin_status inflate_some(ninp_content *content, nin_error *err) {
    z_stream *stream = &content->stream;
    if (stream->avail_in == 0) {
        nin_status status = refill(content, err);
        if (status != NIN_OK) {
            return status;
        }
        if (stream->avail_in == 0) {
            return ninp_fail(err, NIN_ERROR_DATA, "%s: the gzip data end too early, at byte %llu",
                             content->path, (unsigned long long)position(content));
        }
    }
    int result = inflate(stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
        return check_end(content, err);
    }
    if (result == Z_MEM_ERROR) {
        return ninp_fail_memory(err, 0, "gzip decompression");
    }
    if (result != Z_OK) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: broken gzip data near byte %llu: %s",
                         content->path, (unsigned long long)position(content),
                         stream->msg ? stream->msg : "they need a dictionary");
    }
    return NIN_OK;
}

nin_status ninp_content_read(ninp_content *content, void *bytes, size_t size, size_t *got,
                             nin_error *err) {
    *got = 0;
    if (!content->gzip) {
        return read_plain(content, bytes, size, got, err);
    }
    while (*got < size && !content->ended) {
        size_t room = size - *got < UINT_MAX ? size - *got : UINT_MAX;
        content->stream.next_out = (unsigned char *)bytes + *got;
        content->stream.avail_out = (uInt)room;
        nin_status status = inflate_some(content, err);
        *got += room - content->stream.avail_out;
        if (status != NIN_OK) {
            return status;
        }
    }
    return NIN_OK;
}

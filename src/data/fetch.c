/* Downloads go to NAME.part, which grows over as many connections as it takes, and become NAME only
 * when their decompressed content has the right SHA-256. */
#include "data/fetch.h"

#include "base/error.h"
#include "base/file.h"
#include "base/library.h"
#include "base/memory.h"
#include "data/checksum.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_SECONDS = 20,
    STALL_SECONDS = 30, /* without a byte */
    REDIRECT_LIMIT = 5,
    CUT_LIMIT = 10, /* connections that may break, each after some progress */
    HTTP_RANGE_NOT_SATISFIABLE = 416
};

/* What is used of libcurl, whose functions the header declares. */
typedef struct curl_functions {
    CURL *(*init)(void);
    void (*reset)(CURL *curl);
    CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*perform)(CURL *curl);
    CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
    const char *(*strerror)(CURLcode code);
    void (*cleanup)(CURL *curl);
} curl_functions;

static nin_status open_curl(curl_functions *out, nin_error *err) {
    const ninp_symbol symbols[] = {
        {"curl_easy_init", &out->init},       {"curl_easy_reset", &out->reset},
        {"curl_easy_setopt", &out->setopt},   {"curl_easy_perform", &out->perform},
        {"curl_easy_getinfo", &out->getinfo}, {"curl_easy_strerror", &out->strerror},
        {"curl_easy_cleanup", &out->cleanup}, {"", NULL},
    };
    return ninp_library_open("libcurl.so.4", "a download", symbols, err);
}

/* The download of one file. */
typedef struct transfer {
    const curl_functions *library;
    CURL *curl;
    const ninp_known_file *file;
    char *url, *path, *part; /* path: the file's own name */
    int fd;                  /* of `part` */
    uint64_t start, received;
    nin_fetch_progress progress;
    void *context;
    nin_status status; /* why a callback ended the transfer; its message is in *err */
    nin_error *err;
    char reason[CURL_ERROR_SIZE];
} transfer;

/* What to do after a connection has ended. */
typedef enum outcome {
    COMPLETE, /* as far as the server knows */
    CUT,      /* the connection broke, the rest may come over another */
    RESTART,  /* the server cannot go on in the middle */
    FAILED    /* the message is in *err */
} outcome;

/* More bytes than any compressor makes of the content: deflate adds 5 to every 16,383
 * at worst. */
static uint64_t compressed_limit(const ninp_known_file *file) {
    return file->bytes + file->bytes / 64 + 4096;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context) {
    transfer *t = context;
    size_t arrived = size * count;
    if (t->start + t->received + arrived > compressed_limit(t->file)) {
        t->status = ninp_fail(t->err, NIN_ERROR_DATA, "%s: the server sends more than the file has",
                              t->url);
        return CURL_WRITEFUNC_ERROR;
    }
    t->status = ninp_file_put(t->fd, t->part, bytes, arrived, t->err);
    if (t->status != NIN_OK) {
        return CURL_WRITEFUNC_ERROR;
    }
    t->received += arrived;
    return arrived;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now) {
    (void)up_total;
    (void)up_now;
    transfer *t = context;
    uint64_t whole = total > 0 ? t->start + (uint64_t)total : 0;
    if (t->progress && !t->progress(t->file->name, t->start + (uint64_t)now, whole, t->context)) {
        t->status =
            ninp_fail(t->err, NIN_ERROR_UNAVAILABLE, "%s: stopped after %llu bytes, which are kept",
                      t->url, (unsigned long long)(t->start + t->received));
        return 1;
    }
    return 0;
}

/* libcurl's own protocol for a proxy, the environment's http_proxy and its like, is left on. */
static bool set_options(transfer *t) {
    CURL *curl = t->curl;
    const curl_functions *library = t->library;
    library->reset(curl); /* keeps the connection */
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_FOLLOWLOCATION, 1},  {CURLOPT_MAXREDIRS, REDIRECT_LIMIT},
        {CURLOPT_FAILONERROR, 1},     {CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS},
        {CURLOPT_LOW_SPEED_LIMIT, 1}, {CURLOPT_LOW_SPEED_TIME, STALL_SECONDS},
        {CURLOPT_NOSIGNAL, 1},        {CURLOPT_NOPROGRESS, 0},
    };
    bool set = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        set = set && library->setopt(curl, numbers[i].option, numbers[i].value) == CURLE_OK;
    }
    return set && library->setopt(curl, CURLOPT_URL, t->url) == CURLE_OK &&
           library->setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           library->setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           library->setopt(curl, CURLOPT_USERAGENT, "nin") == CURLE_OK &&
           library->setopt(curl, CURLOPT_ERRORBUFFER, t->reason) == CURLE_OK &&
           library->setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           library->setopt(curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           library->setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           library->setopt(curl, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
           library->setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->start) == CURLE_OK;
}

static outcome judge(transfer *t, CURLcode result) {
    long answer = 0;
    t->library->getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (!t->reason[0]) {
        snprintf(t->reason, sizeof t->reason, "%s", t->library->strerror(result));
    }
    switch (result) {
    case CURLE_OK: return COMPLETE;
    case CURLE_RANGE_ERROR: return t->start > 0 ? RESTART : CUT;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT: return CUT;
    case CURLE_HTTP_RETURNED_ERROR:
        if (answer == HTTP_RANGE_NOT_SATISFIABLE && t->start > 0) {
            return COMPLETE; /* nothing lies behind what is there already */
        }
        t->status =
            ninp_fail(t->err, NIN_ERROR_UNAVAILABLE, "%s: the server answers %ld", t->url, answer);
        return FAILED;
    case CURLE_OUT_OF_MEMORY: t->status = ninp_fail_memory(t->err, 0, "a download"); return FAILED;
    default:
        if (t->status == NIN_OK) { /* else a callback ended it and has said why */
            t->status = ninp_fail(t->err, NIN_ERROR_UNAVAILABLE, "%s: %s", t->url, t->reason);
        }
        return FAILED;
    }
}

/* Opens NAME.part for appending; t->start is what it holds. */
static nin_status open_part(transfer *t) {
    t->fd = open(t->part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (t->fd < 0) {
        return ninp_fail(t->err, NIN_ERROR_IO, "%s: cannot open: %s", t->part, strerror(errno));
    }
    struct stat about;
    if (fstat(t->fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(t->fd);
        return ninp_fail(t->err, NIN_ERROR_IO, "%s: not a regular file", t->part);
    }
    t->start = (uint64_t)about.st_size;
    return NIN_OK;
}

static nin_status empty_part(transfer *t) {
    if (ftruncate(t->fd, 0) != 0) {
        return ninp_fail(t->err, NIN_ERROR_IO, "%s: cannot truncate: %s", t->part, strerror(errno));
    }
    t->start = 0;
    return NIN_OK;
}

/* Fetches what NAME.part lacks, over several connections where they break. */
static nin_status complete_part(transfer *t) {
    for (int cuts = 0;; cuts++) {
        t->received = 0;
        t->reason[0] = '\0';
        if (!set_options(t)) {
            return ninp_fail(t->err, NIN_ERROR_UNAVAILABLE, "%s: cannot prepare a download",
                             t->url);
        }
        outcome end = judge(t, t->library->perform(t->curl));
        if (end == COMPLETE) {
            return NIN_OK;
        }
        if (end == FAILED) {
            return t->status;
        }
        if (end == CUT && (t->received == 0 || cuts >= CUT_LIMIT)) {
            return ninp_fail(t->err, NIN_ERROR_UNAVAILABLE,
                             "%s: the connection broke, %llu bytes are kept: %s", t->url,
                             (unsigned long long)(t->start + t->received), t->reason);
        }
        t->start += t->received;
        if (end == RESTART) {
            nin_status status = empty_part(t);
            if (status != NIN_OK) {
                return status;
            }
        }
    }
}

/* Completes NAME.part and checks it. What turns out wrong is thrown away; where it began with bytes
 * of an earlier fetch, of which the server may have another version now, the whole file is fetched
 * once more. */
static nin_status fetch_part(transfer *t) {
    for (;;) {
        bool resumed = t->start > 0;
        nin_status status = complete_part(t);
        if (status != NIN_OK) {
            return status;
        }
        nin_error wrong = {0};
        status = ninp_checksum_check(t->part, t->file->bytes, t->file->sha256, &wrong);
        if (status == NIN_OK) {
            return ninp_file_sync(t->fd, t->part, t->err);
        }
        if (status == NIN_ERROR_DATA && resumed) {
            status = empty_part(t);
            if (status != NIN_OK) {
                return status;
            }
            continue;
        }
        if (status == NIN_ERROR_DATA) {
            unlink(t->part);
        }
        return ninp_fail(t->err, status, "%s: %s", t->url, wrong.message);
    }
}

/* Fetches one file unless it is there and right. */
static nin_status fetch_file(transfer *t) {
    nin_error wrong = {0};
    nin_status status = ninp_checksum_check(t->path, t->file->bytes, t->file->sha256, &wrong);
    if (status == NIN_OK) {
        return NIN_OK;
    }
    if (status != NIN_ERROR_NO_INPUT && status != NIN_ERROR_DATA) {
        return ninp_fail(t->err, status, "%s", wrong.message);
    }
    status = open_part(t);
    if (status != NIN_OK) {
        return status;
    }
    if (t->start > compressed_limit(t->file)) {
        status = empty_part(t);
    }
    if (status == NIN_OK) {
        status = fetch_part(t);
    }
    close(t->fd);
    if (status == NIN_OK) {
        return ninp_file_rename(t->part, t->path, t->err);
    }
    if (t->start + t->received == 0) {
        unlink(t->part);
    }
    return status;
}

/* Names the file's places, fetches it, and releases the names. */
static nin_status fetch_one(transfer *t, const char *directory, const char *base_url) {
    size_t part_size = strlen(t->file->name) + sizeof ".part";
    char *part_name = ninp_calloc(part_size, 1);
    nin_status status;
    if (part_name) {
        snprintf(part_name, part_size, "%s.part", t->file->name);
        t->part = ninp_path_join(directory, part_name);
    }
    t->path = ninp_path_join(directory, t->file->name);
    t->url = ninp_path_join(base_url, t->file->name);
    if (t->part && t->path && t->url) {
        status = fetch_file(t);
    } else {
        status = ninp_fail_memory(t->err, strlen(directory), "a path");
    }
    free(part_name);
    free(t->part);
    free(t->path);
    free(t->url);
    return status;
}

nin_status ninp_fetch(const ninp_known *known, const char *directory, const char *base_url,
                      nin_fetch_progress progress, void *context, nin_error *err) {
    nin_status status = ninp_directory_make(directory, err);
    if (status != NIN_OK) {
        return status;
    }
    curl_functions library;
    status = open_curl(&library, err);
    if (status != NIN_OK) {
        return status;
    }
    CURL *curl = library.init();
    if (!curl) {
        return ninp_fail_memory(err, 0, "a download");
    }
    for (size_t i = 0; i < NINP_KNOWN_FILES && status == NIN_OK; i++) {
        transfer t = {.library = &library,
                      .curl = curl,
                      .file = &known->files[i],
                      .progress = progress,
                      .context = context,
                      .err = err};
        status = fetch_one(&t, directory, base_url ? base_url : known->url);
    }
    library.cleanup(curl);
    return status;
}

nin_status nin_dataset_fetch(const char *name, const char *directory, const char *base_url,
                             nin_fetch_progress progress, void *context, nin_error *err) {
    const ninp_known *known = ninp_known_find(name);
    if (!known || !known->about.fetchable) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: no data set of this name can be fetched",
                         name);
    }
    char *place = ninp_path_join(directory, name);
    if (!place) {
        return ninp_fail_memory(err, strlen(directory), "a path");
    }
    nin_status status = ninp_fetch(known, place, base_url, progress, context, err);
    free(place);
    return status;
}

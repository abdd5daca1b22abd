#include "cuda/choices.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20, MOST_KEPT = 2048, MOST_ALGORITHM = 9999 };

/* The file of a kind of device: "DIRECTORY/cuda-NVIDIA-H100-sm_90-132.txt"; NULL: no memory. */
static char *path_of(const ninp_choices_key *key) {
    const ninp_cuda_device *device = key->device;
    ninp_text path = {0};
    ninp_text_add(&path, "%s/cuda-", key->directory);
    for (const char *c = device->name; *c; c++) {
        ninp_text_add(&path, "%c", isalnum((unsigned char)*c) ? *c : '-');
    }
    ninp_text_add(&path, "-sm_%d%d-%d.txt", device->major, device->minor, device->multiprocessors);
    return ninp_text_take(&path);
}

static const char *version_or_none(const char *version) {
    return version[0] ? version : "none";
}

/* Two lines: a file that begins otherwise is not of this library, device, driver or libraries. */
static void add_head(ninp_text *text, const ninp_choices_key *key) {
    const ninp_cuda_device *device = key->device;
    const ninp_cuda_libraries *libraries = key->libraries;
    ninp_text_add(text, "nin %s: the fastest algorithms of\n", nin_version());
    ninp_text_add(text, "%s, sm_%d%d, %d multiprocessors, driver %d, cuBLASLt %s, cuDNN %s\n",
                  device->name, device->major, device->minor, device->multiprocessors,
                  libraries->driver, version_or_none(libraries->cublaslt),
                  version_or_none(libraries->cudnn));
}

/* Reads "3 cublaslt forward ..." up to `end`. */
static bool read_line(const char *line, const char *end, ninp_cuda_choice *choice) {
    int algorithm = 0;
    const char *at = line;
    for (; at < end && *at >= '0' && *at <= '9' && algorithm <= MOST_ALGORITHM; at++) {
        algorithm = algorithm * 10 + (*at - '0');
    }
    if (at == line || at == end || *at != ' ' || algorithm > MOST_ALGORITHM) {
        return false;
    }
    at++;
    const size_t length = (size_t)(end - at);
    if (length == 0 || length >= sizeof choice->product || memchr(at, '\0', length)) {
        return false;
    }
    memcpy(choice->product, at, length);
    choice->product[length] = '\0';
    choice->algorithm = algorithm;
    return true;
}

static size_t count_lines(const char *text, const char *end) {
    size_t count = 0;
    for (const char *at = text; at < end; at++) {
        count += *at == '\n';
    }
    return count;
}

/* What follows the head; false: something in it is no choice. Of too many the first ones, which are
 * the oldest, are left out. */
static bool read_lines(const char *text, const char *end, ninp_cuda_choices *out) {
    const size_t lines = count_lines(text, end);
    const size_t skipped = lines > MOST_KEPT ? lines - MOST_KEPT : 0;
    for (size_t i = 0; i < lines; i++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!read_line(text, newline, &out->items[out->count])) {
            return false;
        }
        out->count += i >= skipped;
        text = newline + 1;
    }
    return text == end;
}

bool ninp_choices_read(const ninp_choices_key *key, size_t more, ninp_cuda_choices *out) {
    nin_error ignored = {0};
    char *bytes = NULL;
    size_t size = 0;
    ninp_text head = {0};
    add_head(&head, key);
    char *path = path_of(key);
    *out = (ninp_cuda_choices){.capacity = MOST_KEPT + more};
    out->items = ninp_calloc(out->capacity + 1, sizeof *out->items); /* one to read a line into */
    const bool there = path && !head.failed && out->items;
    if (there && ninp_file_read(path, MOST_BYTES, &bytes, &size, &ignored) == NIN_OK &&
        size >= head.length && memcmp(bytes, head.chars, head.length) == 0 &&
        !read_lines(bytes + head.length, bytes + size, out)) {
        out->count = 0;
    }
    free(bytes);
    free(path);
    ninp_text_free(&head);
    return there;
}

void ninp_choices_free(ninp_cuda_choices *choices) {
    free(choices->items);
    *choices = (ninp_cuda_choices){0};
}

void ninp_choices_write(const ninp_choices_key *key, const ninp_cuda_choices *choices) {
    nin_error ignored = {0};
    ninp_text text = {0};
    add_head(&text, key);
    for (size_t i = 0; i < choices->count; i++) {
        ninp_text_add(&text, "%d %s\n", choices->items[i].algorithm, choices->items[i].product);
    }
    char *path = path_of(key);
    if (path && !text.failed && ninp_directory_make(key->directory, &ignored) == NIN_OK) {
        (void)ninp_file_replace(path, text.chars, text.length, &ignored);
    }
    free(path);
    ninp_text_free(&text);
}

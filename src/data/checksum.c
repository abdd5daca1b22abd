#include "data/checksum.h"

#include "base/error.h"
#include "data/content.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { BUFFER_SIZE = 1 << 16, SHA256_SIZE = 32 };

/* Reads the content to its end, or one byte past `bytes`, into the digest; *read is its length. */
static nin_status digest_content(ninp_content *content, uint64_t bytes, EVP_MD_CTX *context,
                                 uint64_t *read, nin_error *err) {
    unsigned char buffer[BUFFER_SIZE];
    *read = 0;
    for (;;) {
        uint64_t left = bytes + 1 - *read;
        size_t wanted = left < sizeof buffer ? (size_t)left : sizeof buffer;
        size_t got;
        nin_status status = ninp_content_read(content, buffer, wanted, &got, err);
        if (status != NIN_OK) {
            return status;
        }
        if (EVP_DigestUpdate(context, buffer, got) != 1) {
            return ninp_fail_memory(err, got, "a checksum");
        }
        *read += got;
        if (got < wanted || *read > bytes) {
            return NIN_OK;
        }
    }
}

static nin_status check_content(ninp_content *content, const char *path, uint64_t bytes,
                                const char *sha256, EVP_MD_CTX *context, nin_error *err) {
    uint64_t read;
    nin_status status = digest_content(content, bytes, context, &read, err);
    if (status != NIN_OK) {
        return status;
    }
    if (read != bytes) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: byte %llu: the content %s, %llu bytes expected",
                         path, (unsigned long long)read, read < bytes ? "ends" : "goes on",
                         (unsigned long long)bytes);
    }
    unsigned char digest[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    if (EVP_DigestFinal_ex(context, digest, NULL) != 1) {
        return ninp_fail_memory(err, sizeof digest, "a checksum");
    }
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    if (strcmp(text, sha256) != 0) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: wrong content: its SHA-256 is %s, not %s", path,
                         text, sha256);
    }
    return NIN_OK;
}

nin_status ninp_checksum_check(const char *path, uint64_t bytes, const char *sha256,
                               nin_error *err) {
    ninp_content *content;
    nin_status status = ninp_content_open(path, &content, err);
    if (status != NIN_OK) {
        return status;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) {
        status = check_content(content, path, bytes, sha256, context, err);
    } else {
        status = ninp_fail_memory(err, 0, "a checksum");
    }
    EVP_MD_CTX_free(context);
    ninp_content_close(content);
    return status;
}

#include "format/digest.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

struct ninp_digest {
    XXH3_state_t *state;
};

ninp_digest *ninp_digest_create(void) {
    ninp_digest *digest = ninp_calloc(1, sizeof *digest);
    XXH3_state_t *state = XXH3_createState();
    if (!digest || !state) {
        free(digest);
        XXH3_freeState(state);
        return NULL;
    }
    digest->state = state;
    (void)XXH3_128bits_reset(state);
    return digest;
}

void ninp_digest_free(ninp_digest *digest) {
    if (digest) {
        XXH3_freeState(digest->state);
        free(digest);
    }
}

void ninp_digest_add(ninp_digest *digest, const void *bytes, size_t size) {
    (void)XXH3_128bits_update(digest->state, bytes, size);
}

const char *ninp_digest_finish(ninp_digest *digest, char hex[NINP_DIGEST_SIZE]) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digest->state));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", canonical.digest[i]);
    }
    (void)XXH3_128bits_reset(digest->state);
    return hex;
}

#include "net/layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const ninp_layer_type *const ninp_layer_types[] = {
#define NINP_LAYER(name) &ninp_layer_##name,
#include "net/layer/list.h"
#undef NINP_LAYER
    NULL,
};

const ninp_layer_type *ninp_layer_find(const char *word) {
    for (size_t i = 0; ninp_layer_types[i]; i++) {
        if (strcmp(ninp_layer_types[i]->word, word) == 0) {
            return ninp_layer_types[i];
        }
    }
    return NULL;
}

size_t ninp_shape_count(nin_shape shape) {
    return (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
}

const char *ninp_shape_text(nin_shape shape, char *buffer) {
    enum { SIZE = 40 };
    if (shape.flat) {
        snprintf(buffer, SIZE, "%d", shape.channels);
    } else {
        snprintf(buffer, SIZE, "%dx%dx%d", shape.channels, shape.height, shape.width);
    }
    return buffer;
}

ninp_stream ninp_dropout_stream(const ninp_dropout_key *key, int image) {
    return (ninp_stream){.seed = key->seed,
                         .purpose = NINP_RANDOM_DROPOUT,
                         .a = (uint32_t)key->step,
                         .b = (uint64_t)(uint32_t)key->layer << 32 | (uint32_t)image};
}

uint64_t ninp_dropout_threshold(double probability) {
    return (uint64_t)floor(probability * 0x1p32);
}

void ninp_dropout_mask(const ninp_dropout_key *key, int image, double probability, size_t first,
                       size_t count, uint8_t *keep) {
    ninp_stream stream = ninp_dropout_stream(key, image);
    uint64_t threshold = ninp_dropout_threshold(probability);
    uint32_t words[4];
    for (size_t i = 0; i < count; i++) {
        if (i % 4 == 0) {
            ninp_random_block(&stream, (uint32_t)((first + i) / 4), words);
        }
        keep[i] = words[i % 4] >= threshold;
    }
}

#include "support/idx_set.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put_number(uint8_t *bytes, uint32_t number) {
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static idx_bytes make(const uint32_t *sizes, uint8_t rank) {
    size_t elements = 1;
    for (int i = 0; i < rank; i++) {
        elements *= sizes[i];
    }
    idx_bytes made = {.size = 4 + 4U * rank + elements};
    made.bytes = calloc(made.size, 1);
    assert_non_null(made.bytes);
    made.bytes[2] = 8;
    made.bytes[3] = rank;
    for (int i = 0; i < rank; i++) {
        put_number(&made.bytes[4 + 4 * i], sizes[i]);
    }
    return made;
}

uint8_t idx_pixel(uint32_t index, uint32_t row, uint32_t column) {
    uint32_t mixed = (index * 2654435761U + row * 40503U + column * 7919U) * 2246822519U;
    return (uint8_t)(mixed >> 24);
}

idx_bytes idx_make_images(uint32_t count, uint32_t height, uint32_t width) {
    const uint32_t sizes[] = {count, height, width};
    idx_bytes made = make(sizes, 3);
    uint8_t *next = made.bytes + 16;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t y = 0; y < height; y++) {
            for (uint32_t x = 0; x < width; x++) {
                *next++ = idx_pixel(i, y, x);
            }
        }
    }
    return made;
}

idx_bytes idx_make_labels(uint32_t count, uint32_t classes) {
    idx_bytes made = make(&count, 1);
    for (uint32_t i = 0; i < count; i++) {
        made.bytes[8 + i] = (uint8_t)(i % classes);
    }
    return made;
}

idx_bytes idx_compress(idx_bytes plain) {
    z_stream stream = {.next_in = plain.bytes, .avail_in = (uInt)plain.size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    idx_bytes packed = {.size = deflateBound(&stream, (uLong)plain.size)};
    packed.bytes = malloc(packed.size);
    assert_non_null(packed.bytes);
    stream.next_out = packed.bytes;
    stream.avail_out = (uInt)packed.size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.size = stream.total_out;
    deflateEnd(&stream);
    free(plain.bytes);
    return packed;
}

void idx_write(const char *directory, const char *name, idx_bytes content) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    scratch_write(path, content.bytes, content.size);
    free(content.bytes);
}

void idx_write_split(const char *directory, nin_split split, uint32_t count, uint32_t height,
                     uint32_t width, uint32_t classes, bool compressed) {
    const char *prefix = split == NIN_SPLIT_TRAIN ? "train" : "t10k";
    const char *suffix = compressed ? ".gz" : "";
    char name[100];
    idx_bytes images = idx_make_images(count, height, width);
    idx_bytes labels = idx_make_labels(count, classes);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", prefix, suffix);
    idx_write(directory, name, compressed ? idx_compress(images) : images);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", prefix, suffix);
    idx_write(directory, name, compressed ? idx_compress(labels) : labels);
}

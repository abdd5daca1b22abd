/* Small IDX files for tests. */
#ifndef NINP_TESTS_SUPPORT_IDX_SET_H
#define NINP_TESTS_SUPPORT_IDX_SET_H

#include <nin/data.h>

/* An IDX file in memory: the bytes of header and elements. Release with free. */
typedef struct idx_bytes {
    uint8_t *bytes;
    size_t size;
} idx_bytes;

/* `count` pictures of height x width with bytes that follow from their place, and labels index %
 * classes. */
idx_bytes idx_make_images(uint32_t count, uint32_t height, uint32_t width);
idx_bytes idx_make_labels(uint32_t count, uint32_t classes);
/* The byte of a picture at a place, as idx_make_images writes it. */
uint8_t idx_pixel(uint32_t index, uint32_t row, uint32_t column);

/* The same compressed by gzip; frees what it is given. */
idx_bytes idx_compress(idx_bytes plain);

/* Writes bytes to DIRECTORY/NAME and frees them. */
void idx_write(const char *directory, const char *name, idx_bytes content);

/* Writes both files of a split, plain or .gz. */
void idx_write_split(const char *directory, nin_split split, uint32_t count, uint32_t height,
                     uint32_t width, uint32_t classes, bool compressed);

#endif

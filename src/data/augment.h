/* What happens at random to one picture before it is resized. */
#ifndef NINP_DATA_AUGMENT_H
#define NINP_DATA_AUGMENT_H

#include <nin/data.h>

/* One picture's lot: mirrored left to right, then moved right by shift_x and down by shift_y pixels
 * (negative: left, up), zeros moving in; then a rectangle is painted over. {0}: nothing. */
typedef struct ninp_augment {
    bool flip;
    int shift_x, shift_y;
    int erase_x, erase_y, erase_width, erase_height; /* inside the picture; no width: none */
    uint8_t fill[3];                                 /* of the rectangle, a channel */
} ninp_augment;

/* The lot of picture `index` in an epoch: a function of its arguments. `size` is that of the
 * pictures; fill is what erased rectangles get. */
ninp_augment ninp_augment_draw(const nin_augmentation *options, uint64_t seed, int epoch,
                               uint32_t index, const nin_dataset_info *size, const uint8_t fill[3]);

/* Whether it changes anything. */
bool ninp_augment_any(const ninp_augment *augment);

/* Channel `channel` of a picture, height x width bytes, into `out`. */
void ninp_augment_plane(const ninp_augment *augment, const uint8_t *plane, int channel, int height,
                        int width, uint8_t *out);

/* NIN_ERROR_ARGUMENT: an option out of its range, for pictures of this size. */
nin_status ninp_augment_check(const nin_augmentation *options, int height, int width,
                              nin_error *err);

#endif

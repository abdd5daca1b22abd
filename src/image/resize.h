/* Pillow's bilinear resize of one plane, with everything that depends on the sizes computed once.
 */
#ifndef NINP_IMAGE_RESIZE_H
#define NINP_IMAGE_RESIZE_H

#include <nin/base.h>

/* Immutable; may be shared by threads. */
typedef struct ninp_resizer ninp_resizer;

/* One axis: output sample o is the sum over t < count[o] of weights[o * taps + t] * input sample
 * first[o] + t. */
typedef struct ninp_resize_axis {
    int in, out;
    int taps; /* most samples an output sample is made of */
    int *first, *count;
    int32_t *weights; /* out x taps, zeros behind the last of each */
} ninp_resize_axis;
enum {
    NINP_RESIZE_PRECISION = 32 - 8 - 2
}; /* bits of a weight behind the point: 8-bit samples, 2
      bits to spare */

/* Sides within 1..NINP_IMAGE_SIDE_LIMIT. */
nin_status ninp_resizer_create(int in_height, int in_width, int out_height, int out_width,
                               ninp_resizer **out, nin_error *err);
void ninp_resizer_free(ninp_resizer *resizer);

/* Bytes that ninp_resizer_run needs as scratch. */
size_t ninp_resizer_scratch(const ninp_resizer *resizer);

/* Resizes a plane of in_height x in_width bytes to out_height x out_width. The three blocks do not
 * overlap. Allocates nothing. */
void ninp_resizer_run(const ninp_resizer *resizer, const uint8_t *restrict plane,
                      uint8_t *restrict out, uint8_t *restrict scratch);

/* What it goes by, for code that does the same elsewhere. Rows (x) come first. */
const ninp_resize_axis *ninp_resizer_x(const ninp_resizer *resizer);
const ninp_resize_axis *ninp_resizer_y(const ninp_resizer *resizer);

#endif

/* Pictures with zeros round them, so that products need not care about borders. */
#ifndef NINP_CPU_CONV_FRAME_H
#define NINP_CPU_CONV_FRAME_H

#include <stddef.h>

typedef struct ninp_frame {
    int planes, height, width; /* of the picture: [planes][height][width][lanes] */
    int lanes;                 /* 16, or 1 for plain pictures */
    int top, left;             /* zeros before it */
    int framed_height, framed_width;
} ninp_frame;

static inline size_t ninp_frame_floats(const ninp_frame *frame) {
    return (size_t)frame->planes * (size_t)frame->framed_height * (size_t)frame->framed_width *
           (size_t)frame->lanes;
}
/* The same in bytes, a multiple of 64; 0 where there is nothing round the picture. */
size_t ninp_frame_bytes(const ninp_frame *frame);

/* The framed picture: x itself where there is nothing round it, else a copy in `space`. */
const float *ninp_frame_fill(const ninp_frame *frame, const float *x, float *space);

#endif

#include "cpu/conv/frame.h"

#include <stdbool.h>
#include <string.h>

static bool is_bare(const ninp_frame *frame) {
    return frame->height == frame->framed_height && frame->width == frame->framed_width;
}

size_t ninp_frame_bytes(const ninp_frame *frame) {
    return is_bare(frame) ? 0 : (ninp_frame_floats(frame) * sizeof(float) + 63) / 64 * 64;
}

const float *ninp_frame_fill(const ninp_frame *frame, const float *x, float *space) {
    if (is_bare(frame)) {
        return x;
    }
    const size_t lanes = (size_t)frame->lanes;
    const size_t row = (size_t)frame->width * lanes;
    const size_t left = (size_t)frame->left * lanes;
    const size_t right = (size_t)frame->framed_width * lanes - row - left;
    const size_t above = (size_t)frame->top * (left + row + right);
    const size_t below =
        (size_t)(frame->framed_height - frame->height - frame->top) * (left + row + right);
    float *to = space;
    for (int plane = 0; plane < frame->planes; plane++) {
        memset(to, 0, above * sizeof *to);
        to += above;
        for (int y = 0; y < frame->height; y++) {
            memset(to, 0, left * sizeof *to);
            memcpy(to + left, x, row * sizeof *to);
            memset(to + left + row, 0, right * sizeof *to);
            to += left + row + right;
            x += row;
        }
        memset(to, 0, below * sizeof *to);
        to += below;
    }
    return space;
}

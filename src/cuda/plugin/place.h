/* Where the values of pictures N x H x W x C stand, and the windows of a pool over a pixel. */
#ifndef NINP_CUDA_PLUGIN_PLACE_H
#define NINP_CUDA_PLUGIN_PLACE_H

#include "cuda/plugin/kernels.h"

namespace ninp_cuda {

struct value_place {
    size_t channel, picture;
    int row, column;
};

static __device__ inline value_place place_of(const nin_shape &shape, size_t index) {
    const size_t pixel = index / (size_t)shape.channels;
    const size_t line = pixel / (size_t)shape.width;
    return {index % (size_t)shape.channels, line / (size_t)shape.height,
            (int)(line % (size_t)shape.height), (int)(pixel % (size_t)shape.width)};
}

/* Of the same channel and picture, at another row and column. */
static __device__ inline size_t index_of(const nin_shape &shape, const value_place &place, int row,
                                         int column) {
    const size_t line = place.picture * (size_t)shape.height + (size_t)row;
    return (line * (size_t)shape.width + (size_t)column) * (size_t)shape.channels + place.channel;
}

/* The windows that hold a pixel, along one side of the picture: first .. last. */
struct window_range {
    int first, last;
};

/* Of `places` windows that slide. */
static __device__ inline window_range sliding_windows(int kernel, int stride, int padding,
                                                      int places, int at) {
    const int reach = at + padding;
    const int before = reach - kernel + 1;
    const int last = reach / stride;
    return {before <= 0 ? 0 : (before + stride - 1) / stride,
            last < places - 1 ? last : places - 1};
}

} // namespace ninp_cuda

#endif

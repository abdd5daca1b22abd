#include "cpu/kernel/isa.h"

#include "cpu/kernel/conv.h"
#include "cpu/kernel/part.h"

/* Both directions go through squares of 16 filters by 16 neighbours in the net's layout. Those of a
 * filter follow each other tap by tap; `walk` finds the place of each in the packed block. */
typedef struct walk {
    const ninp_filters *shape;
    int channel, tap;
} walk;

static ptrdiff_t next_place(walk *at) {
    const ptrdiff_t place = ninp_filter_place(at->shape, at->channel / 16, at->tap) +
                            (ptrdiff_t)(at->channel % 16) * 16;
    if (++at->tap == at->shape->taps) {
        at->tap = 0;
        at->channel++;
    }
    return place;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void pack(const ninp_filters *shape, int block, const float *weight, float *packed) {
    const size_t depth = (size_t)shape->channels * (size_t)shape->taps;
    const size_t filters = smaller(16, (size_t)(shape->filters - block * 16));
    walk at = {.shape = shape};
    weight += (size_t)block * 16 * depth;
    packed += (size_t)block * 16 * depth;
    for (size_t k = 0; k < depth; k += 16) {
        const size_t count = smaller(16, depth - k);
        ninp_v square[16];
        for (size_t i = 0; i < 16; i++) {
            square[i] = i < filters ? ninp_load_part(weight + i * depth + k, count) : ninp_zero();
        }
        ninp_transpose(square);
        for (size_t i = 0; i < count; i++) {
            ninp_store(packed + next_place(&at), square[i]);
        }
    }
}

static void unpack(const ninp_filters *shape, int block, const float *packed, float *weight) {
    const size_t depth = (size_t)shape->channels * (size_t)shape->taps;
    const size_t filters = smaller(16, (size_t)(shape->filters - block * 16));
    walk at = {.shape = shape};
    weight += (size_t)block * 16 * depth;
    packed += (size_t)block * 16 * depth;
    for (size_t k = 0; k < depth; k += 16) {
        const size_t count = smaller(16, depth - k);
        ninp_v square[16];
        for (size_t i = 0; i < 16; i++) {
            square[i] = i < count ? ninp_load(packed + next_place(&at)) : ninp_zero();
        }
        ninp_transpose(square);
        for (size_t i = 0; i < filters; i++) {
            ninp_store_part(weight + i * depth + k, square[i], count);
        }
    }
}

const ninp_conv_kernels NINP_FOR_ISA(ninp_conv_kernels) = {.pack = pack, .unpack = unpack};

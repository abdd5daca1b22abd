/* The layouts of filters.
 *
 * In the net they are [filters][channels][taps], with taps in rows r * S + s. Packed for products
 * (gemm.h) they are [filters / 16][k][16 filters], where k runs over the channels of a block inside
 * a tap inside a channel block: whole blocks of 16 channels first, [channel block][tap][16], and
 * what is left behind them, [tap][channels % 16]. With one tap this is the order of the channels; a
 * filter seen as channels * taps channels of one tap keeps the net's order. */
#ifndef NINP_CPU_KERNEL_CONV_H
#define NINP_CPU_KERNEL_CONV_H

#include <stddef.h>

typedef struct ninp_filters {
    int filters, channels, taps;
} ninp_filters;

/* Floats of one packed block of 16 filters, and of all. */
static inline size_t ninp_filter_block(const ninp_filters *shape) {
    return (size_t)shape->channels * (size_t)shape->taps * 16;
}
static inline size_t ninp_filter_floats(const ninp_filters *shape) {
    return ninp_filter_block(shape) * (((size_t)shape->filters + 15) / 16);
}
/* Where the [channels of the block][16 filters] of a channel block and tap start in a packed block,
 * and how many channels that block has. */
static inline int ninp_filter_width(const ninp_filters *shape, int channel_block) {
    int left = shape->channels - channel_block * 16;
    return left < 16 ? left : 16;
}
static inline ptrdiff_t ninp_filter_place(const ninp_filters *shape, int channel_block, int tap) {
    return ((ptrdiff_t)channel_block * 16 * shape->taps +
            (ptrdiff_t)tap * ninp_filter_width(shape, channel_block)) *
           16;
}

typedef struct ninp_conv_kernels {
    /* Packs block `block` of 16 filters; weight (any alignment) and packed are those of all
     * filters. Lanes past the last filter become 0. */
    void (*pack)(const ninp_filters *shape, int block, const float *weight, float *packed);
    void (*unpack)(const ninp_filters *shape, int block, const float *packed, float *weight);
} ninp_conv_kernels;

#define NINP_ISA_TABLE(isa) extern const ninp_conv_kernels ninp_conv_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

/* Work on whole arrays, value by value or channel by channel: layout, activations, sums, batch
 * norm, dropout. Unless said otherwise arrays are 64-byte aligned, a count of floats is a multiple
 * of 16, and an output may be the same array as an input. A channel block is [pixels][16]. */
#ifndef NINP_CPU_KERNEL_MAP_H
#define NINP_CPU_KERNEL_MAP_H

#include "engine/plan.h"

#include <stdint.h>

/* What batch norm does to the channels of one block: y = (x - mean) * scale + shift. */
typedef struct ninp_norm_forward {
    _Alignas(64) float mean[16];
    float scale[16], shift[16];
} ninp_norm_forward;

/* And its gradient: dx = (dy - mean_dy - (x - mean) * slope) * scale. */
typedef struct ninp_norm_backward {
    _Alignas(64) float mean[16];
    float scale[16], mean_dy[16], slope[16];
} ninp_norm_backward;

typedef struct ninp_map_kernels {
    /* plain [channels][pixels], any alignment, to blocks [channels / 16 rounded up][pixels][16] and
     * back. Lanes past the last channel become 0. The arrays may not overlap. */
    void (*block)(int channels, size_t pixels, const float *plain, float *blocked);
    /* One block of it, whose 1 to 16 channels lie `stride` floats apart. */
    void (*block_rows)(int rows, size_t stride, size_t columns, const float *plain, float *blocked);
    void (*unblock)(int channels, size_t pixels, const float *blocked, float *plain);

    /* y = activation(x). NINP_ACTIVATION_NONE copies. */
    void (*activate)(ninp_activation activation, size_t count, const float *x, float *y);
    /* dx = dy * the activation's derivative, found from its result y. NINP_ACTIVATION_NONE copies.
     */
    void (*derive)(ninp_activation activation, size_t count, const float *y, const float *dy,
                   float *dx);

    /* y += x, for any count and alignment. */
    void (*add)(size_t count, const float *x, float *y);

    /* Adds the sums over the pixels of one block to sums[16]: bias gradients. */
    void (*bias_sums)(size_t pixels, const float *dy, float *sums);

    /* Batch norm, one block. Adds to double sums: of x (16 sums); of x - mean, and behind them of
     * (x - mean)^2 (32); of dy, and behind them of dy * (x - mean) (32). */
    void (*norm_sums)(size_t pixels, const float *x, double *sums);
    void (*norm_moments)(size_t pixels, const float *mean, const float *x, double *sums);
    void (*norm_products)(size_t pixels, const float *mean, const float *x, const float *dy,
                          double *sums);
    /* y = activation((x - mean) * scale + shift) */
    void (*norm_forward)(size_t pixels, const ninp_norm_forward *norm, ninp_activation activation,
                         const float *x, float *y);
    /* dx as above, times the derivative of `activation`, whose result x is. */
    void (*norm_backward)(size_t pixels, const ninp_norm_backward *norm, ninp_activation activation,
                          const float *x, const float *dy, float *dx);

    /* keep[i] = 1 or 0 as ninp_dropout_mask gives from element 0 on; keep of any alignment. */
    void (*dropout_mask)(const ninp_dropout_key *key, int image, double probability, size_t count,
                         uint8_t *keep);
    /* y = x * keep * scale */
    void (*dropout)(size_t count, float scale, const uint8_t *keep, const float *x, float *y);
} ninp_map_kernels;

#define NINP_ISA_TABLE(isa) extern const ninp_map_kernels ninp_map_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

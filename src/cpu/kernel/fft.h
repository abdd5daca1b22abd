/* Fourier transforms of whole pictures and of filters, and the matrix products of their bins.
 *
 * A picture of one channel block, [height][width][16], lies in a frame of V x H pixels that is zero
 * elsewhere and goes on round its edges. Its transform is
 *
 *   X[v][h] = sum over y, x of x[y][x] exp(-2 pi i (y v / V + x h / H)),
 *
 * of which half is enough, because pictures are real: the columns h = 0 to H / 2, and of columns
 * that are real transforms themselves (h = 0 and H / 2) the upper half, v = 0 to V / 2. They are
 * stored column behind column as bins: [bin][..][16 real parts, 16 imaginary parts], with
 * bin_stride floats between two bins; a function's `bins` points to its first vector. A picture's
 * transform takes one such pair of vectors in each bin.
 *
 * Filters are correlations: filter w, seen from its centre, becomes the conjugate of its transform,
 *
 *   W[v][h] = sum over j, k of w[j][k] exp(2 pi i (j v / V + k h / H)) / (V H),
 *
 * so that the inverse transform of X W is what the filter makes of the picture, with its centre on
 * every pixel of the frame in turn. Turned by half a turn it gives the input gradient.
 *
 * Everything is 64-byte aligned, and so are strides. Rounding errors of a transform reach all its
 * values, and so do NaN and infinities. */
#ifndef NINP_CPU_KERNEL_FFT_H
#define NINP_CPU_KERNEL_FFT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NINP_FFT_PAIR = 32,   /* floats of a pair of vectors */
    NINP_FFT_KERNEL = 11, /* the largest filter; all sides are odd */
    NINP_FFT_TURNS = NINP_FFT_KERNEL / 2
};

/* One-dimensional transforms of `size` values, a vector (real) or pair (complex) each. Strides are
 * floats between values. */
typedef struct ninp_fft_length {
    int size;
    /* Vectors 0 to count - 1, zeros behind them, to pairs 0 to size / 2. */
    void (*real)(int count, const float *in, size_t in_stride, float *out, size_t out_stride);
    /* The inverse, not divided by the size: vectors 0 to count - 1 from pairs 0 to size / 2. */
    void (*real_inverse)(int count, const float *in, size_t in_stride, float *out,
                         size_t out_stride);
    /* Pairs 0 to count - 1, zeros behind them, to all pairs. Imaginary parts are 16 floats behind
     * real ones. With parts exchanged (in and out point to imaginary ones, -16) it is the inverse,
     * not divided by the size. */
    void (*complex)(int count, const float *in, size_t in_stride, float *out, size_t out_stride,
                    ptrdiff_t imaginary);
    /* [k][j]: cosine and sine of 2 pi j k / size, for k = 0 to size / 2. */
    const float (*waves)[NINP_FFT_TURNS + 1][2];
} ninp_fft_length;

typedef struct ninp_fft_frame {
    const ninp_fft_length *vertical, *horizontal;
} ninp_fft_frame;

/* Pairs of a row's transform, and those of a column of which they are the first. */
static inline int ninp_fft_half(const ninp_fft_length *length) {
    return length->size / 2 + 1;
}
static inline bool ninp_fft_is_real_column(const ninp_fft_frame *frame, int column) {
    return 2 * column % frame->horizontal->size == 0;
}
static inline int ninp_fft_column_bins(const ninp_fft_frame *frame, int column) {
    return ninp_fft_is_real_column(frame, column) ? ninp_fft_half(frame->vertical)
                                                  : frame->vertical->size;
}
static inline int ninp_fft_bins(const ninp_fft_frame *frame) {
    int bins = 0;
    for (int column = 0; column < ninp_fft_half(frame->horizontal); column++) {
        bins += ninp_fft_column_bins(frame, column);
    }
    return bins;
}
/* Floats of a row of pairs, and of the scratch that the transform of a picture needs. */
static inline size_t ninp_fft_line(const ninp_fft_frame *frame) {
    return (size_t)ninp_fft_half(frame->horizontal) * NINP_FFT_PAIR;
}
static inline size_t ninp_fft_scratch(const ninp_fft_frame *frame) {
    return (size_t)frame->vertical->size * ninp_fft_line(frame) +
           (size_t)frame->horizontal->size * 16;
}

/* Where a picture lies: its first pixel is at row `top`, column `left` of the frame. */
typedef struct ninp_fft_picture {
    ninp_fft_frame frame;
    int height, width;
    int top, left;
} ninp_fft_picture;

/* Filters of a channel block: tap t of filter i is the vector at i * 16 + t * tap_stride. */
typedef struct ninp_fft_filters {
    ninp_fft_frame frame;
    int kernel;
    int count;
    size_t tap_stride;
} ninp_fft_filters;

/* In one bin: C = A B, or C += A B. Pairs of A lie like pictures, [block of k][row m][16 k's],
 * those of B like filters, [block of n][k][16 n's], those of C [block of n][m]. Strides are floats
 * between blocks. */
typedef struct ninp_fft_product {
    int rows, depth, blocks; /* m's, k's, blocks of n's */
    const float *a, *b;
    float *c;
    size_t a_stride, b_stride, c_stride;
    bool add;
    const float *next_a, *next_c; /* of the next product: fetched meanwhile. NULL: nothing */
} ninp_fft_product;

/* The gradient with respect to B: B[k][n] = sum over m of conj(A[m][k]) C[m][n]. */
typedef struct ninp_fft_gradient {
    int rows, depth, blocks;
    const float *a, *c;
    float *b;
    size_t a_stride, b_stride, c_stride;
    const float *next_a;
} ninp_fft_gradient;

typedef struct ninp_fft_kernels {
    const ninp_fft_length *lengths; /* by size */
    int length_count;
    int products; /* real ones in a complex product */

    void (*picture)(const ninp_fft_picture *picture, const float *x, float *bins, size_t bin_stride,
                    float *scratch);
    /* Not divided by the frame's size: filters are. With bias[16] added where it is not NULL. */
    void (*picture_inverse)(const ninp_fft_picture *picture, const float *bins, size_t bin_stride,
                            const float *bias, float *y, float *scratch);
    /* A column of the frame: filter i goes to pair i of its bins. */
    void (*filters)(const ninp_fft_filters *filters, bool turned, const float *weights, int column,
                    float *bins, size_t bin_stride);
    /* The transposed of `filters`, not turned: bins of the gradient first, column by column, to
     * `lines`, which are [filter][row of taps][column][pair], and then to the gradient, which is
     * overwritten or added to. */
    void (*gradient_column)(const ninp_fft_filters *filters, int column, const float *bins,
                            size_t bin_stride, float *lines);
    void (*gradient_rows)(const ninp_fft_filters *filters, const float *lines, bool add,
                          float *gradient);

    void (*multiply)(const ninp_fft_product *product);
    void (*gradient)(const ninp_fft_gradient *gradient);
} ninp_fft_kernels;

#define NINP_ISA_TABLE(isa) extern const ninp_fft_kernels ninp_fft_kernels_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

/* What the files of the Fourier kernels have from each other. */
#ifndef NINP_CPU_KERNEL_FFT_PARTS_H
#define NINP_CPU_KERNEL_FFT_PARTS_H

#include "fft_codelets.h"

#include "cpu/kernel/fft.h"

/* A complex product is four real ones, or three and some sums (K. F. Gauss; N. Higham, "Stability
 * of a method for multiplying complex matrices with three real matrix multiplications", SIAM J.
 * Matrix Anal. Appl. 1992): that pays where a tile has sums for all three. */
#if NINP_VECTOR_REGISTERS >= 32
#define NINP_FFT_PRODUCTS 3
#else
#define NINP_FFT_PRODUCTS 4
#endif

/* The one-dimensional transforms of each size: src/cpu/fft/generate.py. They are most of the code
 * of the kernels, and shared out among several files to be compiled side by side. */
#define NINP_FFT_DECLARE(n)                                                                        \
    void NINP_FOR_ISA(ninp_fft_real_##n)(int count, const float *in, size_t in_stride, float *out, \
                                         size_t out_stride);                                       \
    void NINP_FOR_ISA(ninp_fft_real_inverse_##n)(int count, const float *in, size_t in_stride,     \
                                                 float *out, size_t out_stride);                   \
    void NINP_FOR_ISA(ninp_fft_complex_##n)(int count, const float *in, size_t in_stride,          \
                                            float *out, size_t out_stride, ptrdiff_t imaginary);   \
    extern const float NINP_FOR_ISA(ninp_fft_waves_##n)[][NINP_FFT_TURNS + 1][2];
NINP_FFT_EACH_SIZE(NINP_FFT_DECLARE)
#undef NINP_FFT_DECLARE

void NINP_FOR_ISA(ninp_fft_filters_forward)(const ninp_fft_filters *filters, bool turned,
                                            const float *weights, int column, float *bins,
                                            size_t bin_stride);
void NINP_FOR_ISA(ninp_fft_gradient_column)(const ninp_fft_filters *filters, int column,
                                            const float *bins, size_t bin_stride, float *lines);
void NINP_FOR_ISA(ninp_fft_gradient_rows)(const ninp_fft_filters *filters, const float *lines,
                                          bool add, float *gradient);
void NINP_FOR_ISA(ninp_fft_multiply)(const ninp_fft_product *product);
void NINP_FOR_ISA(ninp_fft_multiply_gradient)(const ninp_fft_gradient *gradient);

#endif

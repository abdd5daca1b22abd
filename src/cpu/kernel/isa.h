/* Included first by every kernel file: the vector type of the instruction set that the file is
 * being compiled for, and the names of its tables. The build sets NINP_ISA and NINP_SIMD_HEADER. */
#ifndef NINP_CPU_KERNEL_ISA_H
#define NINP_CPU_KERNEL_ISA_H

#include NINP_SIMD_HEADER

#define NINP_PASTE_(a, b) a##_##b
#define NINP_PASTE(a, b) NINP_PASTE_(a, b)
/* ninp_gemm_kernels -> ninp_gemm_kernels_avx2 */
#define NINP_FOR_ISA(name) NINP_PASTE(name, NINP_ISA)

/* Before a loop of constant length over an array of ninp_v: the loop must vanish, because an array
 * that is indexed at run time lives in memory and not in registers. One loop, not one inside
 * another: clang gives up on those. */
#if defined(__clang__)
#define NINP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define NINP_UNROLL _Pragma("GCC unroll 32")
#endif

#endif

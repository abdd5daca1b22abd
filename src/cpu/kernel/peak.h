/* The speed that no kernel can pass. */
#ifndef NINP_CPU_KERNEL_PEAK_H
#define NINP_CPU_KERNEL_PEAK_H

#include <stddef.h>

/* Multiplies and adds in registers only, as fast as the processor can, and gives the number of
 * floating-point operations that were: two for each of 16 lanes. They grow in proportion to
 * `rounds`. */
typedef double ninp_peak_kernel(size_t rounds);

#define NINP_ISA_TABLE(isa) ninp_peak_kernel ninp_peak_##isa;
NINP_ISA_TABLE(generic)
NINP_ISA_TABLE(avx2)
NINP_ISA_TABLE(avx512)
NINP_ISA_TABLE(neon)
#undef NINP_ISA_TABLE

#endif

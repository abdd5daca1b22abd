#include "cpu/kernel/isa.h"

#include "cpu/kernel/peak.h"

/* So many sums that each is ready when its turn comes again, and all of them fit in registers. */
#if NINP_VECTOR_REGISTERS >= 32
enum { SUMS = 12 };
#elif NINP_VECTOR_REGISTERS >= 8
enum { SUMS = 6 };
#else
enum { SUMS = 3 };
#endif

double NINP_FOR_ISA(ninp_peak)(size_t rounds) {
    /* The compiler must know neither the numbers nor that some are alike. */
    static const volatile float numbers[] = {0.5F, 1.0F};
    float starts[SUMS * 16] __attribute__((aligned(64)));
    for (int i = 0; i < SUMS * 16; i++) {
        starts[i] = numbers[0];
    }
    const ninp_v factor = ninp_set(numbers[0]);
    const ninp_v addend = ninp_set(numbers[1]);
    ninp_v sums[SUMS];
    NINP_UNROLL for (int i = 0; i < SUMS; i++) {
        sums[i] = ninp_load(starts + i * 16);
    }
    for (size_t round = 0; round < rounds; round++) {
        NINP_UNROLL for (int i = 0; i < SUMS; i++) {
            sums[i] = ninp_fma(sums[i], factor, addend);
        }
    }
    NINP_UNROLL for (int i = 1; i < SUMS; i++) {
        sums[0] = ninp_addv(sums[0], sums[i]);
    }
    float results[16] __attribute__((aligned(64)));
    ninp_store(results, sums[0]);
    volatile float used; /* so that nothing above is left out */
    for (int i = 0; i < 16; i++) {
        used = results[i];
    }
    (void)used;
    return 2.0 * 16.0 * SUMS * (double)rounds;
}

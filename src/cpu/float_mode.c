#include "cpu/engine.h"

#include <omp.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

static unsigned float_mode_get(void) {
    return _mm_getcsr();
}
static void float_mode_set(unsigned mode) {
    _mm_setcsr(mode);
}
static unsigned float_mode_flushing(unsigned mode) {
    return mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO;
}
#else
static unsigned float_mode_get(void) {
    return 0;
}
static void float_mode_set(unsigned mode) {
    (void)mode;
}
static unsigned float_mode_flushing(unsigned mode) {
    return mode;
}
#endif

static void enter(unsigned *saved) {
    *saved = float_mode_get();
    float_mode_set(float_mode_flushing(*saved));
}

/* One thread without a parallel region (cpu/parallel.h). */
void ninp_float_mode_enter(int threads, unsigned *saved) {
    if (threads == 1) {
        enter(saved);
        return;
    }
#pragma omp parallel num_threads(threads)
    enter(&saved[omp_get_thread_num()]);
}

void ninp_float_mode_leave(int threads, const unsigned *saved) {
    if (threads == 1) {
        float_mode_set(saved[0]);
        return;
    }
#pragma omp parallel num_threads(threads)
    float_mode_set(saved[omp_get_thread_num()]);
}

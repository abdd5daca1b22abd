/* Which instruction sets this build has kernels for, and which of them can run here. The build says
 * with NINP_HAVE_AVX2, NINP_HAVE_AVX512 and NINP_HAVE_NEON what it compiled besides the generic
 * ones. */
#include "cpu/kernels.h"

#include <string.h>

#define KERNELS(name)                                                                       \
    {                                                                                       \
        .isa = #name, .gemm = &ninp_gemm_kernels_##name, .conv = &ninp_conv_kernels_##name, \
        .winograd = &ninp_winograd_kernels_##name, .fft = &ninp_fft_kernels_##name,         \
        .map = &ninp_map_kernels_##name, .pool = &ninp_pool_kernels_##name,                 \
        .planes = &ninp_planes_kernels_##name, .peak = ninp_peak_##name                     \
    }

static const ninp_kernels all[] = {
    KERNELS(generic),
#if defined(NINP_HAVE_AVX2)
    KERNELS(avx2),
#endif
#if defined(NINP_HAVE_AVX512)
    KERNELS(avx512),
#endif
#if defined(NINP_HAVE_NEON)
    KERNELS(neon),
#endif
};

/* The builtin asks the operating system too: whether it saves the registers. */
static bool is_usable(const char *isa) {
#if defined(NINP_HAVE_AVX2)
    if (strcmp(isa, "avx2") == 0) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
#if defined(NINP_HAVE_AVX512)
    if (strcmp(isa, "avx512") == 0) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
    (void)isa;
    return true; /* generic; NEON, which every processor of its architecture has */
}

const ninp_kernels *ninp_kernels_list(size_t index, bool *usable) {
    if (index >= sizeof all / sizeof *all) {
        return NULL;
    }
    *usable = is_usable(all[index].isa);
    return &all[index];
}

const ninp_kernels *ninp_kernels_find(const char *isa) {
    const ninp_kernels *best = NULL;
    bool usable;
    for (size_t i = 0; ninp_kernels_list(i, &usable); i++) {
        const bool wanted = strcmp(isa, "auto") == 0 || strcmp(isa, all[i].isa) == 0;
        if (usable && wanted) {
            best = &all[i];
        }
    }
    return best;
}

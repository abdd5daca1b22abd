/* Vectors that memory holds only in part, for kernel files. */
#ifndef NINP_CPU_KERNEL_PART_H
#define NINP_CPU_KERNEL_PART_H

#include "cpu/kernel/isa.h"

#include <stddef.h>
#include <string.h>

/* `count` <= 16 floats of any alignment, zeros behind them. */
NINP_SIMD ninp_v ninp_load_part(const float *p, size_t count) {
    float part[16] = {0};
    if (count == 16) {
        return ninp_loadu(p);
    }
    memcpy(part, p, count * sizeof *p);
    return ninp_loadu(part);
}

NINP_SIMD void ninp_store_part(float *p, ninp_v v, size_t count) {
    float part[16];
    if (count == 16) {
        ninp_storeu(p, v);
        return;
    }
    ninp_storeu(part, v);
    memcpy(p, part, count * sizeof *p);
}

#endif

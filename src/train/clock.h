#ifndef NINP_TRAIN_CLOCK_H
#define NINP_TRAIN_CLOCK_H

#include <time.h>

/* Seconds from some fixed moment, never set back. */
static inline double ninp_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif

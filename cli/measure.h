/* Measuring time. */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include <stddef.h>

/* Seconds from some fixed moment, never set back. */
double cli_clock(void);

/* The middle one of `count` > 0 values, which it sorts, or the mean of the two in the middle. */
double cli_median(double *values, size_t count);

#endif

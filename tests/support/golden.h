/* Expected numbers from a safetensors file in tests/golden/. Failures fail the test. */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <stddef.h>

typedef struct golden golden;

golden *golden_open(const char *path);
void golden_close(golden *from);

/* The values of a tensor, as float32 whatever they are stored as, and their number. They live until
 * golden_close. */
const float *golden_values(golden *from, const char *name, size_t *count);

/* Compares: |value - expected| <= bound * (1 + |expected|), and NaN with NaN. `name` stands in
 * messages. */
void expect_close(const char *name, const float *values, const float *expected, size_t count,
                  double bound);

#endif

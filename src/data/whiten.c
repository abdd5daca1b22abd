#include "data/whiten.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pictures that go through the matrix together: it is read from memory once for all of them, and
 * their sums fill the registers. */
enum { TOGETHER = 32 };

nin_status ninp_whitening_create(size_t values, nin_whitening **out, nin_error *err) {
    *out = NULL;
    if (values < 1 || values > NIN_WHITEN_LIMIT) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "inputs of %zu values cannot be whitened: the limit is %d", values,
                         NIN_WHITEN_LIMIT);
    }
    nin_whitening *w = ninp_calloc(1, sizeof *w);
    if (w) {
        w->values = values;
        w->mean = ninp_calloc(values, sizeof *w->mean);
        w->matrix = ninp_calloc_aligned(values * values, sizeof *w->matrix);
    }
    if (!w || !w->mean || !w->matrix) {
        ninp_whitening_free(w);
        return ninp_fail_memory(err, values * values * sizeof *w->matrix, "a whitening matrix");
    }
    *out = w;
    return NIN_OK;
}

void ninp_whitening_free(nin_whitening *whitening) {
    if (whitening) {
        free(whitening->mean);
        ninp_free_aligned(whitening->matrix);
        free(whitening);
    }
}

size_t ninp_whitening_scratch(const nin_whitening *whitening) {
    return whitening->values * TOGETHER;
}

/* Dot products of a row of the matrix with the pictures of a group, whose values lie interleaved.
 * Each is one sum in order, whatever is added side by side with it. */
static void multiply(const float *restrict row, size_t values, const float *restrict group,
                     float sums[TOGETHER]) {
    float local[TOGETHER] = {0};
    for (size_t j = 0; j < values; j++) {
        const float weight = row[j];
        const float *column = group + j * TOGETHER;
        for (size_t i = 0; i < TOGETHER; i++) {
            local[i] += weight * column[i];
        }
    }
    memcpy(sums, local, sizeof local);
}

static void whiten_group(const nin_whitening *w, float *pictures, size_t count, float *group) {
    const size_t values = w->values;
    for (size_t j = 0; j < values; j++) {
        for (size_t i = 0; i < TOGETHER; i++) {
            group[j * TOGETHER + i] = i < count ? pictures[i * values + j] - w->mean[j] : 0.0F;
        }
    }
    for (size_t k = 0; k < values; k++) {
        float sums[TOGETHER];
        multiply(w->matrix + k * values, values, group, sums);
        for (size_t i = 0; i < count; i++) {
            pictures[i * values + k] = sums[i];
        }
    }
}

void ninp_whitening_run(const nin_whitening *whitening, float *pictures, int count,
                        float *scratch) {
    for (int done = 0; done < count; done += TOGETHER) {
        const int left = count - done;
        whiten_group(whitening, pictures + (size_t)done * whitening->values,
                     (size_t)(left < TOGETHER ? left : TOGETHER), scratch);
    }
}

void ninp_contrast_normalize(float scale, float *picture, size_t values) {
    double sum = 0;
    for (size_t i = 0; i < values; i++) {
        sum += (double)picture[i];
    }
    const double mean = sum / (double)values;
    double squares = 0;
    for (size_t i = 0; i < values; i++) {
        const double centred = (double)picture[i] - mean;
        squares += centred * centred;
    }
    const double divisor = sqrt(squares) / (double)scale;
    const double factor = divisor < 1e-8 ? 1 : 1 / divisor; /* pylearn2's min_divisor */
    for (size_t i = 0; i < values; i++) {
        picture[i] = (float)(((double)picture[i] - mean) * factor);
    }
}

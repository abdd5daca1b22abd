/* Global contrast normalisation and ZCA whitening of a net's input. */
#ifndef NINP_DATA_WHITEN_H
#define NINP_DATA_WHITEN_H

#include <nin/data.h>

struct nin_whitening {
    size_t values; /* of a picture: n */
    float *mean;   /* n */
    float *matrix; /* n x n, symmetric */
};

/* Zeros for `values` of 1 to NIN_WHITEN_LIMIT, to be filled in. NIN_ERROR_ARGUMENT: too many. */
nin_status ninp_whitening_create(size_t values, nin_whitening **out, nin_error *err);
void ninp_whitening_free(nin_whitening *whitening);

/* Floats that ninp_whitening_run needs as scratch. */
size_t ninp_whitening_scratch(const nin_whitening *whitening);

/* Whitens `count` pictures of n values in place. What becomes of one does not depend on the others.
 * Allocates nothing. */
void ninp_whitening_run(const nin_whitening *whitening, float *pictures, int count, float *scratch);

/* Global contrast normalisation of one picture in place, to the L2 norm `scale`. */
void ninp_contrast_normalize(float scale, float *picture, size_t values);

#endif

/* How far Winograd's convolution may be from the layer in float64. */
#ifndef TESTS_SUPPORT_WINOGRAD_BOUNDS_H
#define TESTS_SUPPORT_WINOGRAD_BOUNDS_H

#include "weighted_case.h"

/* For every value of the results: its distance from the exact one is at most
 *
 *     depth 2^-24 norm sum |a| |b|
 *
 * with the sum over what is multiplied of the largest |a| of a tile times the largest |b| of a tile
 * or filter, the form's norm (kernel/winograd.h), and the number of roundings on the way. Not
 * finite where a tile or filter holds something that is not: any value is right there. Release with
 * winograd_bounds_free. */
typedef struct winograd_bounds {
    double *y, *dx, *weight, *bias;
} winograd_bounds;

/* After weighted_case_reference, of a step without a pool. */
winograd_bounds winograd_bounds_of(const weighted_case *weighted, const ninp_winograd_form *form);
void winograd_bounds_free(winograd_bounds *bounds);

#endif

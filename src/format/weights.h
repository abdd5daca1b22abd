/* Weights between a net and a safetensors file. */
#ifndef NINP_FORMAT_WEIGHTS_H
#define NINP_FORMAT_WEIGHTS_H

#include "format/safetensors.h"

#include <nin/net.h>

#include <math.h>

/* Fills every tensor of the net from the tensor of the same name and shape. Tensors that the net
 * does not have are an error, apart from `others` (names, NULL-ended; NULL: none), PyTorch's
 * "*.num_batches_tracked" and "nin.*". Names and shapes are settled before the first weight
 * changes; after a later failure the weights are in part the old ones. NIN_ERROR_DATA: a tensor is
 * missing, extra, wrongly shaped, damaged, or, unless allow_nonfinite, holds a value that is not
 * finite. */
nin_status ninp_weights_read(ninp_safetensors *file, nin_net *net, const char *const *others,
                             bool allow_nonfinite, nin_error *err);

/* All tensors of the net as sources for the writer, with room for `more` behind them. Release with
 * free; NULL when out of memory. */
ninp_safetensors_source *ninp_weights_sources(const nin_net *net, size_t more);

/* The index of the first value that is not finite, or `count`. */
size_t ninp_first_nonfinite(const float *values, size_t count);

/* The value for a message: NaN without its sign, which printf would show. */
static inline double ninp_unsigned_nan(double value) {
    return isnan(value) ? fabs(value) : value;
}

#endif

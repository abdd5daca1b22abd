/* Whitening transforms as tensors: "nin.whitening.mean" (n) and "nin.whitening.matrix" (n x n),
 * beside the weights of a model. */
#ifndef NINP_FORMAT_WHITENING_H
#define NINP_FORMAT_WHITENING_H

#include "format/safetensors.h"

#include <nin/data.h>

enum { NINP_WHITENING_TENSORS = 2 };

/* Adds the tensors of a whitening (NULL: none) at `sources`; their number. */
size_t ninp_whitening_sources(const nin_whitening *whitening, ninp_safetensors_source *sources);

/* Fills in preprocess->whitening where `whiten` asks for one and there is none yet.
 * NIN_ERROR_DATA: a tensor is missing, of another shape than the preprocess needs, damaged, or
 * holds a value that is not finite. */
nin_status ninp_whitening_read(ninp_safetensors *file, nin_preprocess *preprocess, nin_error *err);

#endif

/* From the bytes of a picture to the floats of a net's input. */
#ifndef NINP_DATA_PREPARE_H
#define NINP_DATA_PREPARE_H

#include "data/augment.h"
#include "image/resize.h"

/* NIN_ERROR_ARGUMENT where mean, std (of up to four channels) or gcn make no sense; the second one
 * where the input's sizes do not either, for pictures. */
nin_status ninp_preprocess_check_values(const nin_preprocess *preprocess, nin_error *err);
nin_status ninp_preprocess_check_input(const nin_preprocess *preprocess, nin_error *err);

/* A nin_preprocess for pictures of one size. Immutable; may be shared by threads. */
typedef struct ninp_preparer ninp_preparer;

/* NIN_ERROR_ARGUMENT where the preprocess or the sizes make no sense, or its whitening is not
 * known. channels is 1 or 3. The whitening must outlive the preparer. */
nin_status ninp_preparer_create(const nin_preprocess *preprocess, int channels, int height,
                                int width, ninp_preparer **out, nin_error *err);
void ninp_preparer_free(ninp_preparer *preparer);

/* Bytes that ninp_preparer_run needs as scratch. */
size_t ninp_preparer_scratch(const ninp_preparer *preparer);

/* `picture` is channels x height x width bytes; `out` receives the channels x height x width floats
 * of the preprocess, all but whitened. Allocates nothing. */
void ninp_preparer_run(const ninp_preparer *preparer, const uint8_t *picture,
                       const ninp_augment *augment, uint8_t *scratch, float *out);

/* Whether a value of the net's input depends on bytes near it alone: nothing follows the resize
 * but a table of floats. */
bool ninp_preparer_is_local(const ninp_preparer *preparer);
/* The parts of that, for code that does the same elsewhere: the resize, and what a byte of each
 * channel becomes, channels x 256. */
const ninp_resizer *ninp_preparer_resizer(const ninp_preparer *preparer);
const float *ninp_preparer_floats(const ninp_preparer *preparer);

/* Floats that ninp_preparer_finish needs as scratch. */
size_t ninp_preparer_finish_scratch(const ninp_preparer *preparer);

/* Whitens `count` pictures one behind the other where that is asked for: together, because the
 * matrix is large. Allocates nothing. */
void ninp_preparer_finish(const ninp_preparer *preparer, float *pictures, int count,
                          float *scratch);

#endif

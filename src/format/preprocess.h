/* Preprocessing as JSON: {"channels":1,"height":28,"width":28,"mean":[0.0],"std":[1.0]},
 * with "gcn":55.0 and "whiten":"zca" where these are asked for. */
#ifndef NINP_FORMAT_PREPROCESS_H
#define NINP_FORMAT_PREPROCESS_H

#include <nin/data.h>
#include <nin/net.h>

#include <jansson.h>

/* NULL when out of memory. */
json_t *ninp_preprocess_to_json(const nin_preprocess *preprocess);

/* NIN_ERROR_DATA: not such an object, or it does not fit a net with this input. */
nin_status ninp_preprocess_from_json(const json_t *json, nin_shape input, nin_preprocess *out,
                                     nin_error *err);

/* NIN_ERROR_ARGUMENT: its sizes are not those of the net's input, or mean, std or gcn is no use. */
nin_status ninp_preprocess_check(const nin_preprocess *preprocess, nin_shape input, nin_error *err);

#endif

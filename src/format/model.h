/* Parts of a model as JSON. */
#ifndef NINP_FORMAT_MODEL_H
#define NINP_FORMAT_MODEL_H

#include <nin/model.h>

#include <jansson.h>

/* The class names as an array, or null where the model has none. Release with json_decref.
 * NIN_ERROR_ARGUMENT: a name is not UTF-8. */
nin_status ninp_model_classes(const nin_model *model, json_t **out, nin_error *err);

#endif

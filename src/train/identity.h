/* What makes a run the run it is: everything that decides its weights and its log. Only a run with
 * the same identity may be resumed. */
#ifndef NINP_TRAIN_IDENTITY_H
#define NINP_TRAIN_IDENTITY_H

#include <nin/train.h>

#include <jansson.h>

/* A JSON object, one key an option, and the net, the classes, the preprocessing and the data. test
 * may be NULL. Release with json_decref. NIN_ERROR_ARGUMENT: a text is not UTF-8 and so could not
 * be saved; NIN_ERROR_MEMORY. */
nin_status ninp_identity_create(const nin_model *model, const nin_dataset *train,
                                const nin_dataset *test, const nin_train_options *options,
                                json_t **out, nin_error *err);

/* NIN_ERROR_ARGUMENT names the first key whose value in `stored` is another one; `path` stands in
 * the message. */
nin_status ninp_identity_compare(json_t *asked, const json_t *stored, const char *path,
                                 nin_error *err);

#endif

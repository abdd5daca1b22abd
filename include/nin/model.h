/* Models on disk: a net's weights with everything needed to use them, in one safetensors file. */
#ifndef NIN_MODEL_H
#define NIN_MODEL_H

#include <nin/data.h>
#include <nin/net.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nin_model {
    nin_net *net;       /* owned */
    char **class_names; /* owned; one a class. NULL in a model that was never given any; loading
                           then gives "0", "1", ... */
    nin_preprocess preprocess; /* its whitening is owned too */
} nin_model;

/* Frees what the model owns and sets *model to zeros. NULL allowed. */
NIN_API void nin_model_free(nin_model *model);

/* Replaces `path` atomically by a safetensors file: tensors under PyTorch's names; `__metadata__`
 * holds the description ("nin.net"), class names, preprocessing, version and an XXH3-128 digest of
 * every tensor. A whitening is two tensors more ("nin.whitening.mean", "nin.whitening.matrix").
 * After NIN_OK the file survives a power failure. The class names are not modified.
 */
NIN_API nin_status nin_model_save(const char *path, const nin_model *model, nin_error *err);

/* Reads a model written by nin_model_save and checks every digest. NIN_ERROR_DATA: not safetensors,
 * broken, or without a description (use nin_model_import); values that are not finite are refused
 * unless allow_nonfinite. */
NIN_API nin_status nin_model_load(const char *path, bool allow_nonfinite, nin_model *model,
                                  nin_error *err);

/* Fills the weights of an existing net from a safetensors file with the same tensor names and
 * shapes (F32, F16, BF16 or F64), as PyTorch's `safetensors.torch.save_file(net.state_dict(), ...)`
 * writes. Missing, extra and wrongly shaped tensors are named, and values that are not finite are
 * refused. After a failure the weights may be in part the new ones. */
NIN_API nin_status nin_net_load_weights(nin_net *net, const char *path, nin_error *err);

#ifdef __cplusplus
}
#endif

#endif

#include "format/whitening.h"

#include "base/error.h"
#include "data/whiten.h"
#include "format/weights.h"

#define MEAN "nin.whitening.mean"
#define MATRIX "nin.whitening.matrix"

size_t ninp_whitening_sources(const nin_whitening *whitening, ninp_safetensors_source *sources) {
    if (!whitening) {
        return 0;
    }
    const size_t n = whitening->values;
    sources[0] = (ninp_safetensors_source){
        .name = MEAN, .rank = 1, .shape = {n}, .count = n, .values = whitening->mean};
    sources[1] = (ninp_safetensors_source){
        .name = MATRIX, .rank = 2, .shape = {n, n}, .count = n * n, .values = whitening->matrix};
    return NINP_WHITENING_TENSORS;
}

/* Reads a tensor of `rank` sides of n. */
static nin_status read_tensor(ninp_safetensors *file, const char *name, int rank, size_t n,
                              float *out, nin_error *err) {
    const char *path = ninp_safetensors_path(file);
    const ninp_safetensors_tensor *tensor = ninp_safetensors_find(file, name);
    if (!tensor || tensor->rank != rank || tensor->shape[0] != n || tensor->shape[rank - 1] != n) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s: tensor %s: %s; whitening inputs of %zu values needs %zu along every "
                         "side of %d",
                         path, name, tensor ? "another shape" : "missing", n, n, rank);
    }
    nin_status status = ninp_safetensors_read(file, tensor, out, err);
    if (status != NIN_OK) {
        return status;
    }
    const size_t bad = ninp_first_nonfinite(out, tensor->count);
    return bad == tensor->count
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_DATA, "%s: tensor %s: value %zu is not a finite number",
                           path, name, bad);
}

nin_status ninp_whitening_read(ninp_safetensors *file, nin_preprocess *preprocess, nin_error *err) {
    if (!preprocess->whiten || preprocess->whitening) {
        return NIN_OK;
    }
    const size_t values =
        (size_t)preprocess->channels * (size_t)preprocess->height * (size_t)preprocess->width;
    nin_whitening *whitening;
    nin_error large = {0};
    nin_status status = ninp_whitening_create(values, &whitening, &large);
    if (status != NIN_OK) {
        return ninp_fail(err, status == NIN_ERROR_MEMORY ? status : NIN_ERROR_DATA, "%s: %s",
                         ninp_safetensors_path(file), large.message);
    }
    status = read_tensor(file, MEAN, 1, values, whitening->mean, err);
    if (status == NIN_OK) {
        status = read_tensor(file, MATRIX, 2, values, whitening->matrix, err);
    }
    if (status != NIN_OK) {
        ninp_whitening_free(whitening);
        return status;
    }
    preprocess->whitening = whitening;
    return NIN_OK;
}

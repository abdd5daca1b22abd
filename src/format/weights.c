#include "format/weights.h"

#include "base/error.h"
#include "base/memory.h"
#include "format/json.h"

#include <stdio.h>
#include <string.h>

enum { SHAPE_TEXT = 200, SHOWN = 80 };

/* "[96, 1, 11, 11]" */
static const char *shape_text(const size_t *shape, int rank, char buffer[SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(buffer, SHAPE_TEXT, "[");
    for (int d = 0; d < rank; d++) {
        used +=
            (size_t)snprintf(buffer + used, SHAPE_TEXT - used, "%s%zu", d ? ", " : "", shape[d]);
    }
    snprintf(buffer + used, SHAPE_TEXT - used, "]");
    return buffer;
}

static bool same_shape(const nin_tensor *tensor, const ninp_safetensors_tensor *stored) {
    return tensor->rank == stored->rank &&
           memcmp(tensor->shape, stored->shape, (size_t)tensor->rank * sizeof *tensor->shape) == 0;
}

static nin_status check_present(const ninp_safetensors *file, const nin_net *net, nin_error *err) {
    const char *path = ninp_safetensors_path(file);
    char wanted[SHAPE_TEXT];
    char found[SHAPE_TEXT];
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        const ninp_safetensors_tensor *stored = ninp_safetensors_find(file, tensor.name);
        shape_text(tensor.shape, tensor.rank, wanted);
        if (!stored) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: tensor %s: missing; the net has it with shape %s", path,
                             tensor.name, wanted);
        }
        if (!same_shape(&tensor, stored)) {
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: tensor %s: shape %s in the file, %s in the net", path,
                             tensor.name, shape_text(stored->shape, stored->rank, found), wanted);
        }
    }
    return NIN_OK;
}

static bool net_has(const nin_net *net, const char *name) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        if (strcmp(nin_net_tensor(net, i).name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* PyTorch's batch norm counts its batches in a tensor that plays no part in its arithmetic. */
static bool is_batch_counter(const char *name) {
    static const char ending[] = ".num_batches_tracked";
    size_t length = strlen(name);
    return length >= sizeof ending - 1 && strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

/* What this library keeps beside weights. */
static bool is_ours(const char *name) {
    return strncmp(name, "nin.", 4) == 0;
}

static bool lists(const char *const *names, const char *name) {
    for (; names && *names; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static nin_status check_extra(const ninp_safetensors *file, const nin_net *net,
                              const char *const *others, nin_error *err) {
    for (size_t i = 0; i < ninp_safetensors_count(file); i++) {
        const ninp_safetensors_tensor *stored = ninp_safetensors_at(file, i);
        bool expected = lists(others, stored->name) || is_batch_counter(stored->name) ||
                        is_ours(stored->name) || net_has(net, stored->name);
        if (!expected) {
            char name[SHOWN];
            char shape[SHAPE_TEXT];
            return ninp_fail(err, NIN_ERROR_DATA,
                             "%s: tensor %s: the net has none of that name (shape %s in the file)",
                             ninp_safetensors_path(file),
                             ninp_printable(stored->name, name, sizeof name),
                             shape_text(stored->shape, stored->rank, shape));
        }
    }
    return NIN_OK;
}

size_t ninp_first_nonfinite(const float *values, size_t count) {
    size_t i = 0;
    while (i < count && isfinite(values[i])) {
        i++;
    }
    return i;
}

nin_status ninp_weights_read(ninp_safetensors *file, nin_net *net, const char *const *others,
                             bool allow_nonfinite, nin_error *err) {
    nin_status status = check_present(file, net, err);
    if (status == NIN_OK) {
        status = check_extra(file, net, others, err);
    }
    for (size_t i = 0; i < nin_net_tensor_count(net) && status == NIN_OK; i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        status = ninp_safetensors_read(file, ninp_safetensors_find(file, tensor.name),
                                       tensor.values, err);
        if (status == NIN_OK && !allow_nonfinite) {
            size_t bad = ninp_first_nonfinite(tensor.values, tensor.count);
            if (bad < tensor.count) {
                status = ninp_fail(err, NIN_ERROR_DATA,
                                   "%s: tensor %s: value %zu is not a finite number (%g)",
                                   ninp_safetensors_path(file), tensor.name, bad,
                                   ninp_unsigned_nan((double)tensor.values[bad]));
            }
        }
    }
    return status;
}

ninp_safetensors_source *ninp_weights_sources(const nin_net *net, size_t more) {
    size_t count = nin_net_tensor_count(net);
    ninp_safetensors_source *sources = ninp_calloc(count + more, sizeof *sources);
    for (size_t i = 0; sources && i < count; i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        sources[i] = (ninp_safetensors_source){.name = tensor.name,
                                               .rank = tensor.rank,
                                               .count = tensor.count,
                                               .values = tensor.values};
        memcpy(sources[i].shape, tensor.shape, sizeof tensor.shape);
    }
    return sources;
}

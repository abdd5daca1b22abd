/* Inside of a net. */
#ifndef NINP_NET_NET_H
#define NINP_NET_NET_H

#include "net/layer.h"

typedef struct ninp_net_layer {
    const ninp_layer_type *type;
    ninp_layer_options options;
    char name[64]; /* "7.4" */
    int depth, line;
    nin_shape input, output;
    int first_tensor, tensor_count;   /* own tensors, in the net's list (trainable ones) */
    int first_running, running_count; /* running statistics, in the net's list */
    size_t parameters;                /* with inner layers */
    uint64_t macs;                    /* with inner layers */
} ninp_net_layer;

typedef struct ninp_net_tensor {
    char name[96];
    ninp_tensor_spec spec;
    size_t count, offset; /* in values */
    size_t layer;
} ninp_net_tensor;

struct nin_net {
    char *text; /* with input and classes written out */
    nin_shape input, output;
    int classes;
    ninp_net_layer *layers; /* containers before what they hold */
    size_t layer_count;
    ninp_net_tensor *tensors; /* trainable first */
    size_t tensor_count, trainable_count;
    size_t parameter_count; /* trainable floats */
    size_t value_count;     /* with running statistics */
    float *values;          /* value_count, 64-byte aligned */
};

static inline bool ninp_layer_is_container(const ninp_net_layer *layer) {
    return layer->type->expand != NULL || layer->type->forward == NULL;
}

#endif

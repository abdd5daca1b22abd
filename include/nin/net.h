/* A net: topology, shapes and weights. Several sessions may use one net; only one may train it. */
#ifndef NIN_NET_H
#define NIN_NET_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nin_net nin_net;

/* Shape of one example: channels x height x width, or `channels` features when flat (then height
 * and width are 1). */
typedef struct nin_shape {
    int channels, height, width;
    bool flat;
} nin_shape;

/* Values to use instead of those in the description; 0: as described. */
typedef struct nin_net_options {
    int classes;
    int channels, height, width; /* of the input */
    size_t largest_values; /* a net with more weights and running statistics is refused; 0: 2^30 */
} nin_net_options;

/* Reads a network description (docs/net-format.md). `file` stands in messages, which name file,
 * line, layer and shapes. options may be NULL. Weights are zero until nin_net_initialize or until
 * they are loaded. NIN_ERROR_DATA: the description is wrong. */
NIN_API nin_status nin_net_parse(const char *text, size_t length, const char *file,
                                 const nin_net_options *options, nin_net **out, nin_error *err);

/* A network by name ("nin", "lenet") or, when `name` ends in .net or has a slash, from that file.
 * NIN_ERROR_NO_INPUT: no such name (the message suggests one) or file. */
NIN_API nin_status nin_net_open(const char *name, const nin_net_options *options, nin_net **out,
                                nin_error *err);
NIN_API void nin_net_free(nin_net *net);

/* The i-th built-in network's name and its one-line summary, or NULL past the end. */
NIN_API const char *nin_net_builtin(size_t index, const char **summary);

/* A description that gives this net again, with its input and classes written out. */
NIN_API const char *nin_net_text(const nin_net *net);
NIN_API nin_shape nin_net_input(const nin_net *net);
NIN_API nin_shape nin_net_output(const nin_net *net);

typedef struct nin_layer {
    const char *word;       /* in the description: "nin_block" */
    const char *class_name; /* in PyTorch: "Sequential" */
    const char *name;       /* in an nn.Sequential: "0", inside it "0.2" */
    int depth;              /* 0: top level */
    int line;               /* in the description, from 1 */
    nin_shape input, output;
    size_t parameters; /* trainable values, those of inner layers included */
    uint64_t macs;     /* multiply-accumulates of one example forward, likewise */
} nin_layer;

/* Layers in order, containers before what they hold. */
NIN_API size_t nin_net_layer_count(const nin_net *net);
NIN_API nin_layer nin_net_layer(const nin_net *net, size_t index);

/* A weight, bias or running statistic, float32, row-major, shaped and named as in PyTorch's
 * state_dict ("0.0.weight": output channels x input channels x height x width). */
typedef struct nin_tensor {
    const char *name;
    int rank;
    size_t shape[4];
    size_t count;
    float *values;  /* the net's own */
    bool trainable; /* false: a running statistic of batch_norm */
    bool decays;    /* weight decay applies by default: weights of conv and linear */
} nin_tensor;

/* Trainable tensors come first and lie one behind another in one array of
 * nin_net_parameter_count() floats that starts at nin_net_tensor(net, 0).values. */
NIN_API size_t nin_net_tensor_count(const nin_net *net);
NIN_API nin_tensor nin_net_tensor(const nin_net *net, size_t index);
NIN_API size_t nin_net_parameter_count(const nin_net *net);

typedef enum nin_init {
    NIN_INIT_XAVIER,   /* uniform, bound sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010) */
    NIN_INIT_HE,       /* normal, std sqrt(2 / fan_in) (He et al. 2015) */
    NIN_INIT_GAUSSIAN, /* normal, std as given */
    NIN_INIT_PYTORCH   /* uniform, bound 1 / sqrt(fan_in) */
} nin_init;

typedef struct nin_init_options {
    nin_init weights;
    float std;        /* of NIN_INIT_GAUSSIAN */
    bool zero_bias;   /* false: uniform, bound 1 / sqrt(fan_in), as PyTorch leaves it */
    float last_scale; /* the last weighted layer's weights are multiplied by this; 1: as is */
    float last_bias;  /* the last weighted layer's biases become this; NaN: as the others */
    uint64_t seed;
} nin_init_options;

/* The lecture's: xavier, PyTorch's biases, last_scale 1, last_bias NaN, seed 0. */
NIN_API nin_init_options nin_init_options_defaults(void);

/* Fills all tensors. The same options give the same bits everywhere. */
NIN_API void nin_net_initialize(nin_net *net, const nin_init_options *options);

#ifdef __cplusplus
}
#endif

#endif

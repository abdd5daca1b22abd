#include "net/net.h"

#include "base/embedded.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void nin_net_free(nin_net *net) {
    if (!net) {
        return;
    }
    free(net->text);
    free(net->layers);
    free(net->tensors);
    ninp_free_aligned(net->values);
    free(net);
}

static nin_status open_file(const char *path, const nin_net_options *options, nin_net **out,
                            nin_error *err) {
    enum { LARGEST_FILE = 1 << 20 };
    char *text;
    size_t length;
    nin_status status = ninp_file_read(path, LARGEST_FILE, &text, &length, err);
    if (status != NIN_OK) {
        return status;
    }
    status = nin_net_parse(text, length, path, options, out, err);
    free(text);
    return status;
}

static bool is_path(const char *name) {
    size_t length = strlen(name);
    return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".net") == 0);
}

nin_status nin_net_open(const char *name, const nin_net_options *options, nin_net **out,
                        nin_error *err) {
    *out = NULL;
    if (is_path(name)) {
        return open_file(name, options, out, err);
    }
    const char *names[64];
    size_t count = 0;
    for (const ninp_embedded *model = ninp_embedded_models; model->name; model++) {
        if (strcmp(model->name, name) == 0) {
            return nin_net_parse(model->text, model->length, model->name, options, out, err);
        }
        if (count < sizeof names / sizeof *names) {
            names[count++] = model->name;
        }
    }
    const char *nearest = ninp_nearest(name, names, count);
    return ninp_fail(err, NIN_ERROR_NO_INPUT, "no network is called %s%s%s%s", name,
                     nearest ? "; did you mean " : " (a file's name ends in .net)",
                     nearest ? nearest : "", nearest ? "?" : "");
}

const char *nin_net_builtin(size_t index, const char **summary) {
    for (size_t i = 0; ninp_embedded_models[i].name; i++) {
        if (i == index) {
            if (summary) {
                *summary = ninp_embedded_models[i].summary;
            }
            return ninp_embedded_models[i].name;
        }
    }
    return NULL;
}

const char *nin_net_text(const nin_net *net) {
    return net->text;
}

nin_shape nin_net_input(const nin_net *net) {
    return net->input;
}

nin_shape nin_net_output(const nin_net *net) {
    return net->output;
}

size_t nin_net_layer_count(const nin_net *net) {
    return net->layer_count;
}

nin_layer nin_net_layer(const nin_net *net, size_t index) {
    const ninp_net_layer *layer = &net->layers[index];
    return (nin_layer){.word = layer->type->word,
                       .class_name = layer->type->class_name,
                       .name = layer->name,
                       .depth = layer->depth,
                       .line = layer->line,
                       .input = layer->input,
                       .output = layer->output,
                       .parameters = layer->parameters,
                       .macs = layer->macs};
}

size_t nin_net_tensor_count(const nin_net *net) {
    return net->tensor_count;
}

nin_tensor nin_net_tensor(const nin_net *net, size_t index) {
    const ninp_net_tensor *tensor = &net->tensors[index];
    nin_tensor view = {.name = tensor->name,
                       .rank = tensor->spec.rank,
                       .count = tensor->count,
                       .values = net->values + tensor->offset,
                       .trainable = tensor->spec.trainable,
                       .decays = tensor->spec.decays};
    memcpy(view.shape, tensor->spec.shape, sizeof view.shape);
    return view;
}

size_t nin_net_parameter_count(const nin_net *net) {
    return net->parameter_count;
}

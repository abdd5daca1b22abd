/* Reads a network description line by line and works out names, shapes, tensors and costs. */
#include "net/net.h"

#include "base/error.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_SIDE = 1 << 14,
    LARGEST_CHANNELS = 1 << 16,
    LARGEST_DEPTH = 8,
    LARGEST_LAYERS = 4096,
};
/* Activations of one example and values of all tensors stay below what an int can index. */
#define LARGEST_COUNT ((size_t)1 << 30)

/* A container that is being filled. */
typedef struct open_container {
    size_t layer;
    int children;
} open_container;

typedef struct net_parser {
    nin_net *net;
    const char *file;
    const nin_net_options *options;
    ninp_text text; /* the description without its input and classes lines */
    size_t header;  /* where they stood */
    size_t layer_capacity, tensor_capacity;
    nin_shape shape; /* of what the next layer gets; channels 0: `input` has not been read */
    open_container open[LARGEST_DEPTH];
    int depth;
    int children; /* at top level */
    int line;
} net_parser;

static nin_status add_lines(net_parser *parser, const char *text, size_t length, bool expanded,
                            nin_error *err);

/* "1x224x224" */
static bool read_shape(const char *word, nin_shape *shape) {
    int *const sides[] = {&shape->channels, &shape->height, &shape->width};
    const long largest[] = {LARGEST_CHANNELS, LARGEST_SIDE, LARGEST_SIDE};
    for (int i = 0; i < 3; i++) {
        char *end;
        const long side = isdigit((unsigned char)*word) ? strtol(word, &end, 10) : 0;
        if (side < 1 || side > largest[i] || *end != "xx"[i]) {
            return false;
        }
        *sides[i] = (int)side;
        word = end + 1;
    }
    return true;
}

static nin_status read_input(net_parser *parser, ninp_line *line, nin_error *err) {
    const char *word = ninp_line_next(line);
    nin_shape shape = {0};
    if (!word || !read_shape(word, &shape)) {
        return ninp_fail(err, NIN_ERROR_DATA, "expected CHANNELSxHEIGHTxWIDTH, as in 1x224x224");
    }
    if (parser->shape.channels) {
        return ninp_fail(err, NIN_ERROR_DATA, "there is an input line already");
    }
    const nin_net_options *options = parser->options;
    shape.channels = options->channels ? options->channels : shape.channels;
    shape.height = options->height ? options->height : shape.height;
    shape.width = options->width ? options->width : shape.width;
    parser->shape = shape;
    parser->net->input = shape;
    parser->header = parser->text.length;
    return ninp_line_end(line, "input CHANNELSxHEIGHTxWIDTH", err);
}

static nin_status read_classes(net_parser *parser, ninp_line *line, nin_error *err) {
    if (parser->net->layer_count) {
        return ninp_fail(err, NIN_ERROR_DATA, "this line belongs before the first layer");
    }
    int classes;
    nin_status status =
        ninp_line_next_int(line, "number of classes", 1, LARGEST_CHANNELS, &classes, err);
    if (status != NIN_OK) {
        return status;
    }
    if (!parser->options->classes) {
        parser->net->classes = classes;
    }
    return ninp_line_end(line, "classes N", err);
}

static void name_layer(net_parser *parser, ninp_net_layer *layer) {
    if (!parser->depth) {
        snprintf(layer->name, sizeof layer->name, "%d", parser->children++);
        return;
    }
    open_container *container = &parser->open[parser->depth - 1];
    snprintf(layer->name, sizeof layer->name, "%.50s.%d",
             parser->net->layers[container->layer].name, container->children++);
}

static nin_status add_tensors(net_parser *parser, ninp_net_layer *layer, size_t index,
                              nin_error *err) {
    nin_net *net = parser->net;
    if (!layer->type->tensors) {
        return NIN_OK;
    }
    ninp_tensor_spec specs[NINP_LAYER_TENSORS] = {0};
    int count = layer->type->tensors(&layer->options, layer->input, specs);
    size_t needed = net->tensor_count + (size_t)count;
    if (!ninp_grow((void **)&net->tensors, &parser->tensor_capacity, needed,
                   sizeof *net->tensors)) {
        return ninp_fail_memory(err, sizeof *net->tensors, "a tensor");
    }
    for (int i = 0; i < count; i++) {
        ninp_net_tensor *tensor = &net->tensors[net->tensor_count++];
        *tensor = (ninp_net_tensor){.spec = specs[i], .count = 1, .layer = index};
        snprintf(tensor->name, sizeof tensor->name, "%s.%s", layer->name, specs[i].suffix);
        for (int d = 0; d < specs[i].rank; d++) {
            if (!ninp_mul(tensor->count, specs[i].shape[d], &tensor->count) ||
                tensor->count > LARGEST_COUNT) {
                return ninp_fail(err, NIN_ERROR_DATA, "%s has more than %zu values",
                                 specs[i].suffix, LARGEST_COUNT);
            }
        }
        layer->parameters += specs[i].trainable ? tensor->count : 0;
    }
    return NIN_OK;
}

static nin_status check_size(nin_shape shape, nin_error *err) {
    size_t count;
    if (!ninp_mul((size_t)shape.channels, (size_t)shape.height, &count) ||
        !ninp_mul(count, (size_t)shape.width, &count) || count > LARGEST_COUNT) {
        char buffer[40];
        return ninp_fail(err, NIN_ERROR_DATA, "the output %s is too large",
                         ninp_shape_text(shape, buffer));
    }
    return NIN_OK;
}

static nin_status open_block(net_parser *parser, size_t index, nin_error *err) {
    if (parser->depth == LARGEST_DEPTH) {
        return ninp_fail(err, NIN_ERROR_DATA, "containers are nested more than %d deep",
                         LARGEST_DEPTH);
    }
    parser->open[parser->depth++] = (open_container){.layer = index};
    return NIN_OK;
}

/* Layers behind the container add to what it holds. */
static void close_block(net_parser *parser) {
    nin_net *net = parser->net;
    ninp_net_layer *container = &net->layers[parser->open[--parser->depth].layer];
    container->output = parser->shape;
    for (ninp_net_layer *inner = container + 1; inner < net->layers + net->layer_count; inner++) {
        if (inner->depth == container->depth + 1) {
            container->parameters += inner->parameters;
            container->macs += inner->macs;
        }
    }
}

static nin_status expand_container(net_parser *parser, const ninp_net_layer *layer,
                                   nin_error *err) {
    ninp_text lines = {0};
    layer->type->expand(&layer->options, &lines);
    size_t length = lines.length;
    char *text = ninp_text_take(&lines);
    if (!text) {
        return ninp_fail_memory(err, length, "an expanded layer");
    }
    nin_status status = add_lines(parser, text, length, true, err);
    free(text);
    if (status == NIN_OK) {
        close_block(parser);
    }
    return status;
}

static nin_status describe_leaf(net_parser *parser, ninp_net_layer *layer, size_t index,
                                nin_error *err) {
    nin_status status = layer->type->shape(&layer->options, layer->input, &layer->output, err);
    if (status == NIN_OK) {
        status = check_size(layer->output, err);
    }
    if (status == NIN_OK) {
        status = add_tensors(parser, layer, index, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    if (layer->type->macs) {
        layer->macs = layer->type->macs(&layer->options, layer->input, layer->output);
    }
    parser->shape = layer->output;
    return NIN_OK;
}

static nin_status add_layer(net_parser *parser, ninp_line *line, nin_error *err) {
    nin_net *net = parser->net;
    if (!parser->shape.channels) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "the first line must be the input's, as in "
                         "`input 1x224x224`");
    }
    if (net->layer_count == LARGEST_LAYERS) {
        return ninp_fail(err, NIN_ERROR_DATA, "more than %d layers", LARGEST_LAYERS);
    }
    const ninp_layer_type *type = ninp_layer_find(line->words[0]);
    if (!type) {
        const char *words[64];
        size_t count = 0;
        while (ninp_layer_types[count] && count < 64) {
            words[count] = ninp_layer_types[count]->word;
            count++;
        }
        const char *nearest = ninp_nearest(line->words[0], words, count);
        return ninp_fail(err, NIN_ERROR_DATA, "no such layer%s%s%s",
                         nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
    }
    if (!ninp_grow((void **)&net->layers, &parser->layer_capacity, net->layer_count + 1,
                   sizeof *net->layers)) {
        return ninp_fail_memory(err, sizeof *net->layers, "a layer");
    }
    size_t index = net->layer_count++;
    ninp_net_layer *layer = &net->layers[index];
    *layer = (ninp_net_layer){
        .type = type, .depth = parser->depth, .line = parser->line, .input = parser->shape};
    name_layer(parser, layer);
    nin_status status = type->read(line, &layer->options, err);
    if (status == NIN_OK) {
        status = ninp_line_end(line, type->usage, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    if (!ninp_layer_is_container(layer)) {
        return describe_leaf(parser, layer, index, err);
    }
    status = open_block(parser, index, err);
    return status == NIN_OK && type->expand ? expand_container(parser, layer, err) : status;
}

static nin_status end_container(net_parser *parser, ninp_line *line, nin_error *err) {
    if (!parser->depth) {
        return ninp_fail(err, NIN_ERROR_DATA, "no `sequential` is open");
    }
    if (parser->shape.channels && parser->open[parser->depth - 1].children == 0) {
        return ninp_fail(err, NIN_ERROR_DATA, "this `sequential` is empty");
    }
    close_block(parser);
    return ninp_line_end(line, "end", err);
}

static nin_status add_line(net_parser *parser, const char *text, size_t length, bool expanded,
                           nin_error *err) {
    ninp_line line;
    nin_status status = ninp_line_split(text, length, parser->net->classes, &line, err);
    if (status != NIN_OK) {
        return ninp_prefix(err, status, "%s:%d: ", parser->file, parser->line);
    }
    bool header = line.count && !expanded &&
                  (strcmp(line.words[0], "input") == 0 || strcmp(line.words[0], "classes") == 0);
    if (!expanded && !header) {
        ninp_text_add_bytes(&parser->text, text, length);
        ninp_text_add_bytes(&parser->text, "\n", 1);
    }
    if (!line.count) {
        return NIN_OK;
    }
    line.used[0] = true;
    if (header) {
        status = strcmp(line.words[0], "input") == 0 ? read_input(parser, &line, err)
                                                     : read_classes(parser, &line, err);
    } else if (strcmp(line.words[0], "end") == 0 && !expanded) {
        status = end_container(parser, &line, err);
    } else {
        status = add_layer(parser, &line, err);
    }
    if (status != NIN_OK && !expanded) {
        return ninp_prefix(err, status, "%s:%d: %s: ", parser->file, parser->line, line.words[0]);
    }
    return status != NIN_OK ? ninp_prefix(err, status, "%s: ", line.words[0]) : NIN_OK;
}

static nin_status add_lines(net_parser *parser, const char *text, size_t length, bool expanded,
                            nin_error *err) {
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((newline ? newline : end) - text);
        parser->line += expanded ? 0 : 1;
        nin_status status = add_line(parser, text, size, expanded, err);
        if (status != NIN_OK) {
            return status;
        }
        text += size + 1;
    }
    return NIN_OK;
}

/* Trainable tensors move to the front, in their order; then values get their places. */
static nin_status place_tensors(nin_net *net, size_t limit, nin_error *err) {
    ninp_net_tensor *ordered = ninp_calloc(net->tensor_count, sizeof *ordered);
    if (!ordered) {
        return ninp_fail_memory(err, net->tensor_count * sizeof *ordered, "tensors");
    }
    size_t placed = 0;
    for (int running = 0; running < 2; running++) {
        for (size_t i = 0; i < net->tensor_count; i++) {
            if (net->tensors[i].spec.trainable == !running) {
                ordered[placed] = net->tensors[i];
                ordered[placed].offset = net->value_count;
                net->value_count += ordered[placed].count;
                placed++;
            }
        }
        if (!running) {
            net->trainable_count = placed;
            net->parameter_count = net->value_count;
        }
    }
    free(net->tensors);
    net->tensors = ordered;
    for (size_t i = 0; i < net->tensor_count; i++) {
        ninp_net_layer *layer = &net->layers[ordered[i].layer];
        int *first = ordered[i].spec.trainable ? &layer->first_tensor : &layer->first_running;
        int *count = ordered[i].spec.trainable ? &layer->tensor_count : &layer->running_count;
        *first = *count ? *first : (int)i;
        ++*count;
    }
    if (net->value_count > limit) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "the net has %zu values; at most %zu are allowed here", net->value_count,
                         limit);
    }
    net->values = ninp_calloc_aligned(net->value_count, sizeof *net->values);
    return net->values ? NIN_OK
                       : ninp_fail_memory(err, net->value_count * sizeof *net->values, "weights");
}

/* The description with input and classes as they are now. */
static char *write_text(const net_parser *parser) {
    ninp_text whole = {0};
    char shape[40];
    const char *body = parser->text.chars ? parser->text.chars : "";
    ninp_text_add_bytes(&whole, body, parser->header);
    ninp_text_add(&whole, "input %s\nclasses %d\n", ninp_shape_text(parser->net->input, shape),
                  parser->net->classes);
    ninp_text_add_bytes(&whole, body + parser->header, parser->text.length - parser->header);
    whole.failed = whole.failed || parser->text.failed;
    return ninp_text_take(&whole);
}

static nin_status finish(net_parser *parser, nin_error *err) {
    nin_net *net = parser->net;
    char shape[40];
    if (parser->depth) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s:%d: the `sequential` of line %d has no `end`",
                         parser->file, parser->line,
                         net->layers[parser->open[parser->depth - 1].layer].line);
    }
    if (!net->layer_count) {
        return ninp_fail(err, NIN_ERROR_DATA, "%s: no layers", parser->file);
    }
    if (!parser->shape.flat) {
        return ninp_fail(
            err, NIN_ERROR_DATA,
            "%s:%d: the last layer gives %s; a classifier ends in `flatten` or `linear`",
            parser->file, parser->line, ninp_shape_text(parser->shape, shape));
    }
    if (parser->shape.channels != net->classes) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "%s:%d: the last layer gives %d values for %d classes (write `classes` as "
                         "its width)",
                         parser->file, parser->line, parser->shape.channels, net->classes);
    }
    net->output = parser->shape;
    net->text = write_text(parser);
    if (!net->text) {
        return ninp_fail_memory(err, 0, "the description");
    }
    size_t limit = parser->options->largest_values;
    return place_tensors(net, limit ? limit : LARGEST_COUNT, err);
}

nin_status nin_net_parse(const char *text, size_t length, const char *file,
                         const nin_net_options *options, nin_net **out, nin_error *err) {
    *out = NULL;
    const nin_net_options none = {0};
    nin_net *net = ninp_calloc(1, sizeof *net);
    if (!net) {
        return ninp_fail_memory(err, sizeof *net, "a net");
    }
    net_parser parser = {.net = net, .file = file, .options = options ? options : &none};
    net->classes = parser.options->classes ? parser.options->classes : 10;
    nin_status status = NIN_OK;
    if (memchr(text, '\0', length)) {
        status = ninp_fail(err, NIN_ERROR_DATA,
                           "%s: not a network description: it holds a NUL byte", file);
    }
    if (status == NIN_OK) {
        status = add_lines(&parser, text, length, false, err);
    }
    if (status == NIN_OK) {
        status = finish(&parser, err);
    }
    ninp_text_free(&parser.text);
    if (status != NIN_OK) {
        nin_net_free(net);
        return status;
    }
    *out = net;
    return NIN_OK;
}

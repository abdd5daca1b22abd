#include "layer_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double *make_array(size_t count) {
    double *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

static void make_tensors(layer_case *layer, nin_shape input) {
    layer->tensor_count =
        layer->type->tensors ? layer->type->tensors(&layer->options, input, layer->specs) : 0;
    for (int i = 0; i < layer->tensor_count; i++) {
        size_t size = 1;
        for (int d = 0; d < layer->specs[i].rank; d++) {
            size *= layer->specs[i].shape[d];
        }
        layer->tensor_sizes[i] = size;
        layer->run.tensors[i] = make_array(size);
        layer->run.gradients[i] = make_array(size);
        for (size_t j = 0; j < size; j++) {
            layer->run.tensors[i][j] = (double)layer->specs[i].start;
        }
    }
}

void layer_case_open(layer_case *layer, const char *text, nin_shape input, int count,
                     bool training) {
    memset(layer, 0, sizeof *layer);
    nin_error err = {0};
    ninp_line line;
    ninp_line_split(text, strlen(text), 10, &line, &err);
    layer->type = ninp_layer_find(line.words[0]);
    assert_non_null(layer->type);
    nin_shape output = {0};
    if (layer->type->read(&line, &layer->options, &err) != NIN_OK ||
        ninp_line_end(&line, layer->type->usage, &err) != NIN_OK ||
        layer->type->shape(&layer->options, input, &output, &err) != NIN_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    layer->x_count = (size_t)count * ninp_shape_count(input);
    layer->y_count = (size_t)count * ninp_shape_count(output);
    layer->x = make_array(layer->x_count);
    layer->dy = make_array(layer->y_count);
    layer->run = (ninp_layer_run){
        .options = &layer->options,
        .count = count,
        .input = input,
        .output = output,
        .training = training,
        .x = layer->x,
        .y = make_array(layer->y_count),
        .dy = layer->dy,
        .dx = make_array(layer->x_count),
    };
    make_tensors(layer, input);
}

void layer_case_close(layer_case *layer) {
    free(layer->x);
    free(layer->dy);
    free(layer->run.y);
    free(layer->run.dx);
    for (int i = 0; i < layer->tensor_count; i++) {
        free(layer->run.tensors[i]);
        free(layer->run.gradients[i]);
    }
}

int draw_int(ninp_random *random, int least, int most) {
    return least + (int)ninp_random_below(random, (uint32_t)(most - least + 1));
}

double draw_double(ninp_random *random, double least, double most) {
    return least + (most - least) * ninp_random_double(random);
}

void layer_case_draw(layer_case *layer, ninp_random *random) {
    for (size_t i = 0; i < layer->x_count; i++) {
        layer->x[i] = draw_double(random, -2.0, 2.0);
    }
    for (size_t i = 0; i < layer->y_count; i++) {
        layer->dy[i] = draw_double(random, -2.0, 2.0);
    }
    for (int t = 0; t < layer->tensor_count; t++) {
        bool variance = strcmp(layer->specs[t].suffix, "running_var") == 0;
        for (size_t i = 0; i < layer->tensor_sizes[t]; i++) {
            layer->run.tensors[t][i] =
                variance ? draw_double(random, 0.5, 1.5) : draw_double(random, -1.0, 1.0);
        }
    }
}

void layer_case_forward(layer_case *layer) {
    layer->type->forward(&layer->run);
}

void layer_case_backward(layer_case *layer) {
    layer->type->backward(&layer->run);
}

/* One layer with arrays of its own, ready to run forward and backward in float64. */
#ifndef TESTS_SUPPORT_LAYER_CASE_H
#define TESTS_SUPPORT_LAYER_CASE_H

#include "base/random.h"
#include "net/layer.h"

typedef struct layer_case {
    const ninp_layer_type *type;
    ninp_layer_options options;
    ninp_tensor_spec specs[NINP_LAYER_TENSORS];
    int tensor_count;
    size_t tensor_sizes[NINP_LAYER_TENSORS];
    double *x, *dy; /* those of run, to write to */
    size_t x_count, y_count;
    ninp_layer_run run;
} layer_case;

/* Reads a description's line; fails the test when it is wrong. All arrays are zero, tensors as a
 * net starts them. */
void layer_case_open(layer_case *layer, const char *line, nin_shape input, int count,
                     bool training);
void layer_case_close(layer_case *layer);

/* Tensors drawn from [-1, 1), running variances from [0.5, 1.5), x and dy from [-2, 2). */
void layer_case_draw(layer_case *layer, ninp_random *random);

void layer_case_forward(layer_case *layer);
void layer_case_backward(layer_case *layer);

/* least <= value <= most */
int draw_int(ninp_random *random, int least, int most);
double draw_double(ninp_random *random, double least, double most);

#endif

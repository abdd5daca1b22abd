#include "winograd_bounds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static double *make_doubles(size_t count) {
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

/* The largest |x|, |dy| and |w| of every tile and filter; NaN counts as infinite. */
typedef struct maxima {
    const ninp_winograd_form *form;
    nin_shape input, output;
    int count, padding, rows, columns;
    double *x, *dy; /* [picture][channel][tile] */
    double *w;      /* [filter][channel] */
} maxima;

static double larger(double a, double b) {
    return isnan(b) ? (double)INFINITY : fmax(a, fabs(b));
}

static double *tile_maxima(const maxima *m, nin_shape shape, const double *values, int offset,
                           int side) {
    const int tiles = m->rows * m->columns;
    const int planes = m->count * shape.channels;
    double *most = make_doubles((size_t)planes * (size_t)tiles);
    for (int i = 0; i < planes * tiles; i++) {
        const double *plane =
            values + (size_t)(i / tiles) * ninp_shape_count(shape) / (size_t)shape.channels;
        const int top = i % tiles / m->columns * m->form->outputs - offset;
        const int left = i % m->columns * m->form->outputs - offset;
        for (int j = 0; j < side * side; j++) {
            const int y = top + j / side;
            const int x = left + j % side;
            if (y >= 0 && y < shape.height && x >= 0 && x < shape.width) {
                most[i] = larger(most[i], plane[y * shape.width + x]);
            }
        }
    }
    return most;
}

static maxima find_maxima(const weighted_case *weighted, const ninp_winograd_form *form) {
    const layer_case *layer = &weighted->layer;
    const int taps = form->weights * form->weights;
    maxima m = {.form = form,
                .input = weighted->step.input,
                .output = weighted->step.unpooled,
                .count = layer->run.count,
                .padding = weighted->step.conv.padding};
    m.rows = (m.output.height + form->outputs - 1) / form->outputs;
    m.columns = (m.output.width + form->outputs - 1) / form->outputs;
    m.x = tile_maxima(&m, m.input, layer->x, m.padding, form->size);
    m.dy = tile_maxima(&m, m.output, layer->dy, 0, form->outputs);
    m.w = make_doubles((size_t)(m.output.channels * m.input.channels));
    for (int i = 0; i < m.output.channels * m.input.channels * taps; i++) {
        m.w[i / taps] = larger(m.w[i / taps], layer->run.tensors[0][i]);
    }
    return m;
}

/* Bound of the rounding error where at most `depth` roundings lie between the inputs and a result,
 * and where the sum of the absolute values of its terms is at most `size`. */
static double rounding(double depth, double size) {
    return 1.001 * depth * 0x1p-24 * size;
}
/* Roundings of transforms there and back: a product and a sum for each term, in two dimensions. */
static double transform_depth(const ninp_winograd_form *form) {
    return 8.0 * form->size + 8.0;
}

static double product_sum(int count, const double *a, int a_stride, const double *b, int b_stride) {
    double sum = 0.0;
    for (int i = 0; i < count; i++) {
        sum += a[i * a_stride] * b[i * b_stride];
    }
    return sum;
}

static double *output_bounds(const weighted_case *weighted, const maxima *m) {
    const int pixels = m->output.height * m->output.width;
    const int tiles = m->rows * m->columns;
    const double depth = transform_depth(m->form) + m->input.channels;
    double *bounds = make_doubles((size_t)(m->count * m->output.channels * pixels));
    for (int i = 0; i < m->count * m->output.channels * pixels; i++) {
        const int picture = i / pixels / m->output.channels;
        const int filter = i / pixels % m->output.channels;
        const int tile = i % pixels / m->output.width / m->form->outputs * m->columns +
                         i % m->output.width / m->form->outputs;
        const double sum =
            product_sum(m->input.channels, m->x + picture * m->input.channels * tiles + tile, tiles,
                        m->w + filter * m->input.channels, 1);
        bounds[i] = rounding(depth, m->form->norms.output * sum +
                                        fabs(weighted->layer.run.tensors[1][filter]));
        if (weighted->step.activation == NINP_ACTIVATION_SIGMOID) {
            bounds[i] += 8.0 * 0x1p-24;
        }
    }
    return bounds;
}

/* First and last tile along a side that cover a pixel of the input. */
static int first_tile(const maxima *m, int pixel) {
    const int before = pixel + m->padding - m->form->size;
    return before < 0 ? 0 : before / m->form->outputs + 1;
}
static int last_tile(const maxima *m, int pixel, int tiles) {
    const int last = (pixel + m->padding) / m->form->outputs;
    return last < tiles ? last : tiles - 1;
}

static double *input_bounds(const weighted_case *weighted, const maxima *m) {
    const int pixels = m->input.height * m->input.width;
    const int tiles = m->rows * m->columns;
    const double depth = transform_depth(m->form) + m->output.channels + 2.0 * m->form->size;
    double *bounds = make_doubles((size_t)(m->count * m->input.channels * pixels));
    for (int i = 0; i < m->count * m->input.channels * pixels; i++) {
        const int picture = i / pixels / m->input.channels;
        const int channel = i / pixels % m->input.channels;
        const int y = i % pixels / m->input.width;
        const int x = i % m->input.width;
        double sum = 0.0;
        for (int row = first_tile(m, y); row <= last_tile(m, y, m->rows); row++) {
            for (int column = first_tile(m, x); column <= last_tile(m, x, m->columns); column++) {
                sum += product_sum(m->output.channels,
                                   m->dy + picture * m->output.channels * tiles + row * m->columns +
                                       column,
                                   tiles, m->w + channel, m->input.channels);
            }
        }
        const double derivative =
            activation_derivative(weighted->step.input_activation, weighted->layer.x[i]);
        bounds[i] = rounding(depth, m->form->norms.input_gradient * sum) * derivative;
    }
    return bounds;
}

static double *weight_bounds(const maxima *m) {
    const int taps = m->form->weights * m->form->weights;
    const int tiles = m->rows * m->columns;
    const double depth = transform_depth(m->form) + (double)m->count * tiles;
    double *bounds = make_doubles((size_t)(m->output.channels * m->input.channels * taps));
    for (int i = 0; i < m->output.channels * m->input.channels * taps; i++) {
        const int filter = i / taps / m->input.channels;
        const int channel = i / taps % m->input.channels;
        double sum = 0.0;
        for (int n = 0; n < m->count; n++) {
            sum += product_sum(tiles, m->x + (n * m->input.channels + channel) * tiles, 1,
                               m->dy + (n * m->output.channels + filter) * tiles, 1);
        }
        bounds[i] = rounding(depth, m->form->norms.weight_gradient * sum);
    }
    return bounds;
}

static double *bias_bounds(const weighted_case *weighted) {
    const size_t channels = (size_t)weighted->step.unpooled.channels;
    const size_t pixels = weighted->layer.y_count / channels;
    double *bounds = make_doubles(channels);
    for (size_t i = 0; i < channels; i++) {
        bounds[i] = rounding((double)pixels, weighted->size.run.gradients[1][i]);
    }
    return bounds;
}

winograd_bounds winograd_bounds_of(const weighted_case *weighted, const ninp_winograd_form *form) {
    maxima m = find_maxima(weighted, form);
    const winograd_bounds bounds = {.y = output_bounds(weighted, &m),
                                    .dx = input_bounds(weighted, &m),
                                    .weight = weight_bounds(&m),
                                    .bias = bias_bounds(weighted)};
    free(m.x);
    free(m.dy);
    free(m.w);
    return bounds;
}

void winograd_bounds_free(winograd_bounds *bounds) {
    free(bounds->y);
    free(bounds->dx);
    free(bounds->weight);
    free(bounds->bias);
}

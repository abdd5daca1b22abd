/* What several kinds of layers share: limits of their options and rules of their shapes. */
#ifndef NINP_NET_LAYER_SHAPE_H
#define NINP_NET_LAYER_SHAPE_H

#include "net/layer.h"

enum {
    NINP_LARGEST_WIDTH = 1 << 16, /* channels or features */
    NINP_LARGEST_WINDOW = 1024    /* kernel, stride, padding, sides of an adaptive pool's output */
};

/* A window that slides over a picture. */
typedef struct ninp_window {
    int kernel, stride, padding;
    bool ceil_mode;
} ninp_window;

/* NIN_ERROR_DATA when the input has been flattened. */
nin_status ninp_shape_need_picture(nin_shape input, nin_error *err);

/* Sets height and width of *output to the number of places of the window over the padded input, as
 * PyTorch counts them, and flat to false. NIN_ERROR_DATA: there is no place, or the input is flat.
 */
nin_status ninp_shape_slide(ninp_window window, nin_shape input, nin_shape *output, nin_error *err);

/* KEY=VALUE of kernel (required), stride and padding (kept when not there). */
nin_status ninp_window_read(ninp_line *line, int *kernel, int *stride, int *padding,
                            nin_error *err);

/* The output has the input's shape. */
nin_status ninp_shape_same(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                           nin_error *err);
/* A line without arguments. */
nin_status ninp_read_nothing(ninp_line *line, ninp_layer_options *options, nin_error *err);

#endif

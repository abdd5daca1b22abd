#include "net/layer/shape.h"

#include "base/error.h"

nin_status ninp_shape_need_picture(nin_shape input, nin_error *err) {
    if (input.flat) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "needs channels x height x width, but gets %d features", input.channels);
    }
    return NIN_OK;
}

/* Places of a window along one side; 0 or less: none. In ceil mode a last window may hang over the
 * end, but must start inside the input or the padding before it. */
static int count_places(ninp_window window, int size) {
    int room = size + 2 * window.padding - window.kernel;
    if (window.ceil_mode) {
        room += window.stride - 1;
    }
    if (room < 0) {
        return 0;
    }
    int places = room / window.stride + 1;
    if (window.ceil_mode && (places - 1) * window.stride >= size + window.padding) {
        places--;
    }
    return places;
}

nin_status ninp_shape_slide(ninp_window window, nin_shape input, nin_shape *output,
                            nin_error *err) {
    nin_status status = ninp_shape_need_picture(input, err);
    if (status != NIN_OK) {
        return status;
    }
    output->flat = false;
    output->height = count_places(window, input.height);
    output->width = count_places(window, input.width);
    if (output->height >= 1 && output->width >= 1) {
        return NIN_OK;
    }
    if (window.padding) {
        return ninp_fail(err, NIN_ERROR_DATA, "kernel=%d does not fit %dx%d input with padding=%d",
                         window.kernel, input.height, input.width, window.padding);
    }
    return ninp_fail(err, NIN_ERROR_DATA, "kernel=%d does not fit %dx%d input", window.kernel,
                     input.height, input.width);
}

nin_status ninp_window_read(ninp_line *line, int *kernel, int *stride, int *padding,
                            nin_error *err) {
    *kernel = 0;
    nin_status status = ninp_line_option_int(line, "kernel", 1, NINP_LARGEST_WINDOW, kernel, err);
    if (status == NIN_OK && *kernel == 0) {
        status = ninp_fail(err, NIN_ERROR_DATA, "kernel=K is missing");
    }
    if (status == NIN_OK) {
        status = ninp_line_option_int(line, "stride", 1, NINP_LARGEST_WINDOW, stride, err);
    }
    if (status == NIN_OK) {
        status = ninp_line_option_int(line, "padding", 0, NINP_LARGEST_WINDOW, padding, err);
    }
    return status;
}

nin_status ninp_shape_same(const ninp_layer_options *options, nin_shape input, nin_shape *output,
                           nin_error *err) {
    (void)options;
    (void)err;
    *output = input;
    return NIN_OK;
}

nin_status ninp_read_nothing(ninp_line *line, ninp_layer_options *options, nin_error *err) {
    (void)line;
    (void)options;
    (void)err;
    return NIN_OK;
}

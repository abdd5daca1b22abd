#include "cpu/kernel/isa.h"

#include "cpu/kernel/activation.h"
#include "cpu/kernel/pool.h"

#include <string.h>

static inline int larger(int a, int b) {
    return a > b ? a : b;
}

static inline int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Windows of max-pools. */

/* Positions begin .. end - 1 of a window along one side: those that are not padding. */
typedef struct part {
    int begin, end;
} part;

/* Of a window whose position 0 is at pixel `start` of `size`. */
static inline part part_inside(int start, int kernel, int size) {
    return (part){larger(0, -start), smaller(kernel, size - start)};
}

/* Output places first .. last along one side whose windows lie wholly inside the input; last <
 * first when there are none. */
typedef struct places {
    int first, last;
} places;

static inline places places_inside(const ninp_pool_geometry *geometry, int size, int count) {
    int first = (geometry->padding + geometry->stride - 1) / geometry->stride;
    int room = size - geometry->kernel + geometry->padding;
    return (places){first, room < 0 ? -1 : smaller(room / geometry->stride, count - 1)};
}

/* A maximum and its position in the window. */
typedef struct maximum {
    ninp_v value, where;
} maximum;

/* x points to the pixel at position (rows.begin, columns.begin). With `kernel` and the parts
 * constant, the compiler unrolls the loops. */
NINP_SIMD maximum find_maximum(const float *x, int width, int kernel, part rows, part columns) {
    maximum best = {ninp_load(x), ninp_set((float)(rows.begin * kernel + columns.begin))};
    for (int r = rows.begin; r < rows.end; r++) {
        for (int s = columns.begin; s < columns.end; s++) {
            ninp_v value = ninp_load(x + (s - columns.begin) * 16);
            ninp_m wins = ninp_greater_or_nan(value, best.value);
            best.value = ninp_select(wins, value, best.value);
            best.where = ninp_select(wins, ninp_set((float)(r * kernel + s)), best.where);
        }
        x += (ptrdiff_t)width * 16;
    }
    return best;
}

/* One output row. row: the first input row under it that is not padding, at column 0. */
NINP_SIMD void max_row(const ninp_pool_geometry *geometry, int kernel, part rows, const float *row,
                       float *y, uint8_t *index) {
    places inside = places_inside(geometry, geometry->width, geometry->out_width);
    const part whole = {0, kernel};
    bool whole_rows = rows.begin == 0 && rows.end == kernel;
    for (int q = 0; q < geometry->out_width; q++) {
        int left = q * geometry->stride - geometry->padding;
        maximum best;
        if (whole_rows && q >= inside.first && q <= inside.last) {
            best = find_maximum(row + (ptrdiff_t)left * 16, geometry->width, kernel, whole, whole);
        } else {
            part columns = part_inside(left, kernel, geometry->width);
            best = find_maximum(row + (ptrdiff_t)(left + columns.begin) * 16, geometry->width,
                                kernel, rows, columns);
        }
        ninp_store(y + (ptrdiff_t)q * 16, best.value);
        if (index) {
            ninp_store_u8(index + (ptrdiff_t)q * 16, best.where);
        }
    }
}

static void max_forward(const ninp_pool_geometry *geometry, ninp_pool_rows rows, int x_row,
                        const float *x, float *y, uint8_t *index) {
    ptrdiff_t out_pitch = (ptrdiff_t)geometry->out_width * 16;
    for (int p = rows.first; p < rows.first + rows.count; p++) {
        int top = p * geometry->stride - geometry->padding;
        part under = part_inside(top, geometry->kernel, geometry->height);
        const float *row = x + (ptrdiff_t)(top + under.begin - x_row) * geometry->width * 16;
        switch (geometry->kernel) {
        case 2: max_row(geometry, 2, under, row, y, index); break;
        case 3: max_row(geometry, 3, under, row, y, index); break;
        default: max_row(geometry, geometry->kernel, under, row, y, index); break;
        }
        y += out_pitch;
        index = index ? index + out_pitch : NULL;
    }
}

/* What backward reads of one output row. */
typedef struct pooled_row {
    const float *y, *dy;
    const uint8_t *index;
} pooled_row;

/* Adds the gradients of one output row to one input row, which lies at position r of its windows.
 */
NINP_SIMD void scatter_row(const ninp_pool_geometry *geometry, int kernel, int r,
                           ninp_activation activation, pooled_row from, float *dx) {
    places inside = places_inside(geometry, geometry->width, geometry->out_width);
    for (int q = 0; q < geometry->out_width; q++) {
        ptrdiff_t at = (ptrdiff_t)q * 16;
        ninp_v gradient = ninp_derive(activation, ninp_load(from.y + at), ninp_load(from.dy + at));
        ninp_v where = ninp_load_u8(from.index + at);
        int left = q * geometry->stride - geometry->padding;
        part columns = {0, kernel};
        if (q < inside.first || q > inside.last) {
            columns = part_inside(left, kernel, geometry->width);
        }
        for (int s = columns.begin; s < columns.end; s++) {
            float *to = dx + (ptrdiff_t)(left + s) * 16;
            ninp_m won = ninp_equal(where, ninp_set((float)(r * kernel + s)));
            ninp_store(to, ninp_addv(ninp_load(to), ninp_keep(won, gradient)));
        }
    }
}

/* Row by row of the input, so that every row of dx is complete while it is in the first cache. */
static void max_backward(const ninp_pool_geometry *geometry, ninp_pool_rows rows,
                         ninp_activation activation, const float *y, const float *dy,
                         const uint8_t *index, float *dx) {
    int kernel = geometry->kernel;
    int stride = geometry->stride;
    ptrdiff_t pitch = (ptrdiff_t)geometry->width * 16;
    for (int h = rows.first; h < rows.first + rows.count; h++, dx += pitch) {
        memset(dx, 0, (size_t)pitch * sizeof *dx);
        int place = h + geometry->padding;
        int first = place < kernel ? 0 : (place - kernel) / stride + 1;
        int last = smaller(place / stride, geometry->out_height - 1);
        for (int p = first; p <= last; p++) {
            ptrdiff_t at = (ptrdiff_t)p * geometry->out_width * 16;
            pooled_row from = {y + at, dy + at, index + at};
            int r = place - p * stride;
            switch (kernel) {
            case 2: scatter_row(geometry, 2, r, activation, from, dx); break;
            case 3: scatter_row(geometry, 3, r, activation, from, dx); break;
            default: scatter_row(geometry, kernel, r, activation, from, dx); break;
            }
        }
    }
}

static void max_backward_search(const ninp_pool_geometry *geometry, ninp_activation activation,
                                const float *x, const float *dy, float *dx) {
    int kernel = geometry->kernel;
    ptrdiff_t pitch = (ptrdiff_t)geometry->width * 16;
    memset(dx, 0, (size_t)geometry->height * (size_t)pitch * sizeof *dx);
    for (int p = 0; p < geometry->out_height; p++) {
        int top = p * geometry->stride - geometry->padding;
        part rows = part_inside(top, kernel, geometry->height);
        for (int q = 0; q < geometry->out_width; q++, dy += 16) {
            int left = q * geometry->stride - geometry->padding;
            part columns = part_inside(left, kernel, geometry->width);
            ptrdiff_t corner =
                (ptrdiff_t)(top + rows.begin) * pitch + (ptrdiff_t)(left + columns.begin) * 16;
            maximum best = find_maximum(x + corner, geometry->width, kernel, rows, columns);
            ninp_v gradient = ninp_derive(activation, best.value, ninp_load(dy));
            for (int r = rows.begin; r < rows.end; r++) {
                float *to = dx + corner + (r - rows.begin) * pitch;
                for (int s = columns.begin; s < columns.end; s++, to += 16) {
                    ninp_m won = ninp_equal(best.where, ninp_set((float)(r * kernel + s)));
                    ninp_store(to, ninp_addv(ninp_load(to), ninp_keep(won, gradient)));
                }
            }
        }
    }
}

/* Windows of average pools. */

/* Pixels begin .. end - 1 along one side, and how many the divisor counts. */
typedef struct span {
    int begin, end, counted;
} span;

/* Under window number `place` of `places` along a side of `size` pixels. PyTorch's rules: padding
 * counts where count_include_pad says so, but what ceil mode adds beyond the padding never does. */
static inline span average_span(const ninp_pool_geometry *geometry, int size, int count,
                                int place) {
    if (geometry->adaptive) {
        int begin = (int)((int64_t)place * size / count);
        int end = (int)((((int64_t)place + 1) * size + count - 1) / count);
        return (span){begin, end, end - begin};
    }
    int start = place * geometry->stride - geometry->padding;
    int stop = smaller(start + geometry->kernel, size + geometry->padding);
    int begin = larger(start, 0);
    int end = smaller(stop, size);
    return (span){begin, end, geometry->count_include_pad ? stop - start : end - begin};
}

/* v / count, which is a product where no rounding tells the two apart. */
NINP_SIMD ninp_v divide(ninp_v v, int count) {
    const bool exact = (count & (count - 1)) == 0;
    return exact ? ninp_mulv(v, ninp_set(1.0F / (float)count))
                 : ninp_divv(v, ninp_set((float)count));
}

/* The sum of a window whose first pixel x points to. */
NINP_SIMD ninp_v sum_window(const float *x, ptrdiff_t pitch, int rows, int columns) {
    ninp_v sum = ninp_zero();
    for (int r = 0; r < rows; r++) {
        ninp_v row_sum = ninp_zero();
        for (int s = 0; s < columns; s++) {
            row_sum = ninp_addv(row_sum, ninp_load(x + r * pitch + (ptrdiff_t)s * 16));
        }
        sum = ninp_addv(sum, row_sum);
    }
    return sum;
}

static void average_forward(const ninp_pool_geometry *geometry, const float *x, float *y) {
    const ptrdiff_t pitch = (ptrdiff_t)geometry->width * 16;
    for (int p = 0; p < geometry->out_height; p++) {
        span rows = average_span(geometry, geometry->height, geometry->out_height, p);
        for (int q = 0; q < geometry->out_width; q++, y += 16) {
            span columns = average_span(geometry, geometry->width, geometry->out_width, q);
            const float *first = x + rows.begin * pitch + (ptrdiff_t)columns.begin * 16;
            const int height = rows.end - rows.begin;
            const int width = columns.end - columns.begin;
            const ninp_v sum = height == 2 && width == 2 ? sum_window(first, pitch, 2, 2)
                                                         : sum_window(first, pitch, height, width);
            ninp_store(y, divide(sum, rows.counted * columns.counted));
        }
    }
}

/* Whether every pixel lies in exactly one window: its gradient can be finished there. */
static bool windows_tile(const ninp_pool_geometry *geometry) {
    return !geometry->adaptive && geometry->padding == 0 && geometry->stride == geometry->kernel &&
           geometry->out_height * geometry->stride >= geometry->height &&
           geometry->out_width * geometry->stride >= geometry->width;
}

/* The pixels of a window. */
typedef struct window {
    int rows, columns;
    ptrdiff_t pitch;
} window;

/* The first of them is what x and dx point to; `sole`: no other window adds to them. */
NINP_SIMD void spread_window(window pixels, ninp_v share, const bool sole,
                             ninp_activation activation, const float *x, float *dx) {
    for (int r = 0; r < pixels.rows; r++) {
        for (int s = 0; s < pixels.columns; s++) {
            const ptrdiff_t at = r * pixels.pitch + (ptrdiff_t)s * 16;
            ninp_store(dx + at, sole ? ninp_derive(activation, ninp_load(x + at), share)
                                     : ninp_addv(ninp_load(dx + at), share));
        }
    }
}

NINP_SIMD void spread_averages(const ninp_pool_geometry *geometry, const bool sole,
                               ninp_activation activation, const float *x, const float *dy,
                               float *dx) {
    const ptrdiff_t pitch = (ptrdiff_t)geometry->width * 16;
    for (int p = 0; p < geometry->out_height; p++) {
        span rows = average_span(geometry, geometry->height, geometry->out_height, p);
        for (int q = 0; q < geometry->out_width; q++, dy += 16) {
            span columns = average_span(geometry, geometry->width, geometry->out_width, q);
            const ninp_v share = divide(ninp_load(dy), rows.counted * columns.counted);
            const ptrdiff_t at = rows.begin * pitch + (ptrdiff_t)columns.begin * 16;
            const int height = rows.end - rows.begin;
            const int width = columns.end - columns.begin;
            if (height == 2 && width == 2) {
                spread_window((window){2, 2, pitch}, share, sole, activation, x + at, dx + at);
            } else {
                spread_window((window){height, width, pitch}, share, sole, activation, x + at,
                              dx + at);
            }
        }
    }
}

static void average_backward(const ninp_pool_geometry *geometry, ninp_activation activation,
                             const float *x, const float *dy, float *dx) {
    if (windows_tile(geometry)) {
        switch (activation) {
        case NINP_ACTIVATION_SIGMOID:
            spread_averages(geometry, true, NINP_ACTIVATION_SIGMOID, x, dy, dx);
            break;
        default: spread_averages(geometry, true, activation, x, dy, dx); break;
        }
        return;
    }
    const size_t floats = (size_t)geometry->height * (size_t)geometry->width * 16;
    memset(dx, 0, floats * sizeof *dx);
    spread_averages(geometry, false, NINP_ACTIVATION_NONE, x, dy, dx);
    for (size_t i = 0; i < floats && activation != NINP_ACTIVATION_NONE; i += 16) {
        ninp_store(dx + i, ninp_derive(activation, ninp_load(x + i), ninp_load(dx + i)));
    }
}

const ninp_pool_kernels NINP_FOR_ISA(ninp_pool_kernels) = {
    .max_forward = max_forward,
    .max_backward = max_backward,
    .max_backward_search = max_backward_search,
    .average_forward = average_forward,
    .average_backward = average_backward,
};

#include "cpu/kernel/isa.h"

#include "cpu/kernel/activation.h"
#include "cpu/kernel/planes.h"

#include <string.h>

/* Tiles that fill the registers: forward keeps FILTERS x VECTORS sums, VECTORS vectors of pixels
 * and a weight; the gradient keeps FILTERS x TAPS sums, a vector of each filter and one of a tap.
 */
#if NINP_VECTOR_REGISTERS >= 32
enum { VECTORS = 2, GRADIENT_SUMS = 21 };
#else
enum { VECTORS = 1, GRADIENT_SUMS = 6 };
#endif
enum { FILTERS = NINP_PLANES_FILTERS, MOST_TAPS = 4 };
#define EACH_FILTERS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* What the forward pass works on. */
typedef struct forward_pass {
    const ninp_planes *planes;
    ninp_activation activation;
    const float *weights, *bias;
    float *y;
} forward_pass;

/* `vectors` * 16 results of all filters, from those above x on. */
NINP_SIMD void forward_tile(const forward_pass *pass, const int filters, const int vectors,
                            const float *x, ninp_v *sum) {
    const ninp_planes *planes = pass->planes;
    const float *weights = pass->weights;
    NINP_UNROLL for (int i = 0; i < filters * vectors; i++) {
        sum[i] = pass->bias ? ninp_set(pass->bias[i / vectors]) : ninp_zero();
    }
    for (int c = 0; c < planes->channels; c++) {
        for (int r = 0; r < planes->kernel; r++) {
            const float *row = x + c * planes->plane + r * planes->pitch;
            for (int s = 0; s < planes->kernel; s++) {
                ninp_v right[VECTORS];
                ninp_v left = ninp_zero();
                NINP_UNROLL for (int i = 0; i < filters * vectors; i++) {
                    if (i < vectors) {
                        right[i] = ninp_loadu(row + s + (ptrdiff_t)i * 16);
                    }
                    if (i % vectors == 0) {
                        left = ninp_set(weights[i / vectors]);
                    }
                    sum[i] = ninp_fma(left, right[i % vectors], sum[i]);
                }
                weights += 16;
            }
        }
    }
}

/* A square of 16 results by all filters, of which `count` results go to y. */
NINP_SIMD void store_results(ninp_v *square, int count, float *y) {
    ninp_transpose(square);
    if (count == 16) {
        NINP_UNROLL for (int i = 0; i < 16; i++) {
            ninp_store(y + (ptrdiff_t)i * 16, square[i]);
        }
        return;
    }
    for (int i = 0; i < count; i++) {
        ninp_store(y + (ptrdiff_t)i * 16, square[i]);
    }
}

/* Results q .. q + 16 * vectors - 1 of row p, as far as there are. */
NINP_SIMD void forward_pixels(const forward_pass *pass, const int filters, const int vectors, int p,
                              int q) {
    const ninp_planes *planes = pass->planes;
    ninp_v sum[FILTERS * VECTORS];
    forward_tile(pass, filters, vectors, planes->x + p * planes->pitch + q, sum);
    NINP_UNROLL for (int v = 0; v < vectors; v++) {
        const int first = q + v * 16;
        ninp_v square[16];
        NINP_UNROLL for (int f = 0; f < 16; f++) {
            const bool used = f < filters;
            square[f] = used ? ninp_activate(pass->activation, sum[used ? f * vectors + v : 0])
                             : ninp_zero();
        }
        store_results(square, smaller(16, planes->width - first),
                      pass->y + ((ptrdiff_t)p * planes->width + first) * 16);
    }
}

NINP_SIMD void forward_picture(const forward_pass *pass, const int filters) {
    for (int p = 0; p < pass->planes->height; p++) {
        int q = 0;
        for (; q + 16 * (VECTORS - 1) < pass->planes->width; q += 16 * VECTORS) {
            forward_pixels(pass, filters, VECTORS, p, q);
        }
        for (; q < pass->planes->width; q += 16) {
            forward_pixels(pass, filters, 1, p, q);
        }
    }
}

/* The filters' gradients of some rows, [row][filter][width in whole vectors]; zeros behind the last
 * one of a row. */
static void turn_rows(const ninp_planes *planes, int rows, const float *dy, float *turned) {
    const ptrdiff_t row_floats = (ptrdiff_t)ninp_planes_row(planes);
    for (int p = 0; p < rows; p++) {
        for (int q = 0; q < planes->width; q += 16) {
            const int count = smaller(16, planes->width - q);
            ninp_v square[16];
            for (int i = 0; i < 16; i++) {
                square[i] = i < count ? ninp_load(dy + (ptrdiff_t)(q + i) * 16) : ninp_zero();
            }
            ninp_transpose(square);
            for (int f = 0; f < planes->filters; f++) {
                ninp_store(turned + f * row_floats + q, square[f]);
            }
        }
        dy += (ptrdiff_t)planes->width * 16;
        turned += planes->filters * row_floats;
    }
}

/* Lanes before the count-th. */
NINP_SIMD ninp_m first_lanes(int count) {
    static const float lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return ninp_greater(ninp_set((float)count), ninp_loadu(lanes));
}

/* Some rows of the result, and their gradients as turn_rows leaves them. */
typedef struct band {
    int first, rows;
    float *turned;
} band;

/* Where some taps start in the picture. */
typedef struct tap_group {
    const float *x[MOST_TAPS];
    int first, count; /* count <= taps of the tile: the others repeat the last one */
} tap_group;

static const float *tap_start(const ninp_planes *planes, int tap) {
    const int area = planes->kernel * planes->kernel;
    return planes->x + tap / area * planes->plane +
           (ptrdiff_t)(tap % area / planes->kernel) * planes->pitch + tap % planes->kernel;
}

/* Adds the products of one vector of pixels. */
NINP_SIMD void add_products(const int filters, const int taps, const float *turned,
                            ptrdiff_t row_floats, const ninp_v *pixels, ninp_v *sum) {
    ninp_v right = ninp_zero();
    NINP_UNROLL for (int i = 0; i < filters * taps; i++) {
        if (i % taps == 0) {
            right = ninp_load(turned + i / taps * row_floats);
        }
        sum[i] = ninp_fma(pixels[i % taps], right, sum[i]);
    }
}

/* Sums over the lanes: two taps share a square, eight filters each. */
NINP_SIMD void add_lanes(const int filters, const int taps, const tap_group *group,
                         const ninp_v *sum, float *gradient) {
    NINP_UNROLL for (int t = 0; t < taps; t += 2) {
        ninp_v square[16];
        float lanes[16];
        NINP_UNROLL for (int i = 0; i < 16; i++) {
            const bool used = i % FILTERS < filters && t + i / FILTERS < taps;
            square[i] = used ? sum[used ? i % FILTERS * taps + t + i / FILTERS : 0] : ninp_zero();
        }
        ninp_transpose(square);
        for (int half = 8; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                square[i] = ninp_addv(square[i], square[i + half]);
            }
        }
        ninp_storeu(lanes, square[0]);
        for (int i = 0; i < 2 && t + i < group->count; i++) {
            for (int f = 0; f < filters; f++) {
                gradient[(group->first + t + i) * 16 + f] += lanes[i * FILTERS + f];
            }
        }
    }
}

/* Some taps' gradients from some rows. Pixels behind the last result of a row
 * are taken as 0, so that what is there cannot come in as NaN. */
NINP_SIMD void gradient_tile(const ninp_planes *planes, const int filters, const int taps,
                             const tap_group *group, const band *some, float *gradient) {
    const ptrdiff_t row_floats = (ptrdiff_t)ninp_planes_row(planes);
    const int whole = planes->width / 16 * 16;
    const ninp_m live = first_lanes(planes->width - whole);
    ninp_v sum[FILTERS * MOST_TAPS];
    ninp_v pixels[MOST_TAPS];
    NINP_UNROLL for (int i = 0; i < filters * taps; i++) {
        sum[i] = ninp_zero();
    }
    const float *turned = some->turned;
    for (int row = 0; row < some->rows; row++, turned += filters * row_floats) {
        const ptrdiff_t start = (some->first + row) * planes->pitch;
        for (int q = 0; q < whole; q += 16) {
            NINP_UNROLL for (int t = 0; t < taps; t++) {
                pixels[t] = ninp_loadu(group->x[t] + start + q);
            }
            add_products(filters, taps, turned + q, row_floats, pixels, sum);
        }
        if (whole < planes->width) {
            NINP_UNROLL for (int t = 0; t < taps; t++) {
                pixels[t] = ninp_keep(live, ninp_loadu(group->x[t] + start + whole));
            }
            add_products(filters, taps, turned + whole, row_floats, pixels, sum);
        }
    }
    add_lanes(filters, taps, group, sum, gradient);
}

NINP_SIMD void gradient_picture(const ninp_planes *planes, const int filters, const float *dy,
                                float *turned, float *gradient) {
    const int fit = GRADIENT_SUMS / filters;
    const int taps = fit < 1 ? 1 : (fit < MOST_TAPS ? fit : MOST_TAPS);
    const int all = planes->channels * planes->kernel * planes->kernel;
    const int most = ninp_planes_band(planes);
    for (int p = 0; p < planes->height; p += most) {
        const band some = {p, smaller(most, planes->height - p), turned};
        turn_rows(planes, some.rows, dy + (ptrdiff_t)p * planes->width * 16, turned);
        for (int tap = 0; tap < all; tap += taps) {
            tap_group group = {.first = tap, .count = smaller(taps, all - tap)};
            for (int t = 0; t < taps; t++) {
                group.x[t] = tap_start(planes, smaller(tap + t, all - 1));
            }
            gradient_tile(planes, filters, taps, &group, &some, gradient);
        }
    }
}

#define DEFINE_PICTURES(filters)                                                              \
    static void forward_##filters(const forward_pass *pass) {                                 \
        forward_picture(pass, filters);                                                       \
    }                                                                                         \
    static void gradient_##filters(const ninp_planes *planes, const float *dy, float *turned, \
                                   float *gradient) {                                         \
        gradient_picture(planes, filters, dy, turned, gradient);                              \
    }
EACH_FILTERS(DEFINE_PICTURES)

#define FORWARD(filters) forward_##filters,
#define GRADIENT(filters) gradient_##filters,

static void forward(const ninp_planes *planes, ninp_activation activation, const float *weights,
                    const float *bias, float *y) {
    static void (*const functions[FILTERS])(const forward_pass *) = {EACH_FILTERS(FORWARD)};
    const forward_pass pass = {planes, activation, weights, bias, y};
    functions[planes->filters - 1](&pass);
}

static void gradient(const ninp_planes *planes, const float *dy, float *workspace,
                     float *gradient_sums) {
    static void (*const functions[FILTERS])(const ninp_planes *, const float *, float *,
                                            float *) = {EACH_FILTERS(GRADIENT)};
    functions[planes->filters - 1](planes, dy, workspace, gradient_sums);
}

const ninp_planes_kernels NINP_FOR_ISA(ninp_planes_kernels) = {.forward = forward,
                                                               .gradient = gradient};

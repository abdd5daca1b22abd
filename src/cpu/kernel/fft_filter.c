/* Transforms of filters: so few taps that each is a sum of a few waves. Taps on both sides of the
 * centre share theirs, and so do the values k and size - k. */
#include "cpu/kernel/isa.h"

#include "cpu/kernel/fft_parts.h"

enum { LANES = 16, TURNS = NINP_FFT_TURNS };

/* Cosine and sine for each tap, of one value. */
typedef const float wave[TURNS + 1][2];

/* Taps -half to half along one side; half is a constant when the functions are compiled. `centre`
 * points to tap 0, and `stride` floats lie between two taps. */

/* Real taps to one of their values. */
NINP_SIMD void real_value(wave *waves, const int half, const float *centre, ptrdiff_t stride,
                          float scale, float *out) {
    ninp_v re = ninp_load(centre);
    ninp_v im = ninp_zero();
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        const ninp_v before = ninp_load(centre - j * stride);
        const ninp_v behind = ninp_load(centre + j * stride);
        re = ninp_fma(ninp_set((*waves)[j][0]), ninp_addv(behind, before), re);
        im = ninp_fma(ninp_set((*waves)[j][1]), ninp_subv(behind, before), im);
    }
    ninp_store(out, ninp_mulv(ninp_set(scale), re));
    ninp_store(out + LANES, ninp_mulv(ninp_set(scale), im));
}

/* Real taps to pairs 0 to size / 2. */
NINP_SIMD void real_forward(const ninp_fft_length *length, const int half, const float *centre,
                            ptrdiff_t stride, float *out, size_t out_stride) {
    const ninp_v middle = ninp_load(centre);
    ninp_v sum[TURNS + 1], difference[TURNS + 1];
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        const ninp_v before = ninp_load(centre - j * stride);
        const ninp_v behind = ninp_load(centre + j * stride);
        sum[j] = ninp_addv(behind, before);
        difference[j] = ninp_subv(behind, before);
    }
    wave *waves = length->waves;
    for (int left = ninp_fft_half(length); left > 0; left--, waves++, out += out_stride) {
        ninp_v re = middle;
        ninp_v im = ninp_zero();
        NINP_UNROLL for (int j = 1; j <= half; j++) {
            re = ninp_fma(ninp_set((*waves)[j][0]), sum[j], re);
            im = ninp_fma(ninp_set((*waves)[j][1]), difference[j], im);
        }
        ninp_store(out, re);
        ninp_store(out + LANES, im);
    }
}

/* Complex taps to all pairs. */
NINP_SIMD void complex_forward(const ninp_fft_length *length, const int half, const float *centre,
                               ptrdiff_t stride, float *out, size_t out_stride) {
    const ninp_v middle_re = ninp_load(centre);
    const ninp_v middle_im = ninp_load(centre + LANES);
    ninp_v sum_re[TURNS + 1], difference_re[TURNS + 1];
    ninp_v sum_im[TURNS + 1], difference_im[TURNS + 1];
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        const float *before = centre - j * stride;
        const float *behind = centre + j * stride;
        sum_re[j] = ninp_addv(ninp_load(behind), ninp_load(before));
        sum_im[j] = ninp_addv(ninp_load(behind + LANES), ninp_load(before + LANES));
        difference_re[j] = ninp_subv(ninp_load(behind), ninp_load(before));
        difference_im[j] = ninp_subv(ninp_load(behind + LANES), ninp_load(before + LANES));
    }
    wave *waves = length->waves;
    const size_t last = (size_t)(length->size / 2) * out_stride;
    float *mirror = out + (size_t)length->size * out_stride;
    for (float *here = out; here <= out + last; here += out_stride, mirror -= out_stride) {
        ninp_v even_re = middle_re;
        ninp_v even_im = middle_im;
        ninp_v odd_re = ninp_zero();
        ninp_v odd_im = ninp_zero();
        NINP_UNROLL for (int j = 1; j <= half; j++) {
            const ninp_v cosine = ninp_set((*waves)[j][0]);
            const ninp_v sine = ninp_set((*waves)[j][1]);
            even_re = ninp_fma(cosine, sum_re[j], even_re);
            even_im = ninp_fma(cosine, sum_im[j], even_im);
            odd_re = ninp_fma(sine, difference_re[j], odd_re);
            odd_im = ninp_fma(sine, difference_im[j], odd_im);
        }
        waves++;
        ninp_store(here, ninp_subv(even_re, odd_im));
        ninp_store(here + LANES, ninp_addv(even_im, odd_re));
        if (here > out && here < mirror) {
            ninp_store(mirror, ninp_addv(even_re, odd_im));
            ninp_store(mirror + LANES, ninp_subv(even_im, odd_re));
        }
    }
}

NINP_SIMD void store_tap(float *tap, bool add, float scale, ninp_v value) {
    ninp_store(tap, ninp_fma(ninp_set(scale), value, add ? ninp_load(tap) : ninp_zero()));
}

/* The transposed: pairs 0 to size / 2 to real taps, times `scale`, overwritten or added to. It is
 * inlined into two loops, which differ in all of its parameters. */
/* NOLINTNEXTLINE(readability-function-size) */
NINP_SIMD void real_gradient(const ninp_fft_length *length, const int half, const float *in,
                             size_t in_stride, bool add, float scale, float *centre,
                             ptrdiff_t stride) {
    ninp_v even[TURNS + 1], odd[TURNS + 1];
    even[0] = ninp_load(in);
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        even[j] = even[0];
        odd[j] = ninp_zero();
    }
    wave *waves = length->waves + 1;
    for (int left = length->size - 1; left > 0; left -= 2, waves++) {
        in += in_stride;
        const ninp_v times = ninp_set(left == 1 ? 1.0F : 2.0F);
        const ninp_v re = ninp_mulv(times, ninp_load(in));
        const ninp_v im = ninp_mulv(times, ninp_load(in + LANES));
        even[0] = ninp_addv(even[0], re);
        NINP_UNROLL for (int j = 1; j <= half; j++) {
            even[j] = ninp_fma(ninp_set((*waves)[j][0]), re, even[j]);
            odd[j] = ninp_fma(ninp_set((*waves)[j][1]), im, odd[j]);
        }
    }
    store_tap(centre, add, scale, even[0]);
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        store_tap(centre + j * stride, add, scale, ninp_addv(even[j], odd[j]));
        store_tap(centre - j * stride, add, scale, ninp_subv(even[j], odd[j]));
    }
}

/* All pairs to complex taps. */
NINP_SIMD void complex_gradient(const ninp_fft_length *length, const int half, const float *in,
                                size_t in_stride, float *centre, ptrdiff_t stride) {
    ninp_v even_re[TURNS + 1], odd_re[TURNS + 1];
    ninp_v even_im[TURNS + 1], odd_im[TURNS + 1];
    even_re[0] = ninp_load(in);
    even_im[0] = ninp_load(in + LANES);
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        even_re[j] = even_re[0];
        even_im[j] = even_im[0];
        odd_re[j] = ninp_zero();
        odd_im[j] = ninp_zero();
    }
    wave *waves = length->waves + 1;
    const float *here = in + in_stride;
    const float *mirror = in + (size_t)(length->size - 1) * in_stride;
    for (; here <= mirror; here += in_stride, mirror -= in_stride, waves++) {
        ninp_v sum_re = ninp_load(here);
        ninp_v sum_im = ninp_load(here + LANES);
        ninp_v difference_re = ninp_zero();
        ninp_v difference_im = ninp_zero();
        if (here != mirror) {
            difference_re = ninp_subv(sum_re, ninp_load(mirror));
            difference_im = ninp_subv(sum_im, ninp_load(mirror + LANES));
            sum_re = ninp_addv(sum_re, ninp_load(mirror));
            sum_im = ninp_addv(sum_im, ninp_load(mirror + LANES));
        }
        even_re[0] = ninp_addv(even_re[0], sum_re);
        even_im[0] = ninp_addv(even_im[0], sum_im);
        NINP_UNROLL for (int j = 1; j <= half; j++) {
            const ninp_v cosine = ninp_set((*waves)[j][0]);
            const ninp_v sine = ninp_set((*waves)[j][1]);
            even_re[j] = ninp_fma(cosine, sum_re, even_re[j]);
            even_im[j] = ninp_fma(cosine, sum_im, even_im[j]);
            odd_re[j] = ninp_fma(sine, difference_re, odd_re[j]);
            odd_im[j] = ninp_fma(sine, difference_im, odd_im[j]);
        }
    }
    ninp_store(centre, even_re[0]);
    ninp_store(centre + LANES, even_im[0]);
    NINP_UNROLL for (int j = 1; j <= half; j++) {
        float *before = centre - j * stride;
        float *behind = centre + j * stride;
        ninp_store(behind, ninp_addv(even_re[j], odd_im[j]));
        ninp_store(behind + LANES, ninp_subv(even_im[j], odd_re[j]));
        ninp_store(before, ninp_subv(even_re[j], odd_im[j]));
        ninp_store(before + LANES, ninp_addv(even_im[j], odd_re[j]));
    }
}

/* Taps of the column's waves, then the column. */
NINP_SIMD void forward(const ninp_fft_filters *filters, const int half, const float *centre,
                       ptrdiff_t stride, int column, float *bins, size_t bin_stride) {
    const ninp_fft_frame *frame = &filters->frame;
    const bool real = ninp_fft_is_real_column(frame, column);
    const float scale = 1.0F / (float)(frame->vertical->size * frame->horizontal->size);
    _Alignas(64) float values[(2 * TURNS + 1) * NINP_FFT_PAIR];
    for (int i = 0; i < filters->count; i++, centre += LANES, bins += NINP_FFT_PAIR) {
        for (int row = -half; row <= half; row++) {
            real_value(frame->horizontal->waves + column, half,
                       centre + row * (2 * half + 1) * stride, stride, scale,
                       values + (row + half) * NINP_FFT_PAIR);
        }
        if (real) {
            real_forward(frame->vertical, half, values + half * NINP_FFT_PAIR, NINP_FFT_PAIR, bins,
                         bin_stride);
        } else {
            complex_forward(frame->vertical, half, values + half * NINP_FFT_PAIR, NINP_FFT_PAIR,
                            bins, bin_stride);
        }
    }
}

NINP_SIMD void gradient_column(const ninp_fft_filters *filters, const int half, int column,
                               const float *bins, size_t bin_stride, float *lines) {
    const ninp_fft_frame *frame = &filters->frame;
    const bool real = ninp_fft_is_real_column(frame, column);
    const size_t line = ninp_fft_line(frame);
    float *centre = lines + (size_t)half * line + column * NINP_FFT_PAIR;
    for (int i = 0; i < filters->count; i++, bins += NINP_FFT_PAIR) {
        if (real) {
            real_gradient(frame->vertical, half, bins, bin_stride, false, 1.0F, centre,
                          (ptrdiff_t)line);
        } else {
            complex_gradient(frame->vertical, half, bins, bin_stride, centre, (ptrdiff_t)line);
        }
        centre += (2 * half + 1) * line;
    }
}

NINP_SIMD void gradient_rows(const ninp_fft_filters *filters, const int half, const float *lines,
                             bool add, float *centre) {
    const ninp_fft_frame *frame = &filters->frame;
    const float scale = 1.0F / (float)(frame->vertical->size * frame->horizontal->size);
    const ptrdiff_t stride = (ptrdiff_t)filters->tap_stride;
    for (int i = 0; i < filters->count; i++, centre += LANES) {
        for (int row = -half; row <= half; row++, lines += ninp_fft_line(frame)) {
            real_gradient(frame->horizontal, half, lines, NINP_FFT_PAIR, add, scale,
                          centre + row * (2 * half + 1) * stride, stride);
        }
    }
}

typedef void forward_function(const ninp_fft_filters *filters, const float *centre,
                              ptrdiff_t stride, int column, float *bins, size_t bin_stride);
typedef void column_function(const ninp_fft_filters *filters, int column, const float *bins,
                             size_t bin_stride, float *lines);
typedef void rows_function(const ninp_fft_filters *filters, const float *lines, bool add,
                           float *centre);

#define EACH_HALF(X) X(1) X(2) X(3) X(4) X(5)
#define DEFINE(half)                                                                           \
    static void forward_##half(const ninp_fft_filters *filters, const float *centre,           \
                               ptrdiff_t stride, int column, float *bins, size_t bin_stride) { \
        forward(filters, half, centre, stride, column, bins, bin_stride);                      \
    }                                                                                          \
    static void gradient_column_##half(const ninp_fft_filters *filters, int column,            \
                                       const float *bins, size_t bin_stride, float *lines) {   \
        gradient_column(filters, half, column, bins, bin_stride, lines);                       \
    }                                                                                          \
    static void gradient_rows_##half(const ninp_fft_filters *filters, const float *lines,      \
                                     bool add, float *centre) {                                \
        gradient_rows(filters, half, lines, add, centre);                                      \
    }
EACH_HALF(DEFINE)

#define FORWARD(half) forward_##half,
#define GRADIENT_COLUMN(half) gradient_column_##half,
#define GRADIENT_ROWS(half) gradient_rows_##half,
static forward_function *const forwards[TURNS] = {EACH_HALF(FORWARD)};
static column_function *const gradient_columns[TURNS] = {EACH_HALF(GRADIENT_COLUMN)};
static rows_function *const gradients_rows[TURNS] = {EACH_HALF(GRADIENT_ROWS)};

/* Of the middle tap. */
static ptrdiff_t centre_place(const ninp_fft_filters *filters) {
    return filters->kernel * filters->kernel / 2 * (ptrdiff_t)filters->tap_stride;
}

void NINP_FOR_ISA(ninp_fft_filters_forward)(const ninp_fft_filters *filters, bool turned,
                                            const float *weights, int column, float *bins,
                                            size_t bin_stride) {
    const ptrdiff_t stride = (ptrdiff_t)filters->tap_stride;
    forwards[filters->kernel / 2 - 1](filters, weights + centre_place(filters),
                                      turned ? -stride : stride, column, bins, bin_stride);
}

void NINP_FOR_ISA(ninp_fft_gradient_column)(const ninp_fft_filters *filters, int column,
                                            const float *bins, size_t bin_stride, float *lines) {
    gradient_columns[filters->kernel / 2 - 1](filters, column, bins, bin_stride, lines);
}

void NINP_FOR_ISA(ninp_fft_gradient_rows)(const ninp_fft_filters *filters, const float *lines,
                                          bool add, float *gradient) {
    gradients_rows[filters->kernel / 2 - 1](filters, lines, add, gradient + centre_place(filters));
}

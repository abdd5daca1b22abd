/* Matrix products of complex numbers. As in gemm.c micro-kernels hold a tile of sums in registers.
 * A product and its gradient differ in how they walk through A only, so they share theirs. */
#include "cpu/kernel/isa.h"

#include "cpu/kernel/fft_parts.h"

/* Tiles of ROWS x BLOCKS complex sums that fill the registers, with vectors of B and one or two of
 * A beside them. */
#if NINP_VECTOR_REGISTERS >= 32
enum { ROWS = 4, BLOCKS = 2 };
#define EACH_ROWS(X) X(1) X(2) X(3) X(4)
#define EACH_BLOCKS(X, rows) X(rows, 1) X(rows, 2)
#elif NINP_VECTOR_REGISTERS >= 8
enum { ROWS = 3, BLOCKS = 1 };
#define EACH_ROWS(X) X(1) X(2) X(3)
#define EACH_BLOCKS(X, rows) X(rows, 1)
#else
enum { ROWS = 1, BLOCKS = 1 };
#define EACH_ROWS(X) X(1)
#define EACH_BLOCKS(X, rows) X(rows, 1)
#endif

enum {
    LANES = 16,
    PAIR = NINP_FFT_PAIR,
    PASS_DEPTH = 128 /* k's between loading and storing C: 16 KB of B a block */
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}
static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}
static int part_start(int count, int parts, int part) {
    return (int)((int64_t)count * part / parts);
}

/* A tile of sums, over steps: k's for a product, whose rows are pictures; pictures for a gradient,
 * whose rows are k's and which takes the conjugate of A. Steps come in chunks, `a_chunk` floats
 * apart in A and behind one another in B. */
typedef struct tile {
    const float *a, *b;
    int steps, chunk;
    size_t a_chunk, b_block;
    float *c;
    size_t c_block;
    bool add;
} tile;

static ptrdiff_t a_row(bool conjugate) {
    return conjugate ? 1 : PAIR;
}
static ptrdiff_t a_step(bool conjugate) {
    return conjugate ? PAIR : 1;
}

NINP_SIMD void store_sum(const tile *t, int row, int block, ninp_v re, ninp_v im) {
    float *c = t->c + row * PAIR + (size_t)block * t->c_block;
    if (t->add) {
        re = ninp_addv(ninp_load(c), re);
        im = ninp_addv(ninp_load(c + LANES), im);
    }
    ninp_store(c, re);
    ninp_store(c + LANES, im);
}

#if NINP_FFT_PRODUCTS == 3

/* x w = (xr wr - xi wi) + i ((xr + xi) (wr + wi) - xr wr - xi wi); the conjugate of x changes the
 * signs of xi. */
NINP_SIMD void run_tile(const tile *t, const int rows, const int blocks, const bool conjugate) {
    ninp_v first[ROWS * BLOCKS], second[ROWS * BLOCKS], third[ROWS * BLOCKS];
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        first[i] = ninp_zero();
        second[i] = ninp_zero();
        third[i] = ninp_zero();
    }
    const float *b = t->b;
    const float *chunk = t->a;
    for (int left = t->steps; left > 0; left -= t->chunk, chunk += t->a_chunk) {
        const float *a = chunk;
        for (int k = smaller(left, t->chunk); k > 0; k--) {
            ninp_v xr = ninp_zero();
            ninp_v xi = ninp_zero();
            ninp_v x = ninp_zero();
            ninp_v wr[BLOCKS], wi[BLOCKS], w[BLOCKS];
            NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
                const int j = i % blocks;
                if (i < blocks) {
                    wr[j] = ninp_load(b + (size_t)j * t->b_block);
                    wi[j] = ninp_load(b + (size_t)j * t->b_block + LANES);
                    w[j] = ninp_addv(wr[j], wi[j]);
                }
                if (j == 0) {
                    xr = ninp_set(a[i / blocks * a_row(conjugate)]);
                    xi = ninp_set(a[i / blocks * a_row(conjugate) + LANES]);
                    x = conjugate ? ninp_subv(xr, xi) : ninp_addv(xr, xi);
                }
                first[i] = ninp_fma(xr, wr[j], first[i]);
                second[i] = ninp_fma(xi, wi[j], second[i]);
                third[i] = ninp_fma(x, w[j], third[i]);
            }
            a += a_step(conjugate);
            b += PAIR;
        }
    }
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        const ninp_v rest = ninp_subv(third[i], first[i]);
        const ninp_v re =
            conjugate ? ninp_addv(first[i], second[i]) : ninp_subv(first[i], second[i]);
        const ninp_v im = conjugate ? ninp_addv(rest, second[i]) : ninp_subv(rest, second[i]);
        store_sum(t, i / blocks, i % blocks, re, im);
    }
}

#else

/* The real parts of a chunk of B first, then the imaginary ones: so few registers are needed at a
 * time. */
NINP_SIMD void run_tile(const tile *t, const int rows, const int blocks, const bool conjugate) {
    ninp_v re[ROWS * BLOCKS], im[ROWS * BLOCKS];
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        re[i] = ninp_zero();
        im[i] = ninp_zero();
    }
    const float *b = t->b;
    const float *chunk = t->a;
    for (int left = t->steps; left > 0; left -= t->chunk, chunk += t->a_chunk) {
        const int count = smaller(left, t->chunk);
        const float *a = chunk;
        for (int k = 0; k < count; k++, a += a_step(conjugate)) {
            NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
                const float *x = a + i / blocks * a_row(conjugate);
                const ninp_v wr = ninp_load(b + k * PAIR + (size_t)(i % blocks) * t->b_block);
                re[i] = ninp_fma(ninp_set(x[0]), wr, re[i]);
                im[i] = conjugate ? ninp_fnma(ninp_set(x[LANES]), wr, im[i])
                                  : ninp_fma(ninp_set(x[LANES]), wr, im[i]);
            }
        }
        a = chunk;
        for (int k = 0; k < count; k++, a += a_step(conjugate)) {
            NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
                const float *x = a + i / blocks * a_row(conjugate);
                const ninp_v wi =
                    ninp_load(b + k * PAIR + LANES + (size_t)(i % blocks) * t->b_block);
                re[i] = conjugate ? ninp_fma(ninp_set(x[LANES]), wi, re[i])
                                  : ninp_fnma(ninp_set(x[LANES]), wi, re[i]);
                im[i] = ninp_fma(ninp_set(x[0]), wi, im[i]);
            }
        }
        b += count * PAIR;
    }
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        store_sum(t, i / blocks, i % blocks, re[i], im[i]);
    }
}

#endif

#define DEFINE_TILE(rows, blocks)                                \
    static void tile_##rows##_##blocks(const tile *t) {          \
        run_tile(t, rows, blocks, false);                        \
    }                                                            \
    static void gradient_tile_##rows##_##blocks(const tile *t) { \
        run_tile(t, rows, blocks, true);                         \
    }
#define DEFINE_TILES(rows) EACH_BLOCKS(DEFINE_TILE, rows)
EACH_ROWS(DEFINE_TILES)

/* [gradient][rows - 1][blocks - 1] */
#define TILE(rows, blocks) tile_##rows##_##blocks,
#define TILES(rows) {EACH_BLOCKS(TILE, rows)},
#define GRADIENT_TILE(rows, blocks) gradient_tile_##rows##_##blocks,
#define GRADIENT_TILES(rows) {EACH_BLOCKS(GRADIENT_TILE, rows)},
static void (*const tile_functions[2][ROWS][BLOCKS])(const tile *) = {{EACH_ROWS(TILES)},
                                                                      {EACH_ROWS(GRADIENT_TILES)}};

/* Fetches part `part` of `parts` of some neighbouring lines into the second cache. */
static void fetch_part(const float *from, size_t floats, int parts, int part) {
    if (from) {
        const size_t first = floats / LANES * (size_t)part / (size_t)parts;
        const size_t end = floats / LANES * ((size_t)part + 1) / (size_t)parts;
        for (size_t i = first; i < end; i++) {
            __builtin_prefetch(from + i * LANES, 0, 2);
        }
    }
}

void NINP_FOR_ISA(ninp_fft_multiply)(const ninp_fft_product *p) {
    const int chunks = parts_of(p->depth, LANES);
    const int passes = parts_of(p->depth, PASS_DEPTH);
    const int tiles = parts_of(p->rows, ROWS);
    const int all = parts_of(p->blocks, BLOCKS) * passes * tiles;
    int done = 0;
    for (int block = 0; block < p->blocks; block += BLOCKS) {
        const int blocks = smaller(BLOCKS, p->blocks - block);
        for (int pass = 0; pass < passes; pass++) {
            const int first = part_start(chunks, passes, pass);
            const int end = part_start(chunks, passes, pass + 1);
            tile t = {.b = p->b + (size_t)block * p->b_stride + (size_t)first * LANES * PAIR,
                      .steps = smaller(end * LANES, p->depth) - first * LANES,
                      .chunk = LANES,
                      .a_chunk = p->a_stride,
                      .b_block = p->b_stride,
                      .c_block = p->c_stride,
                      .add = p->add || pass > 0};
            for (int i = 0; i < tiles; i++, done++) {
                const int row = part_start(p->rows, tiles, i);
                const int rows = part_start(p->rows, tiles, i + 1) - row;
                t.a = p->a + (size_t)first * p->a_stride + (size_t)row * PAIR;
                t.c = p->c + (size_t)block * p->c_stride + (size_t)row * PAIR;
                fetch_part(p->next_a, (size_t)chunks * p->a_stride, all, done);
                fetch_part(p->next_c, (size_t)p->blocks * p->c_stride, all, done);
                tile_functions[false][rows - 1][blocks - 1](&t);
            }
        }
    }
}

void NINP_FOR_ISA(ninp_fft_multiply_gradient)(const ninp_fft_gradient *g) {
    const int chunks = parts_of(g->depth, LANES);
    const int all = parts_of(g->blocks, BLOCKS) * chunks;
    int done = 0;
    for (int block = 0; block < g->blocks; block += BLOCKS) {
        const int blocks = smaller(BLOCKS, g->blocks - block);
        tile t = {.b = g->c + (size_t)block * g->c_stride,
                  .steps = g->rows,
                  .chunk = g->rows,
                  .b_block = g->c_stride,
                  .c_block = g->b_stride};
        for (int chunk = 0; chunk < chunks; chunk++, done++) {
            const int width = smaller(LANES, g->depth - chunk * LANES);
            const int tiles = parts_of(width, ROWS);
            for (int i = 0; i < tiles; i++) {
                const int k = part_start(width, tiles, i);
                const int rows = part_start(width, tiles, i + 1) - k;
                t.a = g->a + (size_t)chunk * g->a_stride + k;
                t.c = g->b + (size_t)block * g->b_stride + (size_t)(chunk * LANES + k) * PAIR;
                fetch_part(g->next_a, (size_t)chunks * g->a_stride, all * tiles, done * tiles + i);
                tile_functions[true][rows - 1][blocks - 1](&t);
            }
        }
    }
}

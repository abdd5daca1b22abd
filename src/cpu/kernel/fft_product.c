/* Matrix products of complex numbers. As in gemm.c micro-kernels hold a tile of sums in registers;
 * a product and its gradient differ in how they walk through A only, so they share theirs. */
#include "cpu/kernel/isa.h"

#include "cpu/kernel/fft_parts.h"

/* Tiles of ROWS x BLOCKS complex sums: two vectors each, or one for each of three products. */
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

/* Rows of the tile and the steps of its sums: pictures and channels, or the other way round for
 * gradients. Steps come in chunks that are `a_chunk` floats apart in A. */
typedef struct tile {
    const float *a, *b;
    int steps, chunk;
    size_t a_chunk, b_block;
    float *c;
    size_t c_block;
    bool add;
} tile;

/* With x = xr + i xi and w = wr + i wi, both ways keep sums whose meaning finish_* knows; the
 * gradient takes the conjugate of x. */

NINP_SIMD void run_tile(const tile *t, const int rows, const int blocks, const bool conjugate) {
    const ptrdiff_t a_row = conjugate ? 1 : PAIR;
    const ptrdiff_t a_step = conjugate ? PAIR : 1;
    ninp_v re[ROWS * BLOCKS], im[ROWS * BLOCKS], all[ROWS * BLOCKS];
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        re[i] = ninp_zero();
        im[i] = ninp_zero();
        all[i] = ninp_zero();
    }
    const float *b = t->b;
    for (int step = 0; step < t->steps; step += t->chunk) {
        const float *a = t->a + (size_t)(step / t->chunk) * t->a_chunk;
        const int count = smaller(t->chunk, t->steps - step);
        for (int k = 0; k < count; k++, a += a_step, b += PAIR) {
            ninp_v x = ninp_zero();
            ninp_v y = ninp_zero();
            ninp_v s = ninp_zero();
            ninp_v wr[BLOCKS], wi[BLOCKS], ws[BLOCKS];
            NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
                if (i < blocks) {
                    wr[i] = ninp_load(b + (size_t)i * t->b_block);
                    wi[i] = ninp_load(b + (size_t)i * t->b_block + LANES);
                    ws[i] = ninp_addv(wr[i], wi[i]);
                }
                if (i % blocks == 0) {
                    x = ninp_set(a[i / blocks * a_row]);
                    y = ninp_set(a[i / blocks * a_row + LANES]);
                    s = conjugate ? ninp_subv(x, y) : ninp_addv(x, y);
                }
                const int j = i % blocks;
                if (NINP_FFT_PRODUCTS == 3) {
                    re[i] = ninp_fma(x, wr[j], re[i]);
                    im[i] = ninp_fma(y, wi[j], im[i]);
                    all[i] = ninp_fma(s, ws[j], all[i]);
                } else if (conjugate) {
                    re[i] = ninp_fma(x, wr[j], re[i]);
                    im[i] = ninp_fma(x, wi[j], im[i]);
                    re[i] = ninp_fma(y, wi[j], re[i]);
                    im[i] = ninp_fnma(y, wr[j], im[i]);
                } else {
                    re[i] = ninp_fma(x, wr[j], re[i]);
                    im[i] = ninp_fma(x, wi[j], im[i]);
                    re[i] = ninp_fnma(y, wi[j], re[i]);
                    im[i] = ninp_fma(y, wr[j], im[i]);
                }
            }
        }
    }
    NINP_UNROLL for (int i = 0; i < rows * blocks; i++) {
        float *c = t->c + i / blocks * PAIR + (size_t)(i % blocks) * t->c_block;
        ninp_v real = re[i];
        ninp_v imaginary = im[i];
        if (NINP_FFT_PRODUCTS == 3) {
            const ninp_v rest = ninp_subv(all[i], re[i]);
            real = conjugate ? ninp_addv(re[i], im[i]) : ninp_subv(re[i], im[i]);
            imaginary = conjugate ? ninp_addv(rest, im[i]) : ninp_subv(rest, im[i]);
        }
        if (t->add) {
            real = ninp_addv(ninp_load(c), real);
            imaginary = ninp_addv(ninp_load(c + LANES), imaginary);
        }
        ninp_store(c, real);
        ninp_store(c + LANES, imaginary);
    }
}

#define DEFINE_TILE(rows, blocks)                                \
    static void tile_##rows##_##blocks(const tile *t) {          \
        run_tile(t, rows, blocks, false);                        \
    }                                                            \
    static void gradient_tile_##rows##_##blocks(const tile *t) { \
        run_tile(t, rows, blocks, true);                         \
    }
#define DEFINE_TILES(rows) EACH_BLOCKS(DEFINE_TILE, rows)
EACH_ROWS(DEFINE_TILES)

/* [rows - 1][blocks - 1] */
#define TILE(rows, blocks) tile_##rows##_##blocks,
#define TILES(rows) {EACH_BLOCKS(TILE, rows)},
static void (*const tile_functions[ROWS][BLOCKS])(const tile *) = {EACH_ROWS(TILES)};
#define GRADIENT_TILE(rows, blocks) gradient_tile_##rows##_##blocks,
#define GRADIENT_TILES(rows) {EACH_BLOCKS(GRADIENT_TILE, rows)},
static void (*const gradient_functions[ROWS][BLOCKS])(const tile *) = {EACH_ROWS(GRADIENT_TILES)};

/* Part `part` of `parts` of some neighbouring lines. */
static void fetch_part(const float *from, size_t floats, int parts, int part) {
    const size_t lines = floats / LANES;
    const size_t first = lines * (size_t)part / (size_t)parts;
    const size_t end = lines * ((size_t)part + 1) / (size_t)parts;
    for (size_t i = first; from && i < end; i++) {
        __builtin_prefetch(from + i * LANES, 0, 2);
    }
}

void NINP_FOR_ISA(ninp_fft_multiply)(const ninp_fft_product *p) {
    const int chunks = parts_of(p->depth, LANES);
    const int passes = parts_of(p->depth, PASS_DEPTH);
    const int tiles = parts_of(p->rows, ROWS);
    const int parts = parts_of(p->blocks, BLOCKS) * passes * tiles;
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
            for (int i = 0; i < tiles; i++) {
                const int row = part_start(p->rows, tiles, i);
                const int rows = part_start(p->rows, tiles, i + 1) - row;
                t.a = p->a + (size_t)first * p->a_stride + (size_t)row * PAIR;
                t.c = p->c + (size_t)block * p->c_stride + (size_t)row * PAIR;
                const int part = (block / BLOCKS * passes + pass) * tiles + i;
                fetch_part(p->next_a, (size_t)chunks * p->a_stride, parts, part);
                fetch_part(p->next_c, (size_t)p->blocks * p->c_stride, parts, part);
                tile_functions[rows - 1][blocks - 1](&t);
            }
        }
    }
}

void NINP_FOR_ISA(ninp_fft_multiply_gradient)(const ninp_fft_gradient *g) {
    const int chunks = parts_of(g->depth, LANES);
    for (int block = 0; block < g->blocks; block += BLOCKS) {
        const int blocks = smaller(BLOCKS, g->blocks - block);
        tile t = {.b = g->c + (size_t)block * g->c_stride,
                  .steps = g->rows,
                  .chunk = g->rows,
                  .b_block = g->c_stride,
                  .c_block = g->b_stride};
        for (int chunk = 0; chunk < chunks; chunk++) {
            const int width = smaller(LANES, g->depth - chunk * LANES);
            const int tiles = parts_of(width, ROWS);
            for (int i = 0; i < tiles; i++) {
                const int k = part_start(width, tiles, i);
                const int rows = part_start(width, tiles, i + 1) - k;
                t.a = g->a + (size_t)chunk * g->a_stride + k;
                t.c = g->b + (size_t)block * g->b_stride + (size_t)(chunk * LANES + k) * PAIR;
                const int part = (block / BLOCKS * chunks + chunk) * tiles + i;
                fetch_part(g->next_a, (size_t)chunks * g->a_stride,
                           parts_of(g->blocks, BLOCKS) * chunks * tiles, part);
                gradient_functions[rows - 1][blocks - 1](&t);
            }
        }
    }
}

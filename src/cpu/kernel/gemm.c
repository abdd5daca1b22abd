/* Matrix products. Micro-kernels hold a tile of C (multiply) or of B (gradient) in registers while
 * they walk along k or m; the functions round them choose what they walk over, so that B's panel
 * stays in the first cache and A's rows in the second (Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication", ACM TOMS 2008, without its packing of A: nChw16c lies in
 * the right order already). */
#include "cpu/kernel/isa.h"

#include "cpu/kernel/activation.h"
#include "cpu/kernel/gemm.h"
#include "cpu/kernel/map.h"

/* Tiles that fill the registers: a product keeps ROWS x BLOCKS sums, BLOCKS vectors of B and one of
 * A; a gradient keeps DEPTH x COLUMNS sums, COLUMNS vectors of C and one of A. A row alone keeps
 * TURNS x BLOCKS sums. */
#if NINP_VECTOR_REGISTERS >= 32
enum { ROWS = 14, BLOCKS = 2, TURNS = 4, DEPTH = 8, COLUMNS = 3 };
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define EACH_BLOCKS(X, rows) X(rows, 1) X(rows, 2)
#define EACH_DEPTH(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define EACH_COLUMNS(X, depth) X(depth, 1) X(depth, 2) X(depth, 3)
#elif NINP_VECTOR_REGISTERS >= 8
enum { ROWS = 6, BLOCKS = 1, TURNS = 4, DEPTH = 6, COLUMNS = 1 };
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define EACH_BLOCKS(X, rows) X(rows, 1)
#define EACH_DEPTH(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define EACH_COLUMNS(X, depth) X(depth, 1)
#else
enum { ROWS = 2, BLOCKS = 1, TURNS = 1, DEPTH = 2, COLUMNS = 1 };
#define EACH_ROWS(X) X(1) X(2)
#define EACH_BLOCKS(X, rows) X(rows, 1)
#define EACH_DEPTH(X) X(1) X(2)
#define EACH_COLUMNS(X, depth) X(depth, 1)
#endif

enum {
    PASS_DEPTH = 256,       /* k's between loading and storing C: 16 KB of B a block */
    GROUP_FLOATS = 1 << 16, /* of A's rows that share a panel of B in turn: 256 KB */
    GRADIENT_ROWS = 160     /* m's between loading and storing B: 10 KB of C a block */
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}
static int larger(int a, int b) {
    return a > b ? a : b;
}
/* Parts of at most `most`, and where part `part` of so many nearly equal ones starts. */
static int parts_of(int count, int most) {
    return (count + most - 1) / most;
}
static int part_start(int count, int parts, int part) {
    return (int)((int64_t)count * part / parts);
}

/* Some rows of A and C: `count` rows from `first` on of each of `lines` lines from `line` on. */
typedef struct group {
    int line, lines, first, count;
} group;

static int group_count(const ninp_gemm_left *a, int rows) {
    return a->length >= rows ? a->lines * parts_of(a->length, rows)
                             : parts_of(a->lines, rows / a->length);
}

/* Group `index` when groups have about `rows` rows: parts of a line, or some whole lines. */
static group group_at(const ninp_gemm_left *a, int rows, int index) {
    if (a->length >= rows) {
        int parts = parts_of(a->length, rows);
        int first = part_start(a->length, parts, index % parts);
        return (group){.line = index / parts,
                       .lines = 1,
                       .first = first,
                       .count = part_start(a->length, parts, index % parts + 1) - first};
    }
    int lines = rows / a->length;
    return (group){.line = index * lines,
                   .lines = smaller(lines, a->lines - index * lines),
                   .count = a->length};
}

static const float *left_row(const ninp_gemm_left *a, int line, int row) {
    return a->values + line * a->line_stride + row * a->row_stride;
}
static ptrdiff_t layout_row(const ninp_gemm_layout *layout, int line, int row) {
    return line * layout->line_stride + row * layout->row_stride;
}
/* Where a chunk of k starts, in A and in B. */
static ptrdiff_t chunk_place(int chunk, ptrdiff_t stride, const ptrdiff_t *places, int count) {
    return places ? chunk / count * stride + places[chunk % count] : chunk * stride;
}
static ptrdiff_t left_place(const ninp_gemm_left *a, int chunk) {
    return chunk_place(chunk, a->chunk_stride, a->places, a->place_count);
}

/* The product's micro-kernel: one tile of C, and the k's of one pass. */
typedef struct tile {
    const float *a, *b;
    ptrdiff_t a_row, b_block;
    ptrdiff_t b_next; /* from b to the next pass's, to fetch it ahead */
    int chunks, width;
    const ptrdiff_t *a_places, *b_places; /* of chunks */
    float *c;
    ptrdiff_t c_row, c_block;
    const float *start; /* C, the bias or zeros */
    ptrdiff_t start_row, start_block;
    bool relu;
    const float *mask; /* of ReLU's derivative; lies as C. NULL: none */
} tile;

/* Where the next k's of a tile start, in A and in B. */
typedef struct operands {
    const float *a, *b;
    ptrdiff_t a_row;
} operands;

/* `turns` k's, one for each sum that takes turns. */
NINP_SIMD void add_products(const tile *t, const int rows, const int blocks, const int turns,
                            operands from, ninp_v *sum) {
    ninp_v left = ninp_zero();
    ninp_v right[BLOCKS];
    NINP_UNROLL for (int i = 0; i < turns * rows * blocks; i++) {
        const int k = i / (rows * blocks);
        const int row = i / blocks % rows;
        if (i % (rows * blocks) < blocks) {
            const float *b = from.b + k * 16 + i % blocks * t->b_block;
            right[i % blocks] = ninp_load(b);
            __builtin_prefetch(b + t->b_next, 0, 2);
        }
        if (i % blocks == 0) {
            left = ninp_set(from.a[row * from.a_row + k]);
        }
        sum[i] = ninp_fma(left, right[i % blocks], sum[i]);
    }
}

/* Dense rows are neighbouring pixels: their addresses are constants in the instructions. The rows
 * of the next tile follow them and are fetched ahead, as is the next pass's panel of B; where there
 * is no next one, that fetches something else, or nothing. `turns` sums of every row and block take
 * turns, as one alone would wait for every addition. */
NINP_SIMD void run_tile(const tile *t, const int rows, const int blocks, const bool dense,
                        const int turns) {
    const ptrdiff_t a_row = dense ? 16 : t->a_row;
    const int sums = rows * blocks;
    ninp_v sum[ROWS * BLOCKS];
    NINP_UNROLL for (int i = 0; i < turns * sums; i++) {
        sum[i] = i < sums
                     ? ninp_load(t->start + i / blocks * t->start_row + i % blocks * t->start_block)
                     : ninp_zero();
    }
    for (int chunk = 0; chunk < t->chunks; chunk++) {
        operands from = {t->a + t->a_places[chunk], t->b + t->b_places[chunk], a_row};
        if (dense) {
            NINP_UNROLL for (int i = 0; i < rows; i++) {
                __builtin_prefetch(from.a + (rows + i) * 16);
            }
        }
        int k = 0;
        for (; k + turns <= t->width; k += turns) {
            add_products(t, rows, blocks, turns, from, sum);
            from.a += turns;
            from.b += turns * 16;
        }
        for (; turns > 1 && k < t->width; k++) {
            add_products(t, rows, blocks, 1, from, sum);
            from.a++;
            from.b += 16;
        }
    }
    NINP_UNROLL for (int i = (turns - 1) * sums; i-- > 0;) {
        sum[i] = ninp_addv(sum[i], sum[i + sums]);
    }
    NINP_UNROLL for (int i = 0; i < sums; i++) {
        const ptrdiff_t place = i / blocks * t->c_row + i % blocks * t->c_block;
        if (t->mask) {
            sum[i] = ninp_derive(NINP_ACTIVATION_RELU, ninp_load(t->mask + place), sum[i]);
        } else if (t->relu) {
            sum[i] = ninp_relu(sum[i]);
        }
        ninp_store(t->c + place, sum[i]);
    }
}

#define DEFINE_TILE(rows, blocks)                              \
    static void dense_tile_##rows##_##blocks(const tile *t) {  \
        run_tile(t, rows, blocks, true, 1);                    \
    }                                                          \
    static void spaced_tile_##rows##_##blocks(const tile *t) { \
        run_tile(t, rows, blocks, false, 1);                   \
    }
#define DEFINE_TILES(rows) EACH_BLOCKS(DEFINE_TILE, rows)
EACH_ROWS(DEFINE_TILES)

/* [rows of A not dense][rows - 1][blocks - 1] */
#define DENSE_TILE(rows, blocks) dense_tile_##rows##_##blocks,
#define DENSE_TILES(rows) {EACH_BLOCKS(DENSE_TILE, rows)},
#define SPACED_TILE(rows, blocks) spaced_tile_##rows##_##blocks,
#define SPACED_TILES(rows) {EACH_BLOCKS(SPACED_TILE, rows)},
static void (*const tile_functions[2][ROWS][BLOCKS])(const tile *) = {{EACH_ROWS(DENSE_TILES)},
                                                                      {EACH_ROWS(SPACED_TILES)}};

/* A row that is alone. */
#define DEFINE_LONE_TILE(rows, blocks)                       \
    static void lone_tile_##rows##_##blocks(const tile *t) { \
        run_tile(t, rows, blocks, false, TURNS);             \
    }
EACH_BLOCKS(DEFINE_LONE_TILE, 1)
#define LONE_TILE(rows, blocks) lone_tile_##rows##_##blocks,
static void (*const lone_functions[BLOCKS])(const tile *) = {EACH_BLOCKS(LONE_TILE, 1)};

/* A pass: so many k's that the panel of B they touch stays in the first cache. Whole chunks are
 * spread evenly over passes; a shorter last one is a pass of its own. */
typedef struct pass {
    int chunks, width;
    ptrdiff_t a_places[PASS_DEPTH], b_places[PASS_DEPTH];
} pass;

static int pass_chunks(const ninp_gemm_left *a) {
    return larger(PASS_DEPTH / a->width, 1);
}
static int pass_count(const ninp_gemm_left *a) {
    const int passes = parts_of(a->depth / a->width, pass_chunks(a)) + (a->depth % a->width != 0);
    return larger(passes, 1);
}

static void find_pass(const ninp_gemm_product *p, int index, pass *out) {
    const int whole = p->a.depth / p->a.width;
    const int passes = parts_of(whole, pass_chunks(&p->a));
    const ptrdiff_t b_stride = p->b_places ? p->b_chunk_stride : (ptrdiff_t)p->a.width * 16;
    int first = whole;
    out->width = p->a.depth % p->a.width;
    out->chunks = out->width > 0;
    if (index < passes) {
        first = part_start(whole, passes, index);
        out->chunks = part_start(whole, passes, index + 1) - first;
        out->width = p->a.width;
    }
    for (int i = 0; i < out->chunks; i++) {
        out->a_places[i] = left_place(&p->a, first + i);
        out->b_places[i] = chunk_place(first + i, b_stride, p->b_places, p->a.place_count);
    }
}

static const _Alignas(64) float zeros[16];

/* Where the sums of the tile at t->c start from. */
static void set_start(const ninp_gemm_product *p, int block, bool add, tile *t) {
    t->start = zeros;
    t->start_row = 0;
    t->start_block = 0;
    if (add) {
        t->start = t->c;
        t->start_row = t->c_row;
        t->start_block = t->c_block;
    } else if (p->start == NINP_GEMM_BIAS) {
        t->start = p->bias + block * 16;
        t->start_block = 16;
    }
}

/* What micro-kernels do themselves to finish sums; finish_rows does the rest. */
static bool is_relu(const ninp_gemm_product *p) {
    return p->finish != NINP_GEMM_STORE && p->activation == NINP_ACTIVATION_RELU;
}

static void run_pass(const ninp_gemm_product *p, group rows, int block, int index, const pass *k) {
    const bool last = index == pass_count(&p->a) - 1;
    const int blocks = smaller(BLOCKS, p->blocks - block);
    const int tiles = parts_of(rows.count, ROWS);
    tile t = {.b = p->b + block * p->b_block_stride,
              .a_row = p->a.row_stride,
              .b_block = p->b_block_stride,
              .b_next = (ptrdiff_t)k->chunks * k->width * 16,
              .chunks = k->chunks,
              .width = k->width,
              .a_places = k->a_places,
              .b_places = k->b_places,
              .c_row = p->c_layout.row_stride,
              .c_block = p->c_layout.block_stride,
              .relu = last && is_relu(p) && p->finish == NINP_GEMM_ACTIVATE};
    for (int line = rows.line; line < rows.line + rows.lines; line++) {
        for (int i = 0; i < tiles; i++) {
            const int row = rows.first + part_start(rows.count, tiles, i);
            const int next = rows.first + part_start(rows.count, tiles, i + 1);
            const ptrdiff_t place =
                layout_row(&p->c_layout, line, row) + block * p->c_layout.block_stride;
            t.a = left_row(&p->a, line, row);
            t.c = p->c + place;
            t.mask = last && is_relu(p) && p->finish == NINP_GEMM_DERIVE ? p->mask + place : NULL;
            set_start(p, block, index > 0 || p->start == NINP_GEMM_ADD, &t);
            if (p->alone) {
                lone_functions[blocks - 1](&t);
            } else {
                tile_functions[t.a_row != 16][next - row - 1][blocks - 1](&t);
            }
        }
    }
}

/* Activations without a micro-kernel. */
static void finish_rows(const ninp_gemm_product *p, group rows, int block) {
    if (p->finish == NINP_GEMM_STORE || p->activation == NINP_ACTIVATION_NONE || is_relu(p)) {
        return;
    }
    const ninp_map_kernels *map = &NINP_FOR_ISA(ninp_map_kernels);
    const bool dense = p->c_layout.row_stride == 16;
    const size_t floats = dense ? (size_t)rows.count * 16 : 16;
    for (int i = 0; i < rows.lines * (dense ? 1 : rows.count); i++) {
        const int line = rows.line + (dense ? i : i / rows.count);
        const int row = rows.first + (dense ? 0 : i % rows.count);
        const ptrdiff_t place =
            layout_row(&p->c_layout, line, row) + block * p->c_layout.block_stride;
        if (p->finish == NINP_GEMM_ACTIVATE) {
            map->activate(p->activation, floats, p->c + place, p->c + place);
        } else {
            map->derive(p->activation, floats, p->mask + place, p->c + place, p->c + place);
        }
    }
}

static void multiply(const ninp_gemm_product *p) {
    const int rows = larger(GROUP_FLOATS / larger(p->a.depth, 1), 4 * ROWS);
    const int groups = group_count(&p->a, rows);
    for (int g = 0; g < groups; g++) {
        const group some = group_at(&p->a, rows, g);
        for (int block = 0; block < p->blocks; block += BLOCKS) {
            for (int index = 0; index < pass_count(&p->a); index++) {
                pass k;
                find_pass(p, index, &k);
                run_pass(p, some, block, index, &k);
            }
            for (int i = block; i < smaller(block + BLOCKS, p->blocks); i++) {
                finish_rows(p, some, i);
            }
        }
    }
}

/* The gradient's micro-kernel: one tile of B, some k's of one chunk, and the m's of one group. */
typedef struct gradient_tile {
    const float *a, *c;
    ptrdiff_t a_next; /* from a to the next chunk, to fetch it ahead */
    ptrdiff_t a_line, a_row, c_line, c_row, c_block;
    int lines, count;
    float *b;
    ptrdiff_t b_block;
    bool add;
} gradient_tile;

NINP_SIMD void run_gradient_tile(const gradient_tile *t, const int depth, const int columns) {
    ninp_v sum[DEPTH * COLUMNS];
    const float *start = t->add ? t->b : zeros;
    const ptrdiff_t start_k = t->add ? 16 : 0;
    const ptrdiff_t start_block = t->add ? t->b_block : 0;
    NINP_UNROLL for (int i = 0; i < depth * columns; i++) {
        sum[i] = ninp_load(start + i / columns * start_k + i % columns * start_block);
    }
    for (int line = 0; line < t->lines; line++) {
        const float *a = t->a + line * t->a_line;
        const float *c = t->c + line * t->c_line;
        for (int row = 0; row < t->count; row++) {
            __builtin_prefetch(a + t->a_next);
            ninp_v left = ninp_zero();
            ninp_v right[COLUMNS];
            NINP_UNROLL for (int i = 0; i < depth * columns; i++) {
                if (i < columns) {
                    right[i] = ninp_load(c + i * t->c_block);
                }
                if (i % columns == 0) {
                    left = ninp_set(a[i / columns]);
                }
                sum[i] = ninp_fma(left, right[i % columns], sum[i]);
            }
            a += t->a_row;
            c += t->c_row;
        }
    }
    NINP_UNROLL for (int i = 0; i < depth * columns; i++) {
        ninp_store(t->b + i / columns * 16 + i % columns * t->b_block, sum[i]);
    }
}

#define DEFINE_GRADIENT_TILE(depth, columns)                                \
    static void gradient_tile_##depth##_##columns(const gradient_tile *t) { \
        run_gradient_tile(t, depth, columns);                               \
    }
#define DEFINE_GRADIENT_TILES(depth) EACH_COLUMNS(DEFINE_GRADIENT_TILE, depth)
EACH_DEPTH(DEFINE_GRADIENT_TILES)

/* [depth - 1][columns - 1] */
#define GRADIENT_TILE(depth, columns) gradient_tile_##depth##_##columns,
#define GRADIENT_TILES(depth) {EACH_COLUMNS(GRADIENT_TILE, depth)},
static void (*const gradient_functions[DEPTH][COLUMNS])(const gradient_tile *) = {
    EACH_DEPTH(GRADIENT_TILES)};

/* All k's of `columns` blocks of B from `block` on, from the rows of one group. */
static void run_gradient_group(const ninp_gemm_gradient *g, group rows, int block, int columns,
                               bool add) {
    const float *a = left_row(&g->a, rows.line, rows.first);
    gradient_tile t = {.c = g->c + layout_row(&g->c_layout, rows.line, rows.first) +
                            block * g->c_layout.block_stride,
                       .a_line = g->a.line_stride,
                       .a_row = g->a.row_stride,
                       .c_line = g->c_layout.line_stride,
                       .c_row = g->c_layout.row_stride,
                       .c_block = g->c_layout.block_stride,
                       .lines = rows.lines,
                       .count = rows.count,
                       .b_block = g->b_block_stride,
                       .add = add};
    const ptrdiff_t b_stride = g->b_places ? g->b_chunk_stride : (ptrdiff_t)g->a.width * 16;
    const int chunks = parts_of(g->a.depth, g->a.width);
    for (int chunk = 0; chunk < chunks; chunk++) {
        const ptrdiff_t place = left_place(&g->a, chunk);
        const ptrdiff_t next = left_place(&g->a, chunk + (chunk < chunks - 1));
        const int width = smaller(g->a.width, g->a.depth - chunk * g->a.width);
        const int parts = parts_of(width, DEPTH);
        float *b = g->b + block * g->b_block_stride +
                   chunk_place(chunk, b_stride, g->b_places, g->a.place_count);
        for (int i = 0; i < parts; i++) {
            const int first = part_start(width, parts, i);
            const int depth = part_start(width, parts, i + 1) - first;
            t.a = a + place + first;
            t.a_next = next - place;
            t.b = b + first * 16;
            gradient_functions[depth - 1][columns - 1](&t);
        }
    }
    for (int i = 0; i < columns && g->sums; i++) {
        NINP_FOR_ISA(ninp_map_kernels)
            .bias_sums((size_t)rows.lines * (size_t)rows.count, t.c + i * t.c_block,
                       g->sums + (block + i) * 16);
    }
}

static void gradient(const ninp_gemm_gradient *g) {
    const int groups = group_count(&g->a, GRADIENT_ROWS);
    const int parts = parts_of(g->blocks, COLUMNS);
    for (int index = 0; index < groups; index++) {
        const group some = group_at(&g->a, GRADIENT_ROWS, index);
        for (int i = 0; i < parts; i++) {
            const int block = part_start(g->blocks, parts, i);
            const int columns = part_start(g->blocks, parts, i + 1) - block;
            run_gradient_group(g, some, block, columns, g->add || index > 0);
        }
    }
}

static void transpose(int n_count, int k_count, const float *b, ptrdiff_t b_block_stride, float *t,
                      ptrdiff_t t_block_stride) {
    for (int n = 0; n < n_count; n += 16) {
        for (int k = 0; k < k_count; k += 16) {
            ninp_v square[16];
            for (int i = 0; i < 16; i++) {
                const float *row = b + n / 16 * b_block_stride + (k + i) * 16;
                square[i] = k + i < k_count ? ninp_load(row) : ninp_zero();
            }
            ninp_transpose(square);
            for (int i = 0; i < smaller(16, n_count - n); i++) {
                ninp_store(t + k / 16 * t_block_stride + (n + i) * 16, square[i]);
            }
        }
    }
}

const ninp_gemm_kernels NINP_FOR_ISA(ninp_gemm_kernels) = {
    .rows = ROWS, .multiply = multiply, .gradient = gradient, .transpose = transpose};

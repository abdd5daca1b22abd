/* The tiles of a matrix product in shared memory, and how they are multiplied: on FMA units, or by
 * tensor cores through wmma. See conv.cu. */
#ifndef NINP_CUDA_PLUGIN_TILE_H
#define NINP_CUDA_PLUGIN_TILE_H

#include "cuda/plugin/value.h"

#ifndef NINP_CUDA_EMULATED
#include <mma.h>
#endif

namespace ninp_cuda {

enum { TILE_ROWS = 128, TILE_COLUMNS = 64, TILE_THREADS = 128 };

/* 16 bytes of values. */
template <typename T> struct alignas(16) piece {
    enum { SIZE = 16 / sizeof(T) };
    T values[SIZE];
};

template <typename T> __device__ inline piece<T> empty_piece() {
    piece<T> zeros;
    for (int i = 0; i < piece<T>::SIZE; i++) {
        put(&zeros.values[i], 0.0F);
    }
    return zeros;
}

/* The right matrix, row-major: `rows` x `columns`. */
struct plain_matrix {
    const void *values;
    size_t rows;
    int columns;
};

/* A piece of one of its rows, with zeros for what is outside. */
template <typename T>
__device__ inline piece<T> read_matrix(const plain_matrix &from, size_t row, int column) {
    const T *values = static_cast<const T *>(from.values) + row * (size_t)from.columns + column;
    piece<T> read = empty_piece<T>();
    if (row >= from.rows) {
        return read;
    }
    if (from.columns % piece<T>::SIZE == 0) {
        if (column < from.columns) {
            read = *reinterpret_cast<const piece<T> *>(values);
        }
        return read;
    }
    for (int i = 0; i < piece<T>::SIZE && column + i < from.columns; i++) {
        read.values[i] = values[i];
    }
    return read;
}

/* A block's sums. The margin keeps columns of rows in different banks. */
struct sum_tile {
    float sums[TILE_ROWS][TILE_COLUMNS + 4];
};

/* Writes a piece of factors as Math multiplies them. */
template <typename Math>
__device__ inline void put_piece(typename Math::value *place,
                                 const piece<typename Math::value> &read) {
    piece<typename Math::value> rounded;
    for (int i = 0; i < piece<typename Math::value>::SIZE; i++) {
        rounded.values[i] = Math::rounded(read.values[i]);
    }
    *reinterpret_cast<piece<typename Math::value> *>(place) = rounded;
}

/* A left factor of TILE_ROWS rows in shared memory. BY_ROW: pieces of it run along the sum, and
 * Math may keep them that way; else a line holds all rows of one place along the sum. `stride`:
 * from line to line, with a margin of 16 bytes against bank conflicts. */
template <typename Math, bool BY_ROW> struct left_tile {
    typedef typename Math::value T;
    enum { KEPT_BY_ROW = BY_ROW && Math::KEEPS_ROWS };
    T *values;
    int stride;

    /* Of a factor that is so deep. */
    static __host__ __device__ constexpr int stride_of(int depth) {
        return (KEPT_BY_ROW ? depth : (int)TILE_ROWS) + (int)piece<T>::SIZE;
    }
    static __host__ __device__ constexpr int values_of(int depth) {
        return (KEPT_BY_ROW ? (int)TILE_ROWS : depth) * stride_of(depth);
    }

    /* From this place along the sum on. */
    __device__ left_tile from(int along) const {
        return {values + along * (KEPT_BY_ROW ? 1 : stride), stride};
    }

    /* `along` the sum from here on, of one row. */
    __device__ void put_row(int row, int along, const piece<T> &read) const {
        if constexpr (KEPT_BY_ROW) {
            put_piece<Math>(values + row * stride + along, read);
        } else {
            for (int i = 0; i < piece<T>::SIZE; i++) {
                values[(along + i) * stride + row] = Math::rounded(read.values[i]);
            }
        }
    }

    /* One place along the sum, rows from here on; only where lines hold rows. */
    __device__ void put_column(int along, int row, const piece<T> &read) const {
        put_piece<Math>(values + along * stride + row, read);
    }
};

/* One step's part of a right factor: DEPTH lines of TILE_COLUMNS columns. */
template <typename Math> struct right_tile {
    typedef typename Math::value T;
    enum { DEPTH = 4 * piece<T>::SIZE, STRIDE = TILE_COLUMNS + piece<T>::SIZE };
    alignas(32) T values[DEPTH * STRIDE];

    __device__ void put(int along, int column, const piece<T> &read) {
        put_piece<Math>(values + along * STRIDE + column, read);
    }
};

/* One step's tiles, in turn with the sums at the end. */
template <typename Math, bool BY_ROW> struct tile_memory {
    typedef left_tile<Math, BY_ROW> left_factor;
    enum { DEPTH = right_tile<Math>::DEPTH };
    struct factor_tiles {
        alignas(32) typename Math::value left[left_factor::values_of(DEPTH)];
        right_tile<Math> right;
    };
    union {
        factor_tiles factors;
        sum_tile tile;
    };

    __device__ left_factor left() {
        return {factors.left, left_factor::stride_of(DEPTH)};
    }
};

/* Sums of a tile, spread over the TILE_THREADS threads that it is made for; `thread` is the number
 * among them. add(left, right) adds the products of one step. */

/* Each thread: 8 neighbouring rows, and 4 columns in each half of the tile. */
struct float_math {
    typedef float value;
    enum { KEEPS_ROWS = false };

    static __device__ float rounded(float value) {
        return value;
    }

    struct sums {
        float values[8][8];
        int row, column;

        __device__ explicit sums(int thread)
            : values{}, row(thread / 8 * 8), column(thread % 8 * 4) {
        }

        template <typename Left>
        __device__ void add(const Left &left, const right_tile<float_math> &right) {
            for (int along = 0; along < right_tile<float_math>::DEPTH; along++) {
                const float *line = left.values + along * left.stride + row;
                const float *other = right.values + along * right_tile<float_math>::STRIDE + column;
                const piece<float> rows[2] = {*reinterpret_cast<const piece<float> *>(line),
                                              *reinterpret_cast<const piece<float> *>(line + 4)};
                const piece<float> columns[2] = {
                    *reinterpret_cast<const piece<float> *>(other),
                    *reinterpret_cast<const piece<float> *>(other + TILE_COLUMNS / 2)};
#pragma unroll
                for (int i = 0; i < 8; i++) {
#pragma unroll
                    for (int j = 0; j < 8; j++) {
                        values[i][j] += rows[i / 4].values[i % 4] * columns[j / 4].values[j % 4];
                    }
                }
            }
        }

        __device__ void store(sum_tile &tile) const {
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    tile.sums[row + i][column + j / 4 * (TILE_COLUMNS / 2) + j % 4] = values[i][j];
                }
            }
        }
    };
};

/* Each warp: 32 rows of the tile, as 2 x 4 fragments of 16 x 16. `Factor` is what a fragment holds,
 * `DEEP` how far it reaches along the sum. */
template <typename T, typename Factor, int DEEP> struct warp_sums {
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, DEEP, float> values[2][4];
    int row;

    __device__ explicit warp_sums(int thread) : row(thread / 32 * 32) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                nvcuda::wmma::fill_fragment(values[i][j], 0.0F);
            }
        }
    }

    template <typename Layout, typename Left, typename Right>
    __device__ void add_by(const Left &left, int line, const Right &right) {
        namespace wmma = nvcuda::wmma;
        for (int along = 0; along < Right::DEPTH; along += DEEP) {
            wmma::fragment<wmma::matrix_a, 16, 16, DEEP, Factor, Layout> rows[2];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                wmma::load_matrix_sync(rows[i], left.from(along).values + (row + 16 * i) * line,
                                       (unsigned)left.stride);
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                wmma::fragment<wmma::matrix_b, 16, 16, DEEP, Factor, wmma::row_major> columns;
                wmma::load_matrix_sync(columns, right.values + along * Right::STRIDE + 16 * j,
                                       (unsigned)Right::STRIDE);
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    wmma::mma_sync(values[i][j], rows[i], columns, values[i][j]);
                }
            }
        }
    }

    template <typename Left, typename Right>
    __device__ void add(const Left &left, const Right &right) {
        if constexpr (Left::KEPT_BY_ROW) {
            add_by<nvcuda::wmma::row_major>(left, left.stride, right);
        } else {
            add_by<nvcuda::wmma::col_major>(left, 1, right);
        }
    }

    __device__ void store(sum_tile &tile) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                nvcuda::wmma::store_matrix_sync(&tile.sums[row + 16 * i][16 * j], values[i][j],
                                                TILE_COLUMNS + 4, nvcuda::wmma::mem_row_major);
            }
        }
    }
};

struct bf16_math {
    typedef bf16 value;
    typedef warp_sums<bf16, bf16, 16> sums;
    enum { KEEPS_ROWS = true };

    static __device__ bf16 rounded(bf16 value) {
        return value;
    }
};

struct tf32_math {
    typedef float value;
    typedef warp_sums<float, nvcuda::wmma::precision::tf32, 8> sums;
    enum { KEEPS_ROWS = true };

    static __device__ float rounded(float value) {
        return nvcuda::wmma::__float_to_tf32(value);
    }
};

} // namespace ninp_cuda

#endif

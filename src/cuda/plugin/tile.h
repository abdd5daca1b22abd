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

/* A block's sums. The margin keeps columns of rows in different banks. */
struct sum_tile {
    float sums[TILE_ROWS][TILE_COLUMNS + 4];
};

/* One step's tiles, in turn with the sums at the end. `by_row`: pieces of the left matrix run along
 * the sum, and Math may keep them that way. Rows have margins of 16 bytes against bank conflicts.
 */
template <typename Math, bool BY_ROW> struct tile_memory {
    typedef typename Math::value T;
    enum {
        SIZE = piece<T>::SIZE,
        DEPTH = 4 * SIZE, /* of the sum */
        KEPT_BY_ROW = BY_ROW && Math::KEEPS_ROWS,
        LEFT_LINES = KEPT_BY_ROW ? TILE_ROWS : DEPTH,
        LEFT_STRIDE = (KEPT_BY_ROW ? DEPTH : TILE_ROWS) + SIZE,
        RIGHT_STRIDE = TILE_COLUMNS + SIZE
    };
    struct factor_tiles {
        alignas(32) T left[LEFT_LINES * LEFT_STRIDE];
        alignas(32) T right[DEPTH * RIGHT_STRIDE];
    };
    union {
        factor_tiles factors;
        sum_tile tile;
    };

    /* `along` the sum from here on, of one row. */
    __device__ void put_left_row(int row, int along, const piece<T> &values) {
        if constexpr (KEPT_BY_ROW) {
            put_piece(factors.left + row * LEFT_STRIDE + along, values);
        } else {
            for (int i = 0; i < SIZE; i++) {
                factors.left[(along + i) * LEFT_STRIDE + row] = Math::rounded(values.values[i]);
            }
        }
    }

    /* One place along the sum, rows from here on. */
    __device__ void put_left_column(int along, int row, const piece<T> &values) {
        put_piece(factors.left + along * LEFT_STRIDE + row, values);
    }

    __device__ void put_right(int along, int column, const piece<T> &values) {
        put_piece(factors.right + along * RIGHT_STRIDE + column, values);
    }

    __device__ static void put_piece(T *place, piece<T> values) {
        for (int i = 0; i < SIZE; i++) {
            values.values[i] = Math::rounded(values.values[i]);
        }
        *reinterpret_cast<piece<T> *>(place) = values;
    }
};

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

        template <typename Memory>
        __device__ explicit sums(Memory &)
            : values{}, row((int)threadIdx.x / 8 * 8), column((int)threadIdx.x % 8 * 4) {
        }

        template <typename Memory> __device__ void add(const Memory &memory) {
            for (int along = 0; along < Memory::DEPTH; along++) {
                const float *left = memory.factors.left + along * Memory::LEFT_STRIDE + row;
                const float *right = memory.factors.right + along * Memory::RIGHT_STRIDE + column;
                const piece<float> rows[2] = {*reinterpret_cast<const piece<float> *>(left),
                                              *reinterpret_cast<const piece<float> *>(left + 4)};
                const piece<float> columns[2] = {
                    *reinterpret_cast<const piece<float> *>(right),
                    *reinterpret_cast<const piece<float> *>(right + TILE_COLUMNS / 2)};
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

    template <typename Memory>
    __device__ explicit warp_sums(Memory &) : row((int)threadIdx.x / 32 * 32) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                nvcuda::wmma::fill_fragment(values[i][j], 0.0F);
            }
        }
    }

    template <typename Layout, typename Memory>
    __device__ void add_by(const Memory &memory, int line, int step) {
        namespace wmma = nvcuda::wmma;
        for (int along = 0; along < Memory::DEPTH; along += DEEP) {
            wmma::fragment<wmma::matrix_a, 16, 16, DEEP, Factor, Layout> left[2];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                wmma::load_matrix_sync(left[i],
                                       memory.factors.left + (row + 16 * i) * line + along * step,
                                       (unsigned)Memory::LEFT_STRIDE);
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                wmma::fragment<wmma::matrix_b, 16, 16, DEEP, Factor, wmma::row_major> right;
                wmma::load_matrix_sync(right,
                                       memory.factors.right + along * Memory::RIGHT_STRIDE + 16 * j,
                                       (unsigned)Memory::RIGHT_STRIDE);
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    wmma::mma_sync(values[i][j], left[i], right, values[i][j]);
                }
            }
        }
    }

    template <typename Memory> __device__ void add(const Memory &memory) {
        if constexpr (Memory::KEPT_BY_ROW) {
            add_by<nvcuda::wmma::row_major>(memory, Memory::LEFT_STRIDE, 1);
        } else {
            add_by<nvcuda::wmma::col_major>(memory, 1, Memory::LEFT_STRIDE);
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

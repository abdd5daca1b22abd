/* Blocks of 256 threads whose halves each sum TILE_COLUMNS columns of a product of the same rows.
 */
#ifndef NINP_CUDA_PLUGIN_HALVES_H
#define NINP_CUDA_PLUGIN_HALVES_H

#include "cuda/plugin/tile.h"

namespace ninp_cuda {

enum {
    HALVES = 2,
    HALVES_THREADS = HALVES * TILE_THREADS,
    HALVES_COLUMNS = HALVES * TILE_COLUMNS /* that are summed at a time */
};

/* Where this thread stands: its half, its number there, and the pieces of its half's right tile
 * that it brings, in two lines. */
template <typename Math> struct half_place {
    typedef typename Math::value T;
    enum { PIECES = TILE_COLUMNS / piece<T>::SIZE, LINES = right_tile<Math>::DEPTH / 2 };
    int half, thread, line, column;

    __device__ half_place()
        : half((int)threadIdx.x / TILE_THREADS), thread((int)threadIdx.x % TILE_THREADS),
          line(thread / PIECES), column(thread % PIECES * piece<T>::SIZE) {
    }

    /* From a row and the first column of the half's tile on. */
    __device__ void read(const plain_matrix &right, size_t row, int first, piece<T> *rights) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            rights[i] = read_matrix<T>(right, row + (size_t)(line + LINES * i), first + column);
        }
    }

    __device__ void put(const piece<T> *rights, right_tile<Math> &to) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            to.put(line + LINES * i, column, rights[i]);
        }
    }
};

} // namespace ninp_cuda

#endif

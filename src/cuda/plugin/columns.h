/* Sums over the pixels of a batch, one a channel, in an order that depends on their number alone.
 * A block of 256 threads takes 32 neighbouring channels and a slab of pixels, which its 8 rows of
 * threads go through in turn; the 8 sums of a channel are added in order, and so are, in float64,
 * the slabs. Two sums are made at once, because batch norm needs two. */
#ifndef NINP_CUDA_PLUGIN_COLUMNS_H
#define NINP_CUDA_PLUGIN_COLUMNS_H

#include "cuda/plugin/kernels.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {

enum { COLUMN_CHANNELS = 32, COLUMN_ROWS = 8, COLUMN_THREADS = COLUMN_CHANNELS * COLUMN_ROWS };

struct sum_pair {
    float first, second;
};

/* A slab's rows, and how many slabs there are: at most 128. */
struct slab_cut {
    size_t rows;
    int count;
};

inline slab_cut slabs_of(size_t rows) {
    const size_t most = 128;
    const size_t least = 64;
    size_t each = (rows + most - 1) / most;
    each = each < least ? least : each;
    return {each, (int)((rows + each - 1) / each)};
}

struct column_memory {
    sum_pair sums[COLUMN_ROWS][COLUMN_CHANNELS];
};

/* term(row, c, index) gives what value `index` of channel c adds to both sums. Slab s of channel c
 * ends up in partial[s * channels + c]. */
template <typename Term>
__global__ void slab_kernel(Term term, size_t rows, int channels, size_t slab_rows,
                            sum_pair *partial) {
    auto &memory = block_memory<column_memory>();
    const int lane = (int)threadIdx.x % COLUMN_CHANNELS;
    const int part = (int)threadIdx.x / COLUMN_CHANNELS;
    const int c = (int)blockIdx.x * COLUMN_CHANNELS + lane;
    const size_t begin = (size_t)blockIdx.y * slab_rows;
    const size_t end = rows - begin < slab_rows ? rows : begin + slab_rows;
    sum_pair sum = {0.0F, 0.0F};
    for (size_t row = begin + (size_t)part; row < end && c < channels; row += COLUMN_ROWS) {
        const sum_pair more = term(c, row * (size_t)channels + (size_t)c);
        sum.first += more.first;
        sum.second += more.second;
    }
    memory.sums[part][lane] = sum;
    __syncthreads();
    if (part == 0 && c < channels) {
        for (int i = 1; i < COLUMN_ROWS; i++) {
            sum.first += memory.sums[i][lane].first;
            sum.second += memory.sums[i][lane].second;
        }
        partial[(size_t)blockIdx.y * (size_t)channels + (size_t)c] = sum;
    }
}

/* Both sums of a channel over its slabs. */
struct exact_pair {
    double first, second;
};
static __device__ inline exact_pair add_slabs(const float *partial, int slab_count, int channels,
                                              int c) {
    const sum_pair *slabs = reinterpret_cast<const sum_pair *>(partial);
    exact_pair sum = {0.0, 0.0};
    for (int i = 0; i < slab_count; i++) {
        const sum_pair more = slabs[(size_t)i * (size_t)channels + (size_t)c];
        sum.first += (double)more.first;
        sum.second += (double)more.second;
    }
    return sum;
}

template <typename Term>
void run_slabs(launcher &on, const Term &term, size_t rows, int channels, float *partial) {
    const slab_cut slab = slabs_of(rows);
    const dim3 grid((unsigned)((channels + COLUMN_CHANNELS - 1) / COLUMN_CHANNELS),
                    (unsigned)slab.count);
    launch(on, slab_kernel<Term>, grid, COLUMN_THREADS, term, rows, channels, slab.rows,
           reinterpret_cast<sum_pair *>(partial));
}

} // namespace ninp_cuda

#endif

/* Two convolutions of kernel 1 behind each other, as at the end of a NiN block, in one kernel:
 *
 *     y1 = activation(x W1 + bias1)        y2 = activation(y1 W2 + bias2)
 *
 * With few channels each of them waits for memory (C / 2 multiply-adds a value), so what counts is
 * that x is read once, y1 not at all. A block of 256 threads owns 128 pixels. Their x lies in
 * shared memory from end to end; y1, rounded as it is stored, takes the place of x there and is the
 * left factor of the second product. Where y1 has more columns than a block sums up at a time, x is
 * still needed and y1 lies behind it. Each half of the threads sums 64 columns, as in conv.cu and
 * in the same order, so that the values are those of two calls of conv_forward. */
#include "cuda/plugin/halves.h"

namespace ninp_cuda {
namespace {

/* Of both products, in turn. */
template <typename Math> union pair_scratch {
    right_tile<Math> rights[HALVES];
    sum_tile tile;
};

/* Channels as the left tile holds them, with zeros up to whole steps. */
template <typename Math> __host__ __device__ constexpr int whole_steps(int channels) {
    return (channels + right_tile<Math>::DEPTH - 1) / right_tile<Math>::DEPTH *
           right_tile<Math>::DEPTH;
}

template <typename Math> __host__ __device__ constexpr size_t left_bytes(int channels) {
    return (size_t)left_tile<Math, true>::values_of(whole_steps<Math>(channels)) *
           sizeof(typename Math::value);
}

template <typename Math> __device__ left_tile<Math, true> tile_at(void *memory, int channels) {
    return {static_cast<typename Math::value *>(memory),
            left_tile<Math, true>::stride_of(whole_steps<Math>(channels))};
}

/* The block's rows of x, with zeros for pixels and channels that do not exist. */
template <typename Math>
__device__ void read_left(const plain_matrix &x, const left_tile<Math, true> &to) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE };
    const int part = (int)threadIdx.x % 4 * SIZE;
    for (int along = part; along < whole_steps<Math>(x.columns); along += 4 * SIZE) {
#pragma unroll
        for (int row = (int)threadIdx.x / 4; row < TILE_ROWS; row += HALVES_THREADS / 4) {
            to.put_row(row, along,
                       read_matrix<T>(x, (size_t)blockIdx.x * TILE_ROWS + (size_t)row, along));
        }
    }
}

/* Adds left x right for this half's columns, from `column` on. `tile` is this half's. */
template <typename Math>
__device__ void multiply(const half_place<Math> &place, const left_tile<Math, true> &left,
                         const plain_matrix &right, int column, right_tile<Math> &tile,
                         typename Math::sums &sums) {
    enum { DEPTH = right_tile<Math>::DEPTH };
    const int depth = (int)right.rows;
    piece<typename Math::value> rights[2];
    place.read(right, 0, column, rights);
    for (int step = 0; step < depth; step += DEPTH) {
        place.put(rights, tile);
        __syncthreads();
        place.read(right, (size_t)(step + DEPTH), column, rights);
        if (column < right.columns) {
            sums.add(left.from(step), tile);
        }
        __syncthreads();
    }
}

/* Writes one half's sums, columns from `column` on: to y, and into `kept`, the left factor of what
 * comes next, with zeros up to whole steps. Either may be missing. A thread takes whole pieces. */
template <typename Math>
__device__ void finish_half(const pair_half &half, size_t pixels, int columns, int column,
                            const sum_tile &tile, const left_tile<Math, true> *kept) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE, PIECES = TILE_COLUMNS / SIZE };
    const int in_tile = (int)threadIdx.x % PIECES * SIZE;
    const int first = column + in_tile;
    if (first >= (kept ? whole_steps<Math>(columns) : columns)) {
        return;
    }
    for (int row = (int)threadIdx.x / PIECES; row < TILE_ROWS; row += HALVES_THREADS / PIECES) {
        piece<T> values = empty_piece<T>();
        for (int i = 0; i < SIZE && first < columns; i++) {
            const float sum = tile.sums[row][in_tile + i] + half.from.bias[first + i];
            put(&values.values[i], activate(half.activation, sum));
        }
        if (kept) {
            kept->put_row(row, first, values);
        }
        const size_t pixel = (size_t)blockIdx.x * TILE_ROWS + (size_t)row;
        if (half.y && pixel < pixels && first < columns) {
            T *y = static_cast<T *>(half.y) + pixel * (size_t)columns + first;
            *reinterpret_cast<piece<T> *>(y) = values;
        }
    }
}

/* One of the two products, all columns of it. */
template <typename Math>
__device__ void multiply_all(const left_tile<Math, true> &left, int depth, const pair_half &half,
                             size_t pixels, int columns, pair_scratch<Math> &scratch,
                             const left_tile<Math, true> *kept) {
    const half_place<Math> place;
    const plain_matrix right = {half.from.weights, (size_t)depth, columns};
    for (int column = 0; column < columns; column += HALVES_COLUMNS) {
        typename Math::sums sums(place.thread);
        multiply<Math>(place, left, right, column + place.half * TILE_COLUMNS,
                       scratch.rights[place.half], sums);
        for (int i = 0; i < HALVES; i++) {
            if (i == place.half) {
                sums.store(scratch.tile);
            }
            __syncthreads();
            finish_half<Math>(half, pixels, columns, column + i * TILE_COLUMNS, scratch.tile, kept);
            __syncthreads();
        }
    }
}

template <typename Math>
__global__ void __launch_bounds__(HALVES_THREADS, 2)
    pair_kernel(pair_shape shape, size_t pixels, const void *x, pair_half first, pair_half second) {
    unsigned char *memory = large_memory();
    auto &scratch = *reinterpret_cast<pair_scratch<Math> *>(memory);
    memory += sizeof scratch;
    const auto left = tile_at<Math>(memory, shape.input);
    if (shape.middle > HALVES_COLUMNS) {
        memory += left_bytes<Math>(shape.input);
    }
    const auto middle = tile_at<Math>(memory, shape.middle);
    read_left<Math>({x, pixels, shape.input}, left);
    multiply_all<Math>(left, shape.input, first, pixels, shape.middle, scratch, &middle);
    multiply_all<Math>(middle, shape.middle, second, pixels, shape.output, scratch,
                       static_cast<const left_tile<Math, true> *>(NULL));
}

template <typename Math> size_t bytes_for(const pair_shape &shape) {
    const int size = piece<typename Math::value>::SIZE;
    if (shape.input % size != 0 || shape.middle % size != 0 || shape.output % size != 0) {
        return 0;
    }
    const size_t left = left_bytes<Math>(shape.input);
    const size_t middle = left_bytes<Math>(shape.middle);
    const size_t larger = left > middle ? left : middle;
    return sizeof(pair_scratch<Math>) + (shape.middle > HALVES_COLUMNS ? left + middle : larger);
}

template <typename Math>
void launch_pair(launcher &on, const pair_shape &shape, size_t pixels, const void *x,
                 const pair_half &first, const pair_half &second) {
    const dim3 grid((unsigned)((pixels + TILE_ROWS - 1) / TILE_ROWS));
    launch_large(on, pair_kernel<Math>, grid, HALVES_THREADS, bytes_for<Math>(shape), shape, pixels,
                 x, first, second);
}

} // namespace

size_t pair_bytes(ninp_cuda_math math, const pair_shape &shape) {
    return math == NINP_CUDA_BF16   ? bytes_for<bf16_math>(shape)
           : math == NINP_CUDA_TF32 ? bytes_for<tf32_math>(shape)
                                    : bytes_for<float_math>(shape);
}

void pair_forward(launcher &on, const pair_shape &shape, size_t pixels, const void *x,
                  const pair_half &first, const pair_half &second) {
    if (on.math == NINP_CUDA_BF16) {
        launch_pair<bf16_math>(on, shape, pixels, x, first, second);
    } else if (on.math == NINP_CUDA_TF32) {
        launch_pair<tf32_math>(on, shape, pixels, x, first, second);
    } else {
        launch_pair<float_math>(on, shape, pixels, x, first, second);
    }
}

} // namespace ninp_cuda

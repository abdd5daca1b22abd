/* Convolutions whose channels do not fill 16 bytes, as the first one of a net: the same products
 * and the same left and right matrices as in conv.cu, with the patches built from shared memory. A
 * block of 256 threads owns 128 neighbouring output pixels of one picture. It loads the input rows
 * under them once, with their padding as zeros; then a patch's value is one addition away: where
 * the pixel's patch begins, from one table, and how far into it the value lies, from another. Each
 * half of the threads sums 64 columns, along the sum in the order of conv.cu.
 *
 * Weight gradients are summed over the tiles of a part of the batch; the parts are added in order.
 */
#include "cuda/plugin/halves.h"

namespace ninp_cuda {
namespace {

enum {
    STEM_BYTES = 99 * 1024 /* that a block may take: all devices from compute capability 8.0 on have
                              them */
};

/* A convolution as a block sees it. */
struct stem {
    conv_shape conv;
    int pixels;     /* of an output picture */
    int tiles;      /* that it is cut into */
    int width;      /* of a patch: kernel x kernel x C */
    int line;       /* values under a row of output pixels, padding included */
    int line_count; /* input rows under a tile, at most */
};

unsigned tiles(int size, int tile) {
    return (unsigned)((size + tile - 1) / tile);
}

stem stem_of(const conv_shape &shape) {
    const nin_shape output = shape.output;
    const int pixels = output.height * output.width;
    const int most = (output.width + TILE_ROWS - 2) / output.width + 1; /* output rows of a tile */
    const int rows = most < output.height ? most : output.height;
    return {shape,
            pixels,
            (int)tiles(pixels, TILE_ROWS),
            shape.kernel * shape.kernel * shape.input.channels,
            ((output.width - 1) * shape.stride + shape.kernel) * shape.input.channels,
            (rows - 1) * shape.stride + shape.kernel};
}

/* What a block's shared memory begins with. Behind it: `offsets`, one a column of the patches that
 * the block has to do with, and then the input rows. */
template <typename Math, bool BY_ROW> struct stem_memory {
    typedef left_tile<Math, BY_ROW> left_factor;
    struct factor_tiles {
        alignas(32) typename Math::value left[left_factor::values_of(right_tile<Math>::DEPTH)];
        right_tile<Math> rights[HALVES];
    };
    union {
        factor_tiles factors;
        sum_tile tile;
    };
    int begins[TILE_ROWS]; /* of each pixel's patch in the rows; -1: there is no such pixel */

    __device__ left_factor left() {
        return {factors.left, left_factor::stride_of(right_tile<Math>::DEPTH)};
    }
    __device__ int *offsets() {
        return reinterpret_cast<int *>(this + 1);
    }
};

template <typename Math, bool BY_ROW> size_t bytes_of(const stem &of) {
    const size_t columns = BY_ROW ? (size_t)of.width : (size_t)TILE_ROWS;
    return sizeof(stem_memory<Math, BY_ROW>) + columns * sizeof(int) +
           (size_t)of.line * (size_t)of.line_count * sizeof(typename Math::value);
}

/* How far columns first .. first + count of a patch lie from its begin; -1 behind the last. */
__device__ void find_offsets(const stem &of, int first, int count, int *offsets) {
    const int channels = of.conv.input.channels;
    for (int i = (int)threadIdx.x; i < count; i += HALVES_THREADS) {
        const int column = first + i;
        const int position = column / channels;
        const int r = position / of.conv.kernel;
        const int s = position % of.conv.kernel;
        offsets[i] = column < of.width ? r * of.line + s * channels + column % channels : -1;
    }
}

/* The input rows under the pixels of a picture from `first` on, and where their patches begin. A
 * warp reads one row. */
template <typename T>
__device__ void read_rows(const stem &of, const void *x, int picture, int first, T *lines,
                          int *begins) {
    const nin_shape input = of.conv.input;
    const int columns = of.conv.output.width;
    const int first_row = first / columns;
    const int end = first + TILE_ROWS < of.pixels ? first + TILE_ROWS : of.pixels;
    const int rows = ((end - 1) / columns - first_row) * of.conv.stride + of.conv.kernel;
    const int values = input.width * input.channels; /* of an input row */
    for (int row = (int)threadIdx.x / 32; row < rows; row += HALVES_THREADS / 32) {
        const int y = first_row * of.conv.stride - of.conv.padding + row;
        const bool inside = y >= 0 && y < input.height;
        const size_t line = (size_t)picture * (size_t)input.height + (size_t)(inside ? y : 0);
        const T *from = static_cast<const T *>(x) + line * (size_t)values;
        for (int i = (int)threadIdx.x % 32; i < of.line; i += 32) {
            const int at = i - of.conv.padding * input.channels;
            T value;
            put(&value, 0.0F);
            if (inside && at >= 0 && at < values) {
                value = from[at];
            }
            lines[row * of.line + i] = value;
        }
    }
    for (int i = (int)threadIdx.x; i < TILE_ROWS; i += HALVES_THREADS) {
        const int pixel = first + i;
        const int line =
            (pixel / columns - first_row) * of.line + pixel % columns * of.conv.input.channels;
        begins[i] = pixel < end ? line * of.conv.stride : -1;
    }
}

template <typename T> __device__ T patch_value(const T *lines, int begin, int offset) {
    T value;
    put(&value, 0.0F);
    return begin < 0 || offset < 0 ? value : lines[begin + offset];
}

/* Where a half's sums go: rows of all columns, as floats, or as values with what comes behind the
 * product. */
struct stem_end {
    void *y;
    float *partial;
    const float *bias;
    ninp_activation activation;
};

/* Writes the sums of both halves in turn: `rows` rows, the first of which is first_row of the
 * result. */
template <typename Math>
__device__ void finish(const stem_end &end, size_t first_row, int rows, int columns,
                       const typename Math::sums &sums, sum_tile &tile) {
    for (int half = 0; half < HALVES; half++) {
        if (half == (int)threadIdx.x / TILE_THREADS) {
            sums.store(tile);
        }
        __syncthreads();
        const int column = (int)blockIdx.y * HALVES_COLUMNS + half * TILE_COLUMNS +
                           (int)threadIdx.x % TILE_COLUMNS;
        for (int row = (int)threadIdx.x / TILE_COLUMNS;
             row < TILE_ROWS && row < rows && column < columns;
             row += HALVES_THREADS / TILE_COLUMNS) {
            const size_t index = (first_row + (size_t)row) * (size_t)columns + (size_t)column;
            const float sum = tile.sums[row][threadIdx.x % TILE_COLUMNS];
            if (end.partial) {
                end.partial[index] = sum;
            } else {
                put(static_cast<typename Math::value *>(end.y) + index,
                    activate(end.activation, sum + end.bias[column]));
            }
        }
        __syncthreads();
    }
}

/* y = P W. */
template <typename Math>
__global__ void __launch_bounds__(HALVES_THREADS, 2)
    stem_kernel(stem of, const void *x, plain_matrix right, stem_end end) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE, DEPTH = right_tile<Math>::DEPTH };
    auto &memory = *reinterpret_cast<stem_memory<Math, true> *>(large_memory());
    int *offsets = memory.offsets();
    T *lines = reinterpret_cast<T *>(offsets + of.width);
    const int picture = (int)blockIdx.x / of.tiles;
    const int first = (int)blockIdx.x % of.tiles * TILE_ROWS;
    const half_place<Math> place;
    const int column = (int)blockIdx.y * HALVES_COLUMNS + place.half * TILE_COLUMNS;
    piece<T> rights[2];
    place.read(right, 0, column, rights);
    find_offsets(of, 0, of.width, offsets);
    read_rows(of, x, picture, first, lines, memory.begins);
    __syncthreads();
    typename Math::sums sums(place.thread);
    for (int step = 0; step < of.width; step += DEPTH) {
        const int part = (int)threadIdx.x % 4 * SIZE;
#pragma unroll
        for (int row = (int)threadIdx.x / 4; row < TILE_ROWS; row += HALVES_THREADS / 4) {
            piece<T> patch = empty_piece<T>();
            for (int i = 0; i < SIZE && step + part + i < of.width; i++) {
                patch.values[i] = patch_value(lines, memory.begins[row], offsets[step + part + i]);
            }
            memory.left().put_row(row, part, patch);
        }
        place.put(rights, memory.factors.rights[place.half]);
        __syncthreads();
        place.read(right, (size_t)(step + DEPTH), column, rights);
        if (column < right.columns) {
            sums.add(memory.left(), memory.factors.rights[place.half]);
        }
        __syncthreads();
    }
    finish<Math>(end, (size_t)picture * (size_t)of.pixels + (size_t)first, of.pixels - first,
                 right.columns, sums, memory.tile);
}

/* dW = P^T dy over the tiles of one part of the batch, 128 columns of the patches. Where a tile
 * hangs over the end of a picture, zeros of P^T meet the dy of the next one. */
template <typename Math>
__global__ void __launch_bounds__(HALVES_THREADS, 2)
    stem_weights_kernel(stem of, const void *x, plain_matrix dy, int part_tiles, stem_end end) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE, DEPTH = right_tile<Math>::DEPTH, PIECES = TILE_ROWS / SIZE };
    auto &memory = *reinterpret_cast<stem_memory<Math, false> *>(large_memory());
    int *offsets = memory.offsets();
    T *lines = reinterpret_cast<T *>(offsets + TILE_ROWS);
    const int first_row = (int)blockIdx.x * TILE_ROWS;
    const half_place<Math> place;
    const int column = (int)blockIdx.y * HALVES_COLUMNS + place.half * TILE_COLUMNS;
    const int begin = (int)blockIdx.z * part_tiles;
    const int all = (int)(dy.rows / (size_t)of.pixels) * of.tiles;
    const int stop = begin + part_tiles < all ? begin + part_tiles : all;
    find_offsets(of, first_row, TILE_ROWS, offsets);
    typename Math::sums sums(place.thread);
    for (int tile = begin; tile < stop; tile++) {
        const int picture = tile / of.tiles;
        const int first = tile % of.tiles * TILE_ROWS;
        const size_t row = (size_t)picture * (size_t)of.pixels + (size_t)first;
        piece<T> rights[2];
        place.read(dy, row, column, rights);
        read_rows(of, x, picture, first, lines, memory.begins);
        __syncthreads();
        for (int step = 0; step < TILE_ROWS && first + step < of.pixels; step += DEPTH) {
            const int left_row = (int)threadIdx.x % PIECES * SIZE;
#pragma unroll
            for (int along = (int)threadIdx.x / PIECES; along < DEPTH;
                 along += HALVES_THREADS / PIECES) {
                piece<T> patch;
                for (int i = 0; i < SIZE; i++) {
                    patch.values[i] =
                        patch_value(lines, memory.begins[step + along], offsets[left_row + i]);
                }
                memory.left().put_column(along, left_row, patch);
            }
            place.put(rights, memory.factors.rights[place.half]);
            __syncthreads();
            place.read(dy, row + (size_t)(step + DEPTH), column, rights);
            if (column < dy.columns) {
                sums.add(memory.left(), memory.factors.rights[place.half]);
            }
            __syncthreads();
        }
    }
    finish<Math>(end, (size_t)blockIdx.z * (size_t)of.width + (size_t)first_row,
                 of.width - first_row, dy.columns, sums, memory.tile);
}

template <typename Math>
void launch_forward(launcher &on, const stem &of, int count, const void *x,
                    const plain_matrix &right, const stem_end &end) {
    const dim3 grid((unsigned)(count * of.tiles), tiles(right.columns, HALVES_COLUMNS));
    launch_large(on, stem_kernel<Math>, grid, HALVES_THREADS, bytes_of<Math, true>(of), of, x,
                 right, end);
}

/* How the tiles of a batch are cut into parts; as in conv.cu. */
struct cut {
    int parts, tiles; /* of a part */
};

cut cut_of(const stem &of, int count) {
    const int wanted_blocks = 264;
    const int least_tiles = 2;
    const int blocks =
        (int)(tiles(of.width, TILE_ROWS) * tiles(of.conv.output.channels, HALVES_COLUMNS));
    const int all = count * of.tiles;
    const int wanted = (int)tiles(wanted_blocks, blocks);
    const int most = (int)tiles(all, least_tiles);
    const int each = (int)tiles(all, wanted < most ? wanted : most);
    return {(int)tiles(all, each), each};
}

template <typename Math>
void launch_weights(launcher &on, const stem &of, int count, const void *x, const void *dy,
                    float *partial) {
    const cut parts = cut_of(of, count);
    const plain_matrix right = {dy, (size_t)count * (size_t)of.pixels, of.conv.output.channels};
    const dim3 grid(tiles(of.width, TILE_ROWS), tiles(right.columns, HALVES_COLUMNS),
                    (unsigned)parts.parts);
    launch_large(on, stem_weights_kernel<Math>, grid, HALVES_THREADS, bytes_of<Math, false>(of), of,
                 x, right, parts.tiles, stem_end{NULL, partial, NULL, NINP_ACTIVATION_NONE});
}

} // namespace

bool is_stem(ninp_cuda_math math, const conv_shape &shape) {
    const int whole_piece = 16 / (int)value_bytes(math);
    const int least_pixels = TILE_ROWS / 2;
    if (shape.kernel == 1 || shape.input.channels >= whole_piece ||
        shape.output.height * shape.output.width < least_pixels) {
        return false;
    }
    const stem of = stem_of(shape);
    const size_t forward =
        math == NINP_CUDA_BF16 ? bytes_of<bf16_math, true>(of) : bytes_of<float_math, true>(of);
    const size_t backward =
        math == NINP_CUDA_BF16 ? bytes_of<bf16_math, false>(of) : bytes_of<float_math, false>(of);
    return forward <= STEM_BYTES && backward <= STEM_BYTES;
}

void stem_forward(launcher &on, const conv_shape &shape, int count, const void *x,
                  const conv_weights &from, ninp_activation activation, void *y) {
    const stem of = stem_of(shape);
    const plain_matrix right = {from.weights, (size_t)of.width, shape.output.channels};
    const stem_end end = {y, NULL, from.bias, activation};
    if (on.math == NINP_CUDA_BF16) {
        launch_forward<bf16_math>(on, of, count, x, right, end);
    } else if (on.math == NINP_CUDA_TF32) {
        launch_forward<tf32_math>(on, of, count, x, right, end);
    } else {
        launch_forward<float_math>(on, of, count, x, right, end);
    }
}

int stem_parts(const conv_shape &shape, int count) {
    return cut_of(stem_of(shape), count).parts;
}

void stem_weight_parts(launcher &on, const conv_shape &shape, int count, const void *x,
                       const void *dy, float *partial) {
    const stem of = stem_of(shape);
    if (on.math == NINP_CUDA_BF16) {
        launch_weights<bf16_math>(on, of, count, x, dy, partial);
    } else if (on.math == NINP_CUDA_TF32) {
        launch_weights<tf32_math>(on, of, count, x, dy, partial);
    } else {
        launch_weights<float_math>(on, of, count, x, dy, partial);
    }
}

} // namespace ninp_cuda

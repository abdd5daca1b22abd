/* Convolution as matrix products that read pictures where they lie (implicit GEMM). With rows of
 * pixels and P the matrix of the patches under them, P[pixel][(r, s, c)]:
 *
 *     y  = P(x) W                rows: output pixels
 *     dx = P'(dy) W'             rows: input pixels; P' holds what each of them was multiplied into
 *     dW = P(x)^T dy             rows: (r, s, c); summed over output pixels
 *
 * A block of 128 threads computes 128 x 64 values of the product. It walks along the sum in steps
 * of 64 bytes (16 float or 32 bfloat16 values): while it multiplies one step's tiles out of shared
 * memory, each thread holds its part of the next one, 4 pieces of 16 bytes of the left matrix and 2
 * of the right one, in registers. float32 multiplies 8 x 8 values a thread on the FMA units; bf16
 * and TF32 let each of the 4 warps multiply 32 x 64 on tensor cores. */
#include "cuda/plugin/kernels.h"
#include "cuda/plugin/tile.h"

namespace ninp_cuda {
namespace {

/* The left matrix: patches of pictures N x H x W x C. */
struct patches {
    const void *values;
    nin_shape shape;             /* of what is read */
    int rows_height, rows_width; /* of the pictures whose pixels are rows */
    int kernel, stride, padding;
    bool scattered; /* P': pixel (p, q) under window position (r, s) of output ((p + padding - r) /
                       stride, ...), where that is a whole number */
    size_t pixels;  /* N x rows_height x rows_width */
    int width;      /* kernel x kernel x C */
};

/* What becomes of the product, rows x columns. */
struct product_end {
    void *values;      /* as stored; or partial */
    float *partial;    /* of the weight gradient: one product a part */
    const float *bias; /* one a column, or NULL */
    ninp_activation activation;
    derivative of_input;
};

struct pixel_place {
    int picture, y, x; /* y and x: of window position (0, 0) in what is read */
    bool there;
};

__device__ pixel_place place_of(const patches &left, size_t row) {
    const size_t pixels = (size_t)left.rows_height * (size_t)left.rows_width;
    pixel_place place = {(int)(row / pixels), 0, 0, row < left.pixels};
    const int pixel = (int)(row % pixels);
    const int p = pixel / left.rows_width;
    const int q = pixel % left.rows_width;
    place.y = left.scattered ? p + left.padding : p * left.stride - left.padding;
    place.x = left.scattered ? q + left.padding : q * left.stride - left.padding;
    return place;
}

/* A column of the patches. */
struct window_place {
    int column, r, s, c;
};

__device__ window_place window_of(const patches &left, int column) {
    const int position = column / left.shape.channels;
    return {column, position / left.kernel, position % left.kernel, column % left.shape.channels};
}

__device__ void next_column(const patches &left, window_place *at) {
    at->column++;
    if (++at->c == left.shape.channels) {
        at->c = 0;
        if (++at->s == left.kernel) {
            at->s = 0;
            at->r++;
        }
    }
}

/* Where the value under a pixel and a window position lies; false: it is padding. */
__device__ bool find_value(const patches &left, const pixel_place &pixel, const window_place &at,
                           size_t *index) {
    int y = left.scattered ? pixel.y - at.r : pixel.y + at.r;
    int x = left.scattered ? pixel.x - at.s : pixel.x + at.s;
    if (left.scattered && left.stride > 1) {
        if (y < 0 || x < 0 || y % left.stride != 0 || x % left.stride != 0) {
            return false;
        }
        y /= left.stride;
        x /= left.stride;
    }
    if (!pixel.there || y < 0 || x < 0 || y >= left.shape.height || x >= left.shape.width) {
        return false;
    }
    const size_t line = (size_t)pixel.picture * (size_t)left.shape.height + (size_t)y;
    *index =
        (line * (size_t)left.shape.width + (size_t)x) * (size_t)left.shape.channels + (size_t)at.c;
    return true;
}

/* A piece of one row: `piece<T>::SIZE` columns from `at` on. Where channels come in whole pieces it
 * lies in one pixel and is read at once. */
template <typename T>
__device__ piece<T> read_patches(const patches &left, const pixel_place &pixel, window_place at) {
    const T *values = static_cast<const T *>(left.values);
    size_t index;
    piece<T> read = empty_piece<T>();
    if (left.shape.channels % piece<T>::SIZE == 0) {
        if (at.column < left.width && find_value(left, pixel, at, &index)) {
            read = *reinterpret_cast<const piece<T> *>(values + index);
        }
        return read;
    }
    for (int i = 0; i < piece<T>::SIZE && at.column < left.width; i++) {
        if (find_value(left, pixel, at, &index)) {
            read.values[i] = values[index];
        }
        next_column(left, &at);
    }
    return read;
}

/* Writes a block's tile of the product. A warp writes neighbouring columns. */
template <typename T>
__device__ void finish_tile(const product_end &end, size_t rows, int columns,
                            const sum_tile &tile) {
    const int column = (int)blockIdx.y * TILE_COLUMNS + (int)threadIdx.x % TILE_COLUMNS;
    if (column >= columns) {
        return;
    }
    const float bias = end.bias ? end.bias[column] : 0.0F;
    for (int i = (int)threadIdx.x / TILE_COLUMNS; i < TILE_ROWS; i += TILE_THREADS / TILE_COLUMNS) {
        const size_t row = (size_t)blockIdx.x * TILE_ROWS + (size_t)i;
        if (row >= rows) {
            return;
        }
        const size_t index = row * (size_t)columns + (size_t)column;
        float value = tile.sums[i][threadIdx.x % TILE_COLUMNS];
        if (end.partial) {
            end.partial[(size_t)blockIdx.z * rows * (size_t)columns + index] = value;
            continue;
        }
        value = activate(end.activation, value + bias);
        put(static_cast<T *>(end.values) + index, derive<T>(end.of_input, index, value));
    }
}

/* y = P W, for both directions of pictures. */
template <typename Math>
__global__ void __launch_bounds__(TILE_THREADS)
    pixels_kernel(patches left, plain_matrix right, product_end end) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE, DEPTH = 4 * SIZE };
    auto &memory = block_memory<tile_memory<Math, true>>();
    typename Math::sums sums((int)threadIdx.x);

    /* This thread's pieces: one of 4 along the sum, in 4 rows that are 32 apart. */
    const int part = (int)threadIdx.x % 4 * SIZE;
    const int first_row = (int)threadIdx.x / 4;
    pixel_place rows[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        rows[i] = place_of(left, (size_t)blockIdx.x * TILE_ROWS + (size_t)(first_row + 32 * i));
    }
    const int right_column = (int)threadIdx.x % (TILE_COLUMNS / SIZE) * SIZE;
    const int right_row = (int)threadIdx.x / (TILE_COLUMNS / SIZE);
    const int column = (int)blockIdx.y * TILE_COLUMNS + right_column;

    piece<T> lefts[4] = {}, rights[2] = {};
    for (int step = -DEPTH; step < left.width; step += DEPTH) {
        if (step >= 0) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                memory.left().put_row(first_row + 32 * i, part, lefts[i]);
            }
#pragma unroll
            for (int i = 0; i < 2; i++) {
                memory.factors.right.put(right_row + DEPTH / 2 * i, right_column, rights[i]);
            }
        }
        __syncthreads();
        const int next = step + DEPTH;
        if (next < left.width) {
            const window_place at = window_of(left, next + part);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                lefts[i] = read_patches<T>(left, rows[i], at);
            }
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const size_t row = (size_t)(next + right_row + DEPTH / 2 * i);
                rights[i] = read_matrix<T>(right, row, column);
            }
        }
        if (step >= 0) {
            sums.add(memory.left(), memory.factors.right);
        }
        __syncthreads();
    }
    sums.store(memory.tile);
    __syncthreads();
    finish_tile<T>(end, left.pixels, right.columns, memory.tile);
}

/* dW = P^T dy over the pixels of one part of the batch, which all but the last have whole steps of.
 */
template <typename Math>
__global__ void __launch_bounds__(TILE_THREADS)
    weights_kernel(patches left, plain_matrix right, size_t part_pixels, product_end end) {
    typedef typename Math::value T;
    enum { SIZE = piece<T>::SIZE, DEPTH = 4 * SIZE };
    auto &memory = block_memory<tile_memory<Math, false>>();
    typename Math::sums sums((int)threadIdx.x);

    /* This thread's pieces: some columns of the patches, in 4 pixels that are SIZE apart. */
    const int left_column = (int)threadIdx.x % (TILE_ROWS / SIZE) * SIZE;
    const int left_row = (int)threadIdx.x / (TILE_ROWS / SIZE);
    const int patch_column = (int)blockIdx.x * TILE_ROWS + left_column;
    const window_place at = window_of(left, patch_column);
    const int right_column = (int)threadIdx.x % (TILE_COLUMNS / SIZE) * SIZE;
    const int right_row = (int)threadIdx.x / (TILE_COLUMNS / SIZE);
    const int column = (int)blockIdx.y * TILE_COLUMNS + right_column;

    const size_t begin = (size_t)blockIdx.z * part_pixels;
    const size_t rest = left.pixels - begin;
    const size_t count = rest < part_pixels ? rest : part_pixels;
    piece<T> lefts[4] = {}, rights[2] = {};
    for (size_t done = 0; done < count + DEPTH;
         done += DEPTH) { /* read is `done`, one step ahead */
        if (done > 0) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                memory.left().put_column(left_row + SIZE * i, left_column, lefts[i]);
            }
#pragma unroll
            for (int i = 0; i < 2; i++) {
                memory.factors.right.put(right_row + DEPTH / 2 * i, right_column, rights[i]);
            }
        }
        __syncthreads();
        if (done < count) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const size_t row = begin + done + (size_t)(left_row + SIZE * i);
                lefts[i] = read_patches<T>(left, place_of(left, row), at);
            }
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const size_t row = begin + done + (size_t)(right_row + DEPTH / 2 * i);
                rights[i] = read_matrix<T>(right, row, column);
            }
        }
        if (done > 0) {
            sums.add(memory.left(), memory.factors.right);
        }
        __syncthreads();
    }
    sums.store(memory.tile);
    __syncthreads();
    finish_tile<T>(end, (size_t)left.width, right.columns, memory.tile);
}

/* Adds the parts in order: rows (r, s, c) of k become K x C x R x S. One thread a weight. */
__global__ void add_parts_kernel(const float *partial, int parts, int channels, int window,
                                 int filters, float *gradient) {
    const size_t count = (size_t)channels * (size_t)window * (size_t)filters;
    const size_t index = each_index();
    if (index >= count) {
        return;
    }
    float sum = 0.0F;
    for (int part = 0; part < parts; part++) {
        sum += partial[(size_t)part * count + index];
    }
    const size_t k = index % (size_t)filters;
    const size_t row = index / (size_t)filters;
    const size_t c = row % (size_t)channels;
    const size_t place = row / (size_t)channels;
    gradient[(k * (size_t)channels + c) * (size_t)window + place] = sum;
}

unsigned tiles(size_t size, size_t tile) {
    return (unsigned)((size + tile - 1) / tile);
}

void run_pixels(launcher &on, const patches &left, const plain_matrix &right,
                const product_end &end) {
    const dim3 grid(tiles(left.pixels, TILE_ROWS), tiles((size_t)right.columns, TILE_COLUMNS));
    if (on.math == NINP_CUDA_BF16) {
        launch(on, pixels_kernel<bf16_math>, grid, TILE_THREADS, left, right, end);
    } else if (on.math == NINP_CUDA_TF32) {
        launch(on, pixels_kernel<tf32_math>, grid, TILE_THREADS, left, right, end);
    } else {
        launch(on, pixels_kernel<float_math>, grid, TILE_THREADS, left, right, end);
    }
}

patches patches_of(const conv_shape &shape, int count, const void *x) {
    return {x,
            shape.input,
            shape.output.height,
            shape.output.width,
            shape.kernel,
            shape.stride,
            shape.padding,
            false,
            pixel_count(shape.output, count),
            shape.kernel * shape.kernel * shape.input.channels};
}

/* How the pixels are cut: enough parts to fill a large device, none shorter than a few steps. The
 * numbers are fixed, so that the order of sums is the same on every device. */
struct cut {
    int parts;
    size_t pixels; /* of a part */
};

cut cut_of(const conv_shape &shape, int count) {
    const size_t wanted_blocks = 264;
    const size_t least_pixels = 256;
    const size_t rows = weight_count(shape) / (size_t)shape.output.channels;
    const size_t blocks =
        (size_t)tiles(rows, TILE_ROWS) * tiles((size_t)shape.output.channels, TILE_COLUMNS);
    const size_t pixels = pixel_count(shape.output, count);
    size_t parts = (wanted_blocks + blocks - 1) / blocks;
    const size_t most = (pixels + least_pixels - 1) / least_pixels;
    parts = parts < most ? parts : most;
    const size_t each = ((pixels + parts - 1) / parts + 31) / 32 * 32;
    return {(int)((pixels + each - 1) / each), each};
}

/* The parts of a weight gradient. */
void run_weights(launcher &on, const conv_shape &shape, int count, const void *x, const void *dy,
                 float *partial) {
    const patches left = patches_of(shape, count, x);
    const plain_matrix right = {dy, left.pixels, shape.output.channels};
    const cut parts = cut_of(shape, count);
    product_end end = {};
    end.partial = partial;
    const dim3 grid(tiles((size_t)left.width, TILE_ROWS),
                    tiles((size_t)right.columns, TILE_COLUMNS), (unsigned)parts.parts);
    if (on.math == NINP_CUDA_BF16) {
        launch(on, weights_kernel<bf16_math>, grid, TILE_THREADS, left, right, parts.pixels, end);
    } else if (on.math == NINP_CUDA_TF32) {
        launch(on, weights_kernel<tf32_math>, grid, TILE_THREADS, left, right, parts.pixels, end);
    } else {
        launch(on, weights_kernel<float_math>, grid, TILE_THREADS, left, right, parts.pixels, end);
    }
}

} // namespace

size_t weight_count(const conv_shape &shape) {
    return (size_t)shape.kernel * (size_t)shape.kernel * (size_t)shape.input.channels *
           (size_t)shape.output.channels;
}

void conv_forward(launcher &on, const conv_shape &shape, int count, const void *x,
                  const conv_weights &from, ninp_activation activation, void *y) {
    if (is_stem(on.math, shape)) {
        stem_forward(on, shape, count, x, from, activation, y);
        return;
    }
    const patches left = patches_of(shape, count, x);
    product_end end = {};
    end.values = y;
    end.bias = from.bias;
    end.activation = activation;
    run_pixels(on, left, {from.weights, (size_t)left.width, shape.output.channels}, end);
}

void conv_input_gradient(launcher &on, const conv_shape &shape, int count, const void *dy,
                         const void *weights, const derivative &of_x, void *dx) {
    patches left = patches_of(shape, count, dy);
    left.shape = shape.output;
    left.rows_height = shape.input.height;
    left.rows_width = shape.input.width;
    left.scattered = true;
    left.pixels = pixel_count(shape.input, count);
    left.width = shape.kernel * shape.kernel * shape.output.channels;
    product_end end = {};
    end.values = dx;
    end.of_input = of_x;
    run_pixels(on, left, {weights, (size_t)left.width, shape.input.channels}, end);
}

size_t weight_gradient_floats(ninp_cuda_math math, const conv_shape &shape, int count) {
    const int parts = is_stem(math, shape) ? stem_parts(shape, count) : cut_of(shape, count).parts;
    return (size_t)parts * weight_count(shape);
}

void conv_weight_gradient(launcher &on, const conv_shape &shape, int count, const void *x,
                          const void *dy, float *partial, float *gradient) {
    int parts;
    if (is_stem(on.math, shape)) {
        parts = stem_parts(shape, count);
        stem_weight_parts(on, shape, count, x, dy, partial);
    } else {
        parts = cut_of(shape, count).parts;
        run_weights(on, shape, count, x, dy, partial);
    }
    launch_apart(on, add_parts_kernel, each_grid(weight_count(shape)), EACH_THREADS, partial, parts,
                 shape.input.channels, shape.kernel * shape.kernel, shape.output.channels,
                 gradient);
}

} // namespace ninp_cuda

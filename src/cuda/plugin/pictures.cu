/* From the bytes of a data set to the net's input: gathers, augments, resizes, normalises and
 * mixes as src/data does, to the bit. One thread makes a pixel of the input, all channels; what a
 * pass of the resize would leave behind for others it computes itself. */
#include "cuda/plugin/resident.h"
#include "cuda/plugin/value.h"

namespace ninp_cuda {
namespace {

/* A byte of the source, as augmentation leaves it. */
__device__ int augmented_byte(const picture_store &store, const ninp_resident_place &place,
                              int channel, int y, int x) {
    if (y >= place.erase_y && y < place.erase_y + place.erase_height && x >= place.erase_x &&
        x < place.erase_x + place.erase_width) {
        return place.fill[channel];
    }
    const int from_y = y - place.shift_y;
    const int from_x = x - place.shift_x;
    if (from_y < 0 || from_y >= store.height || from_x < 0 || from_x >= store.width) {
        return 0;
    }
    const int column = place.flip ? store.width - 1 - from_x : from_x;
    const size_t plane = (size_t)place.picture * (size_t)store.channels + (size_t)channel;
    const size_t line = plane * (size_t)store.height + (size_t)from_y;
    return store.pixels[line * (size_t)store.width + (size_t)column];
}

/* As ninp_grey (image/image.h). */
__device__ int grey_of(int red, int green, int blue) {
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/* The same of the plane that a channel of the input is made of: a grey picture serves all channels,
 * and colours become grey where the input has one. */
__device__ int source_byte(const picture_store &store, const ninp_resident_place &place,
                           int channel, int y, int x) {
    if (store.channels == 3 && store.input_channels == 1) {
        return grey_of(augmented_byte(store, place, 0, y, x), augmented_byte(store, place, 1, y, x),
                       augmented_byte(store, place, 2, y, x));
    }
    return augmented_byte(store, place, store.channels == 1 ? 0 : channel, y, x);
}

__device__ int clip_byte(int sum) {
    const int value = sum >> NINP_RESIDENT_PRECISION;
    return value > 255 ? 255 : value;
}

/* Pixel (y, x) of a channel of the input: both passes of the resize, rounded to bytes in between.
 * An axis that keeps its size has weights of 1, which change no byte. */
__device__ float resized_value(const picture_store &store, const ninp_resident_place &place,
                               int channel, int y, int x) {
    const int half = 1 << (NINP_RESIDENT_PRECISION - 1);
    const int32_t *weights_y = store.y.weights + (size_t)y * (size_t)store.y.taps;
    const int32_t *weights_x = store.x.weights + (size_t)x * (size_t)store.x.taps;
    int sum = half;
    for (int i = 0; i < store.y.counts[y]; i++) {
        int row = half;
        for (int j = 0; j < store.x.counts[x]; j++) {
            row += weights_x[j] *
                   source_byte(store, place, channel, store.y.firsts[y] + i, store.x.firsts[x] + j);
        }
        sum += weights_y[i] * clip_byte(row);
    }
    return store.floats[channel * 256 + clip_byte(sum)];
}

/* The place of a batch that picture `number` is mixed with at a pixel, and its share; NULL: none.
 */
__device__ const ninp_resident_place *partner_of(const ninp_resident_mix &mix,
                                                 const ninp_resident_place *places, int count,
                                                 int number, int y, int x) {
    const int partner = count - 1 - number;
    const bool inside = y >= mix.y && y < mix.y + mix.height && x >= mix.x && x < mix.x + mix.width;
    if (mix.way == NINP_RESIDENT_WHOLE || partner == number ||
        (mix.way == NINP_RESIDENT_PASTE && !inside)) {
        return NULL;
    }
    return places + partner;
}

template <typename T>
__global__ void picture_kernel(picture_store store, epoch_position at, int count, T *input) {
    const ninp_resident_step step = at.steps[*at.step];
    const ninp_resident_place *places = at.places + step.first;
    const size_t index = each_index();
    const size_t pixels = (size_t)store.y.out * (size_t)store.x.out;
    const int number = (int)(index / pixels);
    if (number >= count) {
        return;
    }
    const int y = (int)(index % pixels) / store.x.out;
    const int x = (int)(index % pixels) % store.x.out;
    const ninp_resident_place *partner = partner_of(step.mix, places, count, number, y, x);
    for (int c = 0; c < store.input_channels; c++) {
        float value;
        if (partner && step.mix.way == NINP_RESIDENT_PASTE) {
            value = resized_value(store, *partner, c, y, x);
        } else {
            value = resized_value(store, places[number], c, y, x);
            if (partner) {
                const float other = resized_value(store, *partner, c, y, x);
                value = step.mix.share * value + (1.0F - step.mix.share) * other;
            }
        }
        put(input + index * (size_t)store.input_channels + c, value);
    }
}

__global__ void target_kernel(epoch_position at, int count, int32_t *labels, int32_t *others,
                              float *shares, uint64_t *number) {
    const ninp_resident_step *step = at.steps + *at.step;
    const size_t index = each_index();
    if (index < (size_t)count) {
        const ninp_resident_place *place = at.places + step->first + index;
        labels[index] = place->label;
        others[index] = place->other_label;
        shares[index] = place->label_share;
    }
    if (index == 0) {
        *number = step->number;
    }
}

enum { RANGE_THREADS = 128 };

struct range_memory {
    float least[RANGE_THREADS], most[RANGE_THREADS];
    int same[RANGE_THREADS];
};

/* A block a picture: its least and largest value, and whether it is the first one. NaN compares as
 * neither. */
template <typename T>
__global__ void range_kernel(size_t values, const T *input, ninp_resident_range *ranges) {
    range_memory &memory = block_memory<range_memory>();
    const T *own = input + (size_t)blockIdx.x * values;
    const int thread = (int)threadIdx.x;
    float least = widen(own[0]);
    float most = least;
    int same = 1;
    for (size_t i = threadIdx.x; i < values; i += RANGE_THREADS) {
        const float value = widen(own[i]);
        least = value < least ? value : least;
        most = value > most ? value : most;
        same = same && value == widen(input[i]);
    }
    memory.least[thread] = least;
    memory.most[thread] = most;
    memory.same[thread] = same;
    __syncthreads();
    if (thread == 0) {
        for (int i = 1; i < RANGE_THREADS; i++) {
            least = memory.least[i] < least ? memory.least[i] : least;
            most = memory.most[i] > most ? memory.most[i] : most;
            same = same && memory.same[i];
        }
        ranges[blockIdx.x].least = least;
        ranges[blockIdx.x].most = most;
        ranges[blockIdx.x].same = same != 0;
    }
}

template <typename T>
void run_pictures(launcher &on, const picture_store &store, const epoch_position &at, int count,
                  void *input) {
    const size_t pixels = (size_t)count * (size_t)store.y.out * (size_t)store.x.out;
    launch_apart(on, picture_kernel<T>, each_grid(pixels), EACH_THREADS, store, at, count,
                 static_cast<T *>(input));
}

template <typename T>
void run_ranges(launcher &on, size_t values, int count, const void *input,
                ninp_resident_range *ranges) {
    launch(on, range_kernel<T>, dim3((unsigned)count), RANGE_THREADS, values,
           static_cast<const T *>(input), ranges);
}

} // namespace

void make_pictures(launcher &on, const picture_store &store, const epoch_position &at, int count,
                   void *input) {
    (on.math == NINP_CUDA_BF16 ? run_pictures<bf16> : run_pictures<float>)(on, store, at, count,
                                                                           input);
}

void take_targets(launcher &on, const epoch_position &at, int count, const step_targets &to) {
    launch_apart(on, target_kernel, each_grid((size_t)count), EACH_THREADS, at, count, to.labels,
                 to.others, to.shares, to.number);
}

void measure_pictures(launcher &on, size_t values, int count, const void *input,
                      ninp_resident_range *ranges) {
    (on.math == NINP_CUDA_BF16 ? run_ranges<bf16> : run_ranges<float>)(on, values, count, input,
                                                                       ranges);
}

} // namespace ninp_cuda

#include "data/mix.h"

#include "base/random.h"

#include <math.h>

/* A box of the area 1 - share with the input's proportions, centred anywhere, cut off at the border
 * (Yun et al. 2019, section 3.1 and the authors' rand_bbox). The share becomes what is left. */
static void draw_box(ninp_random *random, int height, int width, ninp_mix *mix) {
    const double side = sqrt(1.0 - (double)mix->share);
    const int half_width = (int)(width * side) / 2;
    const int half_height = (int)(height * side) / 2;
    const int centre_x = (int)ninp_random_below(random, (uint32_t)width);
    const int centre_y = (int)ninp_random_below(random, (uint32_t)height);
    const int left = centre_x > half_width ? centre_x - half_width : 0;
    const int top = centre_y > half_height ? centre_y - half_height : 0;
    const int right = centre_x + half_width < width ? centre_x + half_width : width;
    const int bottom = centre_y + half_height < height ? centre_y + half_height : height;
    mix->x = left;
    mix->y = top;
    mix->width = right - left;
    mix->height = bottom - top;
    const double area = (double)height * width;
    mix->share = (float)(1.0 - (double)mix->width * mix->height / area);
}

ninp_mix ninp_mix_draw(const nin_augmentation *options, uint64_t seed, int epoch, int number,
                       int height, int width) {
    if (options->mixup <= 0 && options->cutmix <= 0) {
        return (ninp_mix){.way = NINP_MIX_NONE};
    }
    ninp_random random =
        ninp_random_start(seed, NINP_RANDOM_MIX, (uint32_t)epoch, (uint64_t)number);
    bool paste = ninp_random_below(&random, 2) == 1;
    if (options->mixup <= 0 || options->cutmix <= 0) {
        paste = options->cutmix > 0;
    }
    ninp_mix mix = {.way = paste ? NINP_MIX_PASTE : NINP_MIX_BLEND};
    float alpha = paste ? options->cutmix : options->mixup;
    mix.share = (float)ninp_random_beta(&random, (double)alpha);
    if (paste) {
        draw_box(&random, height, width, &mix);
    }
    return mix;
}

static void blend(float share, float *restrict one, float *restrict two, size_t count) {
    const float rest = 1.0F - share;
    for (size_t i = 0; i < count; i++) {
        const float a = one[i];
        const float b = two[i];
        one[i] = share * a + rest * b;
        two[i] = share * b + rest * a;
    }
}

/* Each gets the other's box. */
static void paste(const ninp_mix *mix, const ninp_mix_batch *batch, float *one, float *two) {
    const size_t width = (size_t)batch->width;
    for (int c = 0; c < batch->channels; c++) {
        size_t plane = (size_t)c * (size_t)batch->height;
        for (int y = mix->y; y < mix->y + mix->height; y++) {
            size_t row = (plane + (size_t)y) * width + (size_t)mix->x;
            for (size_t i = row; i < row + (size_t)mix->width; i++) {
                const float kept = one[i];
                one[i] = two[i];
                two[i] = kept;
            }
        }
    }
}

/* The picture's own one on a tie. */
ninp_mix_labels ninp_mix_label(const ninp_mix *mix, int32_t own, int32_t partner) {
    const bool own_first = mix->share >= 0.5F;
    return (ninp_mix_labels){.label = own_first ? own : partner,
                             .other = own_first ? partner : own,
                             .share = own_first ? mix->share : 1.0F - mix->share};
}

static void put(const ninp_mix_batch *batch, int at, ninp_mix_labels labels) {
    batch->labels[at] = labels.label;
    batch->other_labels[at] = labels.other;
    batch->label_shares[at] = labels.share;
}

void ninp_mix_run(const ninp_mix *mix, const ninp_mix_batch *batch) {
    const size_t floats = (size_t)batch->channels * (size_t)batch->height * (size_t)batch->width;
    for (int i = 0; i < batch->count - 1 - i; i++) {
        const int partner = batch->count - 1 - i;
        float *one = batch->images + (size_t)i * floats;
        float *two = batch->images + (size_t)partner * floats;
        if (mix->way == NINP_MIX_BLEND) {
            blend(mix->share, one, two, floats);
        } else {
            paste(mix, batch, one, two);
        }
        const int first = batch->labels[i];
        const int second = batch->labels[partner];
        put(batch, i, ninp_mix_label(mix, first, second));
        put(batch, partner, ninp_mix_label(mix, second, first));
    }
    if (batch->count % 2 == 1) {
        const int middle = batch->count / 2;
        const int own = batch->labels[middle];
        put(batch, middle, (ninp_mix_labels){.label = own, .other = own, .share = 1.0F});
    }
}

#include "data/augment.h"

#include "base/error.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* Random erasing: Zhong et al. 2017, section 5.2, and the tries of torchvision's RandomErasing. */
#define LEAST_AREA 0.02
#define MOST_AREA 0.33
#define LEAST_ASPECT 0.3
#define MOST_ASPECT 3.3
enum { TRIES = 10 };

/* Mixing weights from larger alphas are all 1/2. */
#define LARGEST_ALPHA 1000.0F

/* A rectangle of random area and aspect (the latter with uniform logarithm), anywhere inside. One
 * that is as long as the picture is drawn again; after ten of them the picture stays whole. */
static void draw_rectangle(ninp_random *random, int height, int width, ninp_augment *out) {
    const double area = (double)height * width;
    for (int i = 0; i < TRIES; i++) {
        double share = LEAST_AREA + (MOST_AREA - LEAST_AREA) * ninp_random_double(random);
        double aspect =
            exp(log(LEAST_ASPECT) + log(MOST_ASPECT / LEAST_ASPECT) * ninp_random_double(random));
        double rows = nearbyint(sqrt(area * share * aspect));
        double columns = nearbyint(sqrt(area * share / aspect));
        if (rows < height && columns < width && rows > 0 && columns > 0) {
            out->erase_height = (int)rows;
            out->erase_width = (int)columns;
            out->erase_y =
                (int)ninp_random_below(random, (uint32_t)(height - out->erase_height + 1));
            out->erase_x = (int)ninp_random_below(random, (uint32_t)(width - out->erase_width + 1));
            return;
        }
    }
}

ninp_augment ninp_augment_draw(const nin_augmentation *options, uint64_t seed, int epoch,
                               uint32_t index, const nin_dataset_info *size,
                               const uint8_t fill[3]) {
    ninp_augment out = {0};
    int reach = options->crop_padding;
    if (!options->flip && reach == 0 && options->erase <= 0) {
        return out;
    }
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_AUGMENT, (uint32_t)epoch, index);
    /* All three are drawn always, so that one option does not change the other's numbers. */
    bool flip = ninp_random_below(&random, 2) == 1;
    out.flip = options->flip && flip;
    out.shift_x = (int)ninp_random_below(&random, 2 * (uint32_t)reach + 1) - reach;
    out.shift_y = (int)ninp_random_below(&random, 2 * (uint32_t)reach + 1) - reach;
    if (options->erase > 0 && ninp_random_double(&random) < (double)options->erase) {
        draw_rectangle(&random, size->height, size->width, &out);
        memcpy(out.fill, fill, sizeof out.fill);
    }
    return out;
}

bool ninp_augment_any(const ninp_augment *augment) {
    return augment->flip || augment->shift_x != 0 || augment->shift_y != 0 ||
           augment->erase_width > 0;
}

void ninp_augment_plane(const ninp_augment *augment, const uint8_t *plane, int channel, int height,
                        int width, uint8_t *out) {
    uint8_t *to = out;
    for (int y = 0; y < height; y++, to += width) {
        int from_y = y - augment->shift_y;
        if (from_y < 0 || from_y >= height) {
            memset(to, 0, (size_t)width);
            continue;
        }
        const uint8_t *row = plane + (size_t)from_y * (size_t)width;
        for (int x = 0; x < width; x++) {
            int from_x = x - augment->shift_x;
            bool inside = from_x >= 0 && from_x < width;
            int column = augment->flip ? width - 1 - from_x : from_x;
            to[x] = inside ? row[column] : 0;
        }
    }
    for (int y = 0; y < augment->erase_height; y++) {
        memset(out + (size_t)(augment->erase_y + y) * (size_t)width + augment->erase_x,
               augment->fill[channel], (size_t)augment->erase_width);
    }
}

/* NaN lies in no range. */
static nin_status check_alpha(const char *name, float alpha, nin_error *err) {
    return alpha >= 0 && alpha <= LARGEST_ALPHA
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT, "%s %g is not within 0 to %g", name,
                           (double)alpha, (double)LARGEST_ALPHA);
}

nin_status ninp_augment_check(const nin_augmentation *options, int height, int width,
                              nin_error *err) {
    int least = height < width ? height : width;
    if (options->crop_padding < 0 || options->crop_padding >= least) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "crop padding %d is not within 0 to %d for pictures of %d x %d pixels",
                         options->crop_padding, least - 1, width, height);
    }
    if (!(options->erase >= 0 && options->erase <= 1)) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "erase %g is not a probability",
                         (double)options->erase);
    }
    nin_status status = check_alpha("mixup", options->mixup, err);
    return status == NIN_OK ? check_alpha("cutmix", options->cutmix, err) : status;
}

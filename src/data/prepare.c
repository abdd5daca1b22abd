#include "data/prepare.h"

#include "base/error.h"
#include "base/memory.h"
#include "data/whiten.h"
#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_LIMIT = 3, BYTE_VALUES = 256 };

struct ninp_preparer {
    int channels, height, width; /* of a picture */
    nin_preprocess preprocess;
    ninp_resizer *resizer;
    size_t in_area, out_area;
    size_t values;                             /* of a net's input */
    float floats[CHANNELS_LIMIT][BYTE_VALUES]; /* of a byte in a channel */
};

nin_preprocess nin_preprocess_plain(int channels, int height, int width) {
    return (nin_preprocess){
        .channels = channels, .height = height, .width = width, .std = {1.0F, 1.0F, 1.0F, 1.0F}};
}

nin_status ninp_preprocess_check_values(const nin_preprocess *p, nin_error *err) {
    for (int c = 0; c < p->channels; c++) {
        if (!isfinite(p->mean[c]) || !isfinite(p->std[c]) || p->std[c] <= 0.0F) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "mean %g and std %g of channel %d cannot be used", (double)p->mean[c],
                             (double)p->std[c], c);
        }
    }
    return isfinite(p->gcn) && p->gcn >= 0.0F
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "%g is no norm that contrast can be normalised to", (double)p->gcn);
}

nin_status ninp_preprocess_check_input(const nin_preprocess *p, nin_error *err) {
    if (p->channels != 1 && p->channels != CHANNELS_LIMIT) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "a net's input has 1 or 3 channels, not %d",
                         p->channels);
    }
    nin_status status = ninp_preprocess_check_values(p, err);
    return status == NIN_OK ? ninp_image_check_size(p->width, p->height, err) : status;
}

/* That what was asked for is known, for inputs of this size. */
static nin_status check_whitening(const nin_preprocess *p, size_t values, nin_error *err) {
    if (!p->whiten) {
        return NIN_OK;
    }
    if (!p->whitening) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "whitening is asked for, and no training set was looked at for it");
    }
    return p->whitening->values == values
               ? NIN_OK
               : ninp_fail(err, NIN_ERROR_ARGUMENT,
                           "the whitening is for inputs of %zu values, not %zu",
                           p->whitening->values, values);
}

nin_status ninp_preparer_create(const nin_preprocess *preprocess, int channels, int height,
                                int width, ninp_preparer **out, nin_error *err) {
    *out = NULL;
    nin_status status = ninp_preprocess_check_input(preprocess, err);
    if (status == NIN_OK) {
        status = ninp_image_check_size(width, height, err);
    }
    if (status != NIN_OK) {
        return status;
    }
    const size_t out_area = (size_t)preprocess->height * (size_t)preprocess->width;
    const size_t values = (size_t)preprocess->channels * out_area;
    status = check_whitening(preprocess, values, err);
    if (status != NIN_OK) {
        return status;
    }
    ninp_preparer *p = ninp_calloc(1, sizeof *p);
    if (!p) {
        return ninp_fail_memory(err, sizeof *p, "picture preparation");
    }
    p->channels = channels;
    p->height = height;
    p->width = width;
    p->preprocess = *preprocess;
    p->in_area = (size_t)height * (size_t)width;
    p->out_area = out_area;
    p->values = values;
    for (int c = 0; c < preprocess->channels; c++) {
        for (int i = 0; i < BYTE_VALUES; i++) {
            p->floats[c][i] = ((float)i / 255.0F - preprocess->mean[c]) / preprocess->std[c];
        }
    }
    status =
        ninp_resizer_create(height, width, preprocess->height, preprocess->width, &p->resizer, err);
    if (status != NIN_OK) {
        free(p);
        return status;
    }
    *out = p;
    return NIN_OK;
}

void ninp_preparer_free(ninp_preparer *preparer) {
    if (preparer) {
        ninp_resizer_free(preparer->resizer);
        free(preparer);
    }
}

/* Two pictures of the source's size (augmented, grey), a plane of the net's size, resize rows. */
size_t ninp_preparer_scratch(const ninp_preparer *p) {
    return p->in_area * (size_t)p->channels + p->in_area + p->out_area +
           ninp_resizer_scratch(p->resizer);
}

static void to_grey(const uint8_t *planes, size_t area, uint8_t *out) {
    for (size_t i = 0; i < area; i++) {
        out[i] = ninp_grey(planes[i], planes[area + i], planes[2 * area + i]);
    }
}

void ninp_preparer_run(const ninp_preparer *p, const uint8_t *picture, const ninp_augment *augment,
                       uint8_t *scratch, float *out) {
    uint8_t *augmented = scratch;
    uint8_t *grey = augmented + p->in_area * (size_t)p->channels;
    uint8_t *resized = grey + p->in_area;
    uint8_t *rows = resized + p->out_area;
    int channels = p->channels;
    if (ninp_augment_any(augment)) {
        for (int c = 0; c < channels; c++) {
            size_t plane = (size_t)c * p->in_area;
            ninp_augment_plane(augment, picture + plane, c, p->height, p->width, augmented + plane);
        }
        picture = augmented;
    }
    if (channels == 3 && p->preprocess.channels == 1) {
        to_grey(picture, p->in_area, grey);
        picture = grey;
        channels = 1;
    }
    for (int c = 0; c < p->preprocess.channels; c++) {
        if (c < channels) { /* else a grey picture, whose one plane serves all channels */
            ninp_resizer_run(p->resizer, picture + (size_t)c * p->in_area, resized, rows);
        }
        const float *floats = p->floats[c];
        float *plane = out + (size_t)c * p->out_area;
        for (size_t i = 0; i < p->out_area; i++) {
            plane[i] = floats[resized[i]];
        }
    }
    if (p->preprocess.gcn > 0.0F) {
        ninp_contrast_normalize(p->preprocess.gcn, out, p->values);
    }
}

bool ninp_preparer_is_local(const ninp_preparer *p) {
    return p->preprocess.gcn <= 0.0F && !p->preprocess.whiten;
}

const ninp_resizer *ninp_preparer_resizer(const ninp_preparer *p) {
    return p->resizer;
}

const float *ninp_preparer_floats(const ninp_preparer *p) {
    return p->floats[0];
}

size_t ninp_preparer_finish_scratch(const ninp_preparer *p) {
    return p->preprocess.whiten ? ninp_whitening_scratch(p->preprocess.whitening) : 0;
}

void ninp_preparer_finish(const ninp_preparer *p, float *pictures, int count, float *scratch) {
    if (p->preprocess.whiten) {
        ninp_whitening_run(p->preprocess.whitening, pictures, count, scratch);
    }
}

nin_status nin_preprocess_image(const nin_preprocess *preprocess, const nin_image *image,
                                float *out, nin_error *err) {
    nin_status status = ninp_image_check(image, err);
    if (status != NIN_OK) {
        return status;
    }
    ninp_preparer *preparer;
    status = ninp_preparer_create(preprocess, image->channels, image->height, image->width,
                                  &preparer, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t pixels = preparer->in_area * (size_t)image->channels;
    uint8_t *planes = ninp_calloc(pixels, 1);
    uint8_t *scratch = ninp_calloc(ninp_preparer_scratch(preparer), 1);
    float *floats = ninp_calloc_aligned(ninp_preparer_finish_scratch(preparer), sizeof *floats);
    if (planes && scratch && floats) {
        ninp_image_to_planes(image, planes);
        ninp_preparer_run(preparer, planes, &(ninp_augment){0}, scratch, out);
        ninp_preparer_finish(preparer, out, 1, floats);
    } else {
        status = ninp_fail_memory(err, pixels, "a picture");
    }
    free(planes);
    free(scratch);
    ninp_free_aligned(floats);
    ninp_preparer_free(preparer);
    return status;
}

#include "format/preprocess.h"

#include "base/error.h"
#include "data/prepare.h"

#include <string.h>

#define GCN "gcn"
#define WHITEN "whiten"
#define ZCA "zca"

enum { CHANNELS = sizeof((nin_preprocess *)0)->mean / sizeof(float) };

static json_t *floats_to_json(const float *values, int count) {
    json_t *array = json_array();
    for (int i = 0; array && i < count; i++) {
        if (json_array_append_new(array, json_real((double)values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *ninp_preprocess_to_json(const nin_preprocess *preprocess) {
    json_t *mean = floats_to_json(preprocess->mean, preprocess->channels);
    json_t *std = floats_to_json(preprocess->std, preprocess->channels);
    if (!mean || !std) {
        json_decref(mean);
        json_decref(std);
        return NULL;
    }
    json_t *json =
        json_pack("{s:i, s:i, s:i, s:o, s:o}", "channels", preprocess->channels, "height",
                  preprocess->height, "width", preprocess->width, "mean", mean, "std", std);
    bool added = json != NULL;
    if (added && preprocess->gcn > 0) {
        added = json_object_set_new(json, GCN, json_real((double)preprocess->gcn)) == 0;
    }
    if (added && preprocess->whiten) {
        added = json_object_set_new(json, WHITEN, json_string(ZCA)) == 0;
    }
    if (!added) {
        json_decref(json);
        return NULL;
    }
    return json;
}

nin_status ninp_preprocess_check(const nin_preprocess *preprocess, nin_shape input,
                                 nin_error *err) {
    if (preprocess->channels != input.channels || preprocess->height != input.height ||
        preprocess->width != input.width || input.channels > CHANNELS) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "pictures are prepared as %dx%dx%d, the net takes %dx%dx%d",
                         preprocess->channels, preprocess->height, preprocess->width,
                         input.channels, input.height, input.width);
    }
    return ninp_preprocess_check_values(preprocess, err);
}

static bool json_to_size(const json_t *value, int *out) {
    json_int_t number = json_integer_value(value);
    *out = number > 0 && number < 1 << 20 ? (int)number : 0;
    return *out > 0;
}

static bool json_to_floats(const json_t *array, int count, float *out) {
    if (!json_is_array(array) || json_array_size(array) != (size_t)count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, (size_t)i);
        if (!json_is_number(value)) {
            return false;
        }
        out[i] = (float)json_number_value(value);
    }
    return true;
}

nin_status ninp_preprocess_from_json(const json_t *json, nin_shape input, nin_preprocess *out,
                                     nin_error *err) {
    *out = (nin_preprocess){0};
    if (!json_to_size(json_object_get(json, "channels"), &out->channels) ||
        !json_to_size(json_object_get(json, "height"), &out->height) ||
        !json_to_size(json_object_get(json, "width"), &out->width) || out->channels > CHANNELS ||
        !json_to_floats(json_object_get(json, "mean"), out->channels, out->mean) ||
        !json_to_floats(json_object_get(json, "std"), out->channels, out->std)) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "nin.preprocess: needs channels (1 to %d), height, width, and as many "
                         "numbers as channels in mean and std",
                         CHANNELS);
    }
    const json_t *gcn = json_object_get(json, GCN);
    const json_t *whiten = json_object_get(json, WHITEN);
    if ((gcn && !json_is_number(gcn)) ||
        (whiten && (!json_is_string(whiten) || strcmp(json_string_value(whiten), ZCA) != 0))) {
        return ninp_fail(err, NIN_ERROR_DATA,
                         "nin.preprocess: " GCN " is a number and " WHITEN " is \"" ZCA
                         "\", where they are there");
    }
    out->gcn = (float)json_number_value(gcn);
    out->whiten = whiten != NULL;
    nin_error unfit = {0};
    if (ninp_preprocess_check(out, input, &unfit) != NIN_OK) {
        return ninp_fail(err, NIN_ERROR_DATA, "nin.preprocess: %s", unfit.message);
    }
    return NIN_OK;
}

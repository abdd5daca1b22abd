#include "preprocess.h"

#include "files.h"
#include "progress.h"
#include "text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_LIMIT = 3 };

/* Numbers separated by commas; how many there are, or 0 when one is none or there are too many. */
static int read_numbers(const char *text, double *numbers, int most) {
    for (int count = 0; count < most; count++) {
        char *end;
        numbers[count] = strtod(text, &end);
        if (end == text || !isfinite(numbers[count])) {
            return 0;
        }
        if (*end == '\0') {
            return count + 1;
        }
        if (*end != ',') {
            return 0;
        }
        text = end + 1;
    }
    return 0;
}

/* Of the whole set. A channel without contrast is left as wide as it is. */
static void normalize_by_dataset(const nin_dataset *train, nin_preprocess *out) {
    const nin_pixel_statistics pixels = nin_dataset_statistics(train, out->channels);
    for (int c = 0; c < out->channels; c++) {
        out->mean[c] = (float)pixels.mean[c];
        out->std[c] = pixels.std[c] > 0 ? (float)pixels.std[c] : 1.0F;
    }
}

static nin_status normalize(const char *text, const nin_dataset *train, nin_preprocess *out,
                            nin_error *err) {
    double numbers[2 * CHANNELS_LIMIT] = {0};
    if (strcmp(text, "dataset") == 0) {
        normalize_by_dataset(train, out);
        return NIN_OK;
    }
    const int count = read_numbers(text, numbers, 2 * CHANNELS_LIMIT);
    bool right = count == 2 || count == 2 * out->channels;
    for (int c = 0; right && c < out->channels; c++) {
        const double *pair = count == 2 ? numbers : numbers + (ptrdiff_t)2 * c;
        out->mean[c] = (float)pair[0];
        out->std[c] = (float)pair[1];
        right = out->std[c] > 0 && isfinite(out->mean[c]) && isfinite(out->std[c]);
    }
    if (right) {
        return NIN_OK;
    }
    return cli_error(err, NIN_ERROR_ARGUMENT,
                     "--normalize: '%s' is neither none nor dataset nor MEAN,STD with STD above 0, "
                     "once or for each channel (%d)",
                     text, out->channels);
}

static bool normalizes(const cli_settings *settings) {
    return settings->normalize && strcmp(settings->normalize, "none") != 0;
}

const char *cli_preprocess_setting(const cli_settings *settings) {
    return normalizes(settings) ? "normalize"
           : settings->gcn > 0  ? "gcn"
           : settings->whiten   ? "whiten"
                                : NULL;
}

nin_status cli_preprocess_create(const cli_settings *settings, const nin_dataset *train,
                                 nin_shape input, nin_preprocess *out, nin_error *err) {
    assert(input.channels == 1 || input.channels == CHANNELS_LIMIT);
    *out = nin_preprocess_plain(input.channels, input.height, input.width);
    out->gcn = settings->gcn;
    out->whiten = settings->whiten != 0;
    return normalizes(settings) ? normalize(settings->normalize, train, out, err) : NIN_OK;
}

nin_status cli_preprocess_fit(nin_preprocess *preprocess, const nin_dataset *train,
                              nin_error *err) {
    if (!preprocess->whiten || preprocess->whitening) {
        return NIN_OK;
    }
    cli_progress *progress = cli_progress_start("finding the whitening of the training pictures");
    nin_status status = nin_preprocess_fit(preprocess, train, err);
    cli_progress_free(progress);
    return status;
}

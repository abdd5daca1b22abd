#include "sheet.h"

#include "fail.h"
#include "preprocess.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>

/* Few, so that a sheet shows several draws of --mixup and --cutmix, of which a batch has one. */
enum { BATCH = 16 };

void cli_sheet_free(cli_sheet_cells *cells) {
    for (size_t i = 0; cells->captions && i < cells->count; i++) {
        free(cells->captions[i]);
    }
    free(cells->cells);
    free(cells->pixels);
    free(cells->captions);
    *cells = (cli_sheet_cells){0};
}

static void take_plain(const nin_dataset *dataset, size_t columns, cli_sheet_cells *out) {
    nin_dataset_info info = nin_dataset_get_info(dataset);
    size_t *taken = cli_allocate((size_t)info.classes, sizeof *taken);
    for (size_t i = 0; i < info.count; i++) {
        size_t label = (size_t)nin_dataset_label(dataset, i);
        if (taken[label] < columns) {
            out->cells[label * columns + taken[label]].pixels = nin_dataset_pixels(dataset, i);
            taken[label]++;
        }
    }
    free(taken);
}

/* ---- as a net sees them ----------------------------------------------------------------- */

static bool changes_pictures(const cli_settings *settings) {
    const nin_augmentation *augmentation = &settings->train.augmentation;
    return augmentation->flip || augmentation->crop_padding > 0 || augmentation->erase > 0 ||
           augmentation->mixup > 0 || augmentation->cutmix > 0 || settings->gcn > 0 ||
           settings->whiten;
}

/* Normalised values go back to where they came from. Contrast normalised and whitened ones have no
 * such place: 0 becomes the middle grey, and the largest of the picture black or white. */
static void to_bytes(const nin_preprocess *preprocess, const float *values, uint8_t *out) {
    size_t area = (size_t)preprocess->height * (size_t)preprocess->width;
    size_t count = (size_t)preprocess->channels * area;
    bool relative = preprocess->gcn > 0 || preprocess->whiten;
    float largest = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(values[i]));
    }
    float scale = largest > 0 ? 0.5F / largest : 0;
    for (size_t i = 0; i < count; i++) {
        size_t c = i / area;
        float value = relative ? 0.5F + scale * values[i]
                               : values[i] * preprocess->std[c] + preprocess->mean[c];
        out[i] = (uint8_t)lrintf(255 * fminf(fmaxf(value, 0), 1));
    }
}

/* Where pictures go: class by class, in the order they come. */
typedef struct filling {
    nin_dataset_info info;
    const nin_preprocess *preprocess;
    size_t columns, floats;
    size_t *taken; /* a class */
    cli_sheet_cells *out;
} filling;

static void take_batch(const filling *f, const nin_batch *batch) {
    for (int i = 0; i < batch->count; i++) {
        size_t label = (size_t)batch->labels[i];
        if (f->taken[label] == f->columns) {
            continue;
        }
        size_t place = label * f->columns + f->taken[label]++;
        uint8_t *pixels = f->out->pixels + place * f->floats;
        to_bytes(f->preprocess, batch->images + (size_t)i * f->floats, pixels);
        f->out->cells[place].pixels = pixels;
        if (batch->other_labels) {
            f->out->captions[place] = cli_format("%.0f%%, %s", 100 * (double)batch->label_shares[i],
                                                 f->info.class_names[batch->other_labels[i]]);
            f->out->cells[place].caption = f->out->captions[place];
        }
    }
}

static bool is_full(const filling *f) {
    for (int i = 0; i < f->info.classes; i++) {
        if (f->taken[i] < f->columns) {
            return false;
        }
    }
    return true;
}

static int take_batches(const cli_settings *settings, const nin_dataset *dataset,
                        const filling *f) {
    nin_loader_options options = nin_loader_options_defaults();
    options.preprocess = *f->preprocess;
    options.batch = BATCH;
    options.shuffle = true;
    options.augmentation = settings->train.augmentation;
    options.seed = settings->train.seed;
    nin_loader *loader;
    nin_error err = {0};
    if (nin_loader_create(dataset, &options, &loader, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    const nin_batch *batch;
    nin_loader_start(loader, 0, 0);
    while (!is_full(f) && (batch = nin_loader_next(loader)) != NULL) {
        take_batch(f, batch);
    }
    nin_loader_free(loader);
    return CLI_DONE;
}

static int take_seen(const cli_settings *settings, const nin_dataset *dataset, size_t columns,
                     cli_sheet_cells *out) {
    nin_dataset_info info = nin_dataset_get_info(dataset);
    nin_shape input = {.channels = info.channels, .height = info.height, .width = info.width};
    nin_preprocess preprocess;
    nin_error err = {0};
    nin_status status = cli_preprocess_create(settings, dataset, input, &preprocess, &err);
    if (status == NIN_OK) {
        status = cli_preprocess_fit(&preprocess, dataset, &err);
    }
    int code = status == NIN_OK ? CLI_DONE : cli_fail(&err);
    if (code == CLI_DONE) {
        filling f = {.info = info, .preprocess = &preprocess, .columns = columns, .out = out};
        f.floats = (size_t)info.channels * (size_t)info.height * (size_t)info.width;
        f.taken = cli_allocate((size_t)info.classes, sizeof *f.taken);
        out->pixels = cli_allocate(out->count, f.floats);
        out->captions = cli_allocate(out->count, sizeof *out->captions);
        code = take_batches(settings, dataset, &f);
        free(f.taken);
    }
    nin_preprocess_free(&preprocess);
    return code;
}

int cli_sheet_choose(const cli_settings *settings, const nin_dataset *dataset, size_t columns,
                     cli_sheet_cells *out) {
    *out = (cli_sheet_cells){.count = (size_t)nin_dataset_get_info(dataset).classes * columns};
    out->cells = cli_allocate(out->count, sizeof *out->cells);
    if (!changes_pictures(settings)) {
        take_plain(dataset, columns, out);
        return CLI_DONE;
    }
    int code = take_seen(settings, dataset, columns, out);
    if (code != CLI_DONE) {
        cli_sheet_free(out);
    }
    return code;
}

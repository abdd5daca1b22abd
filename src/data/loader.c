/* The loader: threads claim batches in order and prepare each in the slot of a ring that belongs to
 * its number, so which thread did it leaves no trace. A picture's place in the epoch and its
 * augmentation are functions of (seed, epoch, number), never of time. */
#include "data/loader.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct slot {
    float *images;
    int32_t *labels;
    uint32_t *indices;
    int32_t *other_labels; /* NULL: pictures are not mixed */
    float *label_shares;
    nin_batch batch; /* what the caller sees */
    bool ready;      /* under the mutex: filled, and not handed back */
} slot;

typedef struct worker {
    nin_loader *loader;
    pthread_t thread;
    uint8_t *scratch;
    float *floats; /* scratch too */
} worker;

struct nin_loader {
    const nin_dataset *dataset;
    nin_dataset_info info;
    nin_loader_options options;
    ninp_preparer *preparer;
    size_t picture_floats;
    uint8_t fill[3]; /* of erased rectangles */
    bool mixes;
    int batches;

    uint32_t *order; /* of the epoch: position -> picture; written while no thread works */
    int epoch;

    slot *slots;
    int slot_count; /* prefetch (no more than there are batches), and one that the caller has */

    worker *workers;
    int worker_limit; /* more than slot_count would find no work */
    int worker_count; /* whose threads run */

    pthread_mutex_t mutex; /* guards everything below and slot.ready */
    pthread_cond_t work;   /* a slot became free, or the threads are to stop */
    pthread_cond_t done;   /* a batch became ready, or a thread idle */
    int next_claim;        /* the batch that the next free thread prepares */
    int next_give;         /* the batch that the next call of nin_loader_next gives */
    int busy;              /* threads that prepare a batch */
    bool stop;
    atomic_bool cancel; /* read between pictures: the batches in work are not wanted any more */
};

nin_loader_options nin_loader_options_defaults(void) {
    return (nin_loader_options){
        .preprocess = nin_preprocess_plain(1, 28, 28), .batch = 128, .threads = 1, .prefetch = 2};
}

/* ---- preparing -------------------------------------------------------------------------- */

const nin_dataset *ninp_loader_dataset(const nin_loader *loader) {
    return loader->dataset;
}

const ninp_preparer *ninp_loader_preparer(const nin_loader *loader) {
    return loader->preparer;
}

/* Fisher and Yates, from the end (Knuth, TAOCP 2, 3.4.2, algorithm P). */
void ninp_loader_order(const nin_loader *loader, int epoch, uint32_t *order) {
    uint32_t count = (uint32_t)loader->info.count;
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    if (!loader->options.shuffle) {
        return;
    }
    ninp_random random =
        ninp_random_start(loader->options.seed, NINP_RANDOM_SHUFFLE, (uint32_t)epoch, 0);
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = ninp_random_below(&random, i + 1);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

ninp_augment ninp_loader_lot(const nin_loader *loader, int epoch, uint32_t picture) {
    ninp_augment lot = ninp_augment_draw(&loader->options.augmentation, loader->options.seed, epoch,
                                         picture, &loader->info, loader->fill);
    lot.flip = lot.flip != loader->options.mirror;
    return lot;
}

ninp_mix ninp_loader_mix(const nin_loader *loader, int epoch, int number) {
    const nin_preprocess *input = &loader->options.preprocess;
    return ninp_mix_draw(&loader->options.augmentation, loader->options.seed, epoch, number,
                         input->height, input->width);
}

int ninp_loader_batch_size(const nin_loader *loader, int number) {
    size_t first = (size_t)number * (size_t)loader->options.batch;
    size_t left = loader->info.count - first;
    return left < (size_t)loader->options.batch ? (int)left : loader->options.batch;
}

static void mix_batch(const nin_loader *loader, int number, int count, const slot *into) {
    const nin_preprocess *input = &loader->options.preprocess;
    const ninp_mix mix = ninp_loader_mix(loader, loader->epoch, number);
    const ninp_mix_batch batch = {.count = count,
                                  .channels = input->channels,
                                  .height = input->height,
                                  .width = input->width,
                                  .images = into->images,
                                  .labels = into->labels,
                                  .other_labels = into->other_labels,
                                  .label_shares = into->label_shares};
    ninp_mix_run(&mix, &batch);
}

static void prepare_batch(nin_loader *loader, int number, slot *into, const worker *by) {
    size_t first = (size_t)number * (size_t)loader->options.batch;
    int count = ninp_loader_batch_size(loader, number);
    for (int i = 0; i < count; i++) {
        if (atomic_load_explicit(&loader->cancel, memory_order_relaxed)) {
            return;
        }
        uint32_t index = loader->order[first + (size_t)i];
        into->indices[i] = index;
        into->labels[i] = nin_dataset_label(loader->dataset, index);
        const ninp_augment augment = ninp_loader_lot(loader, loader->epoch, index);
        ninp_preparer_run(loader->preparer, nin_dataset_pixels(loader->dataset, index), &augment,
                          by->scratch, into->images + (size_t)i * loader->picture_floats);
    }
    ninp_preparer_finish(loader->preparer, into->images, count, by->floats);
    if (loader->mixes) {
        mix_batch(loader, number, count, into);
    }
    into->batch = (nin_batch){.images = into->images,
                              .labels = into->labels,
                              .indices = into->indices,
                              .other_labels = into->other_labels,
                              .label_shares = into->label_shares,
                              .count = count,
                              .index = number};
}

/* A batch may be prepared once its slot is not in use: the batch slot_count before it was handed
 * back, which is so for all that come before the one the caller has. */
static bool may_claim(const nin_loader *loader) {
    int oldest = loader->next_give > 0 ? loader->next_give - 1 : 0;
    return loader->next_claim < loader->batches && loader->next_claim - oldest < loader->slot_count;
}

static void *work(void *context) {
    const worker *self = context;
    nin_loader *loader = self->loader;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->stop) {
        if (!may_claim(loader)) {
            pthread_cond_wait(&loader->work, &loader->mutex);
            continue;
        }
        int number = loader->next_claim++;
        slot *into = &loader->slots[number % loader->slot_count];
        loader->busy++;
        pthread_mutex_unlock(&loader->mutex);
        prepare_batch(loader, number, into, self);
        pthread_mutex_lock(&loader->mutex);
        into->ready = true;
        loader->busy--;
        pthread_cond_signal(&loader->done);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

/* Under the mutex: leaves no thread at work and nothing to claim. */
static void halt(nin_loader *loader) {
    loader->next_claim = loader->batches;
    atomic_store_explicit(&loader->cancel, true, memory_order_relaxed);
    while (loader->busy > 0) {
        pthread_cond_wait(&loader->done, &loader->mutex);
    }
    atomic_store_explicit(&loader->cancel, false, memory_order_relaxed);
    for (int i = 0; i < loader->slot_count; i++) {
        loader->slots[i].ready = false;
    }
}

/* ---- the caller's side ------------------------------------------------------------------ */

void nin_loader_start(nin_loader *loader, int epoch, int first_batch) {
    pthread_mutex_lock(&loader->mutex);
    halt(loader);
    loader->epoch = epoch;
    ninp_loader_order(loader, epoch, loader->order);
    int first = first_batch < 0 ? 0 : first_batch;
    first = first > loader->batches ? loader->batches : first;
    loader->next_claim = first;
    loader->next_give = first;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->mutex);
}

const nin_batch *nin_loader_next(nin_loader *loader) {
    const nin_batch *batch = NULL;
    pthread_mutex_lock(&loader->mutex);
    int number = loader->next_give;
    if (number < loader->batches) {
        slot *from = &loader->slots[number % loader->slot_count];
        while (!from->ready) {
            pthread_cond_wait(&loader->done, &loader->mutex);
        }
        from->ready = false; /* the slot stays the caller's until next_give moves on again */
        loader->next_give++;
        pthread_cond_signal(&loader->work);
        batch = &from->batch;
    }
    pthread_mutex_unlock(&loader->mutex);
    return batch;
}

int nin_loader_batches(const nin_loader *loader) {
    return loader->batches;
}

/* ---- creating --------------------------------------------------------------------------- */

static nin_status check_options(const nin_loader_options *options, const nin_dataset_info *info,
                                nin_error *err) {
    if (options->batch < 1 || options->threads < 1 || options->prefetch < 1) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "batch %d, threads %d, prefetch %d: each is at least 1", options->batch,
                         options->threads, options->prefetch);
    }
    if ((info->count - 1) / (size_t)options->batch >= INT_MAX - 1) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "batch %d makes too many batches",
                         options->batch);
    }
    return ninp_augment_check(&options->augmentation, info->height, info->width, err);
}

static nin_status allocate(nin_loader *loader, nin_error *err) {
    const nin_preprocess *p = &loader->options.preprocess;
    size_t batch = (size_t)loader->options.batch;
    batch = batch < loader->info.count ? batch : loader->info.count;
    loader->picture_floats = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
    size_t floats;
    if (!ninp_mul(batch, loader->picture_floats, &floats)) {
        return ninp_fail_memory(err, SIZE_MAX, "batches");
    }
    loader->order = ninp_calloc(loader->info.count, sizeof *loader->order);
    loader->slots = ninp_calloc((size_t)loader->slot_count, sizeof *loader->slots);
    loader->workers = ninp_calloc((size_t)loader->worker_limit, sizeof *loader->workers);
    if (!loader->order || !loader->slots || !loader->workers) {
        return ninp_fail_memory(err, loader->info.count * sizeof *loader->order, "a loader");
    }
    for (int i = 0; i < loader->slot_count; i++) {
        slot *one = &loader->slots[i];
        one->images = ninp_calloc_aligned(floats, sizeof *one->images);
        one->labels = ninp_calloc(batch, sizeof *one->labels);
        one->indices = ninp_calloc(batch, sizeof *one->indices);
        if (loader->mixes) {
            one->other_labels = ninp_calloc(batch, sizeof *one->other_labels);
            one->label_shares = ninp_calloc(batch, sizeof *one->label_shares);
        }
        if (!one->images || !one->labels || !one->indices ||
            (loader->mixes && !(one->other_labels && one->label_shares))) {
            return ninp_fail_memory(err, floats, "floats of a batch");
        }
    }
    size_t scratch = ninp_preparer_scratch(loader->preparer);
    for (int i = 0; i < loader->worker_limit; i++) {
        worker *one = &loader->workers[i];
        one->loader = loader;
        one->scratch = ninp_calloc(scratch, 1);
        one->floats =
            ninp_calloc_aligned(ninp_preparer_finish_scratch(loader->preparer), sizeof(float));
        if (!one->scratch || !one->floats) {
            return ninp_fail_memory(err, scratch, "picture preparation");
        }
    }
    return NIN_OK;
}

/* Starts the threads with all signals blocked: they are the business of the program's own. */
static nin_status start_threads(nin_loader *loader, nin_error *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    nin_status status = NIN_OK;
    for (int i = 0; i < loader->worker_limit && status == NIN_OK; i++) {
        int failed = pthread_create(&loader->workers[i].thread, NULL, work, &loader->workers[i]);
        if (failed) {
            status = ninp_fail(err, NIN_ERROR_UNAVAILABLE, "cannot start thread %d of %d: %s",
                               i + 1, loader->worker_limit, strerror(failed));
        } else {
            loader->worker_count++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* Erased rectangles get the mean of the whole set, to the nearest byte. */
static void choose_fill(nin_loader *loader) {
    const nin_pixel_statistics pixels =
        nin_dataset_statistics(loader->dataset, loader->info.channels);
    for (int c = 0; c < loader->info.channels; c++) {
        loader->fill[c] = (uint8_t)lround(255 * pixels.mean[c]);
    }
}

nin_status nin_loader_create(const nin_dataset *dataset, const nin_loader_options *options,
                             nin_loader **out, nin_error *err) {
    *out = NULL;
    nin_dataset_info info = nin_dataset_get_info(dataset);
    nin_status status = check_options(options, &info, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_loader *loader = ninp_calloc(1, sizeof *loader);
    if (!loader) {
        return ninp_fail_memory(err, sizeof *loader, "a loader");
    }
    loader->dataset = dataset;
    loader->info = info;
    loader->options = *options;
    loader->mixes = options->augmentation.mixup > 0 || options->augmentation.cutmix > 0;
    if (options->augmentation.erase > 0) {
        choose_fill(loader);
    }
    loader->batches = (int)((info.count - 1) / (size_t)options->batch + 1);
    loader->slot_count =
        1 + (options->prefetch < loader->batches ? options->prefetch : loader->batches);
    loader->worker_limit =
        options->threads < loader->slot_count ? options->threads : loader->slot_count;
    loader->next_claim = loader->batches;
    loader->next_give = loader->batches;
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->done, NULL);
    atomic_init(&loader->cancel, false);
    status = ninp_preparer_create(&options->preprocess, info.channels, info.height, info.width,
                                  &loader->preparer, err);
    if (status == NIN_OK) {
        status = allocate(loader, err);
    }
    if (status == NIN_OK) {
        status = start_threads(loader, err);
    }
    if (status != NIN_OK) {
        nin_loader_free(loader);
        return status;
    }
    *out = loader;
    return NIN_OK;
}

void nin_loader_free(nin_loader *loader) {
    if (!loader) {
        return;
    }
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    atomic_store_explicit(&loader->cancel, true, memory_order_relaxed);
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->mutex);
    for (int i = 0; i < loader->worker_count; i++) {
        pthread_join(loader->workers[i].thread, NULL);
    }
    for (int i = 0; loader->slots && i < loader->slot_count; i++) {
        ninp_free_aligned(loader->slots[i].images);
        free(loader->slots[i].labels);
        free(loader->slots[i].indices);
        free(loader->slots[i].other_labels);
        free(loader->slots[i].label_shares);
    }
    for (int i = 0; loader->workers && i < loader->worker_limit; i++) {
        free(loader->workers[i].scratch);
        ninp_free_aligned(loader->workers[i].floats);
    }
    free(loader->slots);
    free(loader->workers);
    free(loader->order);
    ninp_preparer_free(loader->preparer);
    pthread_cond_destroy(&loader->done);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->mutex);
    free(loader);
}

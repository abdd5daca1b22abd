/* Labelled pictures: data sets, and the loader that turns them into batches. */
#ifndef NIN_DATA_H
#define NIN_DATA_H

#include <nin/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nin_split { NIN_SPLIT_TRAIN, NIN_SPLIT_TEST } nin_split;

/* A data set in memory: `count` pictures of one size, 8-bit, planar C x H x W, with labels.
 * Immutable once open; may be shared by threads. */
typedef struct nin_dataset nin_dataset;

typedef struct nin_dataset_info {
    const char *name;  /* "fashion-mnist", "drawn", or the directory's last component */
    const char *place; /* where it was found: a directory, or "drawn by this program" */
    size_t count;      /* pictures */
    int channels, height, width;
    int classes;
    const char *const *class_names; /* `classes` strings */
    char digest[17]; /* 16 hex digits: XXH3-64 over sizes, pixels and labels; the same on every
                        machine, and for plain and compressed files */
} nin_dataset_info;

typedef struct nin_dataset_options {
    nin_split split;
    const char *const *search; /* directories where known names are looked for, NULL-ended; each is
                                  tried as DIR/NAME; NULL: only `spec` itself */
    size_t limit;              /* keep only the first `limit` pictures; 0: all */
    uint64_t seed;             /* of `drawn` */
    size_t drawn_count;        /* pictures of `drawn`; 0: 6000 for training, 1000 for test */
} nin_dataset_options;

/* The training split, no search, no limit, seed 0. */
NIN_API nin_dataset_options nin_dataset_options_defaults(void);

/* Opens a data set. `spec` is a known name (see nin_dataset_known), a directory with the four IDX
 * files ({train,t10k}-{images-idx3,labels-idx1}-ubyte, plain or .gz), or "drawn" (28 x 28 grey
 * pictures of ten classes of shapes, made from the seed). A known name is looked for in the search
 * directories, then taken as a directory. Of a directory that is not asked for by a known name, the
 * classes are counted in the labels of both splits, and named "0", "1", ..., unless its last
 * component is a known name whose classes are enough.
 * NIN_ERROR_NO_INPUT: not found, the message says where it was looked for; NIN_ERROR_DATA: a file
 * is broken, the message gives file, offset (in the decompressed content, where that can be read)
 * and reason. *out is NULL on failure. */
NIN_API nin_status nin_dataset_open(const char *spec, const nin_dataset_options *options,
                                    nin_dataset **out, nin_error *err);
NIN_API void nin_dataset_free(nin_dataset *dataset);

NIN_API nin_dataset_info nin_dataset_get_info(const nin_dataset *dataset);

/* Pixels of picture `index` < count: channels x height x width bytes, valid as long as the set. */
NIN_API const uint8_t *nin_dataset_pixels(const nin_dataset *dataset, size_t index);
NIN_API int nin_dataset_label(const nin_dataset *dataset, size_t index);

/* Data sets known by name: those that can be fetched, and "drawn". */
typedef struct nin_known_dataset {
    const char *name;
    const char *summary; /* one line for people */
    const char *const *class_names;
    int classes;
    bool fetchable; /* nin_dataset_fetch knows where to get it */
} nin_known_dataset;

/* The i-th known data set, or NULL past the end. */
NIN_API const nin_known_dataset *nin_dataset_known(size_t index);

/* Progress of a download: `done` of `total` bytes (total 0: not known) of `file`. Return false to
 * stop; what has arrived is kept and the next fetch goes on there. */
typedef bool (*nin_fetch_progress)(const char *file, uint64_t done, uint64_t total, void *context);

/* Downloads the files of a known data set into `directory`/NAME (created if needed), resuming
 * partial files (FILE.part) and checking the SHA-256 of the decompressed content before a file
 * gets its name. Files already there and right are left alone. `base_url` replaces the upstream
 * address (NULL: upstream); http and https only. `progress` may be NULL. libcurl does the transfer
 * and so follows the environment's proxy settings.
 * NIN_ERROR_ARGUMENT: no such data set; NIN_ERROR_UNAVAILABLE: the server cannot be reached,
 * refuses, or breaks off, or `progress` said stop; NIN_ERROR_DATA: wrong checksum; NIN_ERROR_IO:
 * writing failed. */
NIN_API nin_status nin_dataset_fetch(const char *name, const char *directory, const char *base_url,
                                     nin_fetch_progress progress, void *context, nin_error *err);

/* ---- batches ---------------------------------------------------------------------------- */

/* Mean and standard deviation (of the population) of all pixels of a channel, in units of byte /
 * 255: what torchvision's Normalize is given. The pictures are taken as they are in the set, before
 * any resize, converted to `channels` (1 or 3; Pillow's grey, or the grey plane three times). Exact
 * but for the last rounding, so the same everywhere. */
typedef struct nin_pixel_statistics {
    double mean[3], std[3];
} nin_pixel_statistics;
NIN_API nin_pixel_statistics nin_dataset_statistics(const nin_dataset *dataset, int channels);

/* A whitening transform: the mean and the matrix that nin_preprocess_fit found. */
typedef struct nin_whitening nin_whitening;

/* How a picture becomes the net's input: resized to height x width (bit-equal to Pillow), then
 * value = (byte / 255 - mean[c]) / std[c], then global contrast normalisation and whitening where
 * they are asked for. Saved with every model, so training, evaluation, prediction and export agree.
 */
typedef struct nin_preprocess {
    int channels, height, width; /* channels 1 or 3, sides 1 to 16,384 */
    float mean[4], std[4];       /* finite, std above 0 */
    float gcn;   /* x - mean(x) over all values of the picture, scaled to this L2 norm; a picture
                    of one colour becomes 0. Finite, 0: off. The paper's CIFAR-10 has 55 (Goodfellow
                    et al. 2013; pylearn2's global_contrast_normalize with sqrt_bias 0) */
    bool whiten; /* then (x - mean) P, P = V (L + 0.1)^-1/2 V^T of the covariance
                    V L V^T of the training pictures' values (ZCA: Krizhevsky 2009,
                    appendix A; pylearn2 with filter_bias 0.1) */
    nin_whitening *whitening; /* mean and P; NULL until they are known. A model owns its own */
} nin_preprocess;

/* mean 0, std 1, nothing else, for a net input of this size. */
NIN_API nin_preprocess nin_preprocess_plain(int channels, int height, int width);

/* Most values of an input (channels x height x width) that can be whitened: a matrix of 64 MiB. */
enum { NIN_WHITEN_LIMIT = 4096 };

/* Finds the whitening of a training set where `whiten` asks for one and there is none yet; else
 * does nothing. Computes in float64 with LAPACK. The last bits of the result depend on LAPACK, its
 * threads and the processor, so it is kept and saved rather than found again.
 * NIN_ERROR_UNAVAILABLE: this build has no LAPACK; NIN_ERROR_ARGUMENT: too many values;
 * NIN_ERROR_MEMORY. */
NIN_API nin_status nin_preprocess_fit(nin_preprocess *preprocess, const nin_dataset *train,
                                      nin_error *err);
/* Frees the whitening, if any, and forgets it. */
NIN_API void nin_preprocess_free(nin_preprocess *preprocess);

/* What happens at random to pictures that a net learns from; {0}: nothing. The first three change
 * the bytes of the source, in this order, before the resize; the last two mix pairs of pictures of
 * a batch, the i-th from the front with the i-th from the back, as the net's input, with one draw a
 * batch (both set: one of them, with equal chance). */
typedef struct nin_augmentation {
    bool flip;        /* horizontal flip with probability 1/2 */
    int crop_padding; /* shift by up to this many pixels, zeros move in: torchvision's RandomCrop
                         with that padding; less than a picture's side, 0: off */
    float erase;  /* probability in [0, 1] that a rectangle becomes the training set's mean: area
                     0.02 to 0.33 of the picture's, height / width 0.3 to 3.3 (Zhong et al. 2017, as
                     in torchvision's RandomErasing) */
    float mixup;  /* blends w x + (1 - w) y, w from Beta(mixup, mixup) (Zhang et al. 2017); 0: off,
                     at most 1000 */
    float cutmix; /* gets a box of the other picture, of about the area 1 - w with w from
                     Beta(cutmix, cutmix), cut off at the border (Yun et al. 2019); likewise */
} nin_augmentation;

typedef struct nin_loader_options {
    nin_preprocess preprocess; /* its whitening must outlive the loader */
    int batch;                 /* pictures a batch; the last of an epoch may be smaller */
    bool shuffle;              /* a new order each epoch, from (seed, epoch) only */
    nin_augmentation augmentation;
    bool mirror; /* every picture is its mirror image, for test-time augmentation */
    uint64_t seed;
    int threads;  /* that prepare pictures, at least 1; each works on a batch of its own, so more
                     than prefetch + 1 find no work */
    int prefetch; /* batches prepared ahead, at least 1 */
} nin_loader_options;

/* Plain 1 x 28 x 28, batches of 128 in order, no augmentation, seed 0, one thread, prefetch 2. */
NIN_API nin_loader_options nin_loader_options_defaults(void);

/* A batch. Owned by the loader, valid until the next call of nin_loader_next, nin_loader_start or
 * nin_loader_free. */
typedef struct nin_batch {
    const float *images;     /* count x channels x height x width, 64-byte aligned */
    const int32_t *labels;   /* count; of a mixed picture the one with the larger share */
    const uint32_t *indices; /* count: positions in the data set, of the first picture of a mixed */
    const int32_t *other_labels; /* count: the second label; NULL: pictures are not mixed */
    const float *label_shares;   /* count, 0.5 to 1: share of `labels`; NULL likewise */
    int count;
    int index; /* of the batch in its epoch */
} nin_batch;

/* Prepares batches ahead on its own threads, in which all signals are blocked. Order and
 * augmentation depend on (seed, epoch, index of the picture or batch) only, never on threads or
 * timing. The data set must outlive the loader. One thread at a time may call a loader's functions.
 */
typedef struct nin_loader nin_loader;

NIN_API nin_status nin_loader_create(const nin_dataset *dataset, const nin_loader_options *options,
                                     nin_loader **out, nin_error *err);
NIN_API void nin_loader_free(nin_loader *loader);

/* Batches an epoch. */
NIN_API int nin_loader_batches(const nin_loader *loader);

/* Goes to batch `first_batch` of epoch `epoch` (both from 0) and starts to prepare from there; may
 * be called at any time. Before the first call there are no batches. */
NIN_API void nin_loader_start(nin_loader *loader, int epoch, int first_batch);

/* The next batch of the epoch, or NULL after the last one. Waits for it if need be. */
NIN_API const nin_batch *nin_loader_next(nin_loader *loader);

/* Prepares one picture as the loader does (no augmentation): `out` receives channels x height x
 * width floats. The picture's channels are converted to the preprocess's. */
struct nin_image;
NIN_API nin_status nin_preprocess_image(const nin_preprocess *preprocess,
                                        const struct nin_image *image, float *out, nin_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* Finding a whitening: the covariance of a training set and its eigenvectors, with BLAS and LAPACK
 * where the build has them. */
#include "data/whiten.h"

#include "base/error.h"
#include "data/prepare.h"

#if NINP_HAVE_LAPACK

#include "base/library.h"
#include "base/memory.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

/* pylearn2's filter_bias, added to every eigenvalue. */
#define FILTER_BIAS 0.1

/* Pictures whose part of the covariance is computed at once. */
enum { CHUNK = 512 };

/* What is used of BLAS and LAPACK. */
typedef struct algebra {
    __typeof__(cblas_dsyrk) *dsyrk;     /* C = alpha A A^T + beta C */
    __typeof__(LAPACKE_dsyevd) *dsyevd; /* eigenvectors of a symmetric matrix */
} algebra;

static nin_status open_algebra(algebra *out, nin_error *err) {
    const ninp_symbol blas[] = {{"cblas_dsyrk", &out->dsyrk}, {"", NULL}};
    const ninp_symbol lapack[] = {{"LAPACKE_dsyevd", &out->dsyevd}, {"", NULL}};
    nin_status status = ninp_library_open("libblas.so.3", "finding a whitening", blas, err);
    return status == NIN_OK
               ? ninp_library_open("liblapacke.so.3", "finding a whitening", lapack, err)
               : status;
}

/* The training pictures as the net would see them unwhitened, and what is computed from them. */
typedef struct fitting {
    algebra library;
    const nin_dataset *train;
    ninp_preparer *preparer;
    size_t count, values;
    uint8_t *scratch;
    float *picture;  /* values */
    double *chunk;   /* CHUNK x values */
    double *mean;    /* values */
    double *squares; /* values x values: the covariance, then what is made of it */
    double *vectors; /* values x values */
    double *lambda;  /* values: eigenvalues */
} fitting;

static void close_fitting(fitting *f) {
    ninp_preparer_free(f->preparer);
    free(f->scratch);
    free(f->picture);
    free(f->chunk);
    free(f->mean);
    ninp_free_aligned(f->squares);
    ninp_free_aligned(f->vectors);
    free(f->lambda);
}

static nin_status open_fitting(fitting *f, const nin_preprocess *preprocess, nin_error *err) {
    const nin_dataset_info info = nin_dataset_get_info(f->train);
    nin_preprocess before = *preprocess;
    before.whiten = false;
    nin_status status =
        ninp_preparer_create(&before, info.channels, info.height, info.width, &f->preparer, err);
    if (status != NIN_OK) {
        return status;
    }
    const size_t cells = f->values * f->values; /* NIN_WHITEN_LIMIT keeps them small */
    f->count = info.count;
    f->scratch = ninp_calloc(ninp_preparer_scratch(f->preparer), 1);
    f->picture = ninp_calloc(f->values, sizeof *f->picture);
    f->chunk = ninp_calloc(CHUNK * f->values, sizeof *f->chunk);
    f->mean = ninp_calloc(f->values, sizeof *f->mean);
    f->squares = ninp_calloc_aligned(cells, sizeof *f->squares);
    f->vectors = ninp_calloc_aligned(cells, sizeof *f->vectors);
    f->lambda = ninp_calloc(f->values, sizeof *f->lambda);
    return f->scratch && f->picture && f->chunk && f->mean && f->squares && f->vectors && f->lambda
               ? NIN_OK
               : ninp_fail_memory(err, 2 * cells * sizeof *f->squares, "a covariance");
}

static void prepare(const fitting *f, size_t index) {
    ninp_preparer_run(f->preparer, nin_dataset_pixels(f->train, index), &(ninp_augment){0},
                      f->scratch, f->picture);
}

static void find_mean(const fitting *f) {
    for (size_t i = 0; i < f->count; i++) {
        prepare(f, i);
        for (size_t k = 0; k < f->values; k++) {
            f->mean[k] += (double)f->picture[k];
        }
    }
    for (size_t k = 0; k < f->values; k++) {
        f->mean[k] /= (double)f->count;
    }
}

/* The upper triangle of the covariance (divided by the number of pictures), biased. */
static void find_covariance(const fitting *f) {
    const int n = (int)f->values;
    for (size_t first = 0; first < f->count; first += CHUNK) {
        const size_t left = f->count - first;
        const size_t count = left < CHUNK ? left : CHUNK;
        for (size_t i = 0; i < count; i++) {
            prepare(f, first + i);
            for (size_t k = 0; k < f->values; k++) {
                f->chunk[i * f->values + k] = (double)f->picture[k] - f->mean[k];
            }
        }
        f->library.dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, (int)count,
                         1.0 / (double)f->count, f->chunk, n, 1.0, f->squares, n);
    }
    for (size_t k = 0; k < f->values; k++) {
        f->squares[k * f->values + k] += FILTER_BIAS;
    }
}

/* The upper triangle of V L^-1/2 V^T, as W W^T of W = V L^-1/4. */
static nin_status invert_root(const fitting *f, nin_error *err) {
    const int n = (int)f->values;
    int failed = f->library.dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', n, f->squares, n, f->lambda);
    if (failed) {
        return ninp_fail(err, failed < 0 ? NIN_ERROR_MEMORY : NIN_ERROR_DATA,
                         "the eigenvectors of the pictures' covariance were not found (LAPACK's "
                         "dsyevd says %d)",
                         failed);
    }
    for (size_t row = 0; row < f->values; row++) {
        for (size_t k = 0; k < f->values; k++) {
            f->vectors[row * f->values + k] =
                f->squares[row * f->values + k] / sqrt(sqrt(f->lambda[k]));
        }
    }
    f->library.dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, n, n, 1.0, f->vectors, n, 0.0,
                     f->squares, n);
    return NIN_OK;
}

static void keep(const fitting *f, nin_whitening *out) {
    for (size_t row = 0; row < f->values; row++) {
        out->mean[row] = (float)f->mean[row];
        for (size_t k = row; k < f->values; k++) {
            const float value = (float)f->squares[row * f->values + k];
            out->matrix[row * f->values + k] = value;
            out->matrix[k * f->values + row] = value;
        }
    }
}

static nin_status fit(const nin_preprocess *preprocess, const nin_dataset *train,
                      nin_whitening *out, nin_error *err) {
    fitting f = {.train = train, .values = out->values};
    nin_status status = open_algebra(&f.library, err);
    if (status == NIN_OK) {
        status = open_fitting(&f, preprocess, err);
    }
    if (status == NIN_OK) {
        find_mean(&f);
        find_covariance(&f);
        status = invert_root(&f, err);
    }
    if (status == NIN_OK) {
        keep(&f, out);
    }
    close_fitting(&f);
    return status;
}

#else

static nin_status fit(const nin_preprocess *preprocess, const nin_dataset *train,
                      nin_whitening *out, nin_error *err) {
    (void)preprocess;
    (void)train;
    (void)out;
    return ninp_fail(err, NIN_ERROR_UNAVAILABLE,
                     "this build cannot find a whitening, only apply one: it was made without "
                     "LAPACK (in Debian: liblapacke-dev and libopenblas-serial-dev)");
}

#endif

nin_status nin_preprocess_fit(nin_preprocess *preprocess, const nin_dataset *train,
                              nin_error *err) {
    if (!preprocess->whiten || preprocess->whitening) {
        return NIN_OK;
    }
    nin_status status = ninp_preprocess_check_input(preprocess, err);
    if (status != NIN_OK) {
        return status;
    }
    const size_t values =
        (size_t)preprocess->channels * (size_t)preprocess->height * (size_t)preprocess->width;
    nin_whitening *whitening;
    status = ninp_whitening_create(values, &whitening, err);
    if (status != NIN_OK) {
        return status;
    }
    status = fit(preprocess, train, whitening, err);
    if (status != NIN_OK) {
        ninp_whitening_free(whitening);
        return status;
    }
    preprocess->whitening = whitening;
    return NIN_OK;
}

void nin_preprocess_free(nin_preprocess *preprocess) {
    ninp_whitening_free(preprocess->whitening);
    preprocess->whitening = NULL;
}

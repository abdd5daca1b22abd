/* A small run of training with everything in it that a resumed run has to bring back: momentum,
 * batch norm, dropout, augmentation, a schedule. A hundredth of a second long. Failures fail the
 * test. */
#ifndef TESTS_SUPPORT_SMALL_RUN_H
#define TESTS_SUPPORT_SMALL_RUN_H

#include <nin/train.h>

enum { SMALL_RUN_BATCHES = 7, SMALL_RUN_EPOCHS = 3, SMALL_RUN_STEPS = 21, SMALL_RUN_DIGEST = 33 };

typedef struct small_run {
    nin_dataset *train, *test;
    nin_train_options options; /* may be changed */
    bool whiten;               /* with contrast normalisation; needs LAPACK */
} small_run;

/* Fails with the message unless the status is NIN_OK. */
void small_run_expect_ok(nin_status status, const nin_error *err);

small_run small_run_open(void);
void small_run_close(small_run *run);

/* The run's net without weights; free with nin_model_free. */
nin_model small_run_model(void);

/* nin_train with a model of its own. callback, context, result and err may be NULL. */
nin_status small_run_train(const small_run *run, const char *directory, bool resume,
                           nin_train_callback callback, void *context, nin_train_result *result,
                           nin_error *err);
/* The same from start to end; it must succeed. */
void small_run_whole(const small_run *run, const char *directory);

/* Resumes the run in `directory` to its end and compares it with the one in `whole`. */
void small_run_finish(const small_run *run, const char *directory, const char *whole);

/* DIRECTORY/NAME in a buffer of its own, valid until the fourth call after this one. */
const char *small_run_path(const char *directory, const char *name);

/* The digest of a file in a directory. */
void small_run_digest(const char *directory, const char *name, char hex[SMALL_RUN_DIGEST]);
/* last.safetensors, best.safetensors and, timings aside, log.jsonl are the same in both. */
void small_run_expect_same(const char *directory, const char *other);

/* Whatever there is of a run in the directory is whole: models load, the state opens. */
void small_run_expect_whole(const char *directory);

#endif

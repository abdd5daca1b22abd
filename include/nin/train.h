/* Training: optimizer, schedule, the loop, the run directory, exact resume. */
#ifndef NIN_TRAIN_H
#define NIN_TRAIN_H

#include <nin/data.h>
#include <nin/health.h>
#include <nin/model.h>
#include <nin/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nin_optimizer {
    NIN_OPTIMIZER_SGD,
    NIN_OPTIMIZER_ADAM, /* Kingma and Ba 2015; weight decay is L2, added to the gradient */
    NIN_OPTIMIZER_ADAMW /* Loshchilov and Hutter 2019; weights shrink by lr x weight_decay */
} nin_optimizer;

typedef enum nin_schedule {
    NIN_SCHEDULE_CONSTANT,
    NIN_SCHEDULE_STEP,     /* lr x step_factor every step_epochs */
    NIN_SCHEDULE_COSINE,   /* from lr to lr x final_factor along half a cosine */
    NIN_SCHEDULE_ONE_CYCLE /* lr / 25 up to lr in the first 30 %, then down to lr x final_factor,
                              both along half a cosine (Smith and Topin 2017; PyTorch's OneCycleLR)
                            */
} nin_schedule;

typedef struct nin_train_options {
    int epochs;
    int batch;
    int accumulate; /* batches a step, at least 1: the step follows the mean loss of all of them.
                       The last step of an epoch may have fewer */
    uint64_t max_steps; /* stop after this many steps in all, and evaluate; 0: no limit. The
                           schedule and the data order stay those of the whole run */
    uint64_t seed;

    nin_optimizer optimizer; /* each as PyTorch's */
    float lr;
    float momentum; /* of sgd */
    bool nesterov;
    float beta1, beta2, epsilon; /* of adam and adamw; epsilon is at least 1e-30, so that weights
                                    without a gradient stay finite */
    float weight_decay; /* of tensors that decay; sgd and adam add it to the gradient as L2 */
    bool decay_all;     /* as PyTorch's plain SGD: biases and batch norm decay too */
    nin_schedule schedule;
    float step_factor; /* 0.1 */
    int step_epochs;
    float final_factor; /* 0: to zero */
    int warmup_steps;   /* lr grows linearly over the first steps, whatever the schedule */
    float clip_norm;    /* largest L2 norm of the whole gradient; 0: off */
    float label_smoothing;
    float ema; /* decay of the moving average of weights and running statistics, which is evaluated
                  and saved in their place; 0: none. After step t it is at most (1 + t) / (10 + t),
                  as in TensorFlow's ExponentialMovingAverage */

    /* Lists for single tensors. A pattern is a tensor's name ("7.4.weight"), a shell pattern with
     * *, ? or [...] ("0.*"), or one of the words `last` (the last convolution or linear layer) and
     * `bias` (all biases, those of batch norm too). NULL or "": none. */
    const char *lr_scale;    /* "PATTERN=X,...": lr is multiplied by X; by all that fit */
    const char *decay_scale; /* likewise weight_decay */
    const char *freeze; /* "PATTERN,...": these do not change, nor do the running statistics of a
                           batch norm that does not, and their gradients do not count */

    nin_augmentation augmentation; /* of training pictures. Mixed ones count as right where the
                                      label with the larger share is told */
    bool test_flip; /* evaluations average the logits of a picture and its mirror image */

    nin_init_options init;       /* its seed is set from `seed` */
    nin_session_options session; /* batch, training and seed are set from here; algorithms are those
                                    of training */

    int patience; /* stop when the accuracy on the test set has not grown for this many epochs; 0:
                     go on to the end */
    int points_per_epoch; /* curve points an epoch; 0: the lecture's rule, (i + 1) % (batches / 5)
                             == 0 or the last: 6 for 469 batches */
    double checkpoint_seconds; /* save state at least this often, 0: at the end of epochs only */

    bool health;               /* watch the run and tell what is found; costs less than a percent of
                                  a step and changes no bit of the training */
    nin_on_failure on_failure; /* needs `health` unless it is NIN_ON_FAILURE_CONTINUE */
    int restarts; /* at most this many, with seed + 1, seed + 2, ...; then the run stops */
} nin_train_options;

/* The lecture's: 10 epochs, batch 128, plain sgd, lr 0.1, constant, nothing else (for adam and
 * adamw PyTorch's 0.9, 0.999, 1e-8); no checkpoints between epochs; watched, continued after a
 * failure, 3 restarts. */
NIN_API nin_train_options nin_train_options_defaults(void);

/* Where the run is. Running means are those of the lecture: since the epoch began. */
typedef struct nin_progress {
    int epoch; /* from 0 */
    int epochs;
    int batch_index, batches; /* steps in the epoch: batch_index + 1 are done */
    uint64_t step, steps;     /* done, and in the whole run */
    double epoch_position;    /* the lecture's x: epoch + (batch_index + 1) / batches */
    float lr;
    double batch_loss;                 /* mean of this step's examples */
    double train_loss, train_accuracy; /* running means of the epoch */
    double test_loss, test_accuracy;   /* NaN until measured; set in NIN_EVENT_EPOCH */
    double examples_per_second;        /* the lecture's: time of steps only, whole run so far */
    double step_seconds;    /* time of steps so far in this process and before a resume */
    double wall_seconds;    /* wall time of this process's part */
    const char *algorithms; /* that train, in the form of nin_session_options: to do the same again;
                               valid during the callback */
    const nin_finding *finding; /* NIN_EVENT_FINDING, NIN_EVENT_RESTART: which; NULL otherwise */
    int restart;                /* how many restarts there were; the seed is that much larger */
} nin_progress;

typedef enum nin_event {
    NIN_EVENT_STEP,    /* a step is done */
    NIN_EVENT_POINT,   /* a curve point: log it */
    NIN_EVENT_TESTING, /* evaluation: batch_index of batches done */
    NIN_EVENT_EPOCH,   /* an epoch is done and evaluated */
    NIN_EVENT_SAVED,   /* a checkpoint is safely on disk */
    NIN_EVENT_BEGIN,   /* all is ready, also when a run goes on; comes once, before the others */
    NIN_EVENT_FINDING, /* something is wrong with the training, or no longer */
    NIN_EVENT_RESTART  /* it failed and begins again with the next seed; `finding` says why */
} nin_event;

/* Called from the training thread. Return false to stop: the step is finished, state is saved, and
 * nin_train returns with `stopped` set. */
typedef bool (*nin_train_callback)(nin_event event, const nin_progress *progress, void *context);

typedef struct nin_train_result {
    nin_progress last;    /* at the end */
    double best_accuracy; /* on the test set */
    int best_epoch;
    bool stopped;         /* by the callback */
    bool finished;        /* all epochs are done (false too when max_steps or patience ended it) */
    bool out_of_patience; /* options.patience ended it, now or before it was resumed */
    bool failed;          /* on_failure ended it: `failure` says which finding did */
    nin_finding_kind failure;
    nin_finding findings[NIN_FINDING_KINDS]; /* since the last restart, the latest of each kind */
    int finding_count;
} nin_train_result;

/* A run of training: what on what, how, and where. Everything is borrowed. */
typedef struct nin_train_task {
    nin_model *model;    /* its net is trained */
    const nin_net *from; /* a new run starts from its weights; where it tells another number of
                            classes apart, tensors whose shape depends on that are drawn.
                            NULL: all are drawn */
    const nin_dataset *train;
    const nin_dataset *test; /* NULL: never evaluated */
    const nin_train_options *options;
    const char *directory;       /* of the run; made if needed */
    bool resume;                 /* go on with the run that is there; `from` does not matter then */
    nin_train_callback callback; /* NULL: none */
    void *context;               /* of the callback */
} nin_train_task;

/* What nin_train would refuse before it touches the directory: options that have no sensible
 * meaning or do not go together, patterns that fit no tensor, data that the net cannot take,
 * weights to start from that are not those of such a net. NIN_ERROR_ARGUMENT. */
NIN_API nin_status nin_train_check(const nin_train_task *task, nin_error *err);

/* Trains the model's net (giving it the weights to start from, unless the run is resumed) and
 * evaluates it after every epoch. Writes log.jsonl, last.safetensors, best.safetensors and state
 * into the directory. With `ema` the net holds the averaged weights in the end, as last.safetensors
 * does. With `resume` it goes on from `state` there. The options must be those of the run, except
 * max_steps, patience, checkpoint_seconds, health, on_failure, restarts, the number of threads,
 * and the device, math and deterministic of the session: a run may go on elsewhere, to other bits.
 * A device or instruction set left to "auto" and a math left NULL is the run's, and so is a
 * whitening that the preprocessing asks for and does not have. A run stopped anywhere and resumed
 * on the same device ends with the same bits as one that was not. NIN_ERROR_ARGUMENT: what
 * nin_train_check refuses; the first option that is not the run's; a directory that holds a run
 * when `resume` is false; another process trains there. NIN_ERROR_NO_INPUT: nothing there to
 * resume. NIN_ERROR_NOT_FINITE: a loss or gradient that is not finite, the message names the step
 * and the first bad tensor; the last good checkpoint is kept. NIN_ERROR_UNAVAILABLE: the device
 * cannot be had, or was lost on the way; the last checkpoint is kept. NIN_ERROR_IO: a file could
 * not be written; the last checkpoint is kept. `result` may be NULL; *result is filled in as far as
 * the run came. */
NIN_API nin_status nin_train(const nin_train_task *task, nin_train_result *result, nin_error *err);

/* Learning rate of step `step` (from 0) of a run of `steps` steps, `batches` an epoch. */
NIN_API float nin_schedule_lr(const nin_train_options *options, uint64_t step, uint64_t steps,
                              int batches);

/* ---- the learning rate range test ---- */

typedef struct nin_lr_range_options {
    float from, to; /* learning rates, 0 < from < to */
    int steps;      /* at least 2; an epoch is the most that is made */
} nin_lr_range_options;

/* From 1e-6 to 10 in 100 steps. */
NIN_API nin_lr_range_options nin_lr_range_options_defaults(void);

typedef struct nin_lr_point {
    float lr;        /* of a step */
    double loss;     /* mean of the step's examples, before it */
    double smoothed; /* moving average that keeps 0.98 a step, divided by the sum of its weights */
} nin_lr_point;

typedef struct nin_lr_range {
    nin_lr_point *points; /* owned */
    size_t count;
    float suggestion; /* where the smoothed loss falls fastest from one step to the next, the first
                         tenth of the steps and the last five left out; NaN: nowhere */
    bool diverged;    /* it ended because the smoothed loss was over 4 times its least value, or
                         something was not finite */
    bool stopped;     /* by the callback */
} nin_lr_range;

/* The learning rate range test (Smith 2017, "Cyclical learning rates", section 3.3, with the
 * smoothing, the end and the suggestion of fast.ai): trains from the first weights while the
 * learning rate grows by equal factors, in place of the schedule. Writes no files; directory,
 * resume and test of the task do not matter, and its model's weights are of no use afterwards. The
 * callback gets NIN_EVENT_STEP, with lr, batch_loss and the smoothed loss as train_loss.
 * NIN_ERROR_ARGUMENT: as nin_train_check, or no such range. */
NIN_API nin_status nin_lr_range_measure(const nin_train_task *task,
                                        const nin_lr_range_options *options, nin_lr_range *out,
                                        nin_error *err);
NIN_API void nin_lr_range_free(nin_lr_range *range);

/* ---- recipes ---- */

/* The i-th built-in recipe's name, or NULL past the end. *text receives its settings: lines of
 * `key = value` whose keys are the program's option names, `#` starts a comment. */
NIN_API const char *nin_recipe(size_t index, const char **text);

/* ---- evaluation ---- */

typedef struct nin_class_score {
    double precision, recall, f1; /* NaN where undefined */
    size_t support;
} nin_class_score;

typedef struct nin_evaluation {
    size_t examples;
    double loss, accuracy; /* means over the examples */
    int classes;
    nin_class_score *scores; /* classes */
    size_t *confusion;       /* classes x classes: [true class][predicted class] */
    int32_t *predicted;      /* examples */
    double seconds;          /* of computing, loading left out */
} nin_evaluation;

/* What a net is evaluated on, and how. Everything is borrowed. */
typedef struct nin_evaluation_task {
    const nin_dataset *dataset;
    const nin_preprocess *preprocess;
    bool flip; /* logits are the means of the picture's and its mirror image's */
    bool (*progress)(size_t done, size_t count, void *context); /* NULL: none; false stops */
    void *context;                                              /* of progress */
} nin_evaluation_task;

/* Evaluates a net on a whole data set. Where progress stops it: NIN_OK, and out->examples says how
 * many were done. */
NIN_API nin_status nin_evaluate(nin_session *session, const nin_evaluation_task *task,
                                nin_evaluation *out, nin_error *err);
NIN_API void nin_evaluation_free(nin_evaluation *evaluation);

#ifdef __cplusplus
}
#endif

#endif

/* A session: a net made ready to run on a device. Shapes, fusion, algorithms and memory are settled
 * when it is created; running allocates nothing. A session belongs to one thread at a time. */
#ifndef NIN_SESSION_H
#define NIN_SESSION_H

#include <nin/net.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nin_session nin_session;

typedef struct nin_session_options {
    const char *device; /* "auto", "cpu", "cuda" (the first CUDA device that can be used), "cuda:N"
                           (device N, from 0), "reference" (plain loops in float64, slow); NULL:
                           auto, which is cuda where a device can be used and neither `isa` nor
                           `algorithms` are asked for, and cpu elsewhere */
    const char *isa;    /* of the CPU: "auto", or one that nin_isa lists; NULL: auto */
    const char *math;   /* "float32"; on CUDA devices also "tf32" (factors of products lose 13 of
                           their 23 bits) and "bf16" (results between layers and factors are
                           bfloat16; weights, their gradients, sums and the loss stay float32);
                           "fast": bf16 on CUDA devices, float32 elsewhere. NULL: float32 */
    int threads;   /* 0: one a processor this process may use; fewer run where a batch is too little
                      work for them */
    int batch;     /* the largest batch it will be given */
    bool training; /* true: nin_session_gradients; false: nin_session_logits, in much less memory */
    uint64_t seed; /* of dropout */
    const bool *frozen; /* training: one a trainable tensor, true where it will not change: a batch
                           norm of such tensors uses its running statistics and leaves them alone,
                           and no gradients are computed in front of the first layer that changes.
                           NULL: all change; copied */
    const char *algorithms; /* pins algorithms: "0.0=direct,2.0=winograd4", by layer name; on CUDA
                               devices "own": none of cuBLASLt and cuDNN. NULL: the plan chooses */
    bool keep_results;  /* keep what every step of the plan gave, for nin_session_result, instead of
                           letting results share memory; training sessions always do */
    bool deterministic; /* CUDA: the same bits in every run on the same kind of device with the same
                           libraries, which may take longer. Other devices always are */
    const char *plugins; /* the directory of libnin-cuda.so; NULL: where it was installed */
    const char *cache;   /* CUDA: a directory, made where it is missing, in which the fastest
                            algorithms of cuBLASLt and cuDNN are kept once they were measured.
                            Nothing is wrong where that fails. NULL: each session measures */
} nin_session_options;

/* auto, auto, NULL, 0, 1, false, 0, NULL, NULL, false, false, NULL, NULL */
NIN_API nin_session_options nin_session_options_defaults(void);

/* The net must outlive the session. NIN_ERROR_UNAVAILABLE: no such device or instruction set here,
 * the message says why; NIN_ERROR_ARGUMENT, NIN_ERROR_MEMORY. On a CUDA device all functions of a
 * session can fail with NIN_ERROR_UNAVAILABLE: the device was lost. */
NIN_API nin_status nin_session_create(nin_net *net, const nin_session_options *options,
                                      nin_session **out, nin_error *err);
NIN_API void nin_session_free(nin_session *session);

/* The net it was created for. */
NIN_API const nin_net *nin_session_net(const nin_session *session);

/* Tells the session that the net's weights were changed by someone else than itself. */
NIN_API void nin_session_weights_changed(nin_session *session);

/* Logits of `count` <= batch examples in evaluation mode (no dropout, running statistics).
 * images: count x channels x height x width; logits: count x classes. */
NIN_API nin_status nin_session_logits(nin_session *session, const float *images, int count,
                                      float *logits, nin_error *err);

typedef struct nin_loss {
    double loss_sum; /* cross-entropy summed over the examples (divide by count for the mean) */
    int correct;     /* examples whose largest logit is the label's; the first wins ties */
} nin_loss;

/* A batch to learn from. A picture that shows two classes (mixup, cutmix) has two labels. */
typedef struct nin_examples {
    const float *images;   /* count x channels x height x width */
    const int32_t *labels; /* count */
    int count;
    float label_smoothing;       /* in [0, 1) */
    uint64_t step;               /* numbers the dropout masks */
    const int32_t *other_labels; /* count; NULL: each picture has one label */
    const float *label_shares;   /* count, with other_labels: the share of `labels`, in [0, 1]; the
                                    rest is the other label's */
} nin_examples;

/* One forward and backward pass in training mode. `gradients` receives nin_net_parameter_count()
 * floats: the gradient of the mean loss, laid out like the net's parameters. What it holds for
 * frozen tensors means nothing. Running statistics of batch_norm are updated in the net. A loss
 * that is not finite is not an error here: look at it. */
NIN_API nin_status nin_session_gradients(nin_session *session, const nin_examples *examples,
                                         float *gradients, nin_loss *loss, nin_error *err);

/* Mean cross-entropy of the logits (count x classes) of examples, whose images and step are not
 * looked at, and its gradient with respect to the logits, in one numerically safe step: log-softmax
 * by subtraction of the maximum. gradient (count x classes, may be NULL) is that of the mean over
 * the batch. */
NIN_API nin_loss nin_cross_entropy(const nin_examples *examples, const float *logits, int classes,
                                   float *gradient);

/* probabilities[i] = exp(logits[i]) / sum, safe for any finite logits. */
NIN_API void nin_softmax(const float *logits, int classes, float *probabilities);

/* What the session settled, one row a fused step. */
typedef struct nin_plan_step {
    const char *layers;    /* names of the layers it computes: "0.0 0.1" */
    const char *work;      /* "conv2d+relu+max_pool" */
    const char *algorithm; /* "winograd4" */
    nin_shape input, output;
    uint64_t macs;           /* one example forward, as direct computation */
    size_t weight_bytes;     /* packed weights */
    size_t activation_bytes; /* kept for the largest batch */
    size_t workspace_bytes;
} nin_plan_step;

NIN_API size_t nin_session_step_count(const nin_session *session);
NIN_API nin_plan_step nin_session_step(const nin_session *session, size_t index);

/* What step `step` of the plan gave for picture `example` of the last call: its result after the
 * activation and the max-pool that belong to the step, nin_session_step(session, step).output as
 * channels x height x width floats into `values`. The last step's are the logits. A training
 * session's results are those of training mode, with dropout.
 * NIN_ERROR_ARGUMENT: no such step or picture, nothing was computed yet, or the session keeps no
 * results. */
NIN_API nin_status nin_session_result(const nin_session *session, size_t step, int example,
                                      float *values, nin_error *err);

/* Seconds that a step takes of all threads together: those of a step that the engine runs picture
 * by picture are added up over its threads, and a step that has all threads counts for each of
 * them, waiting included. Divided by the number of threads they are its share of the time. */
typedef struct nin_step_time {
    double forward;
    double backward;        /* both gradients, as in training */
    double weight_gradient; /* of that: what the gradient of its weights takes by itself. The rest
                               is the input's, with what both need */
} nin_step_time;

/* Runs one forward pass and, in a session for training, one backward pass, and times the steps:
 * times receives nin_session_step_count(). The labels are needed for training only. Running
 * statistics move on as in training. Packing weights and adding up gradients is in no step's time.
 * NIN_ERROR_UNAVAILABLE: the reference engine does not time its steps; NIN_ERROR_ARGUMENT,
 * NIN_ERROR_DATA, NIN_ERROR_MEMORY. */
NIN_API nin_status nin_session_profile(nin_session *session, const nin_examples *examples,
                                       nin_step_time *times, nin_error *err);

/* The ceiling of a step's speed: floating-point operations a second that the session's threads and
 * instruction set reach together with nothing but multiply-adds in registers, measured now, for
 * some hundredths of a second. 0: not known, as of the reference engine and CUDA devices. */
NIN_API double nin_session_peak(const nin_session *session);

typedef struct nin_session_info {
    const char *device;     /* "cpu", "cuda:0" */
    const char *isa;        /* "avx2", "sm_90" */
    const char *hardware;   /* the name of a CUDA device; "" for others */
    const char *math;       /* "float32" */
    bool deterministic;     /* as the options'; true for all but CUDA devices */
    int threads, batch;     /* threads: those that run; with a CUDA device, those for what the
                               processor does beside it */
    size_t bytes;           /* memory the session holds */
    const char *algorithms; /* in the form of the option: pins exactly this plan; of CUDA devices
                               what was asked for */
} nin_session_info;

NIN_API nin_session_info nin_session_get_info(const nin_session *session);

/* Whether a session that is asked for on device `asked` may be on `device`, which a session told:
 * NULL and "auto" fit any, "cuda" fits every CUDA device. */
NIN_API bool nin_device_fits(const char *asked, const char *device);

/* The i-th instruction set of this build, best last, or NULL past the end; *usable says whether
 * this processor has it. */
NIN_API const char *nin_isa(size_t index, bool *usable);

/* Processors that this process may use. */
NIN_API int nin_processor_count(void);

#ifdef __cplusplus
}
#endif

#endif

/* A step allocates nothing: neither of a session nor of the optimizer. The linker sends the calls
 * of everything that is linked into this program, the library among them, to the functions below
 * (tests/CMakeLists.txt); those of the OpenMP runtime, a shared library, are its own affair. */
#include "cpu/algorithm.h"
#include "support/nets.h"
#include "train/optimizer/norm.h"
#include "train/optimizer/optimizer.h"

#include <nin/session.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static atomic_int allocations;

/* The linker's names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__real_mmap(void *start, size_t size, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void *__wrap_mmap(void *start, size_t size, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    allocations++;
    return __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
    allocations++;
    return __real_realloc(block, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __real_aligned_alloc(alignment, size);
}
int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
    allocations++;
    return __real_posix_memalign(block, alignment, size);
}
void *__wrap_mmap(void *start, size_t size, int protection, int flags, int file, off_t offset) {
    allocations++;
    return __real_mmap(start, size, protection, flags, file, offset);
}

/* NOLINTEND(bugprone-reserved-identifier) */

/* A net and all that its steps need, for a batch of at most `batch`. */
typedef struct bench {
    nin_net *net;
    int batch;
    float *images, *gradients, *momentum, *logits;
    int32_t *labels;
    nin_train_options options;
    ninp_tensor_rule *rules;
} bench;

static bench open_bench(const char *name, int size, int batch) {
    bench b = {.net = test_net_open(name, size, 1), .batch = batch};
    size_t parameters = nin_net_parameter_count(b.net);
    b.images = test_images(b.net, batch, 2);
    b.labels = test_labels(b.net, batch, 3);
    b.gradients = calloc(parameters, sizeof *b.gradients);
    b.momentum = calloc(parameters, sizeof *b.momentum);
    b.logits = calloc((size_t)batch * (size_t)nin_net_output(b.net).channels, sizeof *b.logits);
    assert_true(b.gradients && b.momentum && b.logits);
    b.options = nin_train_options_defaults();
    b.options.momentum = 0.9F;
    b.options.nesterov = true;
    b.options.weight_decay = 1e-4F;
    assert_int_equal(ninp_tensor_rules_create(&b.options, b.net, &b.rules, NULL), NIN_OK);
    return b;
}

static void close_bench(bench *b) {
    free(b->images);
    free(b->labels);
    free(b->gradients);
    free(b->momentum);
    free(b->logits);
    free(b->rules);
    nin_net_free(b->net);
}

static void train(const bench *b, nin_session *session, int count, int threads) {
    const nin_examples examples = {.images = b->images,
                                   .labels = b->labels,
                                   .count = count,
                                   .label_smoothing = 0.1F,
                                   .step = 1};
    nin_loss loss;
    assert_int_equal(nin_session_gradients(session, &examples, b->gradients, &loss, NULL), NIN_OK);
    const double squares =
        ninp_sum_of_squares(b->gradients, nin_net_parameter_count(b->net), threads);
    const ninp_optimizer_step step = {.options = &b->options,
                                      .rules = b->rules,
                                      .lr = 1e-3F,
                                      .scale = ninp_clip_scale(sqrt(squares), 1.0F),
                                      .number = 1,
                                      .threads = threads};
    float *const slots[] = {b->momentum, NULL};
    ninp_optimizer_update(&step, b->net, b->gradients, slots);
    nin_session_weights_changed(session);
}

/* Steps with the whole batch and with a part of it, the first ones included. */
static void check_session(const bench *b, nin_session *session, bool training) {
    const nin_session_info info = nin_session_get_info(session);
    const int counts[] = {b->batch, 1, b->batch};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const int before = allocations;
        if (training) {
            train(b, session, counts[i], info.threads);
        } else {
            nin_session_weights_changed(session);
            assert_int_equal(nin_session_logits(session, b->images, counts[i], b->logits, NULL),
                             NIN_OK);
        }
        if (allocations != before) {
            fail_msg("%s, %d threads, %s: %d allocations in a %s step of %d", info.device,
                     info.threads, info.algorithms, allocations - before,
                     training ? "training" : "prediction", counts[i]);
        }
    }
}

/* false: there is no such session. */
static bool check_plan(const bench *b, const char *device, int threads, bool training,
                       const char *algorithms) {
    nin_session_options options = nin_session_options_defaults();
    options.device = device;
    options.threads = threads;
    options.batch = b->batch;
    options.training = training;
    options.algorithms = algorithms;
    nin_session *session;
    if (nin_session_create(b->net, &options, &session, NULL) != NIN_OK) {
        return false;
    }
    check_session(b, session, training);
    nin_session_free(session);
    return true;
}

static void nets_as_planned(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int size;
    } nets[] = {{"nin", 67}, {"nin-bn", 67}, {"nin-cifar10", 16}, {"lenet", 0}, {"alexnet", 67}};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        bench b = open_bench(nets[i].name, nets[i].size, 5);
        for (int threads = 1; threads <= 4; threads += 3) {
            assert_true(check_plan(&b, "cpu", threads, true, NULL));
            assert_true(check_plan(&b, "cpu", threads, false, NULL));
        }
        close_bench(&b);
    }
}

static void reference_engine(void **state) {
    (void)state;
    bench b = open_bench("lenet", 0, 2);
    assert_true(check_plan(&b, "reference", 1, true, NULL));
    assert_true(check_plan(&b, "reference", 1, false, NULL));
    close_bench(&b);
}

/* Layers of the net that the algorithm can do. */
static int check_algorithm(const bench *b, const ninp_cpu_algorithm *algorithm) {
    int layers = 0;
    for (size_t i = 0; i < nin_net_layer_count(b->net); i++) {
        char pin[80];
        snprintf(pin, sizeof pin, "%s=%s", nin_net_layer(b->net, i).name, algorithm->name);
        layers += check_plan(b, "cpu", 2, true, pin);
    }
    return layers;
}

/* The algorithms that the plan does not choose, each at every layer of a net that it can do. */
static void every_algorithm(void **state) {
    (void)state;
    bench nin = open_bench("nin", 67, 3);
    bench lenet = open_bench("lenet", 0, 3);
    for (size_t a = 0; ninp_cpu_algorithms[a]; a++) {
        const ninp_cpu_algorithm *algorithm = ninp_cpu_algorithms[a];
        const int layers = check_algorithm(&nin, algorithm) + check_algorithm(&lenet, algorithm);
        if (algorithm->work == NINP_WORK_CONV) {
            assert_true(layers > 0);
        }
    }
    close_bench(&nin);
    close_bench(&lenet);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nets_as_planned),
                                       cmocka_unit_test(reference_engine),
                                       cmocka_unit_test(every_algorithm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

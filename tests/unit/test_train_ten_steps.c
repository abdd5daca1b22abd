/* Ten steps of training of four nets against PyTorch in float64 (tests/golden/ten_steps.py), on
 * every device: the losses of all steps and the gradients of the first one.
 *
 * test_train_ten_steps [PLUGINS]: with the directory of a CUDA plug-in, on its first device and
 * nowhere else; the exit code is 77 where there is none. */
#include <nin/cuda.h>
#include <nin/session.h>

#include "format/safetensors.h"
#include "support/golden.h"
#include "train/optimizer/norm.h"
#include "train/optimizer/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "tests/golden/ten_steps.safetensors"

enum { STEPS = 10, SAMPLES = 32 };

#define ZERO 1e-12

/* How a net is computed. */
typedef struct way {
    const char *device, *isa, *math, *plugins;
    double
        rounding; /* 0: float32; else how many times PyTorch's own error in bfloat16 it may have */
} way;

/* Bounds: of the first step's loss and of the others, absolute; of a gradient, in proportion to its
 * norm; of one that is zero but for rounding (of a bias in front of batch norm), in proportion to
 * the norm of the whole gradient.
 */
typedef struct bounds {
    double first, loss, gradient, zero;
} bounds;

static const bounds float32_bounds = {1e-5, 1e-5, 1e-5, 1e-7};

/* The nets, and how far PyTorch 2.15 is from its float64 with autocast to bfloat16, at most. Where
 * ReLU and max-pool decide otherwise, gradients of layers in front differ by far more than the
 * rounding, and so do losses after some steps. */
static const struct {
    const char *name;
    bounds bfloat16;
} cases[] = {{"nin", {2.6e-3, 0.015, 0.165, 1e-3}},
             {"lenet", {2.6e-3, 0.0022, 0.011, 1e-3}},
             {"alexnet", {2.6e-3, 0.204, 0.087, 1e-3}},
             {"nin_bn", {2.6e-3, 0.0071, 0.33, 1e-3}}};
enum { CASES = sizeof cases / sizeof *cases };

/* The hash of ten_steps.py: a number in [0, 1) with 24 bits. */
static double uniform(uint32_t stream, uint32_t index) {
    uint32_t x = index * UINT32_C(2654435761) + (stream + 1) * UINT32_C(2246822519);
    x = (x ^ x >> 15) * UINT32_C(2246822519);
    x = (x ^ x >> 13) * UINT32_C(3266489917);
    x ^= x >> 16;
    return (double)(x >> 8) * 0x1p-24;
}

static bool ends_in(const char *text, const char *ending) {
    size_t length = strlen(text);
    size_t tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static double start_value(const nin_tensor *tensor, double u) {
    if (!tensor->trainable) {
        return ends_in(tensor->name, "var") ? 1 : 0;
    }
    if (tensor->rank > 1) {
        size_t fan_in = tensor->count / tensor->shape[0];
        return (2 * u - 1) * sqrt(6 / (double)fan_in);
    }
    return ends_in(tensor->name, "weight") ? 0.5 + u : 0.2 * u;
}

static void fill_net(nin_net *net) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        for (size_t j = 0; j < tensor.count; j++) {
            tensor.values[j] = (float)start_value(&tensor, uniform((uint32_t)i, (uint32_t)j));
        }
    }
}

typedef struct ten_steps {
    const char *name; /* of the case */
    const way *how;
    bounds allowed;
    golden *file;
    nin_net *net;
    float lr;
    int batch;
    float *images;
    int32_t *labels;
    float *gradients, *momentum;
    nin_session *session;
} ten_steps;

static const float *expected(const ten_steps *run, const char *what, size_t count) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", run->name, what);
    size_t found;
    const float *values = golden_values(run->file, name, &found);
    assert_int_equal(found, count);
    return values;
}

static void read_case(ten_steps *run) {
    ninp_safetensors *file;
    assert_int_equal(ninp_safetensors_open(FILE_NAME, &file, NULL), NIN_OK);
    const char *texts[3];
    const char *const keys[3] = {"net", "batch", "lr"};
    for (int i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s.%s", run->name, keys[i]);
        texts[i] = ninp_safetensors_metadata(file, key);
        assert_non_null(texts[i]);
    }
    nin_error err = {0};
    if (nin_net_parse(texts[0], strlen(texts[0]), run->name, NULL, &run->net, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    run->batch = (int)strtol(texts[1], NULL, 10);
    run->lr = strtof(texts[2], NULL);
    ninp_safetensors_close(file);
}

static void open_run(ten_steps *run) {
    run->file = golden_open(FILE_NAME);
    read_case(run);
    fill_net(run->net);
    nin_shape input = nin_net_input(run->net);
    size_t picture = (size_t)input.channels * (size_t)input.height * (size_t)input.width;
    size_t count = nin_net_parameter_count(run->net);
    run->images = malloc((size_t)run->batch * picture * sizeof *run->images);
    run->labels = malloc((size_t)run->batch * sizeof *run->labels);
    run->gradients = calloc(count, sizeof *run->gradients);
    run->momentum = calloc(count, sizeof *run->momentum);
    for (size_t i = 0; i < (size_t)run->batch; i++) {
        for (size_t j = 0; j < picture; j++) {
            run->images[i * picture + j] = (float)uniform(1000 + (uint32_t)i, (uint32_t)j);
        }
        run->labels[i] = (int32_t)((7 * i + 3) % 10);
    }
    nin_session_options options = nin_session_options_defaults();
    options.device = run->how->device;
    options.isa = run->how->isa;
    options.math = run->how->math;
    options.plugins = run->how->plugins;
    options.batch = run->batch;
    options.training = true;
    nin_error err = {0};
    if (nin_session_create(run->net, &options, &run->session, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
}

static void close_run(ten_steps *run) {
    nin_session_free(run->session);
    free(run->momentum);
    free(run->gradients);
    free(run->labels);
    free(run->images);
    nin_net_free(run->net);
    golden_close(run->file);
}

static double norm_of(const float *values, size_t count) {
    return sqrt(ninp_sum_of_squares(values, count, 1));
}

static void check_gradient(const ten_steps *run, const nin_tensor *tensor, const float *gradient,
                           const float *samples, double norm, double whole) {
    double found = norm_of(gradient, tensor->count);
    bool zero = norm < ZERO * whole;
    if (!(fabs(found - norm) <=
          (zero ? run->allowed.zero * whole : run->allowed.gradient * norm))) {
        fail_msg("%s on %s: gradient of %s: norm %.9g, PyTorch has %.9g", run->name,
                 run->how->device, tensor->name, found, norm);
    }
    if (zero) {
        return;
    }
    double error = 0;
    double size = 0;
    for (size_t k = 0; k < SAMPLES; k++) {
        double wanted = (double)samples[k];
        double difference = (double)gradient[k * (tensor->count - 1) / (SAMPLES - 1)] - wanted;
        error += difference * difference;
        size += wanted * wanted;
    }
    /* Samples that happen to be small are measured by what average ones would have. */
    double average = norm * sqrt((double)SAMPLES / (double)tensor->count);
    double measure = sqrt(size) > average ? sqrt(size) : average;
    if (!(sqrt(error) <= run->allowed.gradient * measure)) {
        fail_msg("%s on %s: gradient of %s: samples differ by %.2g of their norm", run->name,
                 run->how->device, tensor->name, sqrt(error) / measure);
    }
}

static void check_gradients(const ten_steps *run) {
    size_t tensors = 0;
    while (tensors < nin_net_tensor_count(run->net) &&
           nin_net_tensor(run->net, tensors).trainable) {
        tensors++;
    }
    const float *norms = expected(run, "norms", tensors);
    const float *samples = expected(run, "samples", tensors * SAMPLES);
    double whole = norm_of(norms, tensors);
    const float *gradient = run->gradients;
    for (size_t i = 0; i < tensors; i++) {
        nin_tensor tensor = nin_net_tensor(run->net, i);
        check_gradient(run, &tensor, gradient, samples + i * SAMPLES, (double)norms[i], whole);
        gradient += tensor.count;
    }
}

static bounds bounds_of(size_t index, const way *how) {
    const bounds *own = &cases[index].bfloat16;
    const double factor = how->rounding;
    return factor > 0 ? (bounds){factor * own->first, 2 * factor * own->loss,
                                 factor * own->gradient, factor * own->zero}
                      : float32_bounds;
}

static void check_case(size_t index, const way *how) {
    const char *name = cases[index].name;
    ten_steps run = {.name = name, .how = how, .allowed = bounds_of(index, how)};
    open_run(&run);
    const float *losses = expected(&run, "losses", STEPS);
    const nin_train_options options = {.momentum = 0.9F, .weight_decay = 5e-4F};
    ninp_tensor_rule *rules;
    assert_int_equal(ninp_tensor_rules_create(&options, run.net, &rules, NULL), NIN_OK);
    for (int step = 0; step < STEPS; step++) {
        nin_loss loss;
        const nin_examples examples = {
            .images = run.images, .labels = run.labels, .count = run.batch, .step = (uint64_t)step};
        assert_int_equal(nin_session_gradients(run.session, &examples, run.gradients, &loss, NULL),
                         NIN_OK);
        double mean = loss.loss_sum / run.batch;
        const double allowed = step == 0 ? run.allowed.first : run.allowed.loss;
        if (!(fabs(mean - (double)losses[step]) <= allowed)) {
            fail_msg("%s on %s %s: step %d: loss %.9g, PyTorch has %.9g", name, how->device,
                     how->isa ? how->isa : how->math, step, mean, (double)losses[step]);
        }
        if (step == 0) {
            check_gradients(&run);
        }
        const ninp_optimizer_step update = {.options = &options,
                                            .rules = rules,
                                            .lr = run.lr,
                                            .scale = 1,
                                            .number = (uint64_t)step + 1,
                                            .threads = 2};
        ninp_optimizer_update(&update, run.net, run.gradients, &run.momentum);
        nin_session_weights_changed(run.session);
    }
    free(rules);
    close_run(&run);
}

static void check_cases(const way *how) {
    for (size_t i = 0; i < CASES; i++) {
        check_case(i, how);
    }
}

static void test_reference(void **state) {
    (void)state;
    check_cases(&(way){.device = "reference", .math = "float32"});
}

/* With every instruction set that this processor has. */
static void test_cpu(void **state) {
    (void)state;
    const char *isa;
    bool usable;
    for (size_t i = 0; (isa = nin_isa(i, &usable)) != NULL; i++) {
        if (!usable) {
            print_message("%s is not tested: this processor lacks it\n", isa);
        }
        if (usable) {
            check_cases(&(way){.device = "cpu", .isa = isa});
        }
    }
}

static const char *plugins; /* the directory that was named */

static void test_cuda_float32(void **state) {
    (void)state;
    check_cases(&(way){.device = "cuda", .math = "float32", .plugins = plugins});
}

static void test_cuda_tf32(void **state) {
    (void)state;
    check_cases(&(way){.device = "cuda", .math = "tf32", .plugins = plugins, .rounding = 1});
}

static void test_cuda_bf16(void **state) {
    (void)state;
    check_cases(&(way){.device = "cuda", .math = "bf16", .plugins = plugins, .rounding = 2});
}

static int run_on_cuda(void) {
    enum { SKIPPED = 77 };
    nin_cuda_info cuda;
    nin_error err = {0};
    if (nin_cuda_look(plugins, &cuda, &err) != NIN_OK || cuda.device_count == 0) {
        print_message("no CUDA device: %s\n", err.message);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuda_float32),
        cmocka_unit_test(test_cuda_tf32),
        cmocka_unit_test(test_cuda_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        plugins = argv[1];
        return run_on_cuda();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

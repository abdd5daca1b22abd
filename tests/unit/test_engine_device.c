/* Which device a session gets, and what the core hands to a CUDA plug-in and takes from it
 * (tests/plugins/fake.c, whose device computes as the CPU engine on one thread does). */
#include <nin/cuda.h>
#include <nin/session.h>

#include "engine/session.h"
#include "support/nets.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 3, CLASSES = 10, PIXELS = 28 * 28, STEPS = 2, MOST_VALUES = 20000 };

static const char text[] = "input 1x28x28\n"
                           "conv2d 8 kernel=5 padding=2\n"
                           "batch_norm\n"
                           "relu\n"
                           "max_pool kernel=2 stride=2\n"
                           "dropout 0.5\n"
                           "flatten\n"
                           "linear classes\n";

static nin_net *open_net(void) {
    return test_net_parse(text, 1);
}

static nin_session *open_session(nin_net *net, const nin_session_options *options) {
    nin_session *session;
    nin_error err = {0};
    if (nin_session_create(net, options, &session, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    return session;
}

static void expect_refusal(const nin_session_options *options, nin_status status,
                           const char *part) {
    nin_net *net = open_net();
    nin_session *session;
    nin_error err = {0};
    assert_int_equal(nin_session_create(net, options, &session, &err), status);
    assert_null(session);
    if (!strstr(err.message, part)) {
        fail_msg("'%s' does not say '%s'", err.message, part);
    }
    assert_int_equal(nin_session_create(net, options, &session, NULL), status);
    nin_net_free(net);
}

static void test_without_plugin(void **state) {
    (void)state;
    nin_cuda_info cuda;
    nin_error err = {0};
    assert_int_equal(nin_cuda_look("/nowhere", &cuda, &err), NIN_ERROR_UNAVAILABLE);
    assert_string_equal(cuda.plugin, "/nowhere/libnin-cuda.so");
    assert_non_null(strstr(err.message, cuda.plugin));
    assert_int_equal(cuda.device_count, 0);

    nin_session_options options = nin_session_options_defaults();
    options.plugins = "/nowhere";
    nin_net *net = open_net();
    nin_session *session = open_session(net, &options);
    nin_session_info info = nin_session_get_info(session);
    assert_string_equal(info.device, "cpu");
    assert_string_equal(info.math, "float32");
    assert_string_equal(info.hardware, "");
    assert_true(info.deterministic);
    nin_session_free(session);
    nin_net_free(net);

    options.math = "fast";
    net = open_net();
    session = open_session(net, &options);
    assert_string_equal(nin_session_get_info(session).math, "float32");
    nin_session_free(session);
    nin_net_free(net);

    options.math = "bf16";
    expect_refusal(&options, NIN_ERROR_UNAVAILABLE, "math bf16 needs a CUDA device: ");
    options.device = "cpu";
    expect_refusal(&options, NIN_ERROR_ARGUMENT, "math bf16: device cpu");
    options.device = "reference";
    expect_refusal(&options, NIN_ERROR_ARGUMENT, "math bf16: device reference");
    options.device = "cuda";
    expect_refusal(&options, NIN_ERROR_UNAVAILABLE, "/nowhere/libnin-cuda.so: ");
}

/* The driver has to be there before the plug-in is opened; a library that is open already is found
 * by its name. */
static int open_driver(void **state) {
    (void)state;
    return dlopen(TEST_PLUGINS "/driver/libcuda.so.1", RTLD_NOW) ? 0 : -1;
}

static nin_session_options on_device(void) {
    nin_session_options options = nin_session_options_defaults();
    options.plugins = TEST_PLUGINS "/fake";
    options.batch = COUNT;
    options.threads = 1;
    return options;
}

static void test_choice(void **state) {
    (void)state;
    nin_net *net = open_net();
    const struct {
        const char *device, *isa, *algorithms, *got;
    } cases[] = {{NULL, NULL, NULL, "cuda:0"},     {"auto", "auto", "", "cuda:0"},
                 {"cuda", NULL, NULL, "cuda:0"},   {"cuda:0", NULL, "own", "cuda:0"},
                 {"auto", "generic", NULL, "cpu"}, {NULL, NULL, "0=direct", "cpu"},
                 {"cpu", NULL, NULL, "cpu"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nin_session_options options = on_device();
        options.device = cases[i].device;
        options.isa = cases[i].isa;
        options.algorithms = cases[i].algorithms;
        nin_session *session = open_session(net, &options);
        assert_string_equal(nin_session_get_info(session).device, cases[i].got);
        nin_session_free(session);
    }
    nin_net_free(net);
    nin_session_options options = on_device();
    options.device = "cuda:1";
    expect_refusal(&options, NIN_ERROR_UNAVAILABLE, "cuda:1: there is 1, counted from 0");
    options.device = "cuda:0x";
    expect_refusal(&options, NIN_ERROR_ARGUMENT, "cuda:0x: N of cuda:N");
    options.device = "cuda";
    options.math = "bf61";
    expect_refusal(&options, NIN_ERROR_ARGUMENT, "math bf61: not one of float32, tf32, bf16");
    options.math = NULL;
    options.isa = "avx2";
    expect_refusal(&options, NIN_ERROR_ARGUMENT, "instruction set avx2");
}

static void test_information(void **state) {
    (void)state;
    nin_cuda_info cuda;
    assert_int_equal(nin_cuda_look(TEST_PLUGINS "/fake", &cuda, NULL), NIN_OK);
    assert_int_equal(cuda.driver, 13010);
    assert_int_equal(cuda.runtime, 13000);
    assert_string_equal(cuda.cublaslt.version, "13.1.0");
    assert_string_equal(cuda.cudnn.version, "");
    assert_string_equal(cuda.cudnn.reason, "libcudnn.so.9: no such file");
    assert_int_equal(cuda.device_count, 1);
    assert_string_equal(cuda.devices[0].name, "Fake Accelerator");
    assert_int_equal(cuda.devices[0].major, 9);
    assert_true(cuda.devices[0].usable);

    nin_net *net = open_net();
    nin_session_options options = on_device();
    options.math = "fast";
    nin_session *session = open_session(net, &options);
    assert_string_equal(nin_session_get_info(session).math, "bf16");
    nin_session_free(session);
    options.math = "tf32";
    options.deterministic = true;
    session = open_session(net, &options);
    nin_session_info info = nin_session_get_info(session);
    assert_string_equal(info.isa, "sm_90");
    assert_string_equal(info.hardware, "Fake Accelerator");
    assert_string_equal(info.math, "tf32");
    assert_true(info.deterministic);
    assert_int_equal(info.batch, COUNT);
    assert_true(info.bytes > 0);
    nin_plan_step step = nin_session_step(session, 0);
    assert_string_equal(step.layers, "0 1 2 3 4");
    assert_string_equal(step.work, "conv2d+batch_norm+relu+max_pool");
    assert_string_equal(step.algorithm, "fake");
    assert_int_equal(step.macs, 8 * 25 * PIXELS);
    nin_session_free(session);
    nin_net_free(net);
}

/* Two steps of training with an update between them, then logits; what each gives. */
typedef struct outcome {
    float gradients[MOST_VALUES]; /* of the last step */
    float values[MOST_VALUES];    /* of the net, with running statistics */
    double losses[STEPS];
    float result[8 * 28 * 28];
    bool active[8];
    float logits[COUNT * CLASSES];
} outcome;

static void train(nin_net *net, nin_session_options options, const float *images, outcome *out) {
    const int32_t labels[COUNT] = {3, 1, 4};
    options.training = true;
    options.seed = 5;
    nin_session *session = open_session(net, &options);
    for (int step = 0; step < STEPS; step++) {
        const nin_examples examples = {
            .images = images, .labels = labels, .count = COUNT, .step = (uint64_t)step};
        nin_loss loss;
        assert_int_equal(nin_session_gradients(session, &examples, out->gradients, &loss, NULL),
                         NIN_OK);
        out->losses[step] = loss.loss_sum;
        size_t at = 0;
        for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
            nin_tensor tensor = nin_net_tensor(net, i);
            for (size_t k = 0; tensor.trainable && k < tensor.count; k++) {
                tensor.values[k] -= 0.1F * out->gradients[at++];
            }
        }
        nin_session_weights_changed(session);
    }
    assert_int_equal(nin_session_result(session, 0, 1, out->result, NULL), NIN_OK);
    assert_int_equal(ninp_session_mark_active(session, 0, COUNT, out->active, NULL), NIN_OK);
    nin_session_free(session);
}

static void compute(nin_session_options options, outcome *out) {
    nin_net *net = open_net();
    float *images = test_images(net, COUNT, 2);
    train(net, options, images, out);
    nin_session *session = open_session(net, &options);
    assert_int_equal(nin_session_logits(session, images, COUNT, out->logits, NULL), NIN_OK);
    nin_session_free(session);
    size_t at = 0;
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        assert_true(at + tensor.count <= MOST_VALUES);
        memcpy(out->values + at, tensor.values, tensor.count * sizeof(float));
        at += tensor.count;
    }
    assert_true(out->values[nin_net_parameter_count(net)] != 0); /* a running mean moved */
    free(images);
    nin_net_free(net);
}

static void test_same_as_cpu(void **state) {
    (void)state;
    static outcome expected, found;
    nin_session_options options = on_device();
    options.device = "cpu";
    compute(options, &expected);
    options.device = "cuda";
    compute(options, &found);
    assert_memory_equal(found.losses, expected.losses, sizeof found.losses);
    assert_memory_equal(found.gradients, expected.gradients, sizeof found.gradients);
    assert_memory_equal(found.values, expected.values, sizeof found.values);
    assert_memory_equal(found.result, expected.result, sizeof found.result);
    assert_memory_equal(found.active, expected.active, sizeof found.active);
    assert_memory_equal(found.logits, expected.logits, sizeof found.logits);
}

static void test_misfits(void **state) {
    (void)state;
    const struct {
        const char *wrong;
        nin_status status;
        const char *part;
    } cases[] = {{"version", NIN_ERROR_UNAVAILABLE, "belongs to nin 0.0.9, and this is nin "},
                 {"abi", NIN_ERROR_UNAVAILABLE, "another build of nin"},
                 {"driver", NIN_ERROR_UNAVAILABLE, "the driver answers with an error"},
                 {"none", NIN_ERROR_UNAVAILABLE, "the driver shows no device"},
                 {"old", NIN_ERROR_UNAVAILABLE, "cuda:0, Fake Antique, cannot be used: its "},
                 {"memory", NIN_ERROR_MEMORY, "device cuda:0: out of memory (2.0 GiB"}};
    nin_session_options options = on_device();
    options.device = "cuda:0";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(setenv("NIN_FAKE", cases[i].wrong, 1), 0);
        expect_refusal(&options, cases[i].status, cases[i].part);
    }
    /* "auto" looks further: the second device can be used. */
    assert_int_equal(setenv("NIN_FAKE", "old", 1), 0);
    options.device = "auto";
    nin_net *net = open_net();
    nin_session *session = open_session(net, &options);
    assert_string_equal(nin_session_get_info(session).device, "cuda:1");
    nin_session_free(session);
    nin_net_free(net);
    assert_int_equal(unsetenv("NIN_FAKE"), 0);
}

static void test_fits(void **state) {
    (void)state;
    const struct {
        const char *asked, *device;
        bool fits;
    } cases[] = {{NULL, "cpu", true},         {"auto", "cuda:1", true},  {"cpu", "cpu", true},
                 {"cuda", "cuda:1", true},    {"cuda", "cpu", false},    {"cpu", "cuda:0", false},
                 {"cuda:0", "cuda:1", false}, {"cuda:0", "cuda:0", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nin_device_fits(cases[i].asked, cases[i].device), cases[i].fits);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_without_plugin),
        cmocka_unit_test_setup(test_choice, open_driver),
        cmocka_unit_test_setup(test_information, open_driver),
        cmocka_unit_test_setup(test_same_as_cpu, open_driver),
        cmocka_unit_test_setup(test_misfits, open_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

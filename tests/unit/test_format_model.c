/* Models as files: what is saved comes back, what does not fit is refused by name.
 *
 * With --write FILE and --read FILE this program plays nin's part in golden/safetensors_check.py.
 */
#include <nin/model.h>

#include "format/safetensors.h"
#include "support/nets.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char net_text[] = "input 1x5x5\n"
                               "classes 3\n"
                               "nin_block 4 kernel=3 padding=1 batch_norm\n"
                               "flatten\n"
                               "linear classes\n";

static char *directory;
static char path[4200];

static int make_directory(void **state) {
    (void)state;
    directory = scratch_make();
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    scratch_remove(directory);
    return 0;
}

/* The same values as in safetensors_check.py. */
static float value_at(size_t tensor, size_t index) {
    return (float)((int)((7919 * tensor + 104729 * index) % 201) - 100) / 32;
}

static void fill(nin_net *net) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        for (size_t j = 0; j < tensor.count; j++) {
            tensor.values[j] = value_at(i, j);
        }
    }
}

static bool is_filled(const nin_net *net) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        for (size_t j = 0; j < tensor.count; j++) {
            if (tensor.values[j] != value_at(i, j)) {
                return false;
            }
        }
    }
    return true;
}

static char cat[] = "cat";
static char dog[] = "dog";
static char naive[] = "na\xc3\xafve";

static nin_status save(char **names, const nin_preprocess *preprocess, nin_error *err) {
    nin_net *net = test_net_parse(net_text, 0);
    fill(net);
    nin_model model = {.net = net, .class_names = names, .preprocess = *preprocess};
    nin_status status = nin_model_save(path, &model, err);
    nin_net_free(net);
    return status;
}

static nin_status save_usual(void) {
    char *names[] = {cat, dog, naive};
    nin_preprocess preprocess = nin_preprocess_plain(1, 5, 5);
    preprocess.mean[0] = 0.286F;
    preprocess.std[0] = 0.353F;
    return save(names, &preprocess, NULL);
}

static void test_round_trip(void **state) {
    (void)state;
    assert_int_equal(save_usual(), NIN_OK);
    nin_model model;
    nin_error err = {0};
    if (nin_model_load(path, false, &model, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    nin_net *net = test_net_parse(net_text, 0);
    assert_string_equal(nin_net_text(model.net), nin_net_text(net));
    nin_net_free(net);
    assert_true(is_filled(model.net));
    assert_string_equal(model.class_names[0], "cat");
    assert_string_equal(model.class_names[2], naive);
    assert_int_equal(model.preprocess.channels, 1);
    assert_int_equal(model.preprocess.height, 5);
    assert_int_equal(model.preprocess.width, 5);
    assert_true(model.preprocess.mean[0] == 0.286F && model.preprocess.std[0] == 0.353F);
    nin_model_free(&model);
    assert_null(model.net);
    assert_int_equal(scratch_count(directory), 1);
}

static void test_without_class_names(void **state) {
    (void)state;
    nin_preprocess preprocess = nin_preprocess_plain(1, 5, 5);
    assert_int_equal(save(NULL, &preprocess, NULL), NIN_OK);
    nin_model model;
    assert_int_equal(nin_model_load(path, false, &model, NULL), NIN_OK);
    assert_string_equal(model.class_names[0], "0");
    assert_string_equal(model.class_names[2], "2");
    nin_model_free(&model);
    nin_model_free(NULL);
}

static void expect_message(const nin_error *err, const char *end) {
    size_t length = strlen(path);
    assert_memory_equal(err->message, path, length);
    assert_string_equal(err->message + length, end);
}

static void test_refuses_to_save(void **state) {
    (void)state;
    char bad[] = "\xc3(";
    char *names[] = {cat, bad, naive};
    nin_preprocess preprocess = nin_preprocess_plain(1, 5, 5);
    nin_error err = {0};
    assert_int_equal(save(names, &preprocess, &err), NIN_ERROR_ARGUMENT);
    expect_message(&err, ": a class name: not UTF-8");
    err = (nin_error){0};
    preprocess.height = 6;
    assert_int_equal(save(NULL, &preprocess, &err), NIN_ERROR_ARGUMENT);
    expect_message(&err, ": pictures are prepared as 1x6x5, the net takes 1x5x5");
    err = (nin_error){0};
    preprocess = nin_preprocess_plain(1, 5, 5);
    preprocess.std[0] = 0;
    assert_int_equal(save(NULL, &preprocess, &err), NIN_ERROR_ARGUMENT);
    expect_message(&err, ": mean 0 and std 0 of channel 0 cannot be used");
    assert_int_equal(scratch_count(directory), 0);
}

static void test_values_that_are_not_finite(void **state) {
    (void)state;
    nin_net *net = test_net_parse(net_text, 0);
    fill(net);
    nin_tensor tensor = nin_net_tensor(net, nin_net_tensor_count(net) - 1);
    tensor.values[2] = NAN;
    nin_model saved = {.net = net, .preprocess = nin_preprocess_plain(1, 5, 5)};
    assert_int_equal(nin_model_save(path, &saved, NULL), NIN_OK);
    nin_model model;
    nin_error err = {0};
    assert_int_equal(nin_model_load(path, false, &model, &err), NIN_ERROR_DATA);
    expect_message(&err, ": tensor 0.7.running_var: value 2 is not a finite number (nan)");
    assert_null(model.net);
    assert_int_equal(nin_model_load(path, true, &model, NULL), NIN_OK);
    nin_model_free(&model);
    err = (nin_error){0};
    assert_int_equal(nin_net_load_weights(net, path, &err), NIN_ERROR_DATA);
    expect_message(&err, ": tensor 0.7.running_var: value 2 is not a finite number (nan)");
    nin_net_free(net);
}

/* Right file, wrong net. */
static void test_architectures(void **state) {
    (void)state;
    static const struct {
        const char *net, *message;
    } cases[] = {
        {"input 1x5x5\nclasses 3\nflatten\nlinear classes\n",
         ": tensor 1.weight: missing; the net has it with shape [3, 25]"},
        {"input 1x5x5\nclasses 3\nnin_block 4 kernel=3 padding=1 batch_norm\nflatten\nlinear 4\n"
         "relu\nlinear classes\n",
         ": tensor 2.weight: shape [3, 100] in the file, [4, 100] in the net"},
        {"input 1x5x5\nclasses 3\nnin_block 4 kernel=5 padding=2 batch_norm\nflatten\n"
         "linear classes\n",
         ": tensor 0.0.weight: shape [4, 1, 3, 3] in the file, [4, 1, 5, 5] in the net"},
        {"input 1x5x5\nclasses 3\nnin_block 4 kernel=3 padding=1\nflatten\nlinear classes\n",
         ": tensor 0.2.weight: missing; the net has it with shape [4, 4, 1, 1]"},
        {"input 1x5x5\nclasses 4\nnin_block 4 kernel=3 padding=1 batch_norm\nadaptive_avg_pool 1\n"
         "flatten\n",
         ": tensor 2.bias: the net has none of that name (shape [3] in the file)"},
    };
    assert_int_equal(save_usual(), NIN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nin_net *net = test_net_parse(cases[i].net, 0);
        nin_error err = {0};
        assert_int_equal(nin_net_load_weights(net, path, &err), NIN_ERROR_DATA);
        expect_message(&err, cases[i].message);
        nin_net_free(net);
    }
    nin_net *net = test_net_parse(net_text, 0);
    assert_int_equal(nin_net_load_weights(net, path, NULL), NIN_OK);
    assert_true(is_filled(net));
    nin_net_free(net);
}

/* A transposed matrix has as many values. */
static void test_transposed(void **state) {
    (void)state;
    static const float values[6] = {0};
    ninp_safetensors_source sources[] = {
        {.name = "1.weight", .rank = 2, .shape = {3, 2}, .count = 6, .values = values},
        {.name = "1.bias", .rank = 1, .shape = {2}, .count = 2, .values = values}};
    ninp_safetensors_content content = {.tensors = sources, .tensor_count = 2};
    assert_int_equal(ninp_safetensors_write(path, &content, NULL), NIN_OK);
    nin_net *net = test_net_parse("input 1x3x1\nclasses 2\nflatten\nlinear classes\n", 0);
    nin_error err = {0};
    assert_int_equal(nin_net_load_weights(net, path, &err), NIN_ERROR_DATA);
    expect_message(&err, ": tensor 1.weight: shape [3, 2] in the file, [2, 3] in the net");
    err = (nin_error){0};
    nin_model model;
    assert_int_equal(nin_model_load(path, false, &model, &err), NIN_ERROR_DATA);
    expect_message(&err, ": its metadata holds no network description (nin.net): not a model that "
                         "nin saved");
    nin_net_free(net);
}

/* Metadata of an enemy's making, with right digests. */
static void test_hostile_metadata(void **state) {
    (void)state;
    static const char net[] = "input 1x1x1\nclasses 2\nflatten\nlinear classes\n";
    static const char good[] = "{\"channels\":1,\"height\":1,\"width\":1,\"mean\":[0],\"std\":[1]}";
    static const struct {
        const char *net, *classes, *preprocess, *message;
    } cases[] = {
        {"input 1x1x1\nconv2d 5\n", "[]", good, ": nin.net:2: "},
        {net, "[\"a\"]", good, ": nin.classes: not an array of 2 names"},
        {net, "{}", good, ": nin.classes: not an array of 2 names"},
        {net, "[\"a\",3]", good, ": nin.classes: name 1 is not a string"},
        {net, "[\"a\",", good, ": nin.classes: byte "},
        {net, "[[[[[[[[[\"a\"]]]]]]]]]", good, ": nin.classes: byte 8: nested more than 8 deep"},
        {net, "[\"a\",\"b\"]", "{}", ": nin.preprocess: needs channels"},
        {net, "[\"a\",\"b\"]", "[]", ": nin.preprocess: needs channels"},
        {net, "[\"a\",\"b\"]",
         "{\"channels\":5,\"height\":1,\"width\":1,\"mean\":[0,0,0,0,0],\"std\":[1,1,1,1,1]}",
         ": nin.preprocess: needs channels"},
        {net, "[\"a\",\"b\"]",
         "{\"channels\":1,\"height\":4294967297,\"width\":1,\"mean\":[0],\"std\":[1]}",
         ": nin.preprocess: needs channels"},
        {net, "[\"a\",\"b\"]", "{\"channels\":1,\"height\":2,\"width\":1,\"mean\":[0],\"std\":[1]}",
         ": nin.preprocess: pictures are prepared as 1x2x1, the net takes 1x1x1"},
        {net, "[\"a\",\"b\"]",
         "{\"channels\":1,\"height\":1,\"width\":1,\"mean\":[0],\"std\":[1e-300]}",
         ": nin.preprocess: mean 0 and std 0 of channel 0 cannot be used"},
    };
    static const float values[2] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ninp_safetensors_source sources[] = {
            {.name = "1.weight", .rank = 2, .shape = {2, 1}, .count = 2, .values = values},
            {.name = "1.bias", .rank = 1, .shape = {2}, .count = 2, .values = values}};
        const ninp_safetensors_pair pairs[] = {{"nin.net", cases[i].net},
                                               {"nin.classes", cases[i].classes},
                                               {"nin.preprocess", cases[i].preprocess}};
        ninp_safetensors_content content = {
            .tensors = sources, .tensor_count = 2, .pairs = pairs, .pair_count = 3};
        assert_int_equal(ninp_safetensors_write(path, &content, NULL), NIN_OK);
        nin_model model;
        nin_error err = {0};
        assert_int_equal(nin_model_load(path, false, &model, &err), NIN_ERROR_DATA);
        assert_null(model.net);
        assert_memory_equal(err.message, path, strlen(path));
        if (strncmp(err.message + strlen(path), cases[i].message, strlen(cases[i].message)) != 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
    }
}

/* ---- the part in safetensors_check.py ---------------------------------------------------- */

static int write_for_check(const char *file) {
    snprintf(path, sizeof path, "%s", file);
    char *names[] = {cat, dog, naive};
    nin_preprocess preprocess = nin_preprocess_plain(1, 5, 5);
    nin_error err = {0};
    if (save(names, &preprocess, &err) != NIN_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}

static int read_for_check(const char *file) {
    nin_net *net = test_net_parse(net_text, 0);
    nin_error err = {0};
    bool right = nin_net_load_weights(net, file, &err) == NIN_OK && is_filled(net);
    if (!right) {
        fprintf(stderr, "%s\n",
                *err.message ? err.message : "the values are not the expected ones");
    }
    nin_net_free(net);
    return right ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return write_for_check(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "--read") == 0) {
        return read_for_check(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_without_class_names, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_refuses_to_save, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_values_that_are_not_finite, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_architectures, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_transposed, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_hostile_metadata, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Fine-tuning: a run that starts from a model's weights changes only what it should. */
#include "support/scratch.h"
#include "support/small_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *whole, *directory;

static int make_directories(void **state) {
    (void)state;
    whole = scratch_make();
    directory = scratch_make();
    return 0;
}

static int remove_directories(void **state) {
    (void)state;
    scratch_remove(whole);
    scratch_remove(directory);
    return 0;
}

/* The small run's net with another number of classes. */
static nin_model small_model_of(int classes) {
    nin_model ten = small_run_model();
    nin_model model = {.preprocess = ten.preprocess};
    const nin_net_options options = {.classes = classes};
    const char *text = nin_net_text(ten.net);
    nin_error err = {0};
    small_run_expect_ok(nin_net_parse(text, strlen(text), "small run", &options, &model.net, &err),
                        &err);
    nin_model_free(&ten);
    return model;
}

/* The weights that a fresh run with these options begins with. */
static nin_model drawn_model(const nin_train_options *options, int classes, uint64_t seed) {
    nin_model model = small_model_of(classes);
    nin_init_options init = options->init;
    init.seed = seed;
    nin_net_initialize(model.net, &init);
    return model;
}

static nin_status train_from(const small_run *run, const nin_net *from, nin_model *model,
                             const char *where, bool resume, nin_error *err) {
    const nin_train_task task = {.model = model,
                                 .from = from,
                                 .train = run->train,
                                 .test = run->test,
                                 .options = &run->options,
                                 .directory = where,
                                 .resume = resume};
    return nin_train(&task, NULL, err);
}

static bool same_bits(const nin_tensor *a, const nin_tensor *b) {
    return a->count == b->count && memcmp(a->values, b->values, a->count * sizeof *a->values) == 0;
}

/* Which tensors end as another net's: those of the layers whose digits are given. */
static void expect_same(const nin_net *net, const nin_net *other, const char *layers) {
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        const nin_tensor compared = nin_net_tensor(other, i);
        const bool expected = strchr(layers, tensor.name[0]) != NULL;
        if (same_bits(&tensor, &compared) != expected) {
            fail_msg("%s: the same is %d, expected of %s", tensor.name, !expected, layers);
        }
    }
}

/* Of the layers 0, 1, 6 and 8 only 8 tells classes apart. The first two cases do not move, and show
 * where it starts. */
static void test_changes_only_what_it_should(void **state) {
    (void)state;
    static const struct {
        int classes;
        float lr;
        const char *freeze, *kept, *drawn;
    } cases[] = {
        {10, 0, "1.*", "0168", ""},
        {12, 0, "1.*", "016", "8"},
        {12, 0.05F, "0.*,1.*", "01", ""},
        {10, 0.05F, "[0168].*", "0168", ""},
    };
    small_run run = small_run_open();
    nin_model from = small_run_model();
    nin_error err = {0};
    small_run_expect_ok(train_from(&run, NULL, &from, whole, false, &err), &err);
    run.options.seed = 77;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        nin_model model = small_model_of(cases[c].classes);
        nin_model drawn = drawn_model(&run.options, cases[c].classes, run.options.seed);
        run.options.lr = cases[c].lr;
        run.options.freeze = cases[c].freeze;
        small_run_expect_ok(train_from(&run, from.net, &model, directory, false, &err), &err);
        expect_same(model.net, from.net, cases[c].kept);
        expect_same(model.net, drawn.net, cases[c].drawn);
        nin_model_free(&model);
        nin_model_free(&drawn);
        scratch_remove(directory);
        directory = scratch_make();
    }
    nin_model_free(&from);
    small_run_close(&run);
}

/* A run that goes on needs the model no more that it started from. */
static void test_is_resumed_without_the_model(void **state) {
    (void)state;
    small_run run = small_run_open();
    nin_model from = drawn_model(&run.options, 10, 123);
    nin_error err = {0};
    for (int i = 0; i < 3; i++) {
        nin_model model = small_model_of(12);
        run.options.max_steps = i == 1 ? 9 : 0;
        small_run_expect_ok(
            train_from(&run, i < 2 ? from.net : NULL, &model, i ? directory : whole, i == 2, &err),
            &err);
        nin_model_free(&model);
    }
    small_run_expect_same(directory, whole);
    nin_model_free(&from);
    small_run_close(&run);
}

static void expect_unfit(const char *text, const char *message) {
    small_run run = small_run_open();
    nin_model from = {0};
    nin_error err = {0};
    small_run_expect_ok(nin_net_parse(text, strlen(text), "other", NULL, &from.net, &err), &err);
    nin_model model = small_model_of(12);
    assert_int_equal(train_from(&run, from.net, &model, directory, false, &err),
                     NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, message);
    assert_int_equal(scratch_count(directory), 0);
    nin_model_free(&model);
    nin_model_free(&from);
    small_run_close(&run);
}

static void test_models_that_do_not_fit(void **state) {
    (void)state;
#define HEAD "conv2d 8 kernel=3 padding=1\nbatch_norm\nrelu\nmax_pool kernel=2 stride=2\n"
#define TAIL "dropout 0.2\nflatten\nlinear 20\nrelu\nlinear classes\n"
    expect_unfit("input 1x14x14\nconv2d 8 kernel=3 padding=1\nflatten\nlinear classes\n",
                 "the net to train has a tensor 1.weight where the model to start from has "
                 "2.weight");
    expect_unfit("input 1x16x16\n" HEAD TAIL,
                 "tensor 6.weight of the net to train has 7840 values, but would have 10240 in the "
                 "model to start from: the input's size or the layers differ");
    expect_unfit("input 1x14x14\n" HEAD TAIL "relu\nlinear classes\n",
                 "the net to train has a tensor 1.running_mean where the model to start from has "
                 "10.weight");
    expect_unfit(
        "input 1x14x14\n" HEAD "flatten\nlinear 10\n",
        "the model to start from cannot have 12 classes: its description:8: the last layer "
        "gives 10 values for 12 classes (write `classes` as its width)");
#undef HEAD
#undef TAIL
}

int main(void) {
#define IN_DIRECTORIES(test) \
    cmocka_unit_test_setup_teardown(test, make_directories, remove_directories)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORIES(test_changes_only_what_it_should),
        IN_DIRECTORIES(test_is_resumed_without_the_model),
        IN_DIRECTORIES(test_models_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lines of a description: how they are split, what layers read from them, and what they say about
 * mistakes. */
#include "net/layer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Splits, finds the layer, reads, looks for unused words, and works out the shape. */
static nin_status read_layer(const char *text, nin_shape input, ninp_layer_options *options,
                             nin_shape *output, nin_error *err) {
    ninp_line line;
    nin_status status = ninp_line_split(text, strlen(text), 10, &line, err);
    if (status != NIN_OK) {
        return status;
    }
    const ninp_layer_type *type = ninp_layer_find(line.words[0]);
    assert_non_null(type);
    *options = (ninp_layer_options){0};
    status = type->read(&line, options, err);
    if (status == NIN_OK) {
        status = ninp_line_end(&line, type->usage, err);
    }
    return status == NIN_OK && type->shape ? type->shape(options, input, output, err) : status;
}

typedef struct shape_row {
    const char *line;
    nin_shape input;
    const char *output; /* shape, or the message */
} shape_row;

#define PICTURE(c, h, w) \
    { .channels = (c), .height = (h), .width = (w) }
#define FEATURES(c) \
    { .channels = (c), .height = 1, .width = 1, .flat = true }

static const shape_row good[] = {
    {"conv2d 96 kernel=11 stride=4", PICTURE(1, 224, 224), "96x54x54"},
    {"conv2d classes kernel=3 padding=1", PICTURE(384, 5, 5), "10x5x5"},
    {"conv2d kernel=2 stride=3 4 # widths may stand anywhere", PICTURE(3, 8, 7), "4x3x2"},
    {"relu", PICTURE(2, 3, 4), "2x3x4"},
    {"sigmoid", FEATURES(120), "120"},
    {"max_pool kernel=3 stride=2", PICTURE(96, 54, 54), "96x26x26"},
    {"max_pool kernel=3 stride=2 ceil_mode", PICTURE(96, 54, 54), "96x27x27"},
    {"max_pool kernel=3 stride=2 ceil_mode=false", PICTURE(96, 54, 54), "96x26x26"},
    {"max_pool ceil_mode=true kernel=3 stride=2", PICTURE(192, 32, 32), "192x16x16"},
    {"max_pool kernel=3 stride=2 ceil_mode", PICTURE(1, 2, 2), "1x1x1"},
    {"max_pool kernel=2", PICTURE(5, 7, 6), "5x3x3"},
    /* The last window may not start in the padding at the end. */
    {"max_pool kernel=2 stride=3 padding=1 ceil_mode", PICTURE(1, 5, 6), "1x2x3"},
    {"avg_pool kernel=6 stride=1", PICTURE(1000, 6, 6), "1000x1x1"},
    {"avg_pool kernel=3 stride=2 padding=1 count_include_pad=false", PICTURE(4, 5, 6), "4x3x3"},
    {"adaptive_avg_pool 1", PICTURE(10, 5, 5), "10x1x1"},
    {"adaptive_avg_pool 6x7", PICTURE(10, 3, 30), "10x6x7"},
    {"global_avg_pool", PICTURE(10, 8, 8), "10x1x1"},
    {"dropout 0.5", PICTURE(3, 2, 2), "3x2x2"},
    {"flatten", PICTURE(256, 5, 5), "6400"},
    {"flatten", FEATURES(7), "7"},
    {"linear classes", FEATURES(4096), "10"},
    {"batch_norm", PICTURE(3, 4, 5), "3x4x5"},
};

static const shape_row bad[] = {
    {"conv2d", PICTURE(1, 9, 9), "the width is missing"},
    {"conv2d 4", PICTURE(1, 9, 9), "kernel=K is missing"},
    {"conv2d four kernel=3", PICTURE(1, 9, 9), "width=four is not a whole number from 1 to 65536"},
    {"conv2d 0 kernel=3", PICTURE(1, 9, 9), "width=0 is not in the range 1 to 65536"},
    {"conv2d 4 kernel=-3", PICTURE(1, 9, 9), "kernel=-3 is not a whole number from 1 to 1024"},
    {"conv2d 4 kernel=99999999999", PICTURE(1, 9, 9),
     "kernel=99999999999 is not a whole number from 1 to 1024"},
    {"conv2d 4 kernel=3 kernel=5", PICTURE(1, 9, 9), "kernel is given twice"},
    {"conv2d 4 kernel=3 strid=2", PICTURE(1, 9, 9),
     "\"strid=2\" is not understood; did you mean stride? (usage: conv2d WIDTH kernel=K "
     "[stride=1] [padding=0])"},
    {"conv2d 4 5 kernel=3", PICTURE(1, 9, 9),
     "\"5\" is not understood (usage: conv2d WIDTH kernel=K [stride=1] [padding=0])"},
    {"conv2d 4 kernel=9", PICTURE(1, 8, 8), "kernel=9 does not fit 8x8 input"},
    {"conv2d 4 kernel=9 padding=1", PICTURE(1, 9, 6),
     "kernel=9 does not fit 9x6 input with padding=1"},
    {"conv2d 4 kernel=3", FEATURES(50), "needs channels x height x width, but gets 50 features"},
    {"relu 3", PICTURE(1, 1, 1), "\"3\" is not understood (usage: relu)"},
    {"max_pool kernel=3 padding=2", PICTURE(1, 9, 9), "padding=2 is more than half of kernel=3"},
    {"max_pool kernel=3 ceil_mode=yes", PICTURE(1, 9, 9),
     "ceil_mode=yes is neither true nor false"},
    {"max_pool kernel=5 stride=2 ceil_mode", PICTURE(1, 2, 2), "kernel=5 does not fit 2x2 input"},
    {"avg_pool kernel=2 count_include_pads", PICTURE(1, 9, 9),
     "\"count_include_pads\" is not understood; did you mean count_include_pad? (usage: avg_pool "
     "kernel=K [stride=K] [padding=0] [ceil_mode] [count_include_pad=true])"},
    {"adaptive_avg_pool", PICTURE(1, 9, 9), "the output size is missing"},
    {"adaptive_avg_pool 3x", PICTURE(1, 9, 9),
     "output width= is not a whole number from 1 to 1024"},
    {"dropout", PICTURE(1, 9, 9), "the probability is missing"},
    {"dropout 1.5", PICTURE(1, 9, 9), "probability=1.5 is not in the range 0 to 1"},
    {"dropout nan", PICTURE(1, 9, 9), "probability=nan is not a number from 0 to 1"},
    {"linear 10", PICTURE(2, 3, 4), "needs features, but gets 2x3x4; put flatten before it"},
    {"batch_norm", FEATURES(8), "needs channels x height x width, but gets 8 features"},
    {"nin_block 96,64 kernel=5", PICTURE(1, 9, 9),
     "give one width, or one for each convolution: 96,64,W"},
    {"nin_block 1,2,3,4 kernel=5", PICTURE(1, 9, 9), "more than 3 values for the width"},
    {"nin_block 1,,3 kernel=5", PICTURE(1, 9, 9), "width= is not a whole number from 1 to 65536"},
};

static void test_shapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ninp_layer_options options;
        nin_shape output = {0};
        nin_error err = {0};
        if (read_layer(good[i].line, good[i].input, &options, &output, &err) != NIN_OK) {
            fail_msg("%s: %s", good[i].line, err.message);
        }
        char text[40];
        assert_string_equal(ninp_shape_text(output, text), good[i].output);
    }
}

static void test_mistakes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ninp_layer_options options;
        nin_shape output;
        nin_error err = {0};
        assert_int_equal(read_layer(bad[i].line, bad[i].input, &options, &output, &err),
                         NIN_ERROR_DATA);
        assert_string_equal(err.message, bad[i].output);
        assert_int_equal(read_layer(bad[i].line, bad[i].input, &options, &output, NULL),
                         NIN_ERROR_DATA);
    }
}

static void test_split(void **state) {
    (void)state;
    ninp_line line;
    nin_error err = {0};
    assert_int_equal(ninp_line_split("", 0, 10, &line, &err), NIN_OK);
    assert_int_equal(line.count, 0);
    assert_int_equal(ninp_line_split(" \t# only \xC3\xA9 comment", 18, 10, &line, &err), NIN_OK);
    assert_int_equal(line.count, 0);
    assert_int_equal(ninp_line_split(" a\tbc  d=1 \r", 12, 10, &line, &err), NIN_OK);
    assert_int_equal(line.count, 3);
    assert_string_equal(line.words[0], "a");
    assert_string_equal(line.words[1], "bc");
    assert_string_equal(line.words[2], "d=1");
    assert_string_equal(ninp_line_next(&line), "bc");
    assert_null(ninp_line_next(&line));
}

static void expect_split_error(const char *text, size_t length, const char *message) {
    ninp_line line;
    nin_error err = {0};
    assert_int_equal(ninp_line_split(text, length, 10, &line, &err), NIN_ERROR_DATA);
    assert_string_equal(err.message, message);
}

static void test_split_mistakes(void **state) {
    (void)state;
    char text[300];
    memset(text, 'a', sizeof text);
    expect_split_error(text, 256, "the line is longer than 255 characters");
    ninp_line line;
    assert_int_equal(ninp_line_split(text, 255, 10, &line, NULL), NIN_OK);
    text[100] = '#';
    assert_int_equal(ninp_line_split(text, sizeof text, 10, &line, NULL), NIN_OK);
    assert_int_equal(strlen(line.words[0]), 100);
    expect_split_error("a b\0c", 5, "character 4 (0x00) is not allowed outside a comment");
    expect_split_error("a \xC3\xA9", 4, "character 3 (0xc3) is not allowed outside a comment");
    expect_split_error("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7", 33, "the line has more than 16 words");
}

/* Fractions are read as the C library reads them in the C locale, bit by bit. */
static void test_fractions(void **state) {
    (void)state;
    static const char *const texts[] = {"0",
                                        "1",
                                        "0.5",
                                        ".25",
                                        "1.",
                                        "1e-5",
                                        "1E-5",
                                        "3e-7",
                                        "0.1",
                                        "0.3",
                                        "00.7",
                                        "1.25e-3",
                                        "5e-1",
                                        "1e+0",
                                        "0.00001",
                                        "7e-22",
                                        "0.123456789012345",
                                        "100e-2",
                                        "2.5e-12"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64];
        snprintf(text, sizeof text, "x key=%s", texts[i]);
        ninp_line line;
        double value = -1.0;
        assert_int_equal(ninp_line_split(text, strlen(text), 0, &line, NULL), NIN_OK);
        assert_int_equal(ninp_line_option_double(&line, "key", 0.0, 2.0, &value, NULL), NIN_OK);
        assert_true(value == strtod(texts[i], NULL));
    }
    static const char *const wrong[] = {"",      ".",     "e5",    "1e",
                                        "1e5x",  "-1",    "+1",    "0x1",
                                        "1,5",   "inf",   "1.2.3", "0.1234567890123456",
                                        "1e400", "1e-400"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64];
        snprintf(text, sizeof text, "x key=%s", wrong[i]);
        ninp_line line;
        double value = -1.0;
        assert_int_equal(ninp_line_split(text, strlen(text), 0, &line, NULL), NIN_OK);
        assert_int_equal(ninp_line_option_double(&line, "key", 0.0, 2.0, &value, NULL),
                         NIN_ERROR_DATA);
        assert_true(value == -1.0);
    }
}

static void expect_expansion(const char *line, const char *expected) {
    ninp_layer_options options;
    nin_shape output;
    nin_error err = {0};
    if (read_layer(line, (nin_shape)PICTURE(1, 9, 9), &options, &output, &err) != NIN_OK) {
        fail_msg("%s: %s", line, err.message);
    }
    ninp_text lines = {0};
    ninp_layer_find("nin_block")->expand(&options, &lines);
    char *text = ninp_text_take(&lines);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_nin_block(void **state) {
    (void)state;
    expect_expansion("nin_block 96 kernel=11 stride=4",
                     "conv2d 96 kernel=11 stride=4 padding=0\nrelu\nconv2d 96 kernel=1\nrelu\n"
                     "conv2d 96 kernel=1\nrelu\n");
    expect_expansion("nin_block 192,160,classes kernel=5 padding=2 last_relu=false",
                     "conv2d 192 kernel=5 stride=1 padding=2\nrelu\nconv2d 160 kernel=1\nrelu\n"
                     "conv2d 10 kernel=1\n");
    expect_expansion("nin_block batch_norm 8 kernel=3",
                     "conv2d 8 kernel=3 stride=1 padding=0\nbatch_norm\nrelu\nconv2d 8 kernel=1\n"
                     "batch_norm\nrelu\nconv2d 8 kernel=1\nbatch_norm\nrelu\n");
}

/* Numbers of the tensors that layers own, against those of the lecture's nets. */
static void test_tensors_and_macs(void **state) {
    (void)state;
    ninp_layer_options options = {.conv = {.width = 96, .kernel = 11, .stride = 4}};
    nin_shape input = PICTURE(3, 224, 224);
    nin_shape output = PICTURE(96, 54, 54);
    ninp_tensor_spec specs[NINP_LAYER_TENSORS];
    assert_int_equal(ninp_layer_conv2d.tensors(&options, input, specs), 2);
    assert_int_equal(specs[0].shape[0] * specs[0].shape[1] * specs[0].shape[2] * specs[0].shape[3] +
                         specs[1].shape[0],
                     34944);
    assert_true(specs[0].trainable && specs[0].decays && specs[0].random);
    assert_true(specs[1].trainable && !specs[1].decays && specs[1].random);
    assert_int_equal(ninp_layer_conv2d.macs(&options, input, output), 101616768);
    assert_int_equal(ninp_layer_batch_norm.tensors(&options, output, specs), 4);
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(specs[i].suffix, names[i]);
        assert_int_equal(specs[i].shape[0], 96);
        assert_int_equal(specs[i].trainable, i < 2);
        assert_true(!specs[i].decays && !specs[i].random);
        assert_true(specs[i].start == (i == 0 || i == 3 ? 1.0F : 0.0F));
    }
}

static void test_registry(void **state) {
    (void)state;
    size_t count = 0;
    for (; ninp_layer_types[count]; count++) {
        const ninp_layer_type *type = ninp_layer_types[count];
        assert_ptr_equal(ninp_layer_find(type->word), type);
        assert_non_null(type->class_name);
        assert_non_null(type->read);
        assert_int_equal(strncmp(type->usage, type->word, strlen(type->word)), 0);
        assert_int_equal(type->forward != NULL, type->backward != NULL);
        assert_int_equal(type->forward != NULL, type->shape != NULL);
    }
    assert_int_equal(count, 13);
    assert_null(ninp_layer_find("conv3d"));
}

/* A mask does not depend on where it is started, and drops about as many as asked for. */
static void test_dropout_mask(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    static uint8_t whole[COUNT], part[COUNT];
    const ninp_dropout_key key = {.seed = 11, .step = 7, .layer = 3};
    ninp_dropout_mask(&key, 5, 0.3, 0, COUNT, whole);
    size_t kept = 0;
    for (size_t i = 0; i < COUNT; i++) {
        kept += whole[i];
    }
    assert_true(fabs((double)kept / COUNT - 0.7) < 0.01); /* four standard deviations */
    for (size_t first = 0; first < 200; first += 4) {
        ninp_dropout_mask(&key, 5, 0.3, first, 33, part);
        assert_memory_equal(part, whole + first, 33);
    }
    const ninp_dropout_key others[] = {{12, 7, 3}, {11, 8, 3}, {11, 7, 4}};
    for (size_t i = 0; i < 3; i++) {
        ninp_dropout_mask(&others[i], 5, 0.3, 0, 1000, part);
        assert_memory_not_equal(part, whole, 1000);
    }
    ninp_dropout_mask(&key, 6, 0.3, 0, 1000, part);
    assert_memory_not_equal(part, whole, 1000);
    ninp_dropout_mask(&key, 5, 1.0, 0, 1000, part);
    assert_null(memchr(part, 1, 1000));
    ninp_dropout_mask(&key, 5, 0.0, 0, 1000, part);
    assert_null(memchr(part, 0, 1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_mistakes),
        cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_nin_block),
        cmocka_unit_test(test_tensors_and_macs),
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_dropout_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

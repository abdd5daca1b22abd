/* Network descriptions: the built-in ones have the published shapes and sizes, and mistakes are
 * reported with file, line, layer and shapes. */
#include <nin/net.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct known_net {
    const char *name;
    size_t parameters;
    uint64_t macs;
} known_net;

/* Computed from the definitions in the lecture, the authors' files and the Caffe Model Zoo. */
static const known_net known[] = {
    {"nin", 1992166, 762297352},          {"lenet", 61706, 416520},
    {"alexnet", 46764746, 938146176},     {"vgg11", 128806154, 7547232256},
    {"vgg11-small", 43093322, 512155648}, {"nin-cifar10", 966986, 222486528},
    {"nin-cifar100", 984356, 223592448},  {"nin-svhn", 1986026, 274235392},
    {"nin-mnist", 349674, 50699712},      {"nin-imagenet", 7595176, 1100188800},
};

static uint64_t macs_of(const nin_net *net) {
    uint64_t macs = 0;
    for (size_t i = 0; i < nin_net_layer_count(net); i++) {
        nin_layer layer = nin_net_layer(net, i);
        macs += layer.depth == 0 ? layer.macs : 0;
    }
    return macs;
}

static nin_net *open_net(const char *name, const nin_net_options *options) {
    nin_net *net;
    nin_error err = {0};
    if (nin_net_open(name, options, &net, &err) != NIN_OK) {
        fail_msg("%s: %s", name, err.message);
    }
    return net;
}

static void known_sizes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        nin_net *net = open_net(known[i].name, NULL);
        assert_int_equal(nin_net_parameter_count(net), known[i].parameters);
        assert_true(macs_of(net) == known[i].macs);
        nin_net_free(net);
    }
    nin_net_options colour = {.channels = 3};
    nin_net *net = open_net("nin", &colour);
    assert_int_equal(nin_net_parameter_count(net), 2015398);
    assert_true(macs_of(net) == 830041864);
    nin_net_free(net);
    nin_net_options crop = {.height = 227, .width = 227};
    net = open_net("nin-imagenet", &crop);
    assert_true(macs_of(net) == 1105996320);
    nin_net_free(net);
}

static void lecture_shapes(void **state) {
    (void)state;
    static const nin_shape shapes[] = {
        {96, 54, 54, false},  {96, 26, 26, false}, {256, 26, 26, false}, {256, 12, 12, false},
        {384, 12, 12, false}, {384, 5, 5, false},  {384, 5, 5, false},   {10, 5, 5, false},
        {10, 1, 1, false},    {10, 1, 1, true}};
    static const char *const classes[] = {
        "Sequential", "MaxPool2d", "Sequential", "MaxPool2d",         "Sequential",
        "MaxPool2d",  "Dropout",   "Sequential", "AdaptiveAvgPool2d", "Flatten"};
    nin_net *net = open_net("nin", NULL);
    size_t top = 0;
    for (size_t i = 0; i < nin_net_layer_count(net); i++) {
        nin_layer layer = nin_net_layer(net, i);
        if (layer.depth > 0) {
            continue;
        }
        assert_true(top < 10);
        assert_string_equal(layer.class_name, classes[top]);
        assert_int_equal(layer.output.channels, shapes[top].channels);
        assert_int_equal(layer.output.height, shapes[top].height);
        assert_int_equal(layer.output.width, shapes[top].width);
        assert_int_equal(layer.output.flat, shapes[top].flat);
        top++;
    }
    assert_int_equal(top, 10);
    nin_net_free(net);
}

/* The names that PyTorch's state_dict gives, in its order. */
static void tensor_names(void **state) {
    (void)state;
    static const struct {
        const char *net, *names;
    } nets[] = {
        {"nin", "0.0 0.2 0.4 2.0 2.2 2.4 4.0 4.2 4.4 7.0 7.2 7.4"},
        {"lenet", "0 3 7 9 11"},
        {"alexnet", "0 3 6 8 10 14 17 20"},
        {"vgg11", "0.0 1.0 2.0 2.2 3.0 3.2 4.0 4.2 6 9 12"},
    };
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        nin_net *net = open_net(nets[n].net, NULL);
        const char *expected = nets[n].names;
        for (size_t i = 0; i < nin_net_tensor_count(net); i += 2) {
            int length = (int)strcspn(expected, " ");
            char name[96];
            snprintf(name, sizeof name, "%.*s.weight", length, expected);
            assert_string_equal(nin_net_tensor(net, i).name, name);
            snprintf(name, sizeof name, "%.*s.bias", length, expected);
            assert_string_equal(nin_net_tensor(net, i + 1).name, name);
            expected += length + (expected[length] == ' ');
        }
        assert_string_equal(expected, "");
        nin_net_free(net);
    }
}

static void text_gives_the_net_again(void **state) {
    (void)state;
    nin_net_options options = {.classes = 7, .channels = 3, .height = 96, .width = 80};
    nin_net *net = open_net("nin", &options);
    nin_net *again;
    nin_error err = {0};
    const char *text = nin_net_text(net);
    assert_int_equal(nin_net_parse(text, strlen(text), "again", NULL, &again, &err), NIN_OK);
    assert_int_equal(nin_net_parameter_count(again), nin_net_parameter_count(net));
    assert_int_equal(nin_net_output(again).channels, 7);
    assert_int_equal(nin_net_input(again).width, 80);
    assert_string_equal(nin_net_text(again), text);
    nin_net_free(again);
    nin_net_free(net);
}

static void running_statistics_come_last(void **state) {
    (void)state;
    nin_net *net = open_net("nin-bn", NULL);
    bool running = false;
    for (size_t i = 0; i < nin_net_tensor_count(net); i++) {
        nin_tensor tensor = nin_net_tensor(net, i);
        assert_false(running && tensor.trainable);
        running = !tensor.trainable;
    }
    assert_true(running);
    nin_net_free(net);
}

typedef struct mistake {
    const char *text, *message;
} mistake;

static const mistake mistakes[] = {
    {"", "x.net: no layers"},
    {"relu\n", "x.net:1: relu: the first line must be the input's, as in `input 1x224x224`"},
    {"input 1x8\n", "x.net:1: input: expected CHANNELSxHEIGHTxWIDTH, as in 1x224x224"},
    {"input 1x8x8\ninput 1x8x8\n", "x.net:2: input: there is an input line already"},
    {"input 1x8x8\n\n# a comment\nmax_pol kernel=2\n",
     "x.net:4: max_pol: no such layer; did you mean max_pool?"},
    {"input 1x8x8\nconv2d 4 kernel=9\n", "x.net:2: conv2d: kernel=9 does not fit 8x8 input"},
    {"input 1x8x8\nsequential\nconv2d 4 kernel=3\n",
     "x.net:3: the `sequential` of line 2 has no `end`"},
    {"input 1x8x8\nend\n", "x.net:2: end: no `sequential` is open"},
    {"input 1x8x8\nrelu\nclasses 3\n",
     "x.net:3: classes: this line belongs before the first layer"},
    {"input 1x8x8\nconv2d 10 kernel=3\n",
     "x.net:2: the last layer gives 10x6x6; a classifier ends in `flatten` or `linear`"},
    {"input 1x8x8\nflatten\nlinear 9\n",
     "x.net:3: the last layer gives 9 values for 10 classes (write `classes` as its width)"},
};

static void mistakes_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        nin_net *net;
        nin_error err = {0};
        assert_int_equal(
            nin_net_parse(mistakes[i].text, strlen(mistakes[i].text), "x.net", NULL, &net, &err),
            NIN_ERROR_DATA);
        assert_null(net);
        assert_string_equal(err.message, mistakes[i].message);
    }
}

/* Inside a block the message still names the user's line, and then the inner layer. */
static void mistakes_in_blocks_are_named(void **state) {
    (void)state;
    const char *text = "input 1x8x8\nnin_block 4 kernel=9\n";
    nin_net *net;
    nin_error err = {0};
    assert_int_equal(nin_net_parse(text, strlen(text), "x.net", NULL, &net, &err), NIN_ERROR_DATA);
    assert_string_equal(err.message, "x.net:2: nin_block: conv2d: kernel=9 does not fit 8x8 input");
}

static void unknown_names(void **state) {
    (void)state;
    nin_net *net;
    nin_error err = {0};
    assert_int_equal(nin_net_open("ninn", NULL, &net, &err), NIN_ERROR_NO_INPUT);
    assert_string_equal(err.message, "no network is called ninn; did you mean nin?");
    err = (nin_error){0};
    assert_int_equal(nin_net_open("/nowhere/x.net", NULL, &net, &err), NIN_ERROR_NO_INPUT);
    assert_non_null(strstr(err.message, "/nowhere/x.net"));
}

/* Sizes that would overflow or exhaust memory are refused, not attempted. */
static void huge_sizes(void **state) {
    (void)state;
    static const char *const texts[] = {
        "input 65536x16384x16384\nflatten\nlinear classes\n",
        "input 1x16384x16384\nconv2d 65536 kernel=1\nglobal_avg_pool\nflatten\n",
        "input 65536x64x64\nflatten\nlinear 65536\nlinear classes\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nin_net *net;
        nin_error err = {0};
        assert_int_not_equal(nin_net_parse(texts[i], strlen(texts[i]), "x.net", NULL, &net, &err),
                             NIN_OK);
        assert_null(net);
        assert_true(err.message[0] != '\0');
    }
}

/* Any damage to a description gives a net or a message, never a crash. */
static void damaged_descriptions(void **state) {
    (void)state;
    static const char text[] =
        "input 3x9x9\nclasses 4\nnin_block 6,5,4 kernel=3 padding=1\n"
        "max_pool kernel=3 stride=2 ceil_mode\nsequential\n  dropout 0.5\n"
        "  batch_norm\nend\nadaptive_avg_pool 2x1\nflatten\nlinear classes\n";
    enum { LENGTH = sizeof text - 1 };
    int nets = 0;
    for (size_t i = 0; i < LENGTH * 9; i++) {
        char damaged[LENGTH];
        memcpy(damaged, text, LENGTH);
        size_t length = LENGTH;
        if (i % 9 == 8) {
            length = i / 9;
        } else {
            damaged[i / 9] ^= (char)(1 << i % 9);
        }
        nin_net *net;
        nin_error err = {0};
        nin_status status = nin_net_parse(damaged, length, "x.net", NULL, &net, &err);
        assert_true((status == NIN_OK) == (net != NULL));
        assert_true((status == NIN_OK) == (err.message[0] == '\0'));
        nets += status == NIN_OK;
        nin_net_free(net);
    }
    assert_true(nets > 0);
}

static void initialisation(void **state) {
    (void)state;
    nin_net *net = open_net("lenet", NULL);
    nin_init_options options = nin_init_options_defaults();
    options.seed = 5;
    nin_net_initialize(net, &options);
    nin_tensor weight = nin_net_tensor(net, 2); /* 16 x 6 x 5 x 5 */
    double largest = 0;
    for (size_t i = 0; i < weight.count; i++) {
        double size = weight.values[i] < 0 ? -(double)weight.values[i] : (double)weight.values[i];
        largest = size > largest ? size : largest;
    }
    assert_true(largest < 0.104447 && largest > 0.103); /* sqrt(6 / (150 + 400)) */
    float first = weight.values[0];
    nin_net_initialize(net, &options);
    assert_true(weight.values[0] == first);
    options.seed = 6;
    nin_net_initialize(net, &options);
    assert_true(weight.values[0] != first);
    options.last_bias = 1.0F;
    options.zero_bias = true;
    nin_net_initialize(net, &options);
    assert_true(nin_net_tensor(net, 1).values[0] == 0.0F);
    assert_true(nin_net_tensor(net, nin_net_tensor_count(net) - 1).values[9] == 1.0F);
    nin_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sizes),
        cmocka_unit_test(lecture_shapes),
        cmocka_unit_test(tensor_names),
        cmocka_unit_test(text_gives_the_net_again),
        cmocka_unit_test(running_statistics_come_last),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(mistakes_in_blocks_are_named),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(huge_sizes),
        cmocka_unit_test(damaged_descriptions),
        cmocka_unit_test(initialisation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

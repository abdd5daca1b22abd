#include "support/nets.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void initialise(nin_net *net, uint64_t seed) {
    nin_init_options options = nin_init_options_defaults();
    options.weights = NIN_INIT_HE;
    options.zero_bias = true;
    options.seed = seed;
    nin_net_initialize(net, &options);
}

nin_net *test_net_open(const char *name, int size, uint64_t seed) {
    nin_net_options options = {.height = size, .width = size};
    nin_net *net;
    nin_error err = {0};
    if (nin_net_open(name, &options, &net, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    initialise(net, seed);
    return net;
}

nin_net *test_net_parse(const char *text, uint64_t seed) {
    nin_net *net;
    nin_error err = {0};
    if (nin_net_parse(text, strlen(text), "test.net", NULL, &net, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    initialise(net, seed);
    return net;
}

float *test_images(const nin_net *net, int count, uint64_t seed) {
    nin_shape shape = nin_net_input(net);
    size_t values =
        (size_t)count * (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
    float *images = malloc(values * sizeof *images);
    assert_non_null(images);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < values; i++) {
        images[i] = ninp_random_float(&random);
    }
    return images;
}

int32_t *test_labels(const nin_net *net, int count, uint64_t seed) {
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    assert_non_null(labels);
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_TEST, 1, 0);
    for (int i = 0; i < count; i++) {
        labels[i] = (int32_t)ninp_random_below(&random, (uint32_t)nin_net_output(net).channels);
    }
    return labels;
}

double test_relative_error(const float *a, const double *b, size_t count) {
    double difference = 0;
    double size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += b[i] * b[i];
    }
    return size > 0 ? sqrt(difference / size) : sqrt(difference);
}

/* How far a value that is not finite reaches, for every convolution that there is: no farther than
 * its window, except where the algorithm computes whole tiles or pictures at once, and never into
 * another picture. */
#include "support/weighted_case.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Height and width of the tiles of results that are computed together: as the algorithms' files
 * say. Those that are not named here compute each pixel for itself. */
static const struct {
    const char *name;
    int tile;
} tiles[] = {{"winograd2", 2},         {"winograd4", 4},         {"winograd6", 6},
             {"strided_winograd2", 2}, {"strided_winograd4", 4}, {"strided_winograd6", 6},
             {"fft", INT_MAX}};

static int tile_of(const char *name) {
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        if (strcmp(tiles[i].name, name) == 0) {
            return tiles[i].tile;
        }
    }
    return 1;
}

/* Each algorithm computes some of them. */
static const struct {
    const char *line;
    nin_shape input;
} shapes[] = {
    {"conv2d 21 kernel=1", {.channels = 18, .height = 13, .width = 14}},
    {"conv2d 21 kernel=3 padding=1", {.channels = 18, .height = 19, .width = 16}},
    {"conv2d 21 kernel=5 padding=2", {.channels = 18, .height = 16, .width = 21}},
    {"conv2d 6 kernel=5 padding=2", {.channels = 1, .height = 28, .width = 28}},
    {"conv2d 21 kernel=7 stride=2 padding=1", {.channels = 3, .height = 37, .width = 34}},
    {"conv2d 21 kernel=11 stride=4", {.channels = 1, .height = 75, .width = 67}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, PICTURES = 3 };

/* Whether output row (or column) `y` and input row `x` have to do with each other. */
static bool is_near(const ninp_conv_options *conv, int tile, int y, int x) {
    const int first = tile == INT_MAX ? 0 : y / tile * tile;
    const int last = tile == INT_MAX ? y + 1000 : first + tile - 1;
    return tile == INT_MAX || (x >= first * conv->stride - conv->padding &&
                               x <= last * conv->stride - conv->padding + conv->kernel - 1);
}

/* A value of a batch. */
typedef struct place {
    int picture, channel, y, x;
} place;

static size_t index_of(place at, nin_shape shape) {
    return (((size_t)at.picture * (size_t)shape.channels + (size_t)at.channel) *
                (size_t)shape.height +
            (size_t)at.y) *
               (size_t)shape.width +
           (size_t)at.x;
}

static place place_of(size_t index, nin_shape shape) {
    const int pixels = shape.height * shape.width;
    const int i = (int)index;
    return (place){i / pixels / shape.channels, i / pixels % shape.channels,
                   i % pixels / shape.width, i % shape.width};
}

typedef struct reach_case {
    weighted_case *weighted;
    weighted_setup setup;
    float value;
} reach_case;

static void complain(const reach_case *c, const char *what, const char *problem, size_t index) {
    fail_msg("%s, %s on %s: %f reaches %s[%zu]: %s", c->setup.algorithm->name, c->weighted->line,
             c->setup.kernels->isa, (double)c->value, what, index, problem);
}

/* From an input pixel into the results, or from a gradient of those back: `spoilt` is where the
 * value was put, `values` what came out of it. */
static void check_pixels(const reach_case *c, const char *what, place spoilt, const double *values,
                         size_t count) {
    const ninp_step *step = &c->weighted->step;
    const bool forward = what[0] == 'y';
    const nin_shape shape = forward ? step->output : step->input;
    const int tile = tile_of(c->setup.algorithm->name);
    bool reached = false;
    for (size_t i = 0; i < count; i++) {
        const place at = place_of(i, shape);
        const place *y = forward ? &at : &spoilt;
        const place *x = forward ? &spoilt : &at;
        const bool near = at.picture == spoilt.picture && is_near(&step->conv, tile, y->y, x->y) &&
                          is_near(&step->conv, tile, y->x, x->x);
        if (!isfinite(values[i]) && !near) {
            complain(c, what, "too far", i);
        }
        reached = reached || !isfinite(values[i]);
        if (near && is_near(&step->conv, 1, y->y, x->y) && is_near(&step->conv, 1, y->x, x->x) &&
            isfinite(values[i])) {
            complain(c, what, "it is lost", i);
        }
    }
    if (!reached) {
        complain(c, what, "not at all", 0);
    }
}

/* Into the gradients of weights: those of its own channel, or of its own filter. */
static void check_weights(const reach_case *c, bool of_input, int channel,
                          const weighted_results *results) {
    const ninp_step *step = &c->weighted->step;
    const size_t taps = (size_t)step->conv.kernel * (size_t)step->conv.kernel;
    const size_t channels = (size_t)step->input.channels;
    bool reached = false;
    for (size_t i = 0; i < results->weight_count; i++) {
        const size_t own = of_input ? i / taps % channels : i / taps / channels;
        if (!isfinite(results->weight[i]) && own != (size_t)channel) {
            complain(c, "dW", "another channel", i);
        }
        reached = reached || !isfinite(results->weight[i]);
    }
    if (!reached) {
        complain(c, "dW", "not at all", 0);
    }
    for (size_t i = 0; i < results->bias_count; i++) {
        if ((!isfinite(results->bias[i])) != (!of_input && i == (size_t)channel)) {
            complain(c, "db", "another filter, or not its own", i);
        }
    }
}

static void check_input(const reach_case *c) {
    weighted_case *weighted = c->weighted;
    const nin_shape shape = weighted->step.input;
    const place spoilt = {1, shape.channels / 2, shape.height / 2, shape.width / 2 - 1};
    double *value = &weighted->layer.x[index_of(spoilt, shape)];
    const double before = *value;
    *value = (double)c->value;
    weighted_results results = weighted_case_run(weighted, &c->setup);
    check_pixels(c, "y", spoilt, results.y, results.y_count);
    check_weights(c, true, spoilt.channel, &results);
    for (size_t i = 0; i < results.dx_count; i++) {
        assert_true(isfinite(results.dx[i]));
    }
    weighted_results_free(&results);
    *value = before;
}

static void check_gradient(const reach_case *c) {
    weighted_case *weighted = c->weighted;
    const nin_shape shape = weighted->step.output;
    const place spoilt = {2, shape.channels / 2, shape.height / 2 - 1, shape.width / 2};
    double *value = &weighted->layer.dy[index_of(spoilt, shape)];
    const double before = *value;
    *value = (double)c->value;
    weighted_results results = weighted_case_run(weighted, &c->setup);
    check_weights(c, false, spoilt.channel, &results);
    if (results.dx) {
        check_pixels(c, "dx", spoilt, results.dx, results.dx_count);
    }
    for (size_t i = 0; i < results.y_count; i++) {
        assert_true(isfinite(results.y[i]));
    }
    weighted_results_free(&results);
    *value = before;
}

/* How many instruction sets the algorithm computed the shape on. */
static int check_shape(const ninp_cpu_algorithm *algorithm, int number) {
    static const float values[] = {NAN, INFINITY, -INFINITY};
    ninp_random random = ninp_random_start(1, NINP_RANDOM_TEST, (uint64_t)number, 0);
    weighted_case weighted = {.step = {.input_gradient = !algorithm->reads_plain}};
    snprintf(weighted.line, sizeof weighted.line, "%s", shapes[number].line);
    weighted_case_open(&weighted, shapes[number].input, PICTURES, true);
    weighted_case_draw(&weighted, &random, false);
    int computed = 0;
    size_t next = 0;
    const ninp_kernels *kernels;
    while ((kernels = usable_kernels(&next)) != NULL) {
        reach_case c = {&weighted, {algorithm, kernels, 2, GUARD_AFTER}, 0};
        if (weighted_case_refusal(&weighted, &c.setup)) {
            continue;
        }
        computed++;
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            c.value = values[i];
            check_input(&c);
            check_gradient(&c);
        }
    }
    weighted_case_close(&weighted);
    return computed;
}

static void every_convolution(void **state) {
    (void)state;
    for (size_t a = 0; ninp_cpu_algorithms[a]; a++) {
        const ninp_cpu_algorithm *algorithm = ninp_cpu_algorithms[a];
        int computed = 0;
        for (int i = 0; i < SHAPES && algorithm->work == NINP_WORK_CONV; i++) {
            computed += check_shape(algorithm, i);
        }
        if (algorithm->work == NINP_WORK_CONV && computed == 0) {
            fail_msg("%s computes none of the shapes here", algorithm->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_convolution)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "weighted_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void weighted_case_open(weighted_case *weighted, nin_shape input, int count, bool training) {
    layer_case *layer = &weighted->layer;
    ninp_step *step = &weighted->step;
    layer_case_open(layer, weighted->line, input, count, training);
    layer_case_open(&weighted->size, weighted->line, input, count, training);
    const bool linear = layer->type == &ninp_layer_linear;
    step->work = linear ? NINP_WORK_LINEAR : NINP_WORK_CONV;
    step->input = input;
    step->output = layer->run.output;
    step->unpooled = layer->run.output;
    if (!linear) {
        step->conv = layer->options.conv;
    }
    step->pooled = weighted->pool_line[0] != '\0';
    if (step->pooled) {
        layer_case_open(&weighted->pool, weighted->pool_line, step->unpooled, count, training);
        step->pool = weighted->pool.options.pool;
        step->output = weighted->pool.run.output;
    }
    step->weight = 0;
    step->bias = 1;
}

void weighted_case_close(weighted_case *weighted) {
    layer_case_close(&weighted->layer);
    layer_case_close(&weighted->size);
    if (weighted->step.pooled) {
        layer_case_close(&weighted->pool);
    }
}

static void draw_array(ninp_random *random, bool exact, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = exact ? draw_int(random, -6, 6) : draw_double(random, -1.0, 1.0);
    }
    round_to_float(values, count);
}

void weighted_case_draw(weighted_case *weighted, ninp_random *random, bool exact) {
    layer_case *layer = &weighted->layer;
    draw_array(random, exact, layer->x, layer->x_count);
    activate_values(weighted->step.input_activation, layer->x, layer->x_count);
    round_to_float(layer->x, layer->x_count);
    draw_array(random, exact, layer->dy, layer->y_count);
    for (int i = 0; i < layer->tensor_count; i++) {
        draw_array(random, exact, layer->run.tensors[i], layer->tensor_sizes[i]);
    }
    if (weighted->step.pooled) {
        draw_array(random, exact, weighted->pool.dy, weighted->pool.y_count);
    }
}

static void copy_sizes(const double *values, size_t count, double *sizes) {
    for (size_t i = 0; i < count; i++) {
        sizes[i] = fabs(values[i]);
    }
}

/* dx times the derivative of the activation before at x. */
static void derive_input(const ninp_step *step, layer_case *layer) {
    for (size_t i = 0; i < layer->x_count; i++) {
        layer->run.dx[i] *= activation_derivative(step->input_activation, layer->x[i]);
    }
}

/* From the layer's result to the step's, and the gradient back. */
static void run_behind(weighted_case *weighted) {
    layer_case *layer = &weighted->layer;
    layer_case *pool = &weighted->pool;
    const ninp_activation activation = weighted->step.activation;
    activate_values(activation, layer->run.y, layer->y_count);
    if (!weighted->step.pooled) {
        return;
    }
    memcpy(pool->x, layer->run.y, layer->y_count * sizeof *pool->x);
    layer_case_forward(pool);
    layer_case_backward(pool);
    for (size_t i = 0; i < layer->y_count; i++) {
        layer->dy[i] = pool->run.dx[i] * activation_derivative(activation, layer->run.y[i]);
    }
}

void weighted_case_reference(weighted_case *weighted) {
    layer_case *layer = &weighted->layer;
    layer_case *size = &weighted->size;
    layer_case_forward(layer);
    run_behind(weighted);
    layer_case_backward(layer);
    derive_input(&weighted->step, layer);
    copy_sizes(layer->x, layer->x_count, size->x);
    copy_sizes(layer->dy, layer->y_count, size->dy);
    for (int i = 0; i < layer->tensor_count; i++) {
        copy_sizes(layer->run.tensors[i], layer->tensor_sizes[i], size->run.tensors[i]);
    }
    layer_case_forward(size);
    layer_case_backward(size);
    derive_input(&weighted->step, size);
}

static ninp_cpu_config config_of(const weighted_case *weighted, const weighted_setup *setup) {
    return (ninp_cpu_config){.kernels = setup->kernels,
                             .threads = setup->threads,
                             .batch = weighted->layer.run.count,
                             .training = weighted->layer.run.training,
                             .first = setup->algorithm->reads_plain};
}

const char *weighted_case_refusal(const weighted_case *weighted, const weighted_setup *setup) {
    const ninp_cpu_config config = config_of(weighted, setup);
    return setup->algorithm->refuse ? setup->algorithm->refuse(&weighted->step, &config) : NULL;
}

/* The engine's memory for one step. */
enum { BLOCKS = 14 };
typedef struct weighted_memory {
    void *blocks[BLOCKS];
    int count;
    guard_side side;
} weighted_memory;

static void *take(weighted_memory *memory, size_t bytes) {
    void *block = bytes ? guard_alloc(bytes, memory->side) : NULL;
    assert_true(memory->count < BLOCKS);
    memory->blocks[memory->count++] = block;
    return block;
}

static float *take_floats(weighted_memory *memory, size_t count) {
    return take(memory, count * sizeof(float));
}

static size_t whole_lines(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

static float *take_plain(weighted_memory *memory, const double *values, size_t count) {
    float *plain = take_floats(memory, count);
    for (size_t i = 0; i < count; i++) {
        plain[i] = (float)values[i];
    }
    return plain;
}

static float *take_blocked(weighted_memory *memory, const double *values, int count,
                           nin_shape shape) {
    float *blocked = take_floats(memory, (size_t)count * ninp_blocked_count(shape));
    block_plain(values, count, shape, 555.0F, blocked);
    return blocked;
}

static const layer_case *last_layer(const weighted_case *weighted) {
    return weighted->step.pooled ? &weighted->pool : &weighted->layer;
}

static ninp_cpu_run open_run(const weighted_case *weighted, const weighted_setup *setup,
                             ninp_cpu_needs *needs, weighted_memory *memory) {
    const layer_case *layer = &weighted->layer;
    const ninp_step *step = &weighted->step;
    const ninp_cpu_config config = config_of(weighted, setup);
    const bool plain = setup->algorithm->reads_plain;
    const size_t n = (size_t)layer->run.count;
    const size_t outputs = ninp_blocked_count(step->output);
    const size_t biases = (size_t)ninp_blocks(step->output.channels) * NINP_BLOCK;
    const size_t threads = (size_t)setup->threads;
    const void *settings = NULL;
    setup->algorithm->prepare(step, &config, needs, &settings);
    assert_int_equal(needs->saved_bytes % 64, 0);
    ninp_cpu_run run = {
        .step = step,
        .needs = needs,
        .kernels = setup->kernels,
        .settings = settings,
        .count = layer->run.count,
        .threads = setup->threads,
        .training = layer->run.training,
        .x = plain ? take_plain(memory, layer->x, layer->x_count)
                   : take_blocked(memory, layer->x, layer->run.count, step->input),
        .y = take_floats(memory, n * outputs),
        .x_stride = plain ? ninp_shape_count(step->input) : ninp_blocked_count(step->input),
        .y_stride = outputs,
        .saved = take(memory, n * needs->saved_bytes),
        .saved_stride = needs->saved_bytes,
        .kept = take(memory, whole_lines(needs->kept_bytes)),
        .weights = take_floats(memory, needs->weight_floats),
        .gradient = take_floats(memory, needs->gradient_floats),
        .bias_gradient = take_floats(memory, layer->run.training ? biases : 0),
        .thread_space = take(memory, threads * whole_lines(needs->thread_bytes)),
        .common_space = take(memory, whole_lines(needs->common_bytes)),
    };
    float *bias = take_floats(memory, biases);
    for (size_t i = 0; i < layer->tensor_sizes[1]; i++) {
        bias[i] = (float)layer->run.tensors[1][i];
    }
    run.bias = bias;
    if (run.training) {
        run.dy = take_blocked(memory, last_layer(weighted)->dy, run.count, step->output);
        run.dx = step->input_gradient ? take_floats(memory, n * run.x_stride) : NULL;
    }
    return run;
}

/* As the engine does: IMAGE scope a picture at a time; gradients start from 0, those of BATCH scope
 * from anything. */
static void pass_over(const ninp_cpu_run *batch, ninp_scope scope,
                      void (*pass)(const ninp_cpu_run *)) {
    if (scope == NINP_SCOPE_BATCH) {
        pass(batch);
        return;
    }
    for (size_t n = 0; n < (size_t)batch->count; n++) {
        ninp_cpu_run run = *batch;
        run.count = 1;
        run.threads = 1;
        run.first_image = (int)n;
        run.x += n * run.x_stride;
        run.y += n * run.y_stride;
        run.dy = run.dy ? run.dy + n * run.y_stride : NULL;
        run.dx = run.dx ? run.dx + n * run.x_stride : NULL;
        run.saved = run.saved ? run.saved + n * run.saved_stride : NULL;
        if (run.thread_space) {
            run.thread_space += n % (size_t)batch->threads * run.needs->thread_bytes;
        }
        pass(&run);
    }
}

static double *make_array(size_t count) {
    double *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

static weighted_results make_results(const weighted_case *weighted) {
    const layer_case *layer = &weighted->layer;
    weighted_results results = {.y_count = last_layer(weighted)->y_count};
    results.y = make_array(results.y_count);
    if (layer->run.training) {
        results.weight_count = layer->tensor_sizes[0];
        results.bias_count = layer->tensor_sizes[1];
        results.weight = make_array(results.weight_count);
        results.bias = make_array(results.bias_count);
        if (weighted->step.input_gradient) {
            results.dx_count = layer->x_count;
            results.dx = make_array(results.dx_count);
        }
    }
    return results;
}

static void run_backward(const weighted_case *weighted, const weighted_setup *setup,
                         ninp_cpu_run *run, weighted_memory *memory, weighted_results *results) {
    const ninp_scope scope = setup->algorithm->scope;
    for (size_t i = 0; i < run->needs->gradient_floats && scope == NINP_SCOPE_BATCH; i++) {
        run->gradient[i] = -777.0F;
    }
    float *gradient = take_floats(memory, results->weight_count);
    if (setup->algorithm->in_place) {
        run->gradient = gradient;
    }
    pass_over(run, scope, setup->algorithm->backward);
    if (!setup->algorithm->in_place) {
        setup->algorithm->unpack(run, run->gradient, gradient);
    }
    for (size_t i = 0; i < results->weight_count; i++) {
        results->weight[i] = (double)gradient[i];
    }
    for (size_t i = 0; i < results->bias_count; i++) {
        results->bias[i] = (double)run->bias_gradient[i];
    }
    if (run->dx) {
        unblock_plain(run->dx, run->count, weighted->step.input, results->dx);
    }
}

weighted_results weighted_case_run(const weighted_case *weighted, const weighted_setup *setup) {
    const layer_case *layer = &weighted->layer;
    weighted_memory memory = {.side = setup->side};
    weighted_results results = make_results(weighted);
    ninp_cpu_needs needs = {0};
    ninp_cpu_run run = open_run(weighted, setup, &needs, &memory);
    const float *weight = take_plain(&memory, layer->run.tensors[0], layer->tensor_sizes[0]);
    if (setup->algorithm->in_place) {
        run.weights = weight;
    } else {
        /* The engine's own pointer is not const. */
        setup->algorithm->pack(&run, weight, memory.blocks[4]);
    }
    pass_over(&run, setup->algorithm->scope, setup->algorithm->forward);
    unblock_plain(run.y, run.count, weighted->step.output, results.y);
    if (run.training) {
        run_backward(weighted, setup, &run, &memory, &results);
    }
    for (int i = 0; i < memory.count; i++) {
        guard_free(memory.blocks[i]);
    }
    return results;
}

void weighted_results_free(weighted_results *results) {
    free(results->y);
    free(results->dx);
    free(results->weight);
    free(results->bias);
}

/* What to compare, and how close it must be: within factor * sizes[i] + slack. */
typedef struct comparison {
    const char *what;
    const double *values, *expected, *sizes;
    size_t count;
    double factor, slack;
} comparison;

static void compare(const weighted_case *weighted, const weighted_setup *setup, comparison c) {
    for (size_t i = 0; i < c.count; i++) {
        const double bound = c.slack + (c.factor > 0.0 ? c.factor * c.sizes[i] : 0.0);
        const bool alike = isfinite(c.expected[i]) ? fabs(c.values[i] - c.expected[i]) <= bound
                           : isnan(c.expected[i])  ? isnan(c.values[i]) != 0
                                                   : c.values[i] == c.expected[i];
        if (!alike) {
            const nin_shape shape = weighted->step.input;
            fail_msg("%s %s%s%s of %d x %d x %d x %d on %s: %s[%zu] is %.9g, expected %.9g within "
                     "%.3g",
                     setup->algorithm->name, weighted->line, weighted->step.pooled ? ", " : "",
                     weighted->pool_line, weighted->layer.run.count, shape.channels, shape.height,
                     shape.width, setup->kernels->isa, c.what, i, c.values[i], c.expected[i],
                     bound);
        }
    }
}

/* Relative error bound of a sum of `length` products. */
static double sum_factor(double length) {
    return (2.0 * length + 8.0) * 0x1p-24;
}

void weighted_case_check(const weighted_case *weighted, const weighted_setup *setup, bool exact) {
    const layer_case *layer = &weighted->layer;
    const layer_case *size = &weighted->size;
    const ninp_step *step = &weighted->step;
    const double taps = step->work == NINP_WORK_CONV ? step->conv.kernel * step->conv.kernel : 1.0;
    const double inputs = step->input.channels * taps + 1.0;
    const double outputs = step->unpooled.channels * taps;
    const double pixels = (double)layer->run.count * step->unpooled.height * step->unpooled.width;
    const bool sigmoid = step->activation == NINP_ACTIVATION_SIGMOID;
    const bool input_sigmoid = step->input_activation == NINP_ACTIVATION_SIGMOID;
    weighted_results results = weighted_case_run(weighted, setup);
    assert_true(exact || !step->pooled);
    compare(weighted, setup,
            (comparison){"y", results.y, last_layer(weighted)->run.y, size->run.y, results.y_count,
                         exact ? 0.0 : sum_factor(inputs), sigmoid ? 8.0 * 0x1p-24 : 0.0});
    compare(weighted, setup,
            (comparison){"dx", results.dx, layer->run.dx, size->run.dx, results.dx_count,
                         exact && !input_sigmoid ? 0.0 : sum_factor(outputs), 0.0});
    compare(weighted, setup,
            (comparison){"dW", results.weight, layer->run.gradients[0], size->run.gradients[0],
                         results.weight_count, exact && !input_sigmoid ? 0.0 : sum_factor(pixels),
                         0.0});
    compare(weighted, setup,
            (comparison){"db", results.bias, layer->run.gradients[1], size->run.gradients[1],
                         results.bias_count, exact ? 0.0 : sum_factor(pixels), 0.0});
    weighted_results_free(&results);
}

void weighted_case_check_threads(const weighted_case *weighted, const ninp_cpu_algorithm *algorithm,
                                 const ninp_kernels *kernels) {
    weighted_setup setup = {algorithm, kernels, 1, GUARD_AFTER};
    weighted_results one = weighted_case_run(weighted, &setup);
    for (setup.threads = 2; setup.threads <= 5; setup.threads++) {
        weighted_results many = weighted_case_run(weighted, &setup);
        assert_memory_equal(one.y, many.y, one.y_count * sizeof *one.y);
        assert_memory_equal(one.dx, many.dx, one.dx_count * sizeof *one.dx);
        assert_memory_equal(one.weight, many.weight, one.weight_count * sizeof *one.weight);
        assert_memory_equal(one.bias, many.bias, one.bias_count * sizeof *one.bias);
        weighted_results_free(&many);
    }
    weighted_results_free(&one);
}

#include "cpu_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void *take(cpu_case *cpu, int index, size_t bytes, guard_side side) {
    cpu->blocks[index] = bytes ? guard_alloc(bytes, side) : NULL;
    return cpu->blocks[index];
}

static size_t whole_lines(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

void cpu_case_open(cpu_case *cpu, const ninp_cpu_algorithm *algorithm, const ninp_step *step,
                   const ninp_cpu_config *config, guard_side side) {
    memset(cpu, 0, sizeof *cpu);
    cpu->algorithm = algorithm;
    cpu->step = *step;
    const void *settings = NULL;
    assert_int_equal(algorithm->work, step->work);
    if (algorithm->refuse) {
        assert_null(algorithm->refuse(step, config));
    }
    if (algorithm->prepare) {
        algorithm->prepare(step, config, &cpu->needs, &settings);
    }
    assert_int_equal(cpu->needs.saved_bytes % 64, 0);
    size_t n = (size_t)config->batch;
    size_t inputs = ninp_blocked_count(step->input);
    size_t outputs = ninp_blocked_count(step->output);
    cpu->x = take(cpu, 0, n * inputs * sizeof(float), side);
    cpu->dx = take(cpu, 1, n * inputs * sizeof(float), side);
    cpu->dy = take(cpu, 2, n * outputs * sizeof(float), side);
    float *y = take(cpu, 3, n * outputs * sizeof(float), side);
    memset(y, 0xFF, n * outputs * sizeof(float));
    memset(cpu->dx, 0xFF, n * inputs * sizeof(float));
    cpu->run = (ninp_cpu_run){
        .step = &cpu->step,
        .needs = &cpu->needs,
        .kernels = config->kernels,
        .settings = settings,
        .count = config->batch,
        .threads = config->threads,
        .training = config->training,
        .x = cpu->x,
        .y = y,
        .dy = cpu->dy,
        .dx = cpu->dx,
        .x_stride = inputs,
        .y_stride = outputs,
        .saved = take(cpu, 4, n * cpu->needs.saved_bytes, side),
        .saved_stride = cpu->needs.saved_bytes,
        .kept = take(cpu, 5, whole_lines(cpu->needs.kept_bytes), side),
        .thread_space =
            take(cpu, 6, (size_t)config->threads * whole_lines(cpu->needs.thread_bytes), side),
        .common_space = take(cpu, 7, whole_lines(cpu->needs.common_bytes), side),
    };
}

void cpu_case_close(cpu_case *cpu) {
    for (int i = 0; i < CPU_CASE_BLOCKS; i++) {
        guard_free(cpu->blocks[i]);
    }
}

/* Calls `pass` for each picture, as the engine does. */
static void each_picture(const cpu_case *cpu, void (*pass)(const ninp_cpu_run *)) {
    for (int n = 0; n < cpu->run.count; n++) {
        ninp_cpu_run run = cpu->run;
        size_t image = (size_t)n;
        run.count = 1;
        run.threads = 1;
        run.first_image = n;
        run.x += image * run.x_stride;
        run.y += image * run.y_stride;
        run.dy += image * run.y_stride;
        run.dx += image * run.x_stride;
        run.saved = run.saved ? run.saved + image * run.saved_stride : NULL;
        pass(&run);
    }
}

/* Lanes past the last channel must be finite. */
static void check_rest(const float *blocked, int count, nin_shape shape) {
    int used = shape.channels % NINP_BLOCK;
    size_t picture = ninp_blocked_count(shape);
    size_t last = picture - ninp_block_floats(shape);
    for (size_t i = 0; used && i < (size_t)count * picture; i++) {
        if (i % picture >= last && (int)(i % NINP_BLOCK) >= used) {
            assert_true(isfinite(blocked[i]));
        }
    }
}

void cpu_case_forward(const cpu_case *cpu) {
    if (cpu->algorithm->scope == NINP_SCOPE_IMAGE) {
        each_picture(cpu, cpu->algorithm->forward);
    } else {
        cpu->algorithm->forward(&cpu->run);
    }
    check_rest(cpu->run.y, cpu->run.count, cpu->step.output);
}

void cpu_case_backward(const cpu_case *cpu) {
    if (cpu->algorithm->scope == NINP_SCOPE_IMAGE) {
        each_picture(cpu, cpu->algorithm->backward);
    } else {
        cpu->algorithm->backward(&cpu->run);
    }
    check_rest(cpu->dx, cpu->run.count, cpu->step.input);
}

/* Where value i of a plain batch lies in channel blocks. */
static size_t blocked_index(size_t i, nin_shape shape) {
    size_t pixels = (size_t)shape.height * (size_t)shape.width;
    size_t channel = i / pixels % (size_t)shape.channels;
    size_t picture = i / pixels / (size_t)shape.channels;
    return picture * ninp_blocked_count(shape) + (channel / 16 * pixels + i % pixels) * 16 +
           channel % 16;
}

void block_plain(const double *plain, int count, nin_shape shape, float rest, float *blocked) {
    size_t values = (size_t)count * ninp_shape_count(shape);
    for (size_t i = 0; i < (size_t)count * ninp_blocked_count(shape); i++) {
        blocked[i] = rest;
    }
    for (size_t i = 0; i < values; i++) {
        blocked[blocked_index(i, shape)] = (float)plain[i];
    }
}

void unblock_plain(const float *blocked, int count, nin_shape shape, double *plain) {
    size_t values = (size_t)count * ninp_shape_count(shape);
    for (size_t i = 0; i < values; i++) {
        plain[i] = (double)blocked[blocked_index(i, shape)];
    }
}

void round_to_float(double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)(float)values[i];
    }
}

double activation_value(ninp_activation activation, double x) {
    switch (activation) {
    case NINP_ACTIVATION_RELU: return x <= 0.0 ? 0.0 : x;
    case NINP_ACTIVATION_SIGMOID: return 1.0 / (1.0 + exp(-x));
    case NINP_ACTIVATION_NONE: break;
    }
    return x;
}

double activation_derivative(ninp_activation activation, double y) {
    switch (activation) {
    case NINP_ACTIVATION_RELU: return y <= 0.0 ? 0.0 : 1.0;
    case NINP_ACTIVATION_SIGMOID: return y * (1.0 - y);
    case NINP_ACTIVATION_NONE: break;
    }
    return 1.0;
}

void activate_values(ninp_activation activation, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = activation_value(activation, values[i]);
    }
}

#ifdef TEST_ISA
static bool is_wanted(const char *isa) {
    return strcmp(isa, TEST_ISA) == 0;
}
#else
static bool is_wanted(const char *isa) {
    (void)isa;
    return true;
}
#endif

const ninp_kernels *usable_kernels(size_t *index) {
    const ninp_kernels *kernels;
    bool usable;
    while ((kernels = ninp_kernels_list((*index)++, &usable)) != NULL) {
        if (usable && is_wanted(kernels->isa)) {
            return kernels;
        }
        print_message("%s: left out, %s\n", kernels->isa,
                      usable ? "tested elsewhere" : "this processor does not have it");
    }
    return NULL;
}

size_t list_kernels(const ninp_kernels *list[MOST_KERNELS]) {
    size_t next = 0;
    size_t count = 0;
    while (count < MOST_KERNELS && (list[count] = usable_kernels(&next)) != NULL) {
        count++;
    }
    return count;
}

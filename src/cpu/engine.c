#include "cpu/engine.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_THREADS = 1024 };

static void engine_close(void *state) {
    ninp_cpu *cpu = state;
    if (!cpu) {
        return;
    }
    ninp_free_aligned(cpu->arena);
    free(cpu->steps);
    free(cpu->segments);
    free(cpu->algorithms);
    ninp_plan_free(&cpu->plan);
    free(cpu);
}

/* As many threads as a step of a whole batch can feed. The bits do not depend on it. */
static int useful_threads(const ninp_cpu *cpu) {
    double macs = 0.0;
    for (size_t i = 0; i < cpu->plan.count; i++) {
        macs += (double)ninp_step_macs(&cpu->plan, &cpu->plan.steps[i]);
    }
    const double useful = macs * cpu->batch * (cpu->training ? 3 : 1) / NINP_THREAD_MACS;
    if (useful >= cpu->threads) {
        return cpu->threads;
    }
    return useful > 1.0 ? (int)useful : 1;
}

static nin_status open_plan(ninp_cpu *cpu, const nin_session_options *options, nin_error *err) {
    nin_status status = ninp_plan_create(cpu->net, cpu->training, options->frozen, &cpu->plan, err);
    if (status != NIN_OK) {
        return status;
    }
    cpu->steps = ninp_calloc(cpu->plan.count, sizeof *cpu->steps);
    cpu->segments = ninp_calloc(cpu->plan.count, sizeof *cpu->segments);
    if (!cpu->steps || !cpu->segments) {
        return ninp_fail_memory(err, cpu->plan.count * sizeof *cpu->steps, "a plan");
    }
    cpu->threads = useful_threads(cpu);
    status = ninp_cpu_choose(cpu, options->algorithms, err);
    return status == NIN_OK ? ninp_cpu_lay_out(cpu, err) : status;
}

static nin_status find_kernels(const char *isa, const ninp_kernels **out, nin_error *err) {
    *out = ninp_kernels_find(isa);
    if (*out) {
        return NIN_OK;
    }
    for (size_t i = 0;; i++) {
        bool usable;
        const ninp_kernels *kernels = ninp_kernels_list(i, &usable);
        if (!kernels) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "instruction set %s: not in this build; `auto` takes the best one",
                             isa);
        }
        if (strcmp(kernels->isa, isa) == 0) {
            return ninp_fail(err, NIN_ERROR_UNAVAILABLE,
                             "instruction set %s: this processor does not have it", isa);
        }
    }
}

static nin_status engine_open(nin_net *net, const nin_session_options *options, void **state,
                              nin_error *err) {
    *state = NULL;
    const ninp_kernels *kernels;
    nin_status status = find_kernels(options->isa, &kernels, err);
    if (status != NIN_OK) {
        return status;
    }
    if (options->threads > LARGEST_THREADS) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "threads: at most %d", LARGEST_THREADS);
    }
    ninp_cpu *cpu = ninp_calloc(1, sizeof *cpu);
    if (!cpu) {
        return ninp_fail_memory(err, sizeof *cpu, "a session");
    }
    *cpu = (ninp_cpu){.net = net,
                      .kernels = kernels,
                      .threads = options->threads,
                      .batch = options->batch,
                      .training = options->training,
                      .keeps_results = options->training || options->keep_results,
                      .seed = options->seed};
    status = open_plan(cpu, options, err);
    if (status != NIN_OK) {
        engine_close(cpu);
        return status;
    }
    *state = cpu;
    return NIN_OK;
}

static void engine_weights_changed(void *state) {
    ((ninp_cpu *)state)->packed = false;
}

static nin_status engine_logits(void *state, const float *images, int count, float *logits,
                                nin_error *err) {
    (void)err;
    ninp_cpu *cpu = state;
    unsigned modes[LARGEST_THREADS];
    ninp_float_mode_enter(cpu->threads, modes);
    if (!cpu->packed) {
        ninp_cpu_pack(cpu);
        cpu->packed = true;
    }
    ninp_cpu_forward(cpu, images, count, 0);
    ninp_float_mode_leave(cpu->threads, modes);
    memcpy(logits, cpu->logits, (size_t)count * (size_t)cpu->net->classes * sizeof *logits);
    return NIN_OK;
}

static nin_status engine_gradients(void *state, const nin_examples *examples, float *gradients,
                                   nin_loss *loss, nin_error *err) {
    (void)err;
    ninp_cpu *cpu = state;
    unsigned modes[LARGEST_THREADS];
    ninp_float_mode_enter(cpu->threads, modes);
    ninp_cpu_pack(cpu);
    ninp_cpu_forward(cpu, examples->images, examples->count, examples->step);
    *loss = nin_cross_entropy(examples, cpu->logits, cpu->net->classes, cpu->logit_gradient);
    ninp_cpu_backward(cpu, examples->images, examples->count, examples->step, gradients);
    ninp_float_mode_leave(cpu->threads, modes);
    return NIN_OK;
}

static nin_status engine_result(const void *state, size_t step, int example, float *values,
                                nin_error *err) {
    (void)err;
    const ninp_cpu *cpu = state;
    const ninp_cpu_step *asked = &cpu->steps[step];
    nin_shape shape = asked->step->output;
    cpu->kernels->map->unblock(shape.channels, (size_t)shape.height * (size_t)shape.width,
                               asked->output + (size_t)example * asked->output_floats, values);
    return NIN_OK;
}

static nin_status engine_profile(void *state, const nin_examples *examples, nin_step_time *times,
                                 nin_error *err) {
    ninp_cpu *cpu = state;
    unsigned modes[LARGEST_THREADS];
    float *gradients;
    nin_status status = ninp_cpu_begin_profile(cpu, &gradients, err);
    if (status != NIN_OK) {
        return status;
    }
    ninp_float_mode_enter(cpu->threads, modes);
    ninp_cpu_pack(cpu);
    ninp_cpu_forward(cpu, examples->images, examples->count, examples->step);
    if (cpu->training) {
        (void)nin_cross_entropy(examples, cpu->logits, cpu->net->classes, cpu->logit_gradient);
        ninp_cpu_backward(cpu, examples->images, examples->count, examples->step, gradients);
    }
    ninp_float_mode_leave(cpu->threads, modes);
    ninp_cpu_end_profile(cpu, gradients, times);
    return NIN_OK;
}

static double engine_peak(const void *state) {
    return ninp_cpu_peak(state);
}

/* One block of channels: `values` holds `pixels` x 16 of them. A float is zero when all its bits
 * but the sign are: so the marks are the bits of all values of a lane together, which is as fast as
 * memory is. */
static void mark_block(const float *values, size_t pixels, uint32_t marks[NINP_BLOCK]) {
    for (size_t i = 0; i < pixels; i++) {
        uint32_t bits[NINP_BLOCK];
        memcpy(bits, values + i * NINP_BLOCK, sizeof bits);
        for (int lane = 0; lane < NINP_BLOCK; lane++) {
            marks[lane] |= bits[lane] << 1;
        }
    }
}

static bool all_marked(const uint32_t *marks, int lanes) {
    bool all = true;
    for (int lane = 0; lane < lanes; lane++) {
        all = all && marks[lane] != 0;
    }
    return all;
}

/* Block after block, because most blocks are done with after a few rows of one picture. */
static nin_status engine_mark_active(const void *state, size_t step, int pictures, bool *active,
                                     nin_error *err) {
    enum { CHUNK = 64 }; /* pixels between two looks at the marks */
    (void)err;
    const ninp_cpu *cpu = state;
    const ninp_cpu_step *asked = &cpu->steps[step];
    nin_shape shape = asked->step->output;
    size_t pixels = (size_t)shape.height * (size_t)shape.width;
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
    for (int block = 0; block < ninp_blocks(shape.channels); block++) {
        int first = block * NINP_BLOCK;
        int lanes = shape.channels - first < NINP_BLOCK ? shape.channels - first : NINP_BLOCK;
        uint32_t marks[NINP_BLOCK] = {0};
        bool done = false;
        for (int picture = 0; picture < pictures && !done; picture++) {
            const float *values = asked->output + (size_t)picture * asked->output_floats +
                                  (size_t)block * ninp_block_floats(shape);
            for (size_t pixel = 0; pixel < pixels && !done; pixel += CHUNK) {
                size_t count = pixels - pixel < CHUNK ? pixels - pixel : CHUNK;
                mark_block(values + pixel * NINP_BLOCK, count, marks);
                done = all_marked(marks, lanes);
            }
        }
        for (int lane = 0; lane < lanes; lane++) {
            active[first + lane] = active[first + lane] || marks[lane] != 0;
        }
    }
    return NIN_OK;
}

static size_t engine_step_count(const void *state) {
    return ((const ninp_cpu *)state)->plan.count;
}

static nin_plan_step engine_step(const void *state, size_t index) {
    const ninp_cpu *cpu = state;
    const ninp_cpu_step *step = &cpu->steps[index];
    size_t batch = (size_t)cpu->batch;
    size_t kept = cpu->keeps_results ? batch * step->output_floats * sizeof(float) : 0;
    kept += cpu->training ? batch * step->needs.saved_bytes + step->needs.kept_bytes : 0;
    return (nin_plan_step){.layers = step->layers,
                           .work = step->work,
                           .algorithm = step->algorithm->name,
                           .input = step->step->input,
                           .output = step->step->output,
                           .macs = ninp_step_macs(&cpu->plan, step->step),
                           .weight_bytes = step->needs.weight_floats * sizeof(float),
                           .activation_bytes = kept,
                           .workspace_bytes = step->needs.common_bytes +
                                              step->needs.thread_bytes * (size_t)cpu->threads};
}

static nin_session_info engine_info(const void *state) {
    const ninp_cpu *cpu = state;
    return (nin_session_info){.device = "cpu",
                              .isa = cpu->kernels->isa,
                              .hardware = "",
                              .math = "float32",
                              .deterministic = true,
                              .threads = cpu->threads,
                              .batch = cpu->batch,
                              .bytes = cpu->arena_bytes,
                              .algorithms = cpu->algorithms};
}

const char *nin_isa(size_t index, bool *usable) {
    bool here;
    const ninp_kernels *kernels = ninp_kernels_list(index, usable ? usable : &here);
    return kernels ? kernels->isa : NULL;
}

const ninp_engine ninp_engine_cpu = {.name = "cpu",
                                     .open = engine_open,
                                     .close = engine_close,
                                     .weights_changed = engine_weights_changed,
                                     .logits = engine_logits,
                                     .gradients = engine_gradients,
                                     .result = engine_result,
                                     .profile = engine_profile,
                                     .peak = engine_peak,
                                     .mark_active = engine_mark_active,
                                     .step_count = engine_step_count,
                                     .step = engine_step,
                                     .info = engine_info};

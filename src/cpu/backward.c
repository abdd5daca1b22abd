/* Runs a plan backward. Weight gradients of steps that run picture by picture are added up in
 * shards of the batch, then the shards in their order: the bits do not depend on the number of
 * threads. */
#include "cpu/engine.h"

#include <omp.h>
#include <string.h>

/* The gradient of the loss where the last step's activation has been applied, blocked. */
static void begin_flow(ninp_cpu *cpu, int count, float *flow) {
    const ninp_cpu_step *last = &cpu->steps[cpu->plan.count - 1];
    size_t classes = (size_t)cpu->net->classes;
    size_t stride = last->output_floats;
    memset(flow, 0, (size_t)count * stride * sizeof *flow);
    for (size_t image = 0; image < (size_t)count; image++) {
        memcpy(flow + image * stride, cpu->logit_gradient + image * classes,
               classes * sizeof *flow);
    }
    if (!last->step->pooled) {
        cpu->kernels->map->derive(last->step->activation, (size_t)count * stride, last->output,
                                  flow, flow);
    }
}

static size_t bias_floats(const ninp_cpu_step *step) {
    return step->step->bias >= 0 ? (size_t)ninp_blocks(step->step->output.channels) * NINP_BLOCK
                                 : 0;
}

static void add_batch_norm_gradients(const ninp_cpu *cpu, const ninp_step *plan, float *gradients,
                                     ninp_cpu_run *run) {
    if (plan->scale >= 0) {
        run->tensor_gradients[0] = gradients + cpu->net->tensors[plan->scale].offset;
        run->tensor_gradients[1] = gradients + cpu->net->tensors[plan->shift].offset;
    }
}

/* Input of step i, for the batch. */
static const float *step_input(const ninp_cpu *cpu, size_t i, const float *images) {
    if (i > 0) {
        return cpu->steps[i - 1].output;
    }
    return cpu->input ? cpu->input : images;
}

/* What one segment's backward pass works on. */
typedef struct segment_pass {
    const ninp_cpu *cpu;
    const ninp_segment *segment;
    const float *images;
    const float *dy; /* of the segment's output, for the batch */
    float *dx;       /* of its input; NULL: not needed */
    float *gradients;
    uint64_t number;
} segment_pass;

static void backward_image(const segment_pass *pass, int image, int shard, ninp_worker worker) {
    const ninp_cpu *cpu = pass->cpu;
    float *inside = cpu->thread_flow + (size_t)worker.thread * 2 * cpu->thread_flow_floats;
    const float *dy = pass->dy + (size_t)image * cpu->steps[pass->segment->last].output_floats;
    for (size_t i = pass->segment->last + 1; i-- > pass->segment->first;) {
        const ninp_cpu_step *step = &cpu->steps[i];
        ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, 1, pass->number);
        ninp_cpu_narrow_run(cpu, step, image, worker, &run);
        run.x = step_input(cpu, i, pass->images) + (size_t)image * step->input_floats;
        run.y = step->output + (size_t)image * step->output_floats;
        run.dy = dy;
        if (!step->step->input_gradient) {
            run.dx = NULL;
        } else if (i > pass->segment->first) {
            run.dx = inside + (i % 2) * cpu->thread_flow_floats;
        } else {
            run.dx = pass->dx + (size_t)image * step->input_floats;
        }
        if (step->gradient) {
            run.gradient = step->gradient + (size_t)shard * step->needs.gradient_floats;
        }
        if (step->bias_gradient) {
            run.bias_gradient = step->bias_gradient + (size_t)shard * bias_floats(step);
        }
        add_batch_norm_gradients(cpu, step->step, pass->gradients, &run);
        step->algorithm->backward(&run);
        dy = run.dx;
        if (!dy) {
            return;
        }
    }
}

static void clear_shard(const segment_pass *pass, int shard) {
    for (size_t i = pass->segment->first; i <= pass->segment->last; i++) {
        const ninp_cpu_step *step = &pass->cpu->steps[i];
        size_t floats = step->needs.gradient_floats;
        size_t biases = bias_floats(step);
        if (step->gradient) {
            memset(step->gradient + (size_t)shard * floats, 0, floats * sizeof(float));
        }
        if (step->bias_gradient) {
            memset(step->bias_gradient + (size_t)shard * biases, 0, biases * sizeof(float));
        }
    }
}

/* First picture of a shard: shards differ by one picture at most. */
static int shard_start(int count, int shards, int shard) {
    return (int)((int64_t)count * shard / shards);
}

static void add_shards(const ninp_cpu *cpu, float *values, size_t floats, int shards) {
    enum { CHUNK = 4096 };
    if (!values) {
        return;
    }
#pragma omp parallel for schedule(static) num_threads(cpu->threads)
    for (size_t first = 0; first < floats; first += CHUNK) {
        size_t count = floats - first < CHUNK ? floats - first : CHUNK;
        for (int shard = 1; shard < shards; shard++) {
            cpu->kernels->map->add(count, values + (size_t)shard * floats + first, values + first);
        }
    }
}

static void backward_shard(const segment_pass *pass, int count, int shards, int shard,
                           ninp_worker worker) {
    clear_shard(pass, shard);
    int end = shard_start(count, shards, shard + 1);
    for (int image = shard_start(count, shards, shard); image < end; image++) {
        backward_image(pass, image, shard, worker);
    }
}

static void backward_by_image(const segment_pass *pass, int count) {
    const ninp_cpu *cpu = pass->cpu;
    int shards = count < cpu->shards ? count : cpu->shards;
    if (count < cpu->threads) {
        for (int shard = 0; shard < shards; shard++) {
            backward_shard(pass, count, shards, shard, (ninp_worker){0, cpu->threads});
        }
    } else {
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
        for (int shard = 0; shard < shards; shard++) {
            backward_shard(pass, count, shards, shard, (ninp_worker){omp_get_thread_num(), 1});
        }
    }
    for (size_t i = pass->segment->first; i <= pass->segment->last; i++) {
        const ninp_cpu_step *step = &cpu->steps[i];
        add_shards(cpu, step->gradient, step->needs.gradient_floats, shards);
        add_shards(cpu, step->bias_gradient, bias_floats(step), shards);
    }
}

static void backward_by_batch(const segment_pass *pass, int count) {
    const ninp_cpu *cpu = pass->cpu;
    size_t i = pass->segment->first;
    const ninp_cpu_step *step = &cpu->steps[i];
    clear_shard(pass, 0);
    ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, count, pass->number);
    run.x = step_input(cpu, i, pass->images);
    run.y = step->output;
    run.dy = pass->dy;
    run.dx = pass->dx;
    add_batch_norm_gradients(cpu, step->step, pass->gradients, &run);
    step->algorithm->backward(&run);
}

static void unpack(const ninp_cpu *cpu, const ninp_cpu_step *step, float *gradients, int threads) {
    const ninp_step *plan = step->step;
    if (plan->weight < 0) {
        return;
    }
    ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, cpu->batch, 0);
    run.threads = threads;
    step->algorithm->unpack(&run, step->gradient,
                            gradients + cpu->net->tensors[plan->weight].offset);
    if (plan->bias >= 0) {
        const ninp_net_tensor *bias = &cpu->net->tensors[plan->bias];
        memcpy(gradients + bias->offset, step->bias_gradient, bias->count * sizeof *gradients);
    }
}

static void unpack_all(const ninp_cpu *cpu, float *gradients) {
    for (size_t i = 0; i < cpu->plan.count; i++) {
        if (cpu->steps[i].algorithm->scope == NINP_SCOPE_BATCH) {
            unpack(cpu, &cpu->steps[i], gradients, cpu->threads);
        }
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
    for (size_t i = 0; i < cpu->plan.count; i++) {
        if (cpu->steps[i].algorithm->scope == NINP_SCOPE_IMAGE) {
            unpack(cpu, &cpu->steps[i], gradients, 1);
        }
    }
}

void ninp_cpu_backward(ninp_cpu *cpu, const float *images, int count, uint64_t number,
                       float *gradients) {
    const float *dy = cpu->flow[cpu->segment_count % 2];
    begin_flow(cpu, count, cpu->flow[cpu->segment_count % 2]);
    for (size_t s = cpu->segment_count; s-- > 0;) {
        const ninp_segment *segment = &cpu->segments[s];
        bool needed = cpu->steps[segment->first].step->input_gradient;
        segment_pass pass = {.cpu = cpu,
                             .segment = segment,
                             .images = images,
                             .dy = dy,
                             .dx = needed ? cpu->flow[s % 2] : NULL,
                             .gradients = gradients,
                             .number = number};
        if (segment->scope == NINP_SCOPE_IMAGE) {
            backward_by_image(&pass, count);
        } else {
            backward_by_batch(&pass, count);
        }
        dy = pass.dx;
    }
    unpack_all(cpu, gradients);
}

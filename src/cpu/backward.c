/* Runs a plan backward. Weight gradients of steps that run picture by picture are added up in
 * shards of the batch, then the shards in their order: the bits do not depend on the number of
 * threads. */
#include "cpu/engine.h"
#include "cpu/parallel.h"

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
    int count, shards; /* pictures; parts of the batch with accumulators of their own */
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
        ninp_cpu_run_backward(cpu, step, worker.thread, &run);
        dy = run.dx;
        if (!dy) {
            return;
        }
    }
}

static void clear_bias_gradient(const ninp_cpu_step *step, int shard) {
    if (step->bias_gradient) {
        const size_t biases = bias_floats(step);
        memset(step->bias_gradient + (size_t)shard * biases, 0, biases * sizeof(float));
    }
}

static void clear_shard(const segment_pass *pass, int shard) {
    for (size_t i = pass->segment->first; i <= pass->segment->last; i++) {
        const ninp_cpu_step *step = &pass->cpu->steps[i];
        const size_t floats = step->needs.gradient_floats;
        if (step->gradient) {
            memset(step->gradient + (size_t)shard * floats, 0, floats * sizeof(float));
        }
        clear_bias_gradient(step, shard);
    }
}

/* First picture of a shard: shards differ by one picture at most. */
static int shard_start(int count, int shards, int shard) {
    return (int)((int64_t)count * shard / shards);
}

static void backward_shard(const segment_pass *pass, int shard, ninp_worker worker) {
    clear_shard(pass, shard);
    const int end = shard_start(pass->count, pass->shards, shard + 1);
    for (int image = shard_start(pass->count, pass->shards, shard); image < end; image++) {
        backward_image(pass, image, shard, worker);
    }
}

static void backward_task(const void *context, int shard, int thread) {
    backward_shard(context, shard, (ninp_worker){thread, 1});
}

/* The shards' accumulators of one array, one behind the other. */
typedef struct shard_sum {
    const ninp_cpu *cpu;
    float *values;
    size_t floats; /* a shard */
    int shards;
} shard_sum;

enum { SUM_CHUNK = 4096 };

static void add_chunk(const void *context, int chunk, int thread) {
    (void)thread;
    const shard_sum *sum = context;
    const size_t first = (size_t)chunk * SUM_CHUNK;
    const size_t rest = sum->floats - first;
    for (int shard = 1; shard < sum->shards; shard++) {
        sum->cpu->kernels->map->add(rest < SUM_CHUNK ? rest : SUM_CHUNK,
                                    sum->values + (size_t)shard * sum->floats + first,
                                    sum->values + first);
    }
}

static void add_shards(const ninp_cpu *cpu, float *values, size_t floats, int shards) {
    if (values && shards > 1) {
        const shard_sum sum = {cpu, values, floats, shards};
        ninp_parallel_for(cpu->threads, (int)((floats + SUM_CHUNK - 1) / SUM_CHUNK), add_chunk,
                          &sum);
    }
}

static void backward_by_image(const segment_pass *pass) {
    const ninp_cpu *cpu = pass->cpu;
    if (pass->count >= cpu->threads) {
        ninp_parallel_for(cpu->threads, pass->shards, backward_task, pass);
    } else {
        for (int shard = 0; shard < pass->shards; shard++) {
            backward_shard(pass, shard, (ninp_worker){0, cpu->threads});
        }
    }
    for (size_t i = pass->segment->first; i <= pass->segment->last; i++) {
        const ninp_cpu_step *step = &cpu->steps[i];
        add_shards(cpu, step->gradient, step->needs.gradient_floats, pass->shards);
        add_shards(cpu, step->bias_gradient, bias_floats(step), pass->shards);
    }
}

static void backward_by_batch(const segment_pass *pass) {
    const ninp_cpu *cpu = pass->cpu;
    size_t i = pass->segment->first;
    const ninp_cpu_step *step = &cpu->steps[i];
    clear_bias_gradient(step, 0);
    ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, pass->count, pass->number);
    run.x = step_input(cpu, i, pass->images);
    run.y = step->output;
    run.dy = pass->dy;
    run.dx = pass->dx;
    if (step->algorithm->in_place) {
        run.gradient = pass->gradients + cpu->net->tensors[step->step->weight].offset;
    }
    add_batch_norm_gradients(cpu, step->step, pass->gradients, &run);
    ninp_cpu_run_backward(cpu, step, 0, &run);
}

static void unpack(const ninp_cpu *cpu, const ninp_cpu_step *step, float *gradients,
                   ninp_worker worker) {
    const ninp_step *plan = step->step;
    if (plan->weight < 0) {
        return;
    }
    if (!step->algorithm->in_place) {
        ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, cpu->batch, 0);
        run.threads = worker.threads;
        run.thread_space = cpu->thread_space + (size_t)worker.thread * cpu->thread_bytes;
        step->algorithm->unpack(&run, step->gradient,
                                gradients + cpu->net->tensors[plan->weight].offset);
    }
    if (plan->bias >= 0) {
        const ninp_net_tensor *bias = &cpu->net->tensors[plan->bias];
        memcpy(gradients + bias->offset, step->bias_gradient, bias->count * sizeof *gradients);
    }
}

/* Gradients in the kernels' layouts, and where those in the net's go. */
typedef struct unpack_pass {
    const ninp_cpu *cpu;
    float *gradients;
} unpack_pass;

static void unpack_task(const void *context, int index, int thread) {
    const unpack_pass *pass = context;
    const ninp_cpu_step *step = &pass->cpu->steps[index];
    if (step->algorithm->scope == NINP_SCOPE_IMAGE) {
        unpack(pass->cpu, step, pass->gradients, (ninp_worker){thread, 1});
    }
}

/* Large ones on all threads each, then the small ones side by side. */
static void unpack_all(const ninp_cpu *cpu, float *gradients) {
    for (size_t i = 0; i < cpu->plan.count; i++) {
        if (cpu->steps[i].algorithm->scope == NINP_SCOPE_BATCH) {
            unpack(cpu, &cpu->steps[i], gradients, (ninp_worker){0, cpu->threads});
        }
    }
    const unpack_pass pass = {cpu, gradients};
    ninp_parallel_for(cpu->threads, (int)cpu->plan.count, unpack_task, &pass);
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
                             .count = count,
                             .shards = count < cpu->shards ? count : cpu->shards,
                             .number = number};
        if (segment->scope == NINP_SCOPE_IMAGE) {
            backward_by_image(&pass);
        } else {
            backward_by_batch(&pass);
        }
        if (!needed) {
            break; /* nothing in front of it changes */
        }
        dy = pass.dx;
    }
    unpack_all(cpu, gradients);
}

/* Runs a plan forward: segment after segment, picture after picture inside one. */
#include "cpu/engine.h"
#include "cpu/parallel.h"

ninp_cpu_run ninp_cpu_begin_run(const ninp_cpu *cpu, const ninp_cpu_step *step, int count,
                                uint64_t number) {
    const ninp_step *plan = step->step;
    ninp_cpu_run run = {.step = plan,
                        .needs = &step->needs,
                        .kernels = cpu->kernels,
                        .settings = step->settings,
                        .count = count,
                        .threads = cpu->threads,
                        .training = cpu->training,
                        .seed = cpu->seed,
                        .number = number,
                        .x_stride = step->input_floats,
                        .y_stride = step->output_floats,
                        .saved = step->saved,
                        .saved_stride = step->needs.saved_bytes,
                        .kept = step->kept,
                        .weights = step->weights,
                        .bias = step->bias,
                        .gradient = step->gradient,
                        .bias_gradient = step->bias_gradient,
                        .thread_space = cpu->thread_space,
                        .common_space = cpu->common_space};
    if (plan->scale >= 0) {
        const int tensors[4] = {plan->scale, plan->shift, plan->mean, plan->variance};
        for (int i = 0; i < 4; i++) {
            run.tensors[i] = cpu->net->values + cpu->net->tensors[tensors[i]].offset;
        }
    }
    return run;
}

void ninp_cpu_narrow_run(const ninp_cpu *cpu, const ninp_cpu_step *step, int image,
                         ninp_worker worker, ninp_cpu_run *run) {
    run->count = 1;
    run->first_image = image;
    run->threads = worker.threads;
    run->saved = step->saved ? step->saved + (size_t)image * step->needs.saved_bytes : NULL;
    run->thread_space = cpu->thread_space + (size_t)worker.thread * cpu->thread_bytes;
}

/* What one segment's forward pass works on. */
typedef struct segment_pass {
    const ninp_cpu *cpu;
    const ninp_segment *segment;
    const float *x; /* input of its first step, for the batch */
    float *y;       /* output of its last step */
    uint64_t number;
} segment_pass;

static void forward_image(const segment_pass *pass, int image, ninp_worker worker) {
    const ninp_cpu *cpu = pass->cpu;
    const ninp_segment *segment = pass->segment;
    float *inside = cpu->thread_flow + (size_t)worker.thread * 2 * cpu->thread_flow_floats;
    const float *x = pass->x + (size_t)image * cpu->steps[segment->first].input_floats;
    for (size_t i = segment->first; i <= segment->last; i++) {
        const ninp_cpu_step *step = &cpu->steps[i];
        ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, 1, pass->number);
        ninp_cpu_narrow_run(cpu, step, image, worker, &run);
        run.x = x;
        if (i == segment->last) {
            run.y = pass->y + (size_t)image * step->output_floats;
        } else if (step->output) {
            run.y = step->output + (size_t)image * step->output_floats;
        } else {
            run.y = inside + (i % 2) * cpu->thread_flow_floats;
        }
        ninp_cpu_run_forward(cpu, step, worker.thread, &run);
        x = run.y;
    }
}

static void forward_task(const void *context, int image, int thread) {
    forward_image(context, image, (ninp_worker){thread, 1});
}

static void forward_segment(const segment_pass *pass, int count) {
    const ninp_cpu *cpu = pass->cpu;
    if (pass->segment->scope == NINP_SCOPE_BATCH) {
        const ninp_cpu_step *step = &cpu->steps[pass->segment->first];
        ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, count, pass->number);
        run.x = pass->x;
        run.y = pass->y;
        ninp_cpu_run_forward(cpu, step, 0, &run);
        return;
    }
    if (count >= cpu->threads) {
        ninp_parallel_for(cpu->threads, count, forward_task, pass);
        return;
    }
    for (int image = 0; image < count; image++) {
        forward_image(pass, image, (ninp_worker){0, cpu->threads});
    }
}

/* The net's input, plain and in nChw16c. */
typedef struct input_pass {
    const ninp_cpu *cpu;
    const float *images;
} input_pass;

static void block_image(const void *context, int image, int thread) {
    (void)thread;
    const input_pass *pass = context;
    const ninp_cpu *cpu = pass->cpu;
    const nin_shape shape = cpu->net->input;
    cpu->kernels->map->block(shape.channels, (size_t)shape.height * (size_t)shape.width,
                             pass->images + (size_t)image * ninp_shape_count(shape),
                             cpu->input + (size_t)image * ninp_blocked_count(shape));
}

static const float *block_input(const ninp_cpu *cpu, const float *images, int count) {
    if (!cpu->input) {
        return images;
    }
    const input_pass pass = {cpu, images};
    ninp_parallel_for(cpu->threads, count, block_image, &pass);
    return cpu->input;
}

void ninp_cpu_forward(ninp_cpu *cpu, const float *images, int count, uint64_t number) {
    const float *x = block_input(cpu, images, count);
    for (size_t s = 0; s < cpu->segment_count; s++) {
        const ninp_segment *segment = &cpu->segments[s];
        float *y = cpu->keeps_results ? cpu->steps[segment->last].output : cpu->boundary[s % 2];
        const segment_pass pass = {cpu, segment, x, y, number};
        forward_segment(&pass, count);
        x = y;
    }
    size_t classes = (size_t)cpu->net->classes;
    size_t stride = cpu->steps[cpu->plan.count - 1].output_floats;
    for (size_t image = 0; image < (size_t)count; image++) {
        for (size_t c = 0; c < classes; c++) {
            cpu->logits[image * classes + c] = x[image * stride + c];
        }
    }
}

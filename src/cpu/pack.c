/* The net's weights in the layouts of the kernels. */
#include "cpu/engine.h"
#include "cpu/parallel.h"

#include <math.h>
#include <string.h>

static const float *tensor_values(const ninp_cpu *cpu, int tensor) {
    return cpu->net->values + cpu->net->tensors[tensor].offset;
}

static void pack_step(const ninp_cpu *cpu, ninp_cpu_step *step, ninp_worker worker) {
    ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, cpu->batch, 0);
    run.threads = worker.threads;
    run.thread_space = cpu->thread_space + (size_t)worker.thread * cpu->thread_bytes;
    if (!step->algorithm->in_place) {
        step->algorithm->pack(&run, tensor_values(cpu, step->step->weight), step->weights);
    }
    if (step->step->bias >= 0) {
        memcpy(step->bias, tensor_values(cpu, step->step->bias),
               cpu->net->tensors[step->step->bias].count * sizeof(float));
    }
}

/* Convolution then batch norm is one convolution: with s = scale / sqrt(variance + epsilon),
 * weights are multiplied by s, and the bias becomes (bias - mean) * s + shift. */
static void pack_folded(ninp_cpu *cpu, ninp_cpu_step *step) {
    const ninp_step *plan = step->step;
    const float *weight = tensor_values(cpu, plan->weight);
    const float *bias = tensor_values(cpu, plan->bias);
    size_t channels = cpu->net->tensors[plan->bias].count;
    size_t each = cpu->net->tensors[plan->weight].count / channels;
    for (size_t c = 0; c < channels; c++) {
        double factor = (double)tensor_values(cpu, plan->scale)[c] /
                        sqrt((double)tensor_values(cpu, plan->variance)[c] + plan->epsilon);
        for (size_t i = 0; i < each; i++) {
            cpu->folded[c * each + i] = (float)((double)weight[c * each + i] * factor);
        }
        step->bias[c] =
            (float)(((double)bias[c] - (double)tensor_values(cpu, plan->mean)[c]) * factor +
                    (double)tensor_values(cpu, plan->shift)[c]);
    }
    ninp_cpu_run run = ninp_cpu_begin_run(cpu, step, cpu->batch, 0);
    step->algorithm->pack(&run, cpu->folded, step->weights);
}

/* Steps that pack on one thread each, so that several pack at a time. */
static bool packs_beside_others(const ninp_cpu_step *step) {
    return step->step->weight >= 0 && step->algorithm->scope == NINP_SCOPE_IMAGE &&
           step->step->scale < 0;
}

static void pack_task(const void *context, int index, int thread) {
    const ninp_cpu *cpu = context;
    if (packs_beside_others(&cpu->steps[index])) {
        pack_step(cpu, &cpu->steps[index], (ninp_worker){thread, 1});
    }
}

void ninp_cpu_pack(ninp_cpu *cpu) {
    for (size_t i = 0; i < cpu->plan.count; i++) {
        ninp_cpu_step *step = &cpu->steps[i];
        if (step->step->weight < 0 || packs_beside_others(step)) {
            continue;
        }
        if (step->step->scale >= 0) {
            pack_folded(cpu, step);
        } else {
            pack_step(cpu, step, (ninp_worker){0, cpu->threads});
        }
    }
    ninp_parallel_for(cpu->threads, (int)cpu->plan.count, pack_task, cpu);
}

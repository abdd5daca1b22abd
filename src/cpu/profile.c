/* How long each step of a plan takes. */
#include "cpu/engine.h"

#include "base/error.h"
#include "base/memory.h"
#include "cpu/parallel.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Where a thread notes the times of a step. */
static nin_step_time *note_of(const ninp_cpu *cpu, const ninp_cpu_step *step, int thread) {
    return cpu->times + (size_t)thread * cpu->plan.count + (size_t)(step - cpu->steps);
}

void ninp_cpu_run_forward(const ninp_cpu *cpu, const ninp_cpu_step *step, int thread,
                          const ninp_cpu_run *run) {
    if (!cpu->times) {
        step->algorithm->forward(run);
        return;
    }
    const double start = omp_get_wtime();
    step->algorithm->forward(run);
    note_of(cpu, step, thread)->forward += (omp_get_wtime() - start) * run->threads;
}

/* An algorithm computes both gradients in one call. What the weights' takes of that is what it
 * takes alone; that it is then added a second time does no harm where nobody asks for it. */
void ninp_cpu_run_backward(const ninp_cpu *cpu, const ninp_cpu_step *step, int thread,
                           const ninp_cpu_run *run) {
    if (!cpu->times) {
        step->algorithm->backward(run);
        return;
    }
    nin_step_time *note = note_of(cpu, step, thread);
    const double start = omp_get_wtime();
    step->algorithm->backward(run);
    const double both = (omp_get_wtime() - start) * run->threads;
    note->backward += both;
    if (step->step->weight < 0) {
        return;
    }
    if (!run->dx) {
        note->weight_gradient += both;
        return;
    }
    ninp_cpu_run weights = *run;
    weights.dx = NULL;
    const double again = omp_get_wtime();
    step->algorithm->backward(&weights);
    note->weight_gradient += (omp_get_wtime() - again) * run->threads;
}

nin_status ninp_cpu_begin_profile(ninp_cpu *cpu, float **gradients, nin_error *err) {
    const size_t count = (size_t)cpu->threads * cpu->plan.count;
    const size_t parameters = cpu->net->parameter_count;
    *gradients = ninp_calloc_aligned(parameters, sizeof **gradients);
    cpu->times = ninp_calloc(count, sizeof *cpu->times);
    if (*gradients && cpu->times) {
        return NIN_OK;
    }
    ninp_free_aligned(*gradients);
    free(cpu->times);
    *gradients = NULL;
    cpu->times = NULL;
    return ninp_fail_memory(err, parameters * sizeof **gradients, "a profile");
}

void ninp_cpu_end_profile(ninp_cpu *cpu, float *gradients, nin_step_time *times) {
    ninp_free_aligned(gradients);
    memset(times, 0, cpu->plan.count * sizeof *times);
    for (size_t i = 0; i < (size_t)cpu->threads * cpu->plan.count; i++) {
        nin_step_time *time = &times[i % cpu->plan.count];
        time->forward += cpu->times[i].forward;
        time->backward += cpu->times[i].backward;
        time->weight_gradient += cpu->times[i].weight_gradient;
    }
    free(cpu->times);
    cpu->times = NULL;
}

enum { PEAK_ROUNDS = 200000 };

static void compute_peak(const void *context, int index, int thread) {
    const ninp_cpu *cpu = context;
    (void)index;
    (void)thread;
    (void)cpu->kernels->peak(PEAK_ROUNDS);
}

/* The best of a few tries, each long enough for the clock and short enough for one slice of time.
 */
double ninp_cpu_peak(const ninp_cpu *cpu) {
    enum { TRIES = 20 };
    const double operations = cpu->threads * cpu->kernels->peak(PEAK_ROUNDS);
    double best = 0.0;
    for (int i = 0; i < TRIES; i++) {
        const double start = omp_get_wtime();
        ninp_parallel_for(cpu->threads, cpu->threads, compute_peak, cpu);
        const double speed = operations / (omp_get_wtime() - start);
        best = speed > best ? speed : best;
    }
    return best;
}

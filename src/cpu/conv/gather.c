#include "cpu/conv/gather.h"

#include "cpu/parallel.h"

#include <string.h>

typedef struct gather_pass {
    size_t count, vectors;
    const float *pictures;
    size_t stride;
    float *gathered;
} gather_pass;

enum { TASK_VECTORS = 1 << 12 }; /* that a task moves, or as many as one of every picture */

static size_t task_vectors(const gather_pass *pass) {
    const size_t each = TASK_VECTORS / pass->count;
    return each > 0 ? each : 1;
}

static void gather_task(const void *context, int index, int thread) {
    (void)thread;
    const gather_pass *pass = context;
    const size_t first = (size_t)index * task_vectors(pass);
    const size_t rest = pass->vectors - first;
    const size_t end = first + (rest < task_vectors(pass) ? rest : task_vectors(pass));
    for (size_t i = first; i < end; i++) {
        for (size_t picture = 0; picture < pass->count; picture++) {
            memcpy(pass->gathered + (i * pass->count + picture) * NINP_BLOCK,
                   pass->pictures + picture * pass->stride + i * NINP_BLOCK,
                   NINP_BLOCK * sizeof(float));
        }
    }
}

void ninp_gather(const ninp_cpu_run *run, size_t vectors, const float *pictures, size_t stride,
                 float *gathered) {
    const gather_pass pass = {(size_t)run->count, vectors, pictures, stride, gathered};
    const size_t each = task_vectors(&pass);
    ninp_parallel_for(run->threads, (int)((vectors + each - 1) / each), gather_task, &pass);
}

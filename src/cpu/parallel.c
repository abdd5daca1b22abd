#include "cpu/parallel.h"

#include <omp.h>

void ninp_parallel_for(int threads, int count, ninp_task task, const void *context) {
    if (threads == 1 || count == 1) {
        for (int index = 0; index < count; index++) {
            task(context, index, 0);
        }
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int index = 0; index < count; index++) {
        task(context, index, omp_get_thread_num());
    }
}

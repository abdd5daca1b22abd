/* Spreading work over threads. */
#ifndef NINP_CPU_PARALLEL_H
#define NINP_CPU_PARALLEL_H

/* Piece `index` of some work; `thread`, from 0 to one less than the threads, says whose workspace
 * it may use. */
typedef void (*ninp_task)(const void *context, int index, int thread);

/* Runs `task` once for every index from 0 to count - 1, in any order, on `threads` threads, and
 * returns when all are done. Tasks should take a microsecond at least: taking the next one costs
 * tens of nanoseconds.
 *
 * Always call it with all threads of the session or with one. With one thread, as with one task, it
 * is a plain loop: even a parallel region of one thread allocates, and one of another size than the
 * last makes the OpenMP runtime of gcc end threads and start new ones. */
void ninp_parallel_for(int threads, int count, ninp_task task, const void *context);

#endif

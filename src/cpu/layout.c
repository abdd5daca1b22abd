/* Segments, and where everything lies in one block of memory. */
#include "cpu/engine.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>

enum { ALIGNMENT = 64 };
/* Gradient accumulators of all shards together stay below this. */
#define SHARD_FLOATS ((size_t)1 << 26)

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static void make_segments(ninp_cpu *cpu) {
    assert(cpu->segments);
    for (size_t i = 0; i < cpu->plan.count; i++) {
        ninp_scope scope = cpu->steps[i].algorithm->scope;
        ninp_segment *last = cpu->segment_count ? &cpu->segments[cpu->segment_count - 1] : NULL;
        if (last && scope == NINP_SCOPE_IMAGE && last->scope == NINP_SCOPE_IMAGE) {
            last->last = i;
        } else {
            cpu->segments[cpu->segment_count++] =
                (ninp_segment){.first = i, .last = i, .scope = scope};
        }
    }
}

/* Depends on the net and its algorithms only, never on the number of threads. */
static int shard_count(const ninp_cpu *cpu) {
    size_t floats = 1;
    for (size_t i = 0; i < cpu->plan.count; i++) {
        if (cpu->steps[i].algorithm->scope == NINP_SCOPE_IMAGE) {
            floats += cpu->steps[i].needs.gradient_floats;
        }
    }
    int shards = NINP_CPU_SHARDS;
    while (shards > 1 && (size_t)shards * floats > SHARD_FLOATS) {
        shards /= 2;
    }
    return shards;
}

/* Hands out places. Without memory behind it, it measures. */
typedef struct arena_cursor {
    unsigned char *start; /* NULL: measuring */
    size_t used;
    bool overflow;
} arena_cursor;

static void *place(arena_cursor *arena, size_t count, size_t size) {
    size_t bytes;
    size_t end;
    if (!ninp_mul(count, size, &bytes) || !ninp_add(bytes, ALIGNMENT - 1, &bytes) ||
        !ninp_add(arena->used, bytes / ALIGNMENT * ALIGNMENT, &end)) {
        arena->overflow = true;
        return NULL;
    }
    void *here = arena->start && count ? arena->start + arena->used : NULL;
    arena->used = end;
    return here;
}

static float *place_floats(arena_cursor *arena, size_t count, size_t each) {
    size_t total;
    if (!ninp_mul(count, each, &total)) {
        arena->overflow = true;
        return NULL;
    }
    return place(arena, total, sizeof(float));
}

static void place_step(const ninp_cpu *cpu, ninp_cpu_step *step, arena_cursor *arena) {
    size_t batch = (size_t)cpu->batch;
    size_t bias =
        step->step->bias >= 0 ? (size_t)ninp_blocks(step->step->output.channels) * NINP_BLOCK : 0;
    step->weights = step->algorithm->in_place
                        ? cpu->net->values + cpu->net->tensors[step->step->weight].offset
                        : place_floats(arena, 1, step->needs.weight_floats);
    step->bias = place_floats(arena, 1, bias);
    step->output = place_floats(arena, cpu->keeps_results ? batch : 0, step->output_floats);
    if (!cpu->training) {
        return;
    }
    size_t copies = step->algorithm->scope == NINP_SCOPE_IMAGE ? (size_t)cpu->shards : 1;
    step->gradient = place_floats(arena, copies, step->needs.gradient_floats);
    step->bias_gradient = place_floats(arena, copies, bias);
    step->saved = place(arena, batch, step->needs.saved_bytes);
    step->kept = place(arena, 1, step->needs.kept_bytes);
}

/* Largest picture, in floats, between segments and inside them. */
static void measure_flows(const ninp_cpu *cpu, size_t *between, size_t *inside) {
    *between = 0;
    *inside = NINP_BLOCK; /* never nothing, so that places in it are places */
    for (size_t s = 0; s < cpu->segment_count; s++) {
        const ninp_segment *segment = &cpu->segments[s];
        *between = larger(*between, cpu->steps[segment->last].output_floats);
        for (size_t i = segment->first; i < segment->last; i++) {
            *inside = larger(*inside, cpu->steps[i].output_floats);
        }
    }
}

static void place_all(ninp_cpu *cpu, arena_cursor *arena) {
    size_t batch = (size_t)cpu->batch;
    size_t threads = (size_t)cpu->threads;
    size_t between;
    size_t common = 0;
    size_t folded = 0;
    measure_flows(cpu, &between, &cpu->thread_flow_floats);
    cpu->thread_bytes = ALIGNMENT;
    for (size_t s = 0; s < cpu->segment_count; s++) {
        for (size_t i = cpu->segments[s].first; i <= cpu->segments[s].last; i++) {
            ninp_cpu_step *step = &cpu->steps[i];
            place_step(cpu, step, arena);
            cpu->thread_bytes = larger(cpu->thread_bytes, step->needs.thread_bytes);
            common = larger(common, step->needs.common_bytes);
            if (step->step->scale >= 0 && step->step->weight >= 0) {
                folded = larger(folded, cpu->net->tensors[step->step->weight].count);
            }
        }
    }
    cpu->thread_bytes = (cpu->thread_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    for (int i = 0; i < 2; i++) {
        cpu->boundary[i] = place_floats(arena, cpu->keeps_results ? 0 : batch, between);
        cpu->flow[i] = place_floats(arena, cpu->training ? batch : 0, between);
    }
    cpu->input = place_floats(arena, cpu->steps[0].algorithm->reads_plain ? 0 : batch,
                              ninp_blocked_count(cpu->net->input));
    cpu->thread_flow = place_floats(arena, 2 * threads, cpu->thread_flow_floats);
    cpu->thread_space = place(arena, threads, cpu->thread_bytes);
    cpu->common_space = place(arena, 1, common);
    cpu->logits = place_floats(arena, batch, (size_t)cpu->net->classes);
    cpu->logit_gradient = place_floats(arena, batch, (size_t)cpu->net->classes);
    cpu->folded = place_floats(arena, 1, folded);
}

nin_status ninp_cpu_lay_out(ninp_cpu *cpu, nin_error *err) {
    make_segments(cpu);
    cpu->shards = shard_count(cpu);
    for (size_t i = 0; i < cpu->plan.count; i++) {
        ninp_cpu_step *step = &cpu->steps[i];
        step->input_floats = step->algorithm->reads_plain ? ninp_shape_count(step->step->input)
                                                          : ninp_blocked_count(step->step->input);
        step->output_floats = ninp_blocked_count(step->step->output);
    }
    arena_cursor measure = {0};
    place_all(cpu, &measure);
    if (measure.overflow) {
        return ninp_fail(err, NIN_ERROR_MEMORY, "batch %d needs more memory than can be addressed",
                         cpu->batch);
    }
    cpu->arena_bytes = measure.used;
    cpu->arena = ninp_calloc_aligned(measure.used, 1);
    if (!cpu->arena) {
        return ninp_fail_memory(err, measure.used, "a session");
    }
    arena_cursor real = {.start = cpu->arena};
    place_all(cpu, &real);
    return NIN_OK;
}

/* The functions of ninp_resident_functions (engine/resident.h). Each thing that stays has a block
 * of device memory: pictures, the epoch, the update, samples. */
#include "cuda/plugin/arena.h"
#include "cuda/plugin/session.h"
#include "cuda/plugin/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "base/error.h"
}

namespace ninp_cuda {
namespace {

/* ---- blocks ---- */

/* Those that were recorded may still run. */
void forget_graphs(session &of) {
    note(of.on, cudaStreamSynchronize(of.on.stream));
    free_graphs(of.graphs);
}

/* Makes a block hold what `lay_out` takes, in the memory that it has where that is enough. Recorded
 * graphs know addresses: where those may change, they are forgotten. `what` is for the message. */
template <typename Layout>
nin_status make_room(session &of, resident_block &block, const char *what, Layout lay_out,
                     nin_error *err) {
    arena sizes = {NULL, 0};
    lay_out(sizes);
    if (sizes.bytes != block.used) {
        forget_graphs(of);
    }
    block.used = sizes.bytes;
    if (block.base && sizes.bytes <= block.bytes) {
        arena places = {block.base, 0};
        lay_out(places);
        return NIN_OK;
    }
    (void)cudaFree(block.base);
    block.base = NULL;
    const cudaError_t error = lay_out_block(&block.base, &block.bytes, lay_out);
    if (error == cudaErrorMemoryAllocation) {
        block.bytes = block.used = 0;
        return ninp_fail(err, NIN_ERROR_MEMORY, "out of memory: %s want %zu MB of the device's",
                         what, sizes.bytes / 1000000 + 1);
    }
    note(of.on, error);
    return error == cudaSuccess ? NIN_OK : fail_cuda(of, "allocating memory", err);
}

template <typename T> void copy_array(session &of, const T *to, const T *from, size_t count) {
    copy_in(of, const_cast<T *>(to), from, count * sizeof *to);
}

/* ---- pictures ---- */

void take_axis(arena &from, const ninp_resident_axis &axis, picture_axis *to) {
    const size_t out = (size_t)axis.out;
    to->out = axis.out;
    to->taps = axis.taps;
    to->firsts = take<int>(from, out);
    to->counts = take<int>(from, out);
    to->weights = take<int32_t>(from, out * (size_t)axis.taps);
}

void copy_axis(session &of, const ninp_resident_axis &axis, const picture_axis &to) {
    const size_t out = (size_t)axis.out;
    copy_array(of, to.firsts, axis.firsts, out);
    copy_array(of, to.counts, axis.counts, out);
    copy_array(of, to.weights, axis.weights, out * (size_t)axis.taps);
}

enum { BYTE_VALUES = 256 };

/* ---- the epoch ---- */

nin_status make_epoch(session &of, size_t place_count, size_t step_count, nin_error *err) {
    resident &kept = of.kept;
    nin_status status = make_room(
        of, kept.epoch, "the pictures' places of an epoch",
        [&](arena &from) {
            kept.places = take<ninp_resident_place>(from, place_count);
            kept.steps = take<ninp_resident_step>(from, step_count);
            kept.results = take<ninp_resident_result>(from, step_count);
            kept.step = take<uint32_t>(from, 1);
            kept.ranges = take<ninp_resident_range>(from, (size_t)of.task.batch);
        },
        err);
    if (status == NIN_OK && step_count > kept.step_room) {
        free(kept.counts);
        kept.counts = static_cast<uint32_t *>(ninp_calloc(step_count, sizeof *kept.counts));
        kept.step_room = kept.counts ? step_count : 0;
        if (!kept.counts) {
            status = ninp_fail_memory(err, step_count * sizeof *kept.counts, "an epoch");
        }
    }
    return status;
}

void copy_epoch(session &of, const ninp_resident_place *places, size_t place_count,
                const ninp_resident_step *steps, size_t step_count) {
    copy_array(of, of.kept.places, places, place_count);
    copy_array(of, of.kept.steps, steps, step_count);
    for (size_t i = 0; i < step_count; i++) {
        of.kept.counts[i] = steps[i].count;
    }
}

void go_to_step(session &of, uint32_t step) {
    copy_in(of, of.kept.step, &step, sizeof step);
}

epoch_position position_of(const session &of) {
    return {of.kept.places, of.kept.steps, of.kept.step};
}

/* ---- the update ---- */

/* Chunks of all tensors, and of the running statistics where those are averaged; with chunks NULL
 * they are counted only. */
size_t cut_chunks(const session &of, const ninp_resident_update &how, update_chunk *chunks,
                  size_t *parameter_chunks) {
    size_t made = 0;
    size_t first = 0;
    for (size_t t = 0; t <= how.tensor_count; t++) {
        const bool parameters = t < how.tensor_count;
        const size_t count =
            parameters ? how.tensors[t].count : (how.average ? of.task.value_count - first : 0);
        if (!parameters) {
            *parameter_chunks = made;
        }
        for (size_t at = 0; at < count; at += CHUNK, made++) {
            if (chunks) {
                chunks[made] = {first + at, (int)(count - at < CHUNK ? count - at : (size_t)CHUNK),
                                parameters ? (int)t : -1};
            }
        }
        first += count;
    }
    return made;
}

/* In the host's memory, one block: release with free. */
struct update_tables {
    update_chunk *chunks;
    update_rule *rules;
};

nin_status make_tables(const session &of, const ninp_resident_update &how, size_t chunk_count,
                       update_tables *out, nin_error *err) {
    size_t parameter_chunks;
    out->chunks = static_cast<update_chunk *>(ninp_calloc(chunk_count, sizeof *out->chunks));
    out->rules = static_cast<update_rule *>(ninp_calloc(how.tensor_count, sizeof *out->rules));
    if (!out->chunks || !out->rules) {
        return ninp_fail_memory(err, chunk_count * sizeof *out->chunks, "an update");
    }
    (void)cut_chunks(of, how, out->chunks, &parameter_chunks);
    for (size_t t = 0; t < how.tensor_count; t++) {
        const ninp_resident_tensor &tensor = how.tensors[t];
        out->rules[t] = {tensor.lr_scale, tensor.weight_decay, tensor.frozen};
    }
    return NIN_OK;
}

void lay_out_update(session &of, const ninp_resident_update &how, arena &from) {
    update_state &update = of.kept.update;
    update.rules = take<update_rule>(from, how.tensor_count);
    update.chunks = take<update_chunk>(from, update.chunk_count);
    update.partial = take<double>(from, update.parameter_chunks);
    update.squares = take<double>(from, 1);
    update.halted = take<uint32_t>(from, 1);
    for (int i = 0; i < how.slot_count; i++) {
        update.slots[i] = take<float>(from, of.task.parameter_count);
    }
    update.average = how.average ? take<float>(from, of.task.value_count) : NULL;
}

update_state settle_update(const session &of, const ninp_resident_update &how) {
    update_state update = {};
    update.optimizer = how.optimizer;
    update.momentum = how.momentum;
    update.beta2 = how.beta2;
    update.rest1 = (float)(1.0 - (double)how.beta1);
    update.rest2 = (float)(1.0 - (double)how.beta2);
    update.epsilon = how.epsilon;
    update.nesterov = how.nesterov;
    update.clip_norm = how.clip_norm;
    update.values = of.values;
    update.gradients = of.gradients;
    update.chunk_count = cut_chunks(of, how, NULL, &update.parameter_chunks);
    return update;
}

void copy_update(session &of, const ninp_resident_update &how, const update_tables &tables) {
    const update_state &update = of.kept.update;
    copy_array(of, update.chunks, tables.chunks, update.chunk_count);
    copy_array(of, update.rules, tables.rules, how.tensor_count);
    for (int i = 0; i < how.slot_count; i++) {
        copy_in(of, update.slots[i], how.slots[i], of.task.parameter_count * sizeof(float));
    }
    if (update.average) {
        copy_in(of, update.average, how.average, of.task.value_count * sizeof(float));
    }
    copy_values(of);
    copy_in(of, of.smoothing, &how.label_smoothing, sizeof how.label_smoothing);
}

/* ---- passes, which graphs are recorded of ---- */

void train_resident(session &of, int count) {
    const epoch_position at = position_of(of);
    make_pictures(of.on, of.kept.store, at, count, of.input);
    take_targets(of.on, at, count, {of.labels, of.others, of.shares, of.number});
    pack_all_weights(of);
    run_forward(of, count);
    run_loss_and_backward(of, count);
    update_weights(of.on, of.kept.update, at, of.losses + count, of.kept.step, of.kept.results);
}

void evaluate_resident(session &of, int count) {
    make_pictures(of.on, of.kept.store, position_of(of), count, of.input);
    run_forward(of, count);
    unpack_logits(of, count);
}

} // namespace

void free_resident(resident &kept) {
    (void)cudaFree(kept.pictures.base);
    (void)cudaFree(kept.epoch.base);
    (void)cudaFree(kept.training.base);
    (void)cudaFree(kept.samples.base);
    free(kept.counts);
}

size_t resident_bytes(const resident &kept) {
    return kept.pictures.bytes + kept.epoch.bytes + kept.training.bytes + kept.samples.bytes;
}

nin_status hold_pictures(void *state, const ninp_resident_pictures *pictures, nin_error *err) {
    session &of = enter(state);
    picture_store &store = of.kept.store;
    forget_graphs(of);
    const size_t bytes = pictures->count * (size_t)pictures->channels * (size_t)pictures->height *
                         (size_t)pictures->width;
    const size_t floats = (size_t)of.task.input.channels * BYTE_VALUES;
    store.channels = pictures->channels;
    store.height = pictures->height;
    store.width = pictures->width;
    store.input_channels = of.task.input.channels;
    const nin_status status = make_room(
        of, of.kept.pictures, "all pictures of the data set",
        [&](arena &from) {
            store.pixels = take<uint8_t>(from, bytes);
            take_axis(from, pictures->x, &store.x);
            take_axis(from, pictures->y, &store.y);
            store.floats = take<float>(from, floats);
        },
        err);
    if (status != NIN_OK) {
        return status;
    }
    copy_array(of, store.pixels, pictures->pixels, bytes);
    copy_axis(of, pictures->x, store.x);
    copy_axis(of, pictures->y, store.y);
    copy_array(of, store.floats, pictures->floats, floats);
    return wait(of, "copying the data set", err);
}

nin_status compute_held_logits(void *state, const ninp_resident_place *places, int count,
                               float *logits, nin_error *err) {
    session &of = enter(state);
    ninp_resident_step step = {};
    step.count = (uint32_t)count;
    const nin_status status = make_epoch(of, (size_t)of.task.batch, 1, err);
    if (status != NIN_OK) {
        return status;
    }
    copy_epoch(of, places, (size_t)count, &step, 1);
    go_to_step(of, 0);
    pack_changed_weights(of);
    run_captured(of, count, evaluate_resident);
    copy_out(of, logits, of.plain, (size_t)count * (size_t)of.task.classes * sizeof *logits);
    return wait(of, "computing logits", err);
}

nin_status begin_training(void *state, const ninp_resident_update *how, nin_error *err) {
    session &of = enter(state);
    forget_graphs(of);
    of.kept.update = settle_update(of, *how);
    nin_status status = make_room(
        of, of.kept.training, "weights and what the optimizer keeps",
        [&](arena &from) { lay_out_update(of, *how, from); }, err);
    if (status != NIN_OK) {
        return status;
    }
    update_tables tables = {};
    status = make_tables(of, *how, of.kept.update.chunk_count, &tables, err);
    if (status == NIN_OK) {
        copy_update(of, *how, tables);
        status = wait(of, "copying weights", err);
    }
    free(tables.chunks);
    free(tables.rules);
    return status;
}

nin_status take_epoch(void *state, const ninp_resident_place *places, size_t place_count,
                      const ninp_resident_step *steps, size_t step_count, nin_error *err) {
    session &of = enter(state);
    const nin_status status = make_epoch(of, place_count, step_count, err);
    if (status != NIN_OK) {
        return status;
    }
    copy_epoch(of, places, place_count, steps, step_count);
    return wait(of, "copying an epoch", err);
}

nin_status run_steps(void *state, size_t first, size_t count, ninp_resident_result *results,
                     nin_error *err) {
    session &of = enter(state);
    const uint32_t going = 0;
    go_to_step(of, (uint32_t)first);
    copy_in(of, of.kept.update.halted, &going, sizeof going);
    for (size_t i = first; i < first + count; i++) {
        run_captured(of, (int)of.kept.counts[i], train_resident);
    }
    copy_out(of, results, of.kept.results + first, count * sizeof *results);
    return wait(of, "training", err);
}

nin_status fetch_training(void *state, float *const *slots, float *average, nin_error *err) {
    session &of = enter(state);
    const update_state &update = of.kept.update;
    copy_out(of, of.task.values, of.values, of.task.value_count * sizeof(float));
    for (int i = 0; i < NINP_RESIDENT_SLOTS && update.slots[i]; i++) {
        copy_out(of, slots[i], update.slots[i], of.task.parameter_count * sizeof(float));
    }
    if (update.average) {
        copy_out(of, average, update.average, of.task.value_count * sizeof(float));
    }
    return wait(of, "copying weights", err);
}

nin_status fetch_gradients(void *state, float *gradients, nin_error *err) {
    session &of = enter(state);
    copy_out(of, gradients, of.gradients, of.task.parameter_count * sizeof *gradients);
    return wait(of, "copying gradients", err);
}

nin_status sample_values(void *state, const ninp_resident_samples *ranges, size_t count,
                         float *values, nin_error *err) {
    session &of = enter(state);
    sample_range *places = static_cast<sample_range *>(ninp_calloc(count, sizeof *places));
    if (!places) {
        return ninp_fail_memory(err, count * sizeof *places, "samples");
    }
    size_t samples = 0;
    for (size_t i = 0; i < count; i++) {
        places[i] = {ranges[i].first, ranges[i].stride, ranges[i].count, samples};
        samples += ranges[i].count;
    }
    sample_range *on_device = NULL;
    float *gathered = NULL;
    nin_status status = make_room(
        of, of.kept.samples, "samples of the weights",
        [&](arena &from) {
            on_device = take<sample_range>(from, count);
            gathered = take<float>(from, samples);
        },
        err);
    if (status == NIN_OK) {
        copy_array(of, on_device, places, count);
        gather_samples(of.on, of.values, on_device, (int)count, gathered);
        copy_out(of, values, gathered, samples * sizeof *values);
        status = wait(of, "copying samples of the weights", err);
    }
    free(places);
    return status;
}

nin_status measure_range(void *state, int count, ninp_resident_range *range, nin_error *err) {
    session &of = enter(state);
    ninp_resident_range *each =
        static_cast<ninp_resident_range *>(ninp_calloc((size_t)count, sizeof *each));
    if (!each) {
        return ninp_fail_memory(err, (size_t)count * sizeof *each, "pictures");
    }
    measure_pictures(of.on, value_count(of.task.input, 1), count, of.input, of.kept.ranges);
    copy_out(of, each, of.kept.ranges, (size_t)count * sizeof *each);
    const nin_status status = wait(of, "looking at pictures", err);
    *range = {each[0].least, each[0].most, count > 1};
    for (int i = 0; i < count; i++) {
        range->least = each[i].least < range->least ? each[i].least : range->least;
        range->most = each[i].most > range->most ? each[i].most : range->most;
        range->same = range->same && each[i].same;
    }
    free(each);
    return status;
}

} // namespace ninp_cuda

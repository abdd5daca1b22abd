/* The functions of the plug-in's table that concern a session. */
#include "cuda/plugin/session.h"
#include "cuda/plugin/table.h"
#include "cuda/plugin/timing.h"

#include <stdlib.h>
#include <string.h>

extern "C" {
#include "base/error.h"
#include "base/memory.h"
}

namespace ninp_cuda {
namespace {

conv_shape conv_of(const ninp_step &step) {
    if (step.work == NINP_WORK_LINEAR) {
        return {step.input, step.output, 1, 1, 0};
    }
    return {step.input, step.unpooled, step.conv.kernel, step.conv.stride, step.conv.padding};
}

nin_status make_steps(session &of, nin_error *err) {
    const ninp_plan *plan = of.task.plan;
    of.steps = static_cast<step_state *>(ninp_calloc(plan->count, sizeof *of.steps));
    of.host_shares =
        static_cast<float *>(ninp_calloc((size_t)of.task.batch, sizeof *of.host_shares));
    if (!of.steps || !of.host_shares) {
        return ninp_fail_memory(err, plan->count * sizeof *of.steps, "a session");
    }
    for (int i = 0; i < of.task.batch; i++) {
        of.host_shares[i] = 1.0F;
    }
    for (size_t i = 0; i < plan->count; i++) {
        of.steps[i].step = &plan->steps[i];
        of.steps[i].sizes.algorithm = "own";
        if (plan->steps[i].weight >= 0) {
            of.steps[i].conv = conv_of(plan->steps[i]);
            if (is_stem(of.task.math, of.steps[i].conv)) {
                of.steps[i].sizes.algorithm = "stem";
            }
        }
    }
    return NIN_OK;
}

nin_status prepare(session &of, nin_error *err) {
    note(of.on, cudaSetDevice(of.task.device));
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaStreamCreate(&of.on.stream));
    }
    if (of.on.error != cudaSuccess) {
        return fail_cuda(of, "opening the device", err);
    }
    nin_status status = make_steps(of, err);
    if (status == NIN_OK && !of.task.own_only) {
        of.libraries = open_libraries();
    }
    status = status == NIN_OK ? allocate(of, err) : status;
    if (status != NIN_OK) {
        return status;
    }
    choose_products(of);
    choose_pairs(of);
    if (of.task.training && of.on.error == cudaSuccess) {
        /* Gradients of frozen tensors are never computed. */
        note(of.on, cudaMemsetAsync(of.gradients, 0, of.task.parameter_count * sizeof(float),
                                    of.on.stream));
    }
    return wait(of, "choosing algorithms", err);
}

void copy_pictures(session &of, const float *images, int count) {
    copy_in(of, of.pictures, images, value_count(of.task.input, count) * sizeof *images);
}

void copy_examples(session &of, const nin_examples &examples) {
    const size_t count = (size_t)examples.count;
    const bool two = examples.other_labels != NULL;
    copy_pictures(of, examples.images, examples.count);
    copy_in(of, of.labels, examples.labels, count * sizeof *of.labels);
    copy_in(of, of.others, two ? examples.other_labels : examples.labels,
            count * sizeof *of.others);
    copy_in(of, of.shares, two ? examples.label_shares : of.host_shares, count * sizeof *of.shares);
    copy_in(of, of.smoothing, &examples.label_smoothing, sizeof *of.smoothing);
    copy_in(of, of.number, &examples.step, sizeof *of.number);
}

void evaluate(session &of, int count) {
    pack_pictures(of.on, of.task.input, count, of.pictures, of.input);
    run_forward(of, count);
    unpack_logits(of, count);
}

void train(session &of, int count) {
    pack_pictures(of.on, of.task.input, count, of.pictures, of.input);
    pack_all_weights(of);
    run_forward(of, count);
    run_loss_and_backward(of, count);
}

} // namespace

void copy_in(session &of, void *to, const void *from, size_t bytes) {
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, of.on.stream));
    }
}

void copy_out(session &of, void *to, const void *from, size_t bytes) {
    if (of.on.error == cudaSuccess) {
        note(of.on, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, of.on.stream));
    }
}

session &enter(void *state) {
    session &of = *static_cast<session *>(state);
    note(of.on, cudaSetDevice(of.task.device));
    return of;
}

void copy_values(session &of) {
    copy_in(of, of.values, of.task.values, of.task.value_count * sizeof *of.values);
}

void pack_changed_weights(session &of) {
    if (!of.packed) {
        copy_values(of);
        pack_all_weights(of);
        of.packed = true;
    }
}

void unpack_logits(session &of, int count) {
    const size_t last = of.task.plan->count - 1;
    unpack_pictures(of.on, of.task.plan->steps[last].output, count, of.steps[last].output,
                    of.plain);
}

void close_session(void *state) {
    session *of = static_cast<session *>(state);
    if (!of) {
        return;
    }
    (void)cudaSetDevice(of->task.device);
    free_graphs(of->graphs);
    free_resident(of->kept);
    free_products(*of);
    close_libraries(of->libraries);
    (void)cudaFree(of->arena);
    if (of->on.stream) {
        (void)cudaStreamDestroy(of->on.stream);
    }
    free(of->steps);
    free(of->host_shares);
    free(of);
}

nin_status open_session(const ninp_cuda_task *task, void **state, nin_error *err) {
    *state = NULL;
    session *of = static_cast<session *>(ninp_calloc(1, sizeof *of));
    if (!of) {
        return ninp_fail_memory(err, sizeof *of, "a session");
    }
    of->task = *task;
    of->on.math = task->math;
    const nin_status status = prepare(*of, err);
    of->task.choices = NULL; /* the core's, for as long as this runs */
    if (status != NIN_OK) {
        close_session(of);
        return status;
    }
    *state = of;
    return NIN_OK;
}

void weights_changed(void *state) {
    static_cast<session *>(state)->packed = false;
}

nin_status compute_logits(void *state, const float *images, int count, float *logits,
                          nin_error *err) {
    session &of = enter(state);
    copy_pictures(of, images, count);
    pack_changed_weights(of);
    run_captured(of, count, evaluate);
    copy_out(of, logits, of.plain, (size_t)count * (size_t)of.task.classes * sizeof *logits);
    return wait(of, "computing logits", err);
}

nin_status compute_gradients(void *state, const nin_examples *examples, float *gradients,
                             nin_loss *loss, nin_error *err) {
    session &of = enter(state);
    double totals[2] = {0.0, 0.0}; /* loss, correct examples */
    copy_values(of);
    copy_examples(of, *examples);
    run_captured(of, examples->count, train);
    copy_out(of, gradients, of.gradients, of.task.parameter_count * sizeof *gradients);
    copy_out(of, of.task.values + of.task.parameter_count, of.values + of.task.parameter_count,
             (of.task.value_count - of.task.parameter_count) * sizeof *of.values);
    copy_out(of, totals, of.losses + examples->count, sizeof totals);
    const nin_status status = wait(of, "computing gradients", err);
    *loss = {totals[0], (int)totals[1]};
    return status;
}

nin_status copy_result(const void *state, size_t step, int example, float *values, nin_error *err) {
    session &of = enter(const_cast<void *>(state));
    const nin_shape shape = of.task.plan->steps[step].output;
    const size_t bytes = value_count(shape, 1) * value_bytes(of.task.math);
    const unsigned char *output = static_cast<const unsigned char *>(of.steps[step].output);
    unpack_pictures(of.on, shape, 1, output + (size_t)example * bytes, of.plain);
    copy_out(of, values, of.plain, value_count(shape, 1) * sizeof *values);
    return wait(of, "copying a result", err);
}

nin_status profile_steps(void *state, const nin_examples *examples, nin_step_time *times,
                         nin_error *err) {
    session &of = enter(state);
    const size_t steps = of.task.plan->count;
    memset(times, 0, steps * sizeof *times);
    open_clock(of);
    copy_values(of);
    if (of.task.training) {
        copy_examples(of, *examples);
    } else {
        copy_pictures(of, examples->images, examples->count);
    }
    pack_all_weights(of);
    if (of.on.error == cudaSuccess) {
        pack_pictures(of.on, of.task.input, examples->count, of.pictures, of.input);
        of.times = times;
        run_forward(of, examples->count);
        if (of.task.training) {
            run_loss_and_backward(of, examples->count);
        }
        of.times = NULL;
    }
    copy_out(of, of.task.values + of.task.parameter_count, of.values + of.task.parameter_count,
             (of.task.value_count - of.task.parameter_count) * sizeof *of.values);
    const nin_status status = wait(of, "timing steps", err);
    close_clock(of);
    return status;
}

nin_status mark_active_channels(const void *state, size_t step, int pictures, bool *active,
                                nin_error *err) {
    session &of = enter(const_cast<void *>(state));
    const nin_shape shape = of.task.plan->steps[step].output;
    const size_t channels = (size_t)shape.channels;
    unsigned char *marks = static_cast<unsigned char *>(ninp_calloc(channels, 1));
    if (!marks) {
        return ninp_fail_memory(err, channels, "marks of channels");
    }
    note(of.on, cudaMemsetAsync(of.marks, 0, channels, of.on.stream));
    mark_channels(of.on, (size_t)pictures * (size_t)shape.height * (size_t)shape.width,
                  shape.channels, of.steps[step].output, of.marks);
    copy_out(of, marks, of.marks, channels);
    const nin_status status = wait(of, "marking active channels", err);
    for (size_t c = 0; c < channels; c++) {
        active[c] = active[c] || marks[c] != 0;
    }
    free(marks);
    return status;
}

size_t session_bytes(const void *state) {
    const session *of = static_cast<const session *>(state);
    return of->arena_bytes + resident_bytes(of->kept);
}

ninp_cuda_step session_step(const void *state, size_t index) {
    return static_cast<const session *>(state)->steps[index].sizes;
}

} // namespace ninp_cuda

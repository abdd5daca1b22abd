/* What stays on the device between steps of training, beside what the processor does: pictures and
 * updates to the bit. */
#include "cuda/cuda_run.h"

#include "base/random.h"
#include "data/mix.h"
#include "support/nets.h"
#include "train/average.h"
#include "train/held.h"
#include "train/optimizer/norm.h"
#include "train/optimizer/optimizer.h"
#include "train/resident.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *allocate(size_t count, size_t size) {
    void *block = calloc(count, size);
    assert_non_null(block);
    return block;
}

static nin_shape shape(int channels, int height, int width) {
    return (nin_shape){.channels = channels, .height = height, .width = width};
}

static const ninp_resident_functions *functions(void) {
    const ninp_resident_functions *resident = cuda_plugin()->resident;
    assert_non_null(resident);
    return resident;
}

/* ---- pictures ---------------------------------------------------------------------------- */

enum { PICTURES = 7, BATCH = 5 };

/* Random pictures, and what the processor's preparation of them goes by. */
typedef struct picture_set {
    int channels, height, width;
    size_t values;   /* of a picture */
    uint8_t *pixels; /* PICTURES of them */
    nin_preprocess input;
    ninp_preparer *preparer;
} picture_set;

static picture_set set_make(int channels, int height, int width, nin_shape input) {
    picture_set set = {.channels = channels, .height = height, .width = width};
    ninp_random random = ninp_random_start(5, NINP_RANDOM_TEST, 0, 0);
    nin_error err = {0};
    set.values = (size_t)channels * (size_t)height * (size_t)width;
    set.pixels = allocate(PICTURES * set.values, 1);
    for (size_t i = 0; i < PICTURES * set.values; i++) {
        set.pixels[i] = (uint8_t)ninp_random_below(&random, 256);
    }
    set.input = nin_preprocess_plain(input.channels, input.height, input.width);
    for (int c = 0; c < input.channels; c++) {
        set.input.mean[c] = 0.25F + 0.125F * (float)c;
        set.input.std[c] = 0.5F + 0.125F * (float)c;
    }
    cuda_expect_ok(ninp_preparer_create(&set.input, channels, height, width, &set.preparer, &err),
                   &err);
    return set;
}

static void set_free(picture_set *set) {
    ninp_preparer_free(set->preparer);
    free(set->pixels);
}

static nin_status hold(const picture_set *set, void *state, nin_error *err) {
    const nin_dataset_info info = {
        .count = PICTURES, .channels = set->channels, .height = set->height, .width = set->width};
    const ninp_resident_pictures pictures = ninp_held_pictures(set->preparer, &info, set->pixels);
    return functions()->hold(state, &pictures, err);
}

/* Lots that differ; one does nothing. */
static ninp_augment lot_of(const picture_set *set, int i) {
    ninp_augment lot = {.flip = i % 2 == 1, .shift_x = i - 2, .shift_y = 1 - i};
    if (i == 3) {
        lot.erase_x = 1;
        lot.erase_y = 2;
        lot.erase_width = set->width / 2;
        lot.erase_height = set->height - 3;
        memcpy(lot.fill, (uint8_t[]){9, 80, 200}, sizeof lot.fill);
    }
    return i == 4 ? (ninp_augment){0} : lot;
}

static uint32_t picture_of(int i) {
    return (uint32_t)(i * 3 % PICTURES);
}

static ninp_resident_place place_of(const picture_set *set, int i, int label) {
    const ninp_augment lot = lot_of(set, i);
    return ninp_held_lot(picture_of(i), label, &lot);
}

/* BATCH pictures as the processor prepares them. */
static float *prepare(const picture_set *set, const ninp_mix *mix) {
    const size_t floats =
        (size_t)set->input.channels * (size_t)set->input.height * (size_t)set->input.width;
    float *images = allocate(BATCH * floats, sizeof *images);
    uint8_t *scratch = allocate(ninp_preparer_scratch(set->preparer), 1);
    int32_t labels[BATCH] = {0};
    int32_t others[BATCH];
    float shares[BATCH];
    for (int i = 0; i < BATCH; i++) {
        const ninp_augment lot = lot_of(set, i);
        ninp_preparer_run(set->preparer, set->pixels + picture_of(i) * set->values, &lot, scratch,
                          images + (size_t)i * floats);
    }
    const ninp_mix_batch batch = {.count = BATCH,
                                  .channels = set->input.channels,
                                  .height = set->input.height,
                                  .width = set->input.width,
                                  .images = images,
                                  .labels = labels,
                                  .other_labels = others,
                                  .label_shares = shares};
    if (mix->way != NINP_MIX_NONE) {
        ninp_mix_run(mix, &batch);
    }
    free(scratch);
    return images;
}

/* A net whose first step gives its input back. */
static nin_net *mirror_net(nin_shape input) {
    char text[200];
    snprintf(text, sizeof text,
             "input %dx%dx%d\nclasses 4\navg_pool kernel=1\nflatten\nlinear classes\n",
             input.channels, input.height, input.width);
    return test_net_parse(text, 1);
}

/* Makes a step of plain gradient descent with BATCH pictures, in a session that has to be closed.
 */
static void train_once(const picture_set *set, nin_net *net, const ninp_resident_place *places,
                       const ninp_resident_step *step, cuda_session *session) {
    const cuda_setup setup = {.count = BATCH, .training = true};
    const nin_train_options options = {.lr = 0.1F};
    const ninp_tensor_rule rules[2] = {{.lr_scale = 1}, {.lr_scale = 1}};
    ninp_resident_tensor tensors[2];
    ninp_resident_result result;
    nin_error err = {0};
    const ninp_resident_update update = ninp_resident_update_of(&options, net, rules, tensors);
    cuda_session_open(net, &setup, session);
    cuda_expect_ok(hold(set, session->state, &err), &err);
    cuda_expect_ok(functions()->begin(session->state, &update, &err), &err);
    cuda_expect_ok(functions()->epoch(session->state, places, BATCH, step, 1, &err), &err);
    cuda_expect_ok(functions()->run(session->state, 0, 1, &result, &err), &err);
}

static void check_pictures(int channels, int height, int width, nin_shape input, ninp_mix mix) {
    static const ninp_resident_way ways[] = {NINP_RESIDENT_WHOLE, NINP_RESIDENT_BLEND,
                                             NINP_RESIDENT_PASTE};
    picture_set set = set_make(channels, height, width, input);
    nin_net *net = mirror_net(input);
    ninp_resident_place places[BATCH];
    for (int i = 0; i < BATCH; i++) {
        places[i] = place_of(&set, i, i % 4);
    }
    const ninp_resident_step step = {
        .count = BATCH, .mix = {ways[mix.way], mix.share, mix.x, mix.y, mix.width, mix.height}};
    cuda_session session;
    train_once(&set, net, places, &step, &session);
    nin_error err = {0};
    float *expected = prepare(&set, &mix);
    const size_t floats = (size_t)input.channels * (size_t)input.height * (size_t)input.width;
    float *values = allocate(floats, sizeof *values);
    float least = expected[0];
    float most = expected[0];
    for (int i = 0; i < BATCH; i++) {
        const float *of = expected + (size_t)i * floats;
        cuda_expect_ok(cuda_plugin()->result(session.state, 0, i, values, &err), &err);
        assert_memory_equal(values, of, floats * sizeof *values);
        for (size_t k = 0; k < floats; k++) {
            least = fminf(least, of[k]);
            most = fmaxf(most, of[k]);
        }
    }
    ninp_resident_range range;
    cuda_expect_ok(functions()->range(session.state, BATCH, &range, &err), &err);
    assert_true(range.least == least && range.most == most && !range.same);
    cuda_expect_ok(functions()->range(session.state, 1, &range, &err), &err);
    assert_false(range.same);
    free(values);
    free(expected);
    cuda_session_close(&session);
    nin_net_free(net);
    set_free(&set);
}

static void pictures_as_the_loader(void **state) {
    (void)state;
    const ninp_mix none = {.way = NINP_MIX_NONE};
    const ninp_mix blend = {.way = NINP_MIX_BLEND, .share = 0.3F};
    const ninp_mix paste = {
        .way = NINP_MIX_PASTE, .share = 0.5F, .x = 2, .y = 1, .width = 5, .height = 6};
    check_pictures(1, 8, 8, shape(1, 8, 8), none);    /* as they are */
    check_pictures(1, 7, 9, shape(1, 16, 15), blend); /* larger */
    check_pictures(1, 23, 20, shape(1, 8, 9), paste); /* smaller */
    check_pictures(1, 8, 11, shape(1, 8, 17), none);  /* one axis stays */
    check_pictures(3, 9, 8, shape(3, 12, 13), paste); /* colours */
    check_pictures(3, 9, 8, shape(1, 12, 7), blend);  /* to grey */
    check_pictures(1, 10, 8, shape(3, 10, 10), none); /* grey as colours */
}

static void one_picture_many_times(void **state) {
    (void)state;
    const nin_shape input = shape(1, 6, 6);
    picture_set set = set_make(1, 6, 6, input);
    nin_net *net = mirror_net(input);
    ninp_resident_place places[BATCH];
    for (int i = 0; i < BATCH; i++) {
        places[i] = place_of(&set, 4, 1);
    }
    const ninp_resident_step step = {.count = BATCH};
    cuda_session session;
    train_once(&set, net, places, &step, &session);
    nin_error err = {0};
    ninp_resident_range range;
    cuda_expect_ok(functions()->range(session.state, BATCH, &range, &err), &err);
    assert_true(range.same);
    cuda_session_close(&session);
    nin_net_free(net);
    set_free(&set);
}

/* ---- updates ----------------------------------------------------------------------------- */

static const char net_text[] = "input 1x8x8\nclasses 4\nconv2d 8 kernel=3\nbatch_norm\nrelu\n"
                               "max_pool kernel=2 stride=2\ndropout 0.2\nflatten\nlinear classes\n";
enum { TENSORS = 6, STEPS = 4, EPOCH = 18 }; /* the last step has fewer pictures */

/* Pictures in turn, with labels that are mixed by hand. */
static void fill_epoch(const picture_set *set, const nin_train_options *options,
                       ninp_resident_place *places, ninp_resident_step *steps) {
    for (int i = 0; i < EPOCH; i++) {
        places[i] = place_of(set, i % BATCH, i % 4);
        places[i].other_label = (i + 1) % 4;
        places[i].label_share = i % 3 == 0 ? 1.0F : 0.75F;
    }
    for (uint32_t i = 0; i < STEPS; i++) {
        steps[i] = ninp_resident_step_of(options, i, options->lr / (float)(i + 1));
        steps[i].first = i * BATCH;
        steps[i].count = i + 1 < STEPS ? BATCH : EPOCH - (STEPS - 1) * BATCH;
    }
}

/* What a run has of its own: a net, what the optimizer keeps, an average. */
typedef struct trained {
    nin_net *net;
    float *slots[NINP_OPTIMIZER_SLOTS];
    float *average;
    ninp_resident_result results[STEPS];
} trained;

/* All values of the net. */
static size_t count_values(void) {
    nin_net *net = test_net_parse(net_text, 1);
    const nin_tensor last = nin_net_tensor(net, nin_net_tensor_count(net) - 1);
    const size_t count = (size_t)(last.values - nin_net_tensor(net, 0).values) + last.count;
    nin_net_free(net);
    return count;
}

static trained trained_start(size_t values) {
    trained run = {.net = test_net_parse(net_text, 1)};
    cuda_stir(run.net);
    for (int i = 0; i < NINP_OPTIMIZER_SLOTS; i++) {
        run.slots[i] = allocate(values, sizeof(float));
    }
    run.average = allocate(values, sizeof(float));
    memcpy(run.average, nin_net_tensor(run.net, 0).values, values * sizeof(float));
    return run;
}

static void trained_free(trained *run) {
    nin_net_free(run->net);
    for (int i = 0; i < NINP_OPTIMIZER_SLOTS; i++) {
        free(run->slots[i]);
    }
    free(run->average);
}

static void drop_frozen(const nin_net *net, const ninp_tensor_rule *rules, float *gradients) {
    for (size_t i = 0, first = 0; i < TENSORS; i++) {
        const size_t count = nin_net_tensor(net, i).count;
        if (rules[i].frozen) {
            memset(gradients + first, 0, count * sizeof *gradients);
        }
        first += count;
    }
}

/* The processor's part around gradients from the device. */
static void train_here(const nin_train_options *options, const ninp_tensor_rule *rules,
                       const picture_set *set, const cuda_setup *setup, trained *run) {
    cuda_session session;
    nin_error err = {0};
    cuda_session_open(run->net, setup, &session);
    const size_t parameters = session.task.parameter_count;
    float *gradients = allocate(parameters, sizeof *gradients);
    const ninp_mix none = {.way = NINP_MIX_NONE};
    float *images = prepare(set, &none); /* each batch has the same ones */
    ninp_resident_place places[EPOCH];
    ninp_resident_step steps[STEPS];
    fill_epoch(set, options, places, steps);
    for (int i = 0; i < STEPS; i++) {
        int32_t labels[BATCH];
        int32_t others[BATCH];
        float shares[BATCH];
        for (uint32_t k = 0; k < steps[i].count; k++) {
            labels[k] = places[steps[i].first + k].label;
            others[k] = places[steps[i].first + k].other_label;
            shares[k] = places[steps[i].first + k].label_share;
        }
        const nin_examples examples = {.images = images,
                                       .labels = labels,
                                       .count = (int)steps[i].count,
                                       .label_smoothing = options->label_smoothing,
                                       .step = steps[i].number,
                                       .other_labels = others,
                                       .label_shares = shares};
        nin_loss loss;
        cuda_expect_ok(cuda_plugin()->gradients(session.state, &examples, gradients, &loss, &err),
                       &err);
        drop_frozen(run->net, rules, gradients);
        const double squares = ninp_sum_of_squares(gradients, parameters, 1);
        const ninp_optimizer_step step = {.options = options,
                                          .rules = rules,
                                          .lr = steps[i].lr,
                                          .scale =
                                              ninp_clip_scale(sqrt(squares), options->clip_norm),
                                          .number = (uint64_t)i + 1,
                                          .threads = 1};
        ninp_optimizer_update(&step, run->net, gradients, run->slots);
        ninp_average_update(run->average, nin_net_tensor(run->net, 0).values,
                            session.task.value_count,
                            ninp_average_decay(options->ema, (uint64_t)i + 1), 1);
        run->results[i] = (ninp_resident_result){loss.loss_sum, loss.correct, squares};
    }
    free(images);
    free(gradients);
    cuda_session_close(&session);
}

/* All of it there: the first steps in one go, the last one, and in between things that look. */
static void train_there(const nin_train_options *options, const ninp_tensor_rule *rules,
                        const picture_set *set, const cuda_setup *setup, trained *run) {
    cuda_session session;
    nin_error err = {0};
    cuda_session_open(run->net, setup, &session);
    ninp_resident_place places[EPOCH];
    ninp_resident_step steps[STEPS];
    ninp_resident_tensor tensors[TENSORS];
    fill_epoch(set, options, places, steps);
    ninp_resident_update how = ninp_resident_update_of(options, run->net, rules, tensors);
    how.slots = run->slots;
    how.average = options->ema > 0 ? run->average : NULL;
    cuda_expect_ok(hold(set, session.state, &err), &err);
    cuda_expect_ok(functions()->begin(session.state, &how, &err), &err);
    cuda_expect_ok(functions()->epoch(session.state, places, EPOCH, steps, STEPS, &err), &err);
    cuda_expect_ok(functions()->run(session.state, 0, STEPS - 1, run->results, &err), &err);
    float samples[3];
    const ninp_resident_samples ranges[] = {{0, 5, 2}, {session.task.parameter_count - 1, 1, 1}};
    cuda_expect_ok(functions()->sample(session.state, ranges, 2, samples, &err), &err);
    cuda_expect_ok(functions()->fetch(session.state, run->slots, run->average, &err), &err);
    const float *values = nin_net_tensor(run->net, 0).values;
    assert_true(samples[0] == values[0] && samples[1] == values[5] &&
                samples[2] == values[session.task.parameter_count - 1]);
    cuda_expect_ok(functions()->run(session.state, STEPS - 1, 1, run->results + STEPS - 1, &err),
                   &err);
    cuda_expect_ok(functions()->fetch(session.state, run->slots, run->average, &err), &err);
    cuda_session_close(&session);
}

static void check_update(nin_train_options options, ninp_cuda_math math) {
    ninp_tensor_rule rules[TENSORS];
    bool frozen[TENSORS];
    for (int i = 0; i < TENSORS; i++) {
        rules[i] = (ninp_tensor_rule){
            .lr_scale = i == 0 ? 0.5F : 1, .weight_decay = i % 2 ? 0 : 0.01F, .frozen = i == 5};
        frozen[i] = rules[i].frozen;
    }
    picture_set set = set_make(1, 8, 8, shape(1, 8, 8));
    const cuda_setup setup = {.math = math, .count = BATCH, .training = true, .frozen = frozen};
    const size_t values = count_values();
    trained here = trained_start(values);
    trained there = trained_start(values);
    train_here(&options, rules, &set, &setup, &here);
    train_there(&options, rules, &set, &setup, &there);
    for (int i = 0; i < STEPS; i++) {
        assert_true(here.results[i].loss_sum == there.results[i].loss_sum);
        assert_true(here.results[i].correct == there.results[i].correct);
        assert_true(fabs(here.results[i].squares / there.results[i].squares - 1) < 1e-12);
    }
    assert_memory_equal(nin_net_tensor(here.net, 0).values, nin_net_tensor(there.net, 0).values,
                        values * sizeof(float));
    for (size_t i = 0; i < ninp_optimizer_of(&options)->slot_count(&options); i++) {
        assert_memory_equal(here.slots[i], there.slots[i], values * sizeof(float));
    }
    if (options.ema > 0) {
        assert_memory_equal(here.average, there.average, values * sizeof(float));
    }
    trained_free(&here);
    trained_free(&there);
    set_free(&set);
}

static nin_train_options options_of(nin_optimizer optimizer, float lr) {
    nin_train_options options = nin_train_options_defaults();
    options.optimizer = optimizer;
    options.lr = lr;
    options.momentum = 0;
    options.ema = 0;
    options.clip_norm = 0;
    options.label_smoothing = 0;
    return options;
}

static void updates_as_the_optimizer(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_OPTIMIZER_SGD, 0.1F);
    check_update(options, NINP_CUDA_FLOAT32);
    options.momentum = 0.9F;
    options.clip_norm = 0.5F; /* the gradient is longer */
    options.ema = 0.9F;
    options.label_smoothing = 0.1F;
    check_update(options, NINP_CUDA_FLOAT32);
    options.nesterov = true;
    check_update(options, NINP_CUDA_BF16);
    options = options_of(NIN_OPTIMIZER_ADAM, 0.01F);
    check_update(options, NINP_CUDA_FLOAT32);
    options = options_of(NIN_OPTIMIZER_ADAMW, 0.01F);
    options.ema = 0.5F;
    check_update(options, NINP_CUDA_TF32);
}

/* A step that is not finite, and all behind it in the same call, change nothing that is trained. */
static void nothing_moves_after_infinity(void **state) {
    (void)state;
    nin_train_options options = options_of(NIN_OPTIMIZER_SGD, 0.1F);
    options.momentum = 0.9F;
    ninp_tensor_rule rules[TENSORS];
    for (int i = 0; i < TENSORS; i++) {
        rules[i] = (ninp_tensor_rule){.lr_scale = 1};
    }
    picture_set set = set_make(1, 8, 8, shape(1, 8, 8));
    const cuda_setup setup = {.count = BATCH, .training = true};
    trained run = trained_start(count_values());
    const size_t parameters = nin_net_parameter_count(run.net);
    float *values = nin_net_tensor(run.net, 0).values;
    values[3] = INFINITY;
    float *before = allocate(parameters, sizeof *before);
    memcpy(before, values, parameters * sizeof *before);
    train_there(&options, rules, &set, &setup, &run);
    for (int i = 0; i < STEPS; i++) {
        assert_false(isfinite(run.results[i].loss_sum) && isfinite(run.results[i].squares));
    }
    assert_memory_equal(values, before, parameters * sizeof *before);
    for (size_t i = 0; i < parameters; i++) {
        assert_true(run.slots[0][i] == 0);
    }
    free(before);
    trained_free(&run);
    set_free(&set);
}

/* Pictures that do not fit leave a session that works. */
static void no_room(void **state) {
    (void)state;
    picture_set set = set_make(1, 64, 64, shape(1, 8, 8));
    nin_net *net = mirror_net(shape(1, 8, 8));
    const cuda_setup setup = {.count = BATCH};
    cuda_session session;
    nin_error err = {0};
    float logits[2][BATCH * 4];
    cuda_session_open(net, &setup, &session);
    cuda_batch batch = cuda_batch_make(net, &setup, 2);
    cuda_expect_ok(cuda_plugin()->logits(session.state, batch.images, BATCH, logits[0], &err),
                   &err);
    if (cuda_limit_memory(cuda_plugin()->bytes(session.state) + 20000)) {
        assert_int_equal(hold(&set, session.state, &err), NIN_ERROR_MEMORY);
        assert_non_null(strstr(err.message, "all pictures of the data set want 1 MB"));
        cuda_limit_memory(0);
    }
    cuda_expect_ok(cuda_plugin()->logits(session.state, batch.images, BATCH, logits[1], &err),
                   &err);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    cuda_batch_free(&batch);
    cuda_session_close(&session);
    nin_net_free(net);
    set_free(&set);
}

/* Logits of pictures that are held are those of the same pictures handed in. */
static void held_logits(void **state) {
    (void)state;
    const nin_shape input = shape(1, 12, 12);
    picture_set set = set_make(1, 8, 8, input);
    nin_net *net = mirror_net(input);
    const cuda_setup setup = {.count = BATCH};
    cuda_session session;
    nin_error err = {0};
    float logits[2][BATCH * 4];
    const ninp_mix none = {.way = NINP_MIX_NONE};
    float *images = prepare(&set, &none);
    ninp_resident_place places[BATCH];
    for (int i = 0; i < BATCH; i++) {
        places[i] = place_of(&set, i, 0);
    }
    cuda_session_open(net, &setup, &session);
    cuda_expect_ok(cuda_plugin()->logits(session.state, images, BATCH, logits[0], &err), &err);
    cuda_expect_ok(hold(&set, session.state, &err), &err);
    for (int count = BATCH; count > 0; count -= 2) {
        memset(logits[1], 0, sizeof logits[1]);
        cuda_expect_ok(functions()->logits(session.state, places, count, logits[1], &err), &err);
        assert_memory_equal(logits[0], logits[1], (size_t)count * 4 * sizeof(float));
    }
    free(images);
    cuda_session_close(&session);
    nin_net_free(net);
    set_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_as_the_loader),       cmocka_unit_test(one_picture_many_times),
        cmocka_unit_test(updates_as_the_optimizer),     cmocka_unit_test(held_logits),
        cmocka_unit_test(nothing_moves_after_infinity), cmocka_unit_test(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

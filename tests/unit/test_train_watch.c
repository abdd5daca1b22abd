/* The parts of the health watch that whole runs reach only by luck: single checks on views made by
 * hand, pictures with a single bad value, and what it remembers. */
#include "support/nets.h"
#include "support/small_run.h"
#include "train/health/check.h"
#include "train/health/finite.h"
#include "train/health/watch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A view of a run in good health, long after its start. */
static ninp_health_view good_view(const nin_train_options *options) {
    ninp_health_view view = {.options = options,
                             .classes = 10,
                             .step = 400,
                             .lr = options->lr,
                             .loss = 1.5,
                             .gradient_norm = 2,
                             .usual_norm = 1,
                             .most = 1};
    for (int i = 0; i < NINP_HEALTH_MEANS; i++) {
        view.means[i] = 1.5 + 0.05 * i;
    }
    return view;
}

static bool sees(nin_finding_kind kind, const ninp_health_view *view) {
    nin_finding finding = {.kind = kind, .since = 400};
    if (!ninp_health_checks[kind].sees(view, &finding)) {
        return false;
    }
    ninp_health_checks[kind].say(view, &finding);
    assert_true(strlen(finding.text) > 40);
    return true;
}

static void gradient_norms(void **state) {
    (void)state;
    static const struct {
        double norm, usual, loss;
        uint64_t step;
        bool exploding, vanishing;
    } cases[] = {
        {2, 1, 1.5, 400, false, false},      {90, 0.01, 1.5, 400, false, false},
        {110, 0.05, 1.5, 400, true, false},  {110, 0.05, 1.5, 10, false, false},
        {900, 1, 1.5, 400, false, false},    {1100, 1, 1.5, 400, true, false},
        {11000, 100, 1.5, 400, true, false}, {11000, (double)NAN, 2.3, 1, true, false},
        {1e-7, 1e-7, 2.0, 400, false, true}, {1e-7, 1e-7, 0.01, 400, false, false},
    };
    nin_train_options options = nin_train_options_defaults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ninp_health_view view = good_view(&options);
        view.gradient_norm = cases[i].norm;
        view.usual_norm = cases[i].usual;
        view.loss = cases[i].loss;
        view.step = cases[i].step;
        if (sees(NIN_FINDING_EXPLODING_GRADIENT, &view) != cases[i].exploding ||
            sees(NIN_FINDING_VANISHING_GRADIENT, &view) != cases[i].vanishing) {
            fail_msg("case %zu", i);
        }
    }
}

static void input_ranges(void **state) {
    (void)state;
    static const struct {
        float least, most;
        bool same, constant, range;
    } cases[] = {
        {0, 1, false, false, false},      {-2.1F, 2.6F, false, false, false},
        {0, 255, false, false, true},     {-128, 3, false, false, true},
        {0, 0.0039F, false, false, true}, {0.5F, 0.5F, false, true, false},
        {-0.3F, 0.7F, true, true, false},
    };
    nin_train_options options = nin_train_options_defaults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ninp_health_view view = good_view(&options);
        view.least = cases[i].least;
        view.most = cases[i].most;
        view.same_pictures = cases[i].same;
        if (sees(NIN_FINDING_INPUT_CONSTANT, &view) != cases[i].constant ||
            sees(NIN_FINDING_INPUT_RANGE, &view) != cases[i].range) {
            fail_msg("case %zu", i);
        }
    }
}

/* The words of a finding count what it is about. */
static void words(void **state) {
    (void)state;
    static const char *const names[] = {"shirt", "bag", "sneaker", "coat", "dress", "boot"};
    char *owned[6];
    for (size_t i = 0; i < 6; i++) {
        owned[i] = (char *)(uintptr_t)names[i];
    }
    nin_model model = {.class_names = owned};
    bool wanted[6] = {true, false, true};
    assert_string_equal(ninp_health_classes(&model, wanted, 6).text, "shirt, sneaker");
    memset(wanted, true, sizeof wanted);
    assert_string_equal(ninp_health_classes(&model, wanted, 6).text,
                        "shirt, bag, sneaker, coat and 2 more");
    char long_name[] = "a name of 23 bytes and \xc3\xa4\xc3\xb6"; /* cut between characters */
    owned[0] = long_name;
    assert_string_equal(ninp_health_classes(&model, wanted, 1).text, "a name of 23 bytes and ");
    nin_model unnamed = {0};
    assert_string_equal(ninp_health_classes(&unnamed, wanted, 2).text, "0, 1");
    assert_string_equal(ninp_health_lr(0.1F, 0.03).text, "0.003");
    nin_finding finding = {.since = 1};
    assert_string_equal(ninp_health_since(&finding).text, "the start");
    finding.since = 40;
    assert_string_equal(ninp_health_since(&finding).text, "step 40");
}

/* One pixel of one picture. */
static void bad_pixel(void **state) {
    (void)state;
    nin_net *net = test_net_open("lenet", 0, 1);
    float *images = test_images(net, 3, 1);
    const uint32_t indices[] = {70, 4711, 5};
    const nin_batch batch = {.images = images, .indices = indices, .count = 3};
    const ninp_health_bad_step bad = {.net = net, .batch = &batch, .number = 12};
    assert_int_equal(ninp_health_bad_picture(&bad), 3);
    images[28 * 28 + 3 * 28 + 7] = NAN;
    assert_int_equal(ninp_health_bad_picture(&bad), 1);
    nin_error err = {0};
    assert_int_equal(ninp_health_explain(&bad, &err), NIN_ERROR_NOT_FINITE);
    assert_non_null(strstr(err.message, "step 12: picture 4711 of the training data (counted from "
                                        "0): channel 0, row 3, column 7 is nan"));
    free(images);
    nin_net_free(net);
}

/* ---- memory ---- */

typedef struct watched_net {
    nin_model model;
    nin_session *session;
    nin_train_options options;
    small_run data;
} watched_net;

static watched_net open_watched(void) {
    watched_net out = {.model = small_run_model(),
                       .options = nin_train_options_defaults(),
                       .data = small_run_open()};
    nin_session_options options = nin_session_options_defaults();
    options.training = true;
    nin_error err = {0};
    assert_int_equal(nin_session_create(out.model.net, &options, &out.session, &err), NIN_OK);
    return out;
}

static void close_watched(watched_net *net) {
    nin_session_free(net->session);
    nin_model_free(&net->model);
    small_run_close(&net->data);
}

static ninp_health *watch(const watched_net *net) {
    ninp_health *health;
    nin_error err = {0};
    assert_int_equal(ninp_health_create(&net->model, net->session, net->data.train, &net->options,
                                        &health, &err),
                     NIN_OK);
    return health;
}

static void remembers(void **state) {
    (void)state;
    watched_net net = open_watched();
    ninp_health *first = watch(&net);
    assert_null(ninp_health_news(first));
    const nin_finding *told = ninp_health_nonfinite(first, 7, "a text with \"quotes\"");
    assert_int_equal(told->since, 7);
    json_t *saved = ninp_health_save(first);
    ninp_health *second = watch(&net);
    nin_error err = {0};
    assert_int_equal(ninp_health_load(second, saved, &err), NIN_OK);
    const nin_finding *known = ninp_health_finding(second, NIN_FINDING_NOT_FINITE);
    assert_non_null(known);
    assert_string_equal(known->text, told->text);
    assert_null(ninp_health_finding(second, NIN_FINDING_DEAD_MAPS));
    json_t *again = ninp_health_save(second);
    assert_true(json_equal(saved, again));
    json_decref(again);
    json_decref(saved);
    ninp_health_free(second);
    ninp_health_free(first);
    close_watched(&net);
}

/* Memory from a file that somebody else wrote: refused, never believed in part. */
static void damaged_memory(void **state) {
    (void)state;
    watched_net net = open_watched();
    ninp_health *health = watch(&net);
    ninp_health_nonfinite(health, 7, "text");
    static const char *const removed[] = {"loss_sum", "log_norm_sum",  "largest_norm",
                                          "steps",    "usual_norm",    "means",
                                          "findings", "largest_update"};
    static const struct {
        const char *key, *value;
    } changed[] = {
        {"steps", "-1"},
        {"steps", "\"1\""},
        {"means", "[1, 2]"},
        {"means", "[1, 2, 3, 4, 5, 6, 7, 8, 9, \"x\"]"},
        {"findings", "[]"},
        {"findings", "{\"no-such-kind\": {}}"},
        {"findings", "{\"not-finite\": {}}"},
        {"loss_sum", "\"x\""},
    };
    enum { REMOVED = sizeof removed / sizeof *removed, CHANGED = sizeof changed / sizeof *changed };
    for (size_t i = 0; i < REMOVED + CHANGED; i++) {
        json_t *saved = ninp_health_save(health);
        if (i < REMOVED) {
            json_object_del(saved, removed[i]);
        } else {
            json_object_set_new(saved, changed[i - REMOVED].key,
                                json_loads(changed[i - REMOVED].value, JSON_DECODE_ANY, NULL));
        }
        ninp_health *other = watch(&net);
        nin_error err = {0};
        if (ninp_health_load(other, saved, &err) != NIN_ERROR_DATA) {
            fail_msg("case %zu was taken", i);
        }
        ninp_health_free(other);
        json_decref(saved);
    }
    json_t *saved = ninp_health_save(health);
    json_t *finding = json_object_get(json_object_get(saved, "findings"), "not-finite");
    char text[700];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    json_object_set_new(finding, "text", json_string(text)); /* longer than there is room for */
    ninp_health *other = watch(&net);
    assert_int_equal(ninp_health_load(other, saved, NULL), NIN_ERROR_DATA);
    ninp_health_free(other);
    json_decref(saved);
    ninp_health_free(health);
    close_watched(&net);
}

/* A loss that falls and comes back has stood since it came back, not since it was first seen there.
 */
static void stands_again(void **state) {
    (void)state;
    enum { COUNT = 4, FALLS = 50, COMES_BACK = 100, STEPS = 300 };
    watched_net net = open_watched();
    const nin_init_options init = nin_init_options_defaults();
    nin_net_initialize(net.model.net, &init);
    nin_session_free(net.session);
    nin_session_options options = nin_session_options_defaults();
    options.training = true;
    options.batch = COUNT;
    nin_error err = {0};
    assert_int_equal(nin_session_create(net.model.net, &options, &net.session, &err), NIN_OK);
    float *images = test_images(net.model.net, COUNT, 1);
    const int32_t labels[COUNT] = {0, 1, 2, 3};
    const nin_examples examples = {.images = images, .labels = labels, .count = COUNT};
    float *gradients = calloc(nin_net_parameter_count(net.model.net), sizeof *gradients);
    nin_loss loss;
    assert_int_equal(nin_session_gradients(net.session, &examples, gradients, &loss, &err), NIN_OK);

    ninp_health *health = watch(&net);
    const double guessing = log((double)nin_net_output(net.model.net).channels);
    for (uint64_t step = 1; step <= STEPS; step++) {
        const bool falls = step > FALLS && step <= COMES_BACK;
        const ninp_health_step seen = {.number = step,
                                       .images = images,
                                       .count = COUNT,
                                       .loss = falls ? guessing - 0.5 : guessing,
                                       .gradient_norm = 1,
                                       .lr = 0.1F};
        ninp_health_before_update(health, step);
        ninp_health_after_update(health, &seen);
    }
    const nin_finding *found = ninp_health_finding(health, NIN_FINDING_STANDSTILL);
    assert_non_null(found);
    assert_in_range(found->since, COMES_BACK + 1, COMES_BACK + 20);
    ninp_health_free(health);
    free(gradients);
    free(images);
    close_watched(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_norms), cmocka_unit_test(input_ranges),
        cmocka_unit_test(words),          cmocka_unit_test(bad_pixel),
        cmocka_unit_test(remembers),      cmocka_unit_test(damaged_memory),
        cmocka_unit_test(stands_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Evaluation of nets whose answers are known. */
#include <nin/train.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PICTURES = 95, CLASSES = 10 };

static const char net_text[] = "input 1x28x28\nflatten\nlinear classes\n";

typedef struct fixture {
    nin_net *net;
    nin_dataset *dataset;
    nin_preprocess preprocess;
    size_t support[CLASSES];
} fixture;

static fixture open_fixture(void) {
    fixture made = {.preprocess = nin_preprocess_plain(1, 28, 28)};
    assert_int_equal(nin_net_parse(net_text, strlen(net_text), "test", NULL, &made.net, NULL),
                     NIN_OK);
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = NIN_SPLIT_TEST;
    options.drawn_count = PICTURES;
    assert_int_equal(nin_dataset_open("drawn", &options, &made.dataset, NULL), NIN_OK);
    for (size_t i = 0; i < PICTURES; i++) {
        made.support[nin_dataset_label(made.dataset, i)]++;
    }
    return made;
}

static void close_fixture(fixture *made) {
    nin_dataset_free(made->dataset);
    nin_net_free(made->net);
}

static nin_session *open_session(const fixture *made, int batch) {
    nin_session_options options = nin_session_options_defaults();
    options.batch = batch;
    options.threads = 1;
    nin_session *session;
    nin_error err = {0};
    if (nin_session_create(made->net, &options, &session, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    assert_ptr_equal(nin_session_net(session), made->net);
    return session;
}

static nin_evaluation evaluate(const fixture *made, int batch) {
    nin_session *session = open_session(made, batch);
    nin_evaluation evaluation;
    nin_error err = {0};
    const nin_evaluation_task task = {.dataset = made->dataset, .preprocess = &made->preprocess};
    if (nin_evaluate(session, &task, &evaluation, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    nin_session_free(session);
    return evaluation;
}

static bool is_near(double a, double b) {
    return fabs(a - b) < 1e-6;
}

/* Zero weights and a bias of 2 for one class: that class for every picture, with p = e^2/(e^2+9).
 */
static void test_constant_answer(void **state) {
    (void)state;
    enum { ANSWER = 3 };
    fixture made = open_fixture();
    nin_net_tensor(made.net, 1).values[ANSWER] = 2;
    nin_evaluation evaluation = evaluate(&made, 16);
    double hits = (double)made.support[ANSWER];
    assert_int_equal(evaluation.examples, PICTURES);
    assert_int_equal(evaluation.classes, CLASSES);
    assert_true(is_near(evaluation.accuracy, hits / PICTURES));
    double sum = exp(2) + 9;
    assert_true(is_near(evaluation.loss, log(sum) - 2 * hits / PICTURES));
    for (size_t c = 0; c < CLASSES; c++) {
        nin_class_score score = evaluation.scores[c];
        assert_int_equal(score.support, made.support[c]);
        assert_int_equal(evaluation.confusion[c * CLASSES + ANSWER], made.support[c]);
        if (c == ANSWER) {
            assert_true(is_near(score.precision, hits / PICTURES));
            assert_true(score.recall == 1);
            assert_true(is_near(score.f1, 2 * hits / (PICTURES + hits)));
        } else {
            assert_true(isnan(score.precision));
            assert_true(made.support[c] ? score.recall == 0 && score.f1 == 0
                                        : isnan(score.recall) && isnan(score.f1));
        }
    }
    for (size_t i = 0; i < PICTURES; i++) {
        assert_int_equal(evaluation.predicted[i], ANSWER);
    }
    nin_evaluation_free(&evaluation);
    assert_null(evaluation.predicted);
    close_fixture(&made);
}

static void test_tables_agree(void **state) {
    (void)state;
    fixture made = open_fixture();
    nin_init_options options = nin_init_options_defaults();
    nin_net_initialize(made.net, &options);
    nin_evaluation evaluation = evaluate(&made, 16);
    size_t confusion[CLASSES * CLASSES] = {0};
    size_t correct = 0;
    for (size_t i = 0; i < PICTURES; i++) {
        int label = nin_dataset_label(made.dataset, i);
        confusion[label * CLASSES + evaluation.predicted[i]]++;
        correct += label == evaluation.predicted[i];
    }
    assert_memory_equal(evaluation.confusion, confusion, sizeof confusion);
    assert_true(is_near(evaluation.accuracy, (double)correct / PICTURES));
    nin_evaluation_free(&evaluation);
    close_fixture(&made);
}

/* The means are over the examples, so the size of the batches is of no account. */
static void test_batch_size(void **state) {
    (void)state;
    fixture made = open_fixture();
    nin_init_options options = nin_init_options_defaults();
    nin_net_initialize(made.net, &options);
    nin_evaluation one = evaluate(&made, 1);
    nin_evaluation all = evaluate(&made, 200);
    assert_true(one.accuracy == all.accuracy);
    assert_true(is_near(one.loss, all.loss));
    assert_memory_equal(one.predicted, all.predicted, PICTURES * sizeof *one.predicted);
    nin_evaluation_free(&one);
    nin_evaluation_free(&all);
    close_fixture(&made);
}

static bool stop_at_second(size_t done, size_t count, void *context) {
    assert_int_equal(count, PICTURES);
    size_t *calls = context;
    ++*calls;
    assert_int_equal(done, 20 * *calls);
    return *calls < 2;
}

static void test_stop(void **state) {
    (void)state;
    fixture made = open_fixture();
    nin_session *session = open_session(&made, 20);
    nin_evaluation evaluation;
    size_t calls = 0;
    const nin_evaluation_task task = {.dataset = made.dataset,
                                      .preprocess = &made.preprocess,
                                      .progress = stop_at_second,
                                      .context = &calls};
    assert_int_equal(nin_evaluate(session, &task, &evaluation, NULL), NIN_OK);
    assert_int_equal(calls, 2);
    assert_int_equal(evaluation.examples, 40);
    nin_evaluation_free(&evaluation);
    nin_session_free(session);
    close_fixture(&made);
}

static void expect_refused(const fixture *made, const char *message) {
    nin_session *session = open_session(made, 20);
    nin_evaluation evaluation;
    nin_error err = {0};
    const nin_evaluation_task task = {.dataset = made->dataset, .preprocess = &made->preprocess};
    assert_int_equal(nin_evaluate(session, &task, &evaluation, &err), NIN_ERROR_ARGUMENT);
    assert_string_equal(err.message, message);
    assert_null(evaluation.scores);
    nin_session_free(session);
}

static void test_what_does_not_fit(void **state) {
    (void)state;
    fixture made = open_fixture();
    nin_net_free(made.net);
    const nin_net_options options = {.classes = 3};
    assert_int_equal(nin_net_parse(net_text, strlen(net_text), "test", &options, &made.net, NULL),
                     NIN_OK);
    expect_refused(&made, "drawn has 10 classes, the net tells 3 apart");
    made.preprocess.width = 29;
    expect_refused(&made, "pictures are prepared as 1x28x29, the net takes 1x28x28");
    close_fixture(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_answer),   cmocka_unit_test(test_tables_agree),
        cmocka_unit_test(test_batch_size),        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

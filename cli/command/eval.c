/* nin eval: measures a model on a data set. */
#include "../command.h"
#include "../datasets.h"
#include "../device.h"
#include "../fail.h"
#include "../json.h"
#include "../models.h"
#include "../progress.h"
#include "../table.h"
#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SPLIT = CLI_OWN_KEY, KEY_FLIP };

static const struct argp_option own_options[] = {
    {"split", KEY_SPLIT, "test|train", 0, "which pictures to measure on (default test)", 0},
    {"flip", KEY_FLIP, NULL, 0, "take the mean logits of each picture and its mirror image", 0},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] = "Measure a model on a data set: loss, accuracy, each class's precision, "
                          "recall and F1, and which "
                          "classes are taken for which.";

typedef struct eval_request {
    nin_split split;
    bool json, flip;
} eval_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    eval_request *request = context;
    if (key == CLI_KEY_JSON) {
        request->json = true;
        return true;
    }
    if (key == KEY_FLIP) {
        request->flip = true;
        return true;
    }
    *wrong = "test or train";
    request->split = strcmp(value, "train") == 0 ? NIN_SPLIT_TRAIN : NIN_SPLIT_TEST;
    return strcmp(value, "train") == 0 || strcmp(value, "test") == 0;
}

static json_t *scores_json(const nin_model *model, const nin_evaluation *evaluation) {
    json_t *classes = cli_json_array();
    for (int i = 0; i < evaluation->classes; i++) {
        const nin_class_score *score = &evaluation->scores[i];
        char number[12];
        json_t *object = cli_json_object();
        cli_json_set(object, "name", cli_json_text(cli_class_name(model, i, number)));
        cli_json_set(object, "precision", cli_json_real(score->precision));
        cli_json_set(object, "recall", cli_json_real(score->recall));
        cli_json_set(object, "f1", cli_json_real(score->f1));
        cli_json_set(object, "support", cli_json_integer(score->support));
        cli_json_append(classes, object);
    }
    return classes;
}

static double examples_per_second(const nin_evaluation *evaluation) {
    return (double)evaluation->examples / evaluation->seconds;
}

static void print_json(const nin_model *model, const nin_evaluation *evaluation) {
    json_t *confusion = cli_json_array();
    size_t classes = (size_t)evaluation->classes;
    for (size_t i = 0; i < classes; i++) {
        json_t *row = cli_json_array();
        for (size_t j = 0; j < classes; j++) {
            cli_json_append(row, cli_json_integer(evaluation->confusion[i * classes + j]));
        }
        cli_json_append(confusion, row);
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "examples", cli_json_integer(evaluation->examples));
    cli_json_set(object, "loss", cli_json_real(evaluation->loss));
    cli_json_set(object, "accuracy", cli_json_real(evaluation->accuracy));
    cli_json_set(object, "examples_per_s", cli_json_real(examples_per_second(evaluation)));
    cli_json_set(object, "classes", scores_json(model, evaluation));
    cli_json_set(object, "confusion", confusion);
    cli_json_print(object);
}

/* A share with three digits, or a dash where it is undefined. */
static void add_share(cli_table *table, double share) {
    if (share >= 0) {
        cli_table_add(table, "%.3f", share);
    } else {
        cli_table_add(table, "-");
    }
}

static void print_scores(const nin_model *model, const nin_evaluation *evaluation) {
    cli_table *table = cli_table_create("lrrrr");
    static const char *const heads[] = {"class", "precision", "recall", "F1", "pictures"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[i]);
    }
    for (int i = 0; i < evaluation->classes; i++) {
        const nin_class_score *score = &evaluation->scores[i];
        char number[12];
        cli_table_add(table, "%s", cli_class_name(model, i, number));
        add_share(table, score->precision);
        add_share(table, score->recall);
        add_share(table, score->f1);
        cli_table_add(table, "%s", cli_thousands(score->support).text);
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
}

/* Rows are what is in the pictures, columns what the model says, by number. */
static void print_confusion(const nin_model *model, const nin_evaluation *evaluation) {
    size_t classes = (size_t)evaluation->classes;
    char *alignment = cli_allocate(classes + 3, 1);
    memset(alignment, 'r', classes + 2);
    alignment[1] = 'l';
    cli_table *table = cli_table_create(alignment);
    cli_table_add(table, "%s", "");
    cli_table_add(table, "%s", "");
    for (size_t j = 0; j < classes; j++) {
        cli_table_add_styled(table, CLI_BOLD, "%zu", j);
    }
    for (size_t i = 0; i < classes; i++) {
        char number[12];
        cli_table_add_styled(table, CLI_BOLD, "%zu", i);
        cli_table_add(table, "%s", cli_class_name(model, (int)i, number));
        for (size_t j = 0; j < classes; j++) {
            size_t count = evaluation->confusion[i * classes + j];
            cli_style style = i == j ? CLI_GOOD : count ? CLI_BAD : CLI_DIM;
            cli_table_add_styled(table, style, "%zu", count);
        }
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    free(alignment);
}

static void print_text(const nin_model *model, const nin_evaluation *evaluation) {
    printf("accuracy %.4f, loss %.4f on %s pictures, %s pictures a second\n\n",
           evaluation->accuracy, evaluation->loss, cli_thousands(evaluation->examples).text,
           cli_rate(examples_per_second(evaluation)).text);
    print_scores(model, evaluation);
    printf("\nWhat is in the picture (rows), and what the model says (columns):\n\n");
    print_confusion(model, evaluation);
}

static bool show_progress(size_t done, size_t count, void *context) {
    cli_progress_set(context, "evaluating %s of %s pictures", cli_thousands(done).text,
                     cli_thousands(count).text);
    return true;
}

static int evaluate(const cli_settings *settings, nin_model *model, const nin_dataset *dataset,
                    const eval_request *request) {
    nin_error err = {0};
    nin_session_options options = cli_session_options(settings);
    nin_session *session;
    if (nin_session_create(model->net, &options, &session, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    cli_device_tell(session);
    nin_evaluation evaluation;
    cli_progress *progress = cli_progress_start("evaluating");
    const nin_evaluation_task task = {.dataset = dataset,
                                      .preprocess = &model->preprocess,
                                      .flip = request->flip,
                                      .progress = show_progress,
                                      .context = progress};
    nin_status status = nin_evaluate(session, &task, &evaluation, &err);
    cli_progress_free(progress);
    nin_session_free(session);
    if (status != NIN_OK) {
        return cli_fail(&err);
    }
    if (request->json) {
        print_json(model, &evaluation);
    } else {
        print_text(model, &evaluation);
    }
    nin_evaluation_free(&evaluation);
    return CLI_DONE;
}

int cli_command_eval(int argc, char **argv) {
    eval_request request = {.split = NIN_SPLIT_TEST};
    cli_line line = cli_line_create();
    line.name = "eval";
    line.arguments = "MODEL.safetensors";
    line.doc = doc;
    line.settings = CLI_FOR_DATA | CLI_SEARCHES_DATA | CLI_FOR_ENGINE | CLI_FOR_BATCHES;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.fewest = 1;
    line.most = 1;
    line.defaults.train.batch = 100;
    free(line.defaults.data);
    line.defaults.data = NULL;
    cli_line_parse(&line, argc, argv);
    const cli_settings *settings = cli_line_settings(&line);
    if (!settings->data) {
        cli_line_usage_error(&line, "it needs --data DATA, what to measure the model on");
    }

    nin_model model;
    nin_dataset *dataset = NULL;
    int code = cli_model_load(line.words[0], &model);
    if (code == CLI_DONE) {
        code = cli_dataset_open(settings, request.split, &dataset);
    }
    if (code == CLI_DONE) {
        code = evaluate(settings, &model, dataset, &request);
    }
    nin_dataset_free(dataset);
    nin_model_free(&model);
    cli_line_free(&line);
    return code;
}

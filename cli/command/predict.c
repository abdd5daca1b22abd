/* nin predict: says what a model sees in pictures. */
#include "../command.h"
#include "../device.h"
#include "../fail.h"
#include "../files.h"
#include "../json.h"
#include "../models.h"
#include "../text.h"

#include <nin/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TOP = CLI_OWN_KEY, KEY_FLIP };

static const struct argp_option own_options[] = {
    {"top", KEY_TOP, "K", 0, "name the K likeliest classes (default 3)", 0},
    {"flip", KEY_FLIP, NULL, 0, "take the mean logits of each picture and its mirror image", 0},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "Say what a model sees in PNG pictures, grey or in colour, of any size: they are brought to "
    "the "
    "size the model was trained with.\v"
    "DIR stands for all files in it that end in .png, - for a picture on the standard input. A "
    "picture that cannot be read is reported and the others are still done; the exit code is that "
    "of "
    "the first failure.";

typedef struct predict_request {
    long long top;
    bool json, flip;
} predict_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    predict_request *request = context;
    if (key == CLI_KEY_JSON) {
        request->json = true;
        return true;
    }
    if (key == KEY_FLIP) {
        request->flip = true;
        return true;
    }
    *wrong = "a whole number from 1 to 1000000";
    return cli_read_count(value, 1, 1000000, &request->top);
}

/* A model ready to predict, with the memory for one picture. */
typedef struct predict_job {
    nin_model model;
    nin_session *session;
    int classes, top;
    bool json, flip;
    float *input, *logits, *mirror_logits, *probabilities;
    int *order; /* classes, the likeliest first */
    int code;   /* of the first failure */
} predict_job;

static void note_failure(predict_job *job, int code) {
    if (job->code == CLI_DONE) {
        job->code = code;
    }
}

/* Selection of the largest: `top` is small. The first of equals comes first. */
static void sort_classes(predict_job *job) {
    for (int i = 0; i < job->classes; i++) {
        job->order[i] = i;
    }
    for (int i = 0; i < job->top; i++) {
        int best = i;
        for (int j = i + 1; j < job->classes; j++) {
            float here = job->logits[job->order[j]];
            float most = job->logits[job->order[best]];
            bool earlier = job->order[j] < job->order[best];
            if (here > most || (here == most && earlier)) {
                best = j;
            }
        }
        int kept = job->order[i];
        job->order[i] = job->order[best];
        job->order[best] = kept;
    }
}

static void print_json(const predict_job *job, const char *name) {
    json_t *top = cli_json_array();
    for (int i = 0; i < job->top; i++) {
        int index = job->order[i];
        char number[12];
        json_t *one = cli_json_object();
        const char *class_name = cli_class_name(&job->model, index, number);
        cli_json_set(one, "class", cli_json_text(class_name));
        cli_json_set(one, "index", cli_json_integer((unsigned)index));
        cli_json_set(one, "probability", cli_json_real((double)job->probabilities[index]));
        cli_json_append(top, one);
    }
    json_t *logits = cli_json_array();
    for (int i = 0; i < job->classes; i++) {
        cli_json_append(logits, cli_json_real((double)job->logits[i]));
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "file", cli_json_text(name));
    cli_json_set(object, "top", top);
    cli_json_set(object, "logits", logits);
    cli_json_print(object);
}

static void print_text(const predict_job *job, const char *name) {
    char *printable = cli_make_printable(cli_copy(name));
    printf("%s: ", printable);
    for (int i = 0; i < job->top; i++) {
        int index = job->order[i];
        char number[12];
        printf("%s%s %.1f%%", i ? ", " : "", cli_class_name(&job->model, index, number),
               100 * (double)job->probabilities[index]);
    }
    putchar('\n');
    free(printable);
}

/* Reads a picture; "-" is the standard input. */
static nin_status read_picture(const char *name, nin_image *image, nin_error *err) {
    if (strcmp(name, "-") != 0) {
        return nin_image_read_png(name, image, err);
    }
    char *bytes;
    size_t size;
    nin_status status = cli_read_file("-", (size_t)64 << 20, &bytes, &size, err);
    if (status == NIN_OK) {
        status = nin_image_decode_png(bytes, size, "the standard input", image, err);
        free(bytes);
    }
    return status;
}

static nin_status compute_logits(const predict_job *job, const nin_image *image, float *logits,
                                 nin_error *err) {
    nin_status status = nin_preprocess_image(&job->model.preprocess, image, job->input, err);
    return status == NIN_OK ? nin_session_logits(job->session, job->input, 1, logits, err) : status;
}

/* The mean of the logits so far and those of the mirror image. */
static nin_status add_mirror_image(predict_job *job, nin_image *image, nin_error *err) {
    nin_status status = nin_image_mirror(image, err);
    if (status == NIN_OK) {
        status = compute_logits(job, image, job->mirror_logits, err);
    }
    for (int i = 0; status == NIN_OK && i < job->classes; i++) {
        job->logits[i] = 0.5F * (job->logits[i] + job->mirror_logits[i]);
    }
    return status;
}

static void predict_picture(predict_job *job, const char *name) {
    nin_error err = {0};
    nin_image image = {0};
    nin_status status = read_picture(name, &image, &err);
    if (status == NIN_OK) {
        status = compute_logits(job, &image, job->logits, &err);
    }
    if (status == NIN_OK && job->flip) {
        status = add_mirror_image(job, &image, &err);
    }
    nin_image_free(&image);
    if (status != NIN_OK) {
        note_failure(job, cli_fail(&err));
        return;
    }
    nin_softmax(job->logits, job->classes, job->probabilities);
    sort_classes(job);
    if (job->json) {
        print_json(job, name);
    } else {
        print_text(job, name);
    }
}

static int is_png(const struct dirent *entry) {
    return cli_ends_with(entry->d_name, ".png") || cli_ends_with(entry->d_name, ".PNG");
}

/* By bytes, the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void predict_directory(predict_job *job, const char *directory) {
    struct dirent **entries;
    int count = scandir(directory, &entries, is_png, by_name);
    if (count < 0) {
        note_failure(job, cli_fail_with(CLI_IO, "%s: %s", directory, strerror(errno)));
        return;
    }
    if (count == 0) {
        note_failure(job, cli_fail_with(CLI_NO_INPUT, "%s: no file in it ends in .png", directory));
    }
    for (int i = 0; i < count; i++) {
        char *path = cli_join(directory, entries[i]->d_name);
        predict_picture(job, path);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

/* `alone`: there is one picture to look at, a few milliseconds of work, and a second thread would
 * take as long to wake as the part it takes over. */
static int open_job(predict_job *job, const char *path, const cli_settings *settings, bool alone) {
    int code = cli_model_load(path, &job->model);
    if (code != CLI_DONE) {
        return code;
    }
    nin_error err = {0};
    nin_session_options options = cli_session_options(settings);
    options.batch = 1;
    if (alone && options.threads == 0) {
        options.threads = 1;
    }
    if (nin_session_create(job->model.net, &options, &job->session, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    cli_device_tell(job->session);
    const nin_preprocess *preprocess = &job->model.preprocess;
    size_t classes = (size_t)nin_net_output(job->model.net).channels;
    job->classes = (int)classes;
    job->input = cli_allocate((size_t)preprocess->channels * (size_t)preprocess->height *
                                  (size_t)preprocess->width,
                              sizeof *job->input);
    job->logits = cli_allocate(classes, sizeof *job->logits);
    job->mirror_logits = cli_allocate(classes, sizeof *job->mirror_logits);
    job->probabilities = cli_allocate(classes, sizeof *job->probabilities);
    job->order = cli_allocate(classes, sizeof *job->order);
    return CLI_DONE;
}

static void close_job(predict_job *job) {
    nin_session_free(job->session);
    nin_model_free(&job->model);
    free(job->input);
    free(job->logits);
    free(job->mirror_logits);
    free(job->probabilities);
    free(job->order);
}

int cli_command_predict(int argc, char **argv) {
    predict_request request = {.top = 3};
    cli_line line = cli_line_create();
    line.name = "predict";
    line.arguments = "MODEL.safetensors IMAGE.png|DIR|-...";
    line.doc = doc;
    line.settings = CLI_FOR_ENGINE;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.fewest = 2;
    line.most = SIZE_MAX;
    cli_line_parse(&line, argc, argv);

    predict_job job = {.json = request.json, .flip = request.flip};
    job.code = open_job(&job, line.words[0], cli_line_settings(&line),
                        line.word_count == 2 && !cli_is_directory(line.words[1]));
    bool opened = job.code == CLI_DONE;
    if (opened) {
        job.top = request.top < job.classes ? (int)request.top : job.classes;
    }
    for (size_t i = 1; opened && i < line.word_count; i++) {
        if (strcmp(line.words[i], "-") != 0 && cli_is_directory(line.words[i])) {
            predict_directory(&job, line.words[i]);
        } else {
            predict_picture(&job, line.words[i]);
        }
    }
    close_job(&job);
    cli_line_free(&line);
    return job.code;
}

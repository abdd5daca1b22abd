#include "curves.h"

#include "files.h"
#include "text.h"

#include <nin/draw.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOSS, TRAIN_ACCURACY, TEST_ACCURACY, CURVES };

/* The keys of log.jsonl, and how the lecture draws them. */
static const struct {
    const char *key, *label;
    nin_line_style style;
} kinds[CURVES] = {
    [LOSS] = {"loss", "train loss", NIN_LINE_SOLID},
    [TRAIN_ACCURACY] = {"train_acc", "train acc", NIN_LINE_DASHED},
    [TEST_ACCURACY] = {"test_acc", "test acc", NIN_LINE_DASH_DOT},
};

typedef struct points {
    size_t count;
    double *x;
    double *y[CURVES]; /* NaN where a line has no such number */
} points;

static void free_points(points *all) {
    free(all->x);
    for (int i = 0; i < CURVES; i++) {
        free(all->y[i]);
    }
}

/* A line that is not JSON is left out: the last one of a run that was killed. */
static void add_line(points *all, const char *line, size_t length) {
    json_t *object = json_loadb(line, length, 0, NULL);
    json_t *x = json_object_get(object, "epoch");
    if (json_object_get(object, "restart")) {
        all->count = 0; /* what was before is no part of the run that counts */
    }
    if (json_is_number(x)) {
        all->x[all->count] = json_number_value(x);
        for (int i = 0; i < CURVES; i++) {
            json_t *y = json_object_get(object, kinds[i].key);
            all->y[i][all->count] = json_is_number(y) ? json_number_value(y) : (double)NAN;
        }
        all->count++;
    }
    json_decref(object);
}

static nin_status read_points(const char *directory, points *all, nin_error *err) {
    char *path = cli_join(directory, "log.jsonl");
    char *text;
    size_t size;
    nin_status status = cli_read_file(path, (size_t)1 << 30, &text, &size, err);
    free(path);
    if (status != NIN_OK) {
        return status;
    }
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    *all = (points){.x = cli_allocate(lines, sizeof *all->x)};
    for (int i = 0; i < CURVES; i++) {
        all->y[i] = cli_allocate(lines, sizeof *all->y[i]);
    }
    for (char *line = text; line < text + size;) {
        char *end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        add_line(all, line, (size_t)(end - line));
        line = end + 1;
    }
    free(text);
    return NIN_OK;
}

/* The lecture's axis goes from 1 to the last epoch and so leaves out the first one. Of a short run,
 * or where little more than that has happened, everything so far is shown. */
static void set_range(nin_plot *plot, const points *all, int epochs) {
    enum { SHORT_RUN = 4 };
    double last = all->count ? all->x[all->count - 1] : 0;
    if (epochs > SHORT_RUN && last >= 2) {
        plot->x_min = 1;
        plot->x_max = epochs;
    } else {
        plot->x_min = 0;
        plot->x_max = fmax(ceil(last), 1);
    }
}

/* Reads the log and makes a plot of it, for `use`; nothing where the log has no point yet. */
static nin_status with_plot(const char *directory, int epochs,
                            nin_status (*use)(const nin_plot *plot, void *context, nin_error *err),
                            void *context, nin_error *err) {
    points all;
    nin_status status = read_points(directory, &all, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_curve curves[CURVES];
    for (int i = 0; i < CURVES; i++) {
        curves[i] = (nin_curve){.label = kinds[i].label,
                                .x = all.x,
                                .y = all.y[i],
                                .count = all.count,
                                .style = kinds[i].style};
    }
    nin_plot plot = {.x_label = "epoch", .curves = curves, .curve_count = CURVES};
    set_range(&plot, &all, epochs);
    if (all.count > 0) {
        status = use(&plot, context, err);
    }
    free_points(&all);
    return status;
}

static nin_status draw_files(const nin_plot *plot, void *context, nin_error *err) {
    static const char *const names[] = {"curves.svg", "curves.png"};
    nin_status status = NIN_OK;
    for (size_t i = 0; i < 2 && status == NIN_OK; i++) {
        char *path = cli_join(context, names[i]);
        status = nin_draw_plot(path, plot, err);
        free(path);
    }
    return status;
}

nin_status cli_curves_draw(const char *directory, int epochs, nin_error *err) {
    char *copy = cli_copy(directory);
    nin_status status = with_plot(directory, epochs, draw_files, copy, err);
    free(copy);
    return status;
}

typedef struct text_request {
    int columns;
    bool ascii;
    char **text;
} text_request;

static nin_status draw_text(const nin_plot *plot, void *context, nin_error *err) {
    enum { ROWS = 16, WIDEST = 72 };
    const text_request *request = context;
    int columns = request->columns < WIDEST ? request->columns : WIDEST;
    return nin_draw_text_plot(plot, columns, ROWS, request->ascii, request->text, err);
}

nin_status cli_curves_text(const char *directory, int epochs, int columns, bool ascii, char **text,
                           nin_error *err) {
    text_request request = {columns, ascii, text};
    *text = NULL;
    return with_plot(directory, epochs, draw_text, &request, err);
}

nin_status cli_epochs_read(const char *directory, cli_epochs *out, nin_error *err) {
    *out = (cli_epochs){0};
    points all;
    nin_status status = read_points(directory, &all, err);
    if (status != NIN_OK) {
        return status;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (!isnan(all.y[TEST_ACCURACY][i])) {
            all.x[out->count] = all.x[i];
            all.y[TRAIN_ACCURACY][out->count] = all.y[TRAIN_ACCURACY][i];
            all.y[TEST_ACCURACY][out->count++] = all.y[TEST_ACCURACY][i];
        }
    }
    out->epoch = all.x;
    out->train_accuracy = all.y[TRAIN_ACCURACY];
    out->test_accuracy = all.y[TEST_ACCURACY];
    free(all.y[LOSS]);
    return NIN_OK;
}

void cli_epochs_free(cli_epochs *epochs) {
    free(epochs->epoch);
    free(epochs->train_accuracy);
    free(epochs->test_accuracy);
    *epochs = (cli_epochs){0};
}

#include "report.h"

#include "../files.h"
#include "../json.h"
#include "../table.h"
#include "../text.h"

#include <math.h>
#include <nin/draw.h>
#include <stdlib.h>
#include <string.h>

/* What became of the runs of a row. */
typedef struct row_summary {
    size_t runs;
    size_t outcomes[CLI_OUTCOMES];
    size_t warned;                              /* runs with findings of the health watch */
    size_t measured;                            /* runs with figures; the others diverged */
    double train_low, train_median, train_high; /* accuracies; NaN without a run */
    double test_low, test_median, test_high;
    double dead_mean; /* dead class maps a run; NaN without a run */
    int dead_most;
} row_summary;

static int compare(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorts the values. */
static void spread(double *values, size_t count, double *low, double *median, double *high) {
    *low = *median = *high = (double)NAN;
    if (count > 0) {
        qsort(values, count, sizeof *values, compare);
        *low = values[0];
        *median = 0.5 * (values[(count - 1) / 2] + values[count / 2]);
        *high = values[count - 1];
    }
}

static bool is_shown(const cli_study_report *report, const cli_study_run *run, const char *row) {
    return strcmp(run->row, row) == 0 && run->seed >= report->first_seed &&
           run->seed - report->first_seed < report->seeds;
}

static row_summary summarize(const cli_study_report *report, const char *row) {
    const cli_study_results *results = report->results;
    row_summary sum = {0};
    double *train = cli_allocate(results->count + 1, sizeof *train);
    double *test = cli_allocate(results->count + 1, sizeof *test);
    double dead = 0;
    for (size_t i = 0; i < results->count; i++) {
        const cli_study_run *run = &results->runs[i];
        if (!is_shown(report, run, row)) {
            continue;
        }
        sum.runs++;
        sum.warned += json_array_size(run->findings) > 0;
        sum.outcomes[cli_study_outcome(run, report->healthy_at)]++;
        if (run->finite) {
            train[sum.measured] = run->train_accuracy;
            test[sum.measured++] = run->test_accuracy;
            dead += run->dead_maps;
            sum.dead_most = run->dead_maps > sum.dead_most ? run->dead_maps : sum.dead_most;
        }
    }
    spread(train, sum.measured, &sum.train_low, &sum.train_median, &sum.train_high);
    spread(test, sum.measured, &sum.test_low, &sum.test_median, &sum.test_high);
    sum.dead_mean = sum.measured ? dead / (double)sum.measured : (double)NAN;
    free(train);
    free(test);
    return sum;
}

/* ---- text ------------------------------------------------------------------------------- */

static const char *const heads[] = {
    "row",      "runs",      "healthy",           "degraded", "plateau",   "dead",
    "diverged", "train acc", "lowest to highest", "test acc", "dead maps", "findings"};
enum { COLUMNS = sizeof heads / sizeof heads[0] };

/* The cells of a row; freed by the caller. */
static void fill_cells(const char *name, const row_summary *sum, char *cells[COLUMNS]) {
    size_t n = 0;
    cells[n++] = cli_copy(name);
    cells[n++] = cli_format("%zu", sum->runs);
    for (int i = 0; i < CLI_OUTCOMES; i++) {
        cells[n++] = sum->outcomes[i] ? cli_format("%zu", sum->outcomes[i]) : cli_copy("");
    }
    bool any = sum->measured > 0;
    cells[n++] = any ? cli_format("%.3f", sum->train_median) : cli_copy("");
    cells[n++] = any ? cli_format("%.3f to %.3f", sum->train_low, sum->train_high) : cli_copy("");
    cells[n++] = any ? cli_format("%.3f", sum->test_median) : cli_copy("");
    cells[n++] = any ? cli_format("%.1f", sum->dead_mean) : cli_copy("");
    cells[n] = sum->warned ? cli_format("%zu", sum->warned) : cli_copy("");
}

void cli_study_print(const cli_study_report *report) {
    cli_table *table = cli_table_create("lrrrrrrrrrrr");
    for (size_t c = 0; c < COLUMNS; c++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[c]);
    }
    for (size_t r = 0; r < report->rows->count; r++) {
        const char *name = report->rows->rows[r].name;
        const row_summary sum = summarize(report, name);
        char *cells[COLUMNS];
        fill_cells(name, &sum, cells);
        for (size_t c = 0; c < COLUMNS; c++) {
            cli_table_add(table, "%s", cells[c]);
            free(cells[c]);
        }
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
}

/* Appends to text that is freed and made anew. */
static char *joined(char *text, char *more) {
    char *both = cli_format("%s%s", text, more);
    free(text);
    free(more);
    return both;
}

static char *markdown(const cli_study_report *report) {
    char *text = cli_format("# %s\n\n%s.\n\n| row | what", report->rows->summary, report->title);
    for (size_t c = 1; c < COLUMNS; c++) {
        text = joined(text, cli_format(" | %s", heads[c]));
    }
    text = joined(text, cli_copy(" |\n|---|---|"));
    for (size_t c = 1; c < COLUMNS; c++) {
        text = joined(text, cli_copy("---:|"));
    }
    text = joined(text, cli_copy("\n"));
    for (size_t r = 0; r < report->rows->count; r++) {
        const cli_row *row = &report->rows->rows[r];
        const row_summary sum = summarize(report, row->name);
        char *cells[COLUMNS];
        fill_cells(row->name, &sum, cells);
        text = joined(text, cli_format("| %s | %s", cells[0], row->about));
        for (size_t c = 1; c < COLUMNS; c++) {
            text = joined(text, cli_format(" | %s", cells[c]));
        }
        text = joined(text, cli_copy(" |\n"));
        for (size_t c = 0; c < COLUMNS; c++) {
            free(cells[c]);
        }
    }
    return joined(
        text,
        cli_format(
            "\nAccuracies are medians over the seeds: in training the mean of the last epoch, "
            "as the lecture's, in test that of the weights at the end. Healthy: a training "
            "accuracy of at least %s and no dead class map. Plateau: the loss is still that "
            "of guessing. Dead: every class map is 0 on all pictures, for good. Dead maps: "
            "mean a run. Findings: runs in which the health watch said that something is or was "
            "wrong.\n",
            cli_double(report->healthy_at).text));
}

/* ---- JSON ------------------------------------------------------------------------------- */

static json_t *spread_json(double low, double median, double high) {
    json_t *object = cli_json_object();
    cli_json_set(object, "min", cli_json_real(low));
    cli_json_set(object, "median", cli_json_real(median));
    cli_json_set(object, "max", cli_json_real(high));
    return object;
}

static json_t *row_json(const cli_study_report *report, const cli_row *row) {
    const row_summary sum = summarize(report, row->name);
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(row->name));
    cli_json_set(object, "about", cli_json_text(row->about));
    cli_json_set(object, "runs", cli_json_integer(sum.runs));
    for (int i = 0; i < CLI_OUTCOMES; i++) {
        cli_json_set(object, cli_outcome_name((cli_outcome)i), cli_json_integer(sum.outcomes[i]));
    }
    cli_json_set(object, "train_acc", spread_json(sum.train_low, sum.train_median, sum.train_high));
    cli_json_set(object, "test_acc", spread_json(sum.test_low, sum.test_median, sum.test_high));
    cli_json_set(object, "dead_maps_mean", cli_json_real(sum.dead_mean));
    cli_json_set(object, "dead_maps_max", cli_json_integer((unsigned)sum.dead_most));
    cli_json_set(object, "with_findings", cli_json_integer(sum.warned));
    return object;
}

json_t *cli_study_json(const cli_study_report *report) {
    json_t *rows = cli_json_array();
    for (size_t r = 0; r < report->rows->count; r++) {
        cli_json_append(rows, row_json(report, &report->rows->rows[r]));
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "summary", cli_json_text(report->rows->summary));
    cli_json_set(object, "conditions", cli_json_text(report->title));
    cli_json_set(object, "healthy_at", cli_json_real(report->healthy_at));
    cli_json_set(object, "rows", rows);
    return object;
}

/* ---- the picture ------------------------------------------------------------------------ */

enum { ACCURACY, DEAD_MAPS, PANELS };

/* Dots of both panels; a run that diverged stands at accuracy 0. Gives how many runs there are. */
static size_t fill_dots(const cli_study_report *report, nin_strip_dot *dots[PANELS], int *classes) {
    size_t count = 0;
    for (size_t r = 0; r < report->rows->count; r++) {
        for (size_t i = 0; i < report->results->count; i++) {
            const cli_study_run *run = &report->results->runs[i];
            if (!is_shown(report, run, report->rows->rows[r].name)) {
                continue;
            }
            int group = (int)cli_study_outcome(run, report->healthy_at);
            double accuracy = run->finite ? run->train_accuracy : 0;
            dots[ACCURACY][count] = (nin_strip_dot){.x = accuracy, .row = (int)r, .group = group};
            dots[DEAD_MAPS][count++] =
                (nin_strip_dot){.x = run->dead_maps, .row = (int)r, .group = group};
            *classes = run->classes > *classes ? run->classes : *classes;
        }
    }
    return count;
}

static nin_status draw(const cli_study_report *report, const char *directory, nin_error *err) {
    size_t rows = report->rows->count;
    const char **row_heads = cli_allocate(rows, sizeof *row_heads);
    for (size_t r = 0; r < rows; r++) {
        row_heads[r] = report->rows->rows[r].name;
    }
    nin_strip_dot *dots[PANELS];
    for (int p = 0; p < PANELS; p++) {
        dots[p] = cli_allocate(report->results->count + 1, sizeof **dots);
    }
    int classes = 1;
    size_t count = fill_dots(report, dots, &classes);
    /* colours that people with any colour vision can tell apart (Okabe and Ito 2008) */
    const nin_strip_group groups[CLI_OUTCOMES] = {
        [CLI_HEALTHY] = {cli_outcome_name(CLI_HEALTHY), 0x0072b2},
        [CLI_DEGRADED] = {cli_outcome_name(CLI_DEGRADED), 0xe69f00},
        [CLI_PLATEAU] = {cli_outcome_name(CLI_PLATEAU), 0x999999},
        [CLI_DEAD] = {cli_outcome_name(CLI_DEAD), 0x000000},
        [CLI_DIVERGED] = {cli_outcome_name(CLI_DIVERGED), 0xcc79a7},
    };
    const nin_strip_panel panels[PANELS] = {
        {.x_label = "training accuracy, mean of the last epoch",
         .x_max = 1,
         .dots = dots[ACCURACY],
         .count = count},
        {.x_label = "dead class maps",
         .x_max = classes,
         .dots = dots[DEAD_MAPS],
         .count = count,
         .spread = 0.4},
    };
    const nin_strips strips = {.title = report->title,
                               .row_heads = row_heads,
                               .rows = (int)rows,
                               .groups = groups,
                               .group_count = CLI_OUTCOMES,
                               .panels = panels,
                               .panel_count = PANELS};
    static const char *const names[] = {"plot.svg", "plot.png"};
    nin_status status = NIN_OK;
    for (size_t i = 0; i < 2 && count > 0 && status == NIN_OK; i++) {
        char *path = cli_join(directory, names[i]);
        status = nin_draw_strips(path, &strips, err);
        free(path);
    }
    for (int p = 0; p < PANELS; p++) {
        free(dots[p]);
    }
    free(row_heads);
    return status;
}

nin_status cli_study_write(const cli_study_report *report, const char *directory, nin_error *err) {
    json_t *object = cli_study_json(report);
    nin_status status = cli_json_write(object, directory, "table.json", err);
    json_decref(object);
    if (status == NIN_OK) {
        status = cli_write_text(directory, "table.md", markdown(report), err);
    }
    return status == NIN_OK ? draw(report, directory, err) : status;
}

/* Errors as the paper's tables give them. */
#include "reproduction.h"

#include "../files.h"
#include "../json.h"
#include "../table.h"
#include "../text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const heads[] = {"row",        "net",         "parameters", "paper error",
                                    "test error", "train error", "epochs"};
enum { COLUMNS = sizeof heads / sizeof heads[0] };

/* Accuracy as an error in percent. */
static double error_of(double accuracy) {
    return 100 * (1 - accuracy);
}

static char *percent(double error) {
    return isnan(error) ? cli_copy("-") : cli_format("%.2f %%", error);
}

static void fill_cells(const cli_reproduced *row, char *cells[COLUMNS]) {
    const cli_settings *settings = &row->row->settings;
    size_t n = 0;
    cells[n++] = cli_copy(row->row->about);
    cells[n++] = cli_copy(settings->model);
    cells[n++] = cli_copy(cli_thousands(row->parameters).text);
    cells[n++] = percent(row->row->paper);
    cells[n++] = row->finite ? percent(error_of(row->test_accuracy)) : cli_copy("diverged");
    cells[n++] = percent(error_of(row->train_accuracy));
    cells[n] = settings->train.epochs == row->paper_epochs
                   ? cli_format("%d", row->paper_epochs)
                   : cli_format("%d of %d", settings->train.epochs, row->paper_epochs);
}

void cli_reproduction_print(const cli_reproduction *all) {
    cli_table *table = cli_table_create("llrrrrr");
    for (size_t c = 0; c < COLUMNS; c++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[c]);
    }
    for (size_t r = 0; r < all->count; r++) {
        char *cells[COLUMNS];
        fill_cells(&all->rows[r], cells);
        for (size_t c = 0; c < COLUMNS; c++) {
            cli_table_add(table, "%s", cells[c]);
            free(cells[c]);
        }
    }
    printf("%s%s%s\n", all->summary, all->remark[0] ? "\n" : "", all->remark);
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
}

nin_status cli_reproduction_write_table(const cli_reproduction *all, const char *directory,
                                        nin_error *err) {
    char *text =
        cli_format("# %s\n\n%s%s", all->summary, all->remark, all->remark[0] ? "\n\n" : "");
    for (size_t line = 0; line < all->count + 2; line++) {
        char *cells[COLUMNS] = {NULL};
        if (line >= 2) {
            fill_cells(&all->rows[line - 2], cells);
        }
        for (size_t c = 0; c < COLUMNS; c++) {
            const char *cell = line == 0 ? heads[c] : line == 1 ? "---" : cells[c];
            char *more = cli_format("%s| %s %s", text, cell, c + 1 == COLUMNS ? "|\n" : "");
            free(text);
            free(cells[c]);
            text = more;
        }
    }
    char *name = cli_format("%s.md", all->name);
    nin_status status = cli_write_text(directory, name, text, err);
    free(name);
    return status;
}

json_t *cli_reproduction_json(const cli_reproduction *all) {
    json_t *rows = cli_json_array();
    for (size_t r = 0; r < all->count; r++) {
        const cli_reproduced *row = &all->rows[r];
        json_t *object = cli_json_object();
        cli_json_set(object, "name", cli_json_text(row->row->name));
        cli_json_set(object, "about", cli_json_text(row->row->about));
        cli_json_set(object, "net", cli_json_text(row->row->settings.model));
        cli_json_set(object, "params", cli_json_integer(row->parameters));
        cli_json_set(object, "paper_error", cli_json_real(row->row->paper / 100));
        cli_json_set(object, "test_error", cli_json_real(1 - row->test_accuracy));
        cli_json_set(object, "train_error", cli_json_real(1 - row->train_accuracy));
        cli_json_set(object, "epochs", cli_json_integer((unsigned)row->row->settings.train.epochs));
        cli_json_set(object, "paper_epochs", cli_json_integer((unsigned)row->paper_epochs));
        cli_json_set(object, "directory", cli_json_text(row->directory));
        cli_json_append(rows, object);
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(all->name));
    cli_json_set(object, "summary", cli_json_text(all->summary));
    cli_json_set(object, "data", cli_json_text(all->data));
    cli_json_set(object, "paper_data", cli_json_text(all->paper_data));
    cli_json_set(object, "shortened", json_boolean(all->length[0] != 0));
    cli_json_set(object, "remark", cli_json_text(all->remark));
    cli_json_set(object, "rows", rows);
    return object;
}

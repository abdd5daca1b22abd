/* Errors by epoch, as in the paper's figure 3. */
#include "reproduction.h"

#include "../curves.h"
#include "../files.h"
#include "../text.h"

#include <nin/draw.h>
#include <stdlib.h>
#include <string.h>

nin_status cli_reproduction_draw_errors(const cli_reproduction *all, const char *directory,
                                        nin_error *err) {
    cli_epochs *epochs = cli_allocate(all->count, sizeof *epochs);
    nin_curve *curves = cli_allocate(2 * all->count, sizeof *curves);
    char **labels = cli_allocate(2 * all->count, sizeof *labels);
    nin_status status = NIN_OK;
    size_t read = 0;
    for (; read < all->count && status == NIN_OK; read++) {
        cli_epochs *own = &epochs[read];
        status = cli_epochs_read(all->rows[read].directory, own, err);
        for (size_t i = 0; i < own->count; i++) {
            own->train_accuracy[i] = 1 - own->train_accuracy[i];
            own->test_accuracy[i] = 1 - own->test_accuracy[i];
        }
        const char *about = all->rows[read].row->about;
        labels[2 * read] = cli_format("test, %s", about);
        labels[2 * read + 1] = cli_format("training, %s", about);
        curves[2 * read] = (nin_curve){.label = labels[2 * read],
                                       .x = own->epoch,
                                       .y = own->test_accuracy,
                                       .count = own->count,
                                       .style = NIN_LINE_SOLID};
        curves[2 * read + 1] = (nin_curve){.label = labels[2 * read + 1],
                                           .x = own->epoch,
                                           .y = own->train_accuracy,
                                           .count = own->count,
                                           .style = NIN_LINE_DASHED};
    }
    /* what there is to say is shared between the title and the axis: one of them is too short */
    const int number = (int)strcspn(all->summary, ":"); /* "Figure 3" */
    char *title = strcmp(all->data, all->paper_data) == 0
                      ? cli_format("%.*s, %s", number, all->summary, all->data)
                      : cli_format("%.*s on %s in place of %s", number, all->summary, all->data,
                                   all->paper_data);
    char *x_label =
        all->length[0] ? cli_format("epoch (shortened: %s)", all->length) : cli_copy("epoch");
    const nin_plot plot = {.title = title,
                           .x_label = x_label,
                           .y_label = "error",
                           .curves = curves,
                           .curve_count = 2 * all->count};
    static const char *const endings[] = {"svg", "png"};
    for (size_t i = 0; i < 2 && status == NIN_OK; i++) {
        char *name = cli_format("%s.%s", all->name, endings[i]);
        char *path = cli_join(directory, name);
        status = nin_draw_plot(path, &plot, err);
        free(path);
        free(name);
    }
    free(x_label);
    free(title);
    for (size_t i = 0; i < read; i++) {
        cli_epochs_free(&epochs[i]);
        free(labels[2 * i]);
        free(labels[2 * i + 1]);
    }
    free(labels);
    free(curves);
    free(epochs);
    return status;
}

/* Errors by epoch, as in the paper's figure 3. */
#include "reproduction.h"

#include "../curves.h"
#include "../files.h"
#include "../text.h"

#include <nin/draw.h>
#include <stdlib.h>

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
        labels[2 * read] = cli_format("test error %s", about);
        labels[2 * read + 1] = cli_format("training error %s", about);
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
    char *title = cli_reproduction_title(all);
    const nin_plot plot = {.title = title,
                           .x_label = "epoch",
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

/* Class maps, as in the paper's figure 4. */
#include "reproduction.h"

#include "../files.h"
#include "../text.h"

#include <math.h>
#include <nin/draw.h>
#include <stdlib.h>
#include <string.h>

/* Share of the values of a picture's maps that is shown. */
static const double SHOWN = 0.1;

/* A picture of each class, its maps, and where they come from. */
typedef struct map_sheet {
    nin_session *session;
    nin_plan_step step; /* gives the maps, classes x height x width */
    size_t step_index;
    nin_dataset_info data;
    int classes;
    size_t *picture;     /* of each class: its index; SIZE_MAX: there is none */
    float *maps;         /* of one picture */
    float *sorted;       /* the same values */
    uint8_t *pixels;     /* of all maps of all pictures, each as large as a picture */
    int pictures, right; /* looked at; those whose strongest map is that of their class */
} map_sheet;

static void free_sheet(map_sheet *sheet) {
    nin_session_free(sheet->session);
    free(sheet->picture);
    free(sheet->maps);
    free(sheet->sorted);
    free(sheet->pixels);
}

/* The last step that gives a map for each class. */
static nin_status find_step(map_sheet *sheet, nin_error *err) {
    for (size_t i = nin_session_step_count(sheet->session); i > 0; i--) {
        nin_plan_step step = nin_session_step(sheet->session, i - 1);
        if (!step.output.flat && step.output.channels == sheet->classes && step.output.height > 1) {
            sheet->step = step;
            sheet->step_index = i - 1;
            return NIN_OK;
        }
    }
    return cli_error(
        err, NIN_ERROR_ARGUMENT,
        "this net has no class maps: no layer gives one map for each of the %d classes",
        sheet->classes);
}

static nin_status open_sheet(map_sheet *sheet, nin_model *model, const nin_dataset *test,
                             nin_error *err) {
    nin_session_options options = nin_session_options_defaults();
    options.device = "cpu"; /* picture by picture */
    options.keep_results = true;
    nin_status status = nin_session_create(model->net, &options, &sheet->session, err);
    if (status != NIN_OK) {
        return status;
    }
    sheet->data = nin_dataset_get_info(test);
    sheet->classes = nin_net_output(model->net).channels;
    status = find_step(sheet, err);
    if (status != NIN_OK) {
        return status;
    }
    size_t classes = (size_t)sheet->classes;
    size_t values = classes * (size_t)sheet->step.output.height * (size_t)sheet->step.output.width;
    size_t side =
        (size_t)sheet->data.channels * (size_t)sheet->data.height * (size_t)sheet->data.width;
    sheet->picture = cli_allocate(classes, sizeof *sheet->picture);
    sheet->maps = cli_allocate(values, sizeof *sheet->maps);
    sheet->sorted = cli_allocate(values, sizeof *sheet->sorted);
    sheet->pixels = cli_allocate(classes * classes * side, 1);
    for (size_t c = 0; c < classes; c++) {
        sheet->picture[c] = SIZE_MAX;
    }
    for (size_t i = sheet->data.count; i > 0; i--) {
        int label = nin_dataset_label(test, i - 1);
        if (label < sheet->classes) {
            sheet->picture[label] = i - 1;
        }
    }
    return NIN_OK;
}

static int compare(const void *a, const void *b) {
    const float *x = a;
    const float *y = b;
    return (*x > *y) - (*x < *y);
}

/* Paints the maps of a picture of a class: black, and the strongest tenth of all its values in
 * grey, white the strongest. */
static void paint(map_sheet *sheet, int class) {
    const int height = sheet->step.output.height;
    const int width = sheet->step.output.width;
    const size_t values = (size_t)sheet->classes * (size_t)height * (size_t)width;
    const nin_dataset_info *data = &sheet->data;
    memcpy(sheet->sorted, sheet->maps, values * sizeof *sheet->maps);
    qsort(sheet->sorted, values, sizeof *sheet->sorted, compare);
    const float threshold = sheet->sorted[(size_t)((1 - SHOWN) * (double)values)];
    const float most = sheet->sorted[values - 1];
    uint8_t *to = sheet->pixels + (size_t) class * (size_t)sheet->classes * (size_t)data->channels *
                                      (size_t)data->height * (size_t)data->width;
    for (int map = 0; map < sheet->classes; map++) {
        for (int c = 0; c < data->channels; c++) {
            for (int i = 0; i < data->height * data->width; i++) {
                int y = i / data->width * height / data->height;
                int x = i % data->width * width / data->width;
                float value = sheet->maps[(map * height + y) * width + x];
                bool shown = value >= threshold && value > 0;
                *to++ = shown ? (uint8_t)lrintf(255 * value / most) : 0;
            }
        }
    }
}

/* The class whose map has the strongest value; the first one wins ties. */
static int strongest(const map_sheet *sheet) {
    const int area = sheet->step.output.height * sheet->step.output.width;
    int best = 0;
    for (int i = 1; i < sheet->classes * area; i++) {
        best = sheet->maps[i] > sheet->maps[best] ? i : best;
    }
    return best / area;
}

/* A picture of the data set as the net's input. */
static nin_status prepare(const nin_preprocess *preprocess, const nin_dataset *test, size_t index,
                          float *values, nin_error *err) {
    const nin_dataset_info info = nin_dataset_get_info(test);
    const uint8_t *planes = nin_dataset_pixels(test, index);
    const size_t area = (size_t)info.height * (size_t)info.width;
    const size_t channels = (size_t)info.channels;
    nin_image image = {.width = info.width, .height = info.height, .channels = info.channels};
    image.pixels = cli_allocate(area, channels);
    for (size_t i = 0; i < area * channels; i++) {
        image.pixels[i] = planes[i % channels * area + i / channels];
    }
    nin_status status = nin_preprocess_image(preprocess, &image, values, err);
    free(image.pixels);
    return status;
}

static nin_status compute(map_sheet *sheet, const nin_preprocess *preprocess,
                          const nin_dataset *test, nin_error *err) {
    nin_shape input = nin_net_input(nin_session_net(sheet->session));
    float *values = cli_allocate(
        (size_t)input.channels * (size_t)input.height * (size_t)input.width, sizeof *values);
    float *logits = cli_allocate((size_t)sheet->classes, sizeof *logits);
    nin_status status = NIN_OK;
    for (int c = 0; c < sheet->classes && status == NIN_OK; c++) {
        if (sheet->picture[c] == SIZE_MAX) {
            continue;
        }
        status = prepare(preprocess, test, sheet->picture[c], values, err);
        if (status == NIN_OK) {
            status = nin_session_logits(sheet->session, values, 1, logits, err);
        }
        if (status == NIN_OK) {
            status = nin_session_result(sheet->session, sheet->step_index, 0, sheet->maps, err);
        }
        if (status == NIN_OK) {
            paint(sheet, c);
            sheet->pictures++;
            sheet->right += strongest(sheet) == c;
        }
    }
    free(logits);
    free(values);
    return status;
}

/* A row for each class: the picture, then its maps, that of its class in a frame. */
static nin_status draw(const map_sheet *sheet, const cli_reproduction *all, const nin_dataset *test,
                       const char *path, nin_error *err) {
    const int columns = sheet->classes + 1;
    const nin_dataset_info *data = &sheet->data;
    const size_t side = (size_t)data->channels * (size_t)data->height * (size_t)data->width;
    nin_sheet_cell *cells = cli_allocate((size_t)sheet->classes * (size_t)columns, sizeof *cells);
    const char **heads = cli_allocate((size_t)sheet->classes, sizeof *heads);
    for (int row = 0; row < sheet->classes; row++) {
        heads[row] = row < data->classes ? data->class_names[row] : "";
        if (sheet->picture[row] == SIZE_MAX) {
            continue;
        }
        nin_sheet_cell *cell = &cells[(size_t)row * (size_t)columns];
        cell->pixels = nin_dataset_pixels(test, sheet->picture[row]);
        for (int map = 0; map < sheet->classes; map++) {
            cell[1 + map].pixels =
                sheet->pixels + ((size_t)row * (size_t)sheet->classes + (size_t)map) * side;
            cell[1 + map].marked = map == row;
            cell[1 + map].caption = map < data->classes ? data->class_names[map] : NULL;
        }
    }
    const int number = (int)strcspn(all->summary, ":"); /* "Figure 4" */
    char *title = all->remark[0] ? cli_format("%.*s, %s", number, all->summary, all->remark)
                                 : cli_copy(all->summary);
    const nin_sheet picture = {.channels = data->channels,
                               .height = data->height,
                               .width = data->width,
                               .columns = columns,
                               .rows = sheet->classes,
                               .cells = cells,
                               .row_heads = heads,
                               .title = title};
    nin_status status = nin_draw_sheet(path, &picture, err);
    free(title);
    free(heads);
    free(cells);
    return status;
}

nin_status cli_reproduction_draw_maps(const cli_reproduction *all, nin_model *model,
                                      const nin_dataset *test, const char *directory, int *pictures,
                                      int *right, nin_error *err) {
    map_sheet sheet = {0};
    nin_status status = open_sheet(&sheet, model, test, err);
    if (status == NIN_OK) {
        status = compute(&sheet, &model->preprocess, test, err);
    }
    static const char *const endings[] = {"svg", "png"};
    for (size_t i = 0; i < 2 && status == NIN_OK; i++) {
        char *name = cli_format("%s.%s", all->name, endings[i]);
        char *path = cli_join(directory, name);
        status = draw(&sheet, all, test, path, err);
        free(path);
        free(name);
    }
    *pictures = sheet.pictures;
    *right = sheet.right;
    free_sheet(&sheet);
    return status;
}

#include "models.h"

#include "fail.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

int cli_model_load(const char *path, nin_model *model) {
    nin_error err = {0};
    *model = (nin_model){0};
    if (nin_model_load(path, false, model, &err) != NIN_OK) {
        return cli_fail(&err);
    }
    int classes = nin_net_output(model->net).channels;
    for (int i = 0; model->class_names && i < classes; i++) {
        cli_make_printable(model->class_names[i]);
    }
    return CLI_DONE;
}

static int open_net_of_model(const char *path, const nin_net_options *options, nin_net **out) {
    nin_model model;
    int code = cli_model_load(path, &model);
    if (code != CLI_DONE) {
        return code;
    }
    if (!options->channels && !options->classes) {
        *out = model.net;
        model.net = NULL;
    } else {
        nin_error err = {0};
        const char *text = nin_net_text(model.net);
        if (nin_net_parse(text, strlen(text), path, options, out, &err) != NIN_OK) {
            code = cli_fail(&err);
        }
    }
    nin_model_free(&model);
    return code;
}

int cli_net_open(const char *name, const nin_net_options *options, nin_net **out) {
    *out = NULL;
    if (cli_ends_with(name, ".safetensors")) {
        return open_net_of_model(name, options, out);
    }
    nin_error err = {0};
    return nin_net_open(name, options, out, &err) == NIN_OK ? CLI_DONE : cli_fail(&err);
}

void cli_name_classes(nin_model *model, const nin_dataset_info *info, int classes) {
    model->class_names = cli_allocate((size_t)classes, sizeof *model->class_names);
    for (int i = 0; i < classes; i++) {
        model->class_names[i] =
            i < info->classes ? cli_copy(info->class_names[i]) : cli_format("%d", i);
    }
}

const char *cli_class_name(const nin_model *model, int index, char number[12]) {
    if (model->class_names) {
        return model->class_names[index];
    }
    snprintf(number, 12, "%d", index);
    return number;
}

cli_shape_text cli_shape(nin_shape shape) {
    cli_shape_text out;
    if (shape.flat) {
        snprintf(out.text, sizeof out.text, "%d", shape.channels);
    } else {
        snprintf(out.text, sizeof out.text, "%dx%dx%d", shape.channels, shape.height, shape.width);
    }
    return out;
}

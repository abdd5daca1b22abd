#include "compared.h"

#include "../device.h"
#include "../json.h"
#include "../models.h"
#include "../table.h"
#include "../text.h"

#include <math.h>
#include <nin/draw.h>
#include <stdlib.h>
#include <string.h>

void cli_compared_count(cli_compared *net) {
    net->parameters = nin_net_parameter_count(net->model.net);
    for (size_t i = 0; i < nin_net_layer_count(net->model.net); i++) {
        nin_layer layer = nin_net_layer(net->model.net, i);
        net->macs += layer.depth == 0 ? layer.macs : 0;
        if (net->dense == 0 && strcmp(layer.word, "linear") == 0) {
            net->dense = layer.macs; /* one a weight */
        }
    }
}

/* The quantities; each is measured of all nets or of none, but accuracies. */
enum { PARAMETERS, DENSE, MACS, TRAIN_BYTES, PREDICT_BYTES, TRAIN_RATE, PREDICT_RATE, ACCURACY };
enum { QUANTITIES = ACCURACY + 1 };

static const char *const titles[QUANTITIES] = {
    [PARAMETERS] = "parameters",
    [DENSE] = "weights of first dense layer",
    [MACS] = "multiply-accumulates a picture",
    [TRAIN_BYTES] = "memory to train",
    [PREDICT_BYTES] = "memory to predict",
    [TRAIN_RATE] = "training, ms a picture",
    [PREDICT_RATE] = "prediction, ms a picture",
    [ACCURACY] = "test accuracy",
};

static const char *const heads[QUANTITIES] = {
    [PARAMETERS] = "parameters",
    [DENSE] = "first dense",
    [MACS] = "MACs",
    [TRAIN_BYTES] = "train memory",
    [PREDICT_BYTES] = "predict memory",
    [TRAIN_RATE] = "train/s",
    [PREDICT_RATE] = "predict/s",
    [ACCURACY] = "test acc",
};

/* NaN: not measured, or there is none. */
static double value_of(const cli_compared *net, int quantity) {
    const double none = (double)NAN;
    switch (quantity) {
    case PARAMETERS: return (double)net->parameters;
    case DENSE: return net->dense ? (double)net->dense : none;
    case MACS: return (double)net->macs;
    case TRAIN_BYTES: return net->train.bytes > 0 ? net->train.bytes : none;
    case PREDICT_BYTES: return net->predict.bytes > 0 ? net->predict.bytes : none;
    case TRAIN_RATE: return net->train.rate > 0 ? net->train.rate : none;
    case PREDICT_RATE: return net->predict.rate > 0 ? net->predict.rate : none;
    default: return net->test_accuracy;
    }
}

static cli_short_text value_text(const cli_compared *net, int quantity) {
    double value = value_of(net, quantity);
    cli_short_text text = {"-"};
    if (isnan(value)) {
        return text;
    }
    switch (quantity) {
    case PARAMETERS:
    case DENSE:
    case MACS: return cli_thousands((uint64_t)value);
    case TRAIN_BYTES:
    case PREDICT_BYTES: return cli_bytes(value);
    case TRAIN_RATE:
    case PREDICT_RATE: return cli_rate(value);
    default: snprintf(text.text, sizeof text.text, "%.3f", value); return text;
    }
}

static bool is_known(const cli_compared_report *report, int quantity) {
    for (size_t i = 0; i < report->count; i++) {
        if (!isnan(value_of(&report->nets[i], quantity))) {
            return true;
        }
    }
    return quantity == DENSE; /* that there is none says something */
}

/* "batch 16 on cpu (avx2, 2 threads)" */
static char *conditions(const cli_compared_report *report) {
    char *details = cli_device_details(&report->session);
    char *text = cli_format("memory and speed in batches of %d on %s (%s)", report->batch,
                            report->session.device, details);
    free(details);
    return text;
}

void cli_compared_print(const cli_compared_report *report) {
    char alignment[2 + QUANTITIES + 1] = "ll";
    size_t columns = strlen(alignment);
    for (int q = 0; q < QUANTITIES; q++) {
        if (is_known(report, q)) {
            alignment[columns++] = 'r';
        }
    }
    cli_table *table = cli_table_create(alignment);
    cli_table_add_styled(table, CLI_BOLD, "net");
    cli_table_add_styled(table, CLI_BOLD, "input");
    for (int q = 0; q < QUANTITIES; q++) {
        if (is_known(report, q)) {
            cli_table_add_styled(table, CLI_BOLD, "%s", heads[q]);
        }
    }
    for (size_t i = 0; i < report->count; i++) {
        const cli_compared *net = &report->nets[i];
        cli_table_add(table, "%s", net->name);
        cli_table_add(table, "%s", cli_shape(nin_net_input(net->model.net)).text);
        for (int q = 0; q < QUANTITIES; q++) {
            if (is_known(report, q)) {
                cli_table_add(table, "%s", value_text(net, q).text);
            }
        }
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    if (is_known(report, TRAIN_RATE)) {
        char *text = conditions(report);
        printf("%s\n", text);
        free(text);
    }
}

static json_t *net_json(const cli_compared *net) {
    nin_shape input = nin_net_input(net->model.net);
    json_t *shape = cli_json_array();
    const int sizes[] = {input.channels, input.height, input.width};
    for (int i = 0; i < 3; i++) {
        cli_json_append(shape, cli_json_integer((unsigned)sizes[i]));
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(net->name));
    cli_json_set(object, "input", shape);
    cli_json_set(object, "params", cli_json_integer(net->parameters));
    cli_json_set(object, "first_dense_weights",
                 net->dense ? cli_json_integer(net->dense) : json_null());
    cli_json_set(object, "macs", cli_json_integer(net->macs));
    cli_json_set(object, "train_bytes", cli_json_real(value_of(net, TRAIN_BYTES)));
    cli_json_set(object, "predict_bytes", cli_json_real(value_of(net, PREDICT_BYTES)));
    cli_json_set(object, "train_examples_per_s", cli_json_real(value_of(net, TRAIN_RATE)));
    cli_json_set(object, "predict_examples_per_s", cli_json_real(value_of(net, PREDICT_RATE)));
    cli_json_set(object, "epochs",
                 net->epochs ? cli_json_integer((unsigned)net->epochs) : json_null());
    cli_json_set(object, "train_acc", cli_json_real(net->train_accuracy));
    cli_json_set(object, "test_acc", cli_json_real(net->test_accuracy));
    return object;
}

json_t *cli_compared_json(const cli_compared_report *report) {
    json_t *nets = cli_json_array();
    for (size_t i = 0; i < report->count; i++) {
        cli_json_append(nets, net_json(&report->nets[i]));
    }
    json_t *object = cli_json_object();
    cli_json_set(object, "batch", cli_json_integer((unsigned)report->batch));
    const int threads = report->session.threads;
    cli_device_add_json(&report->session, object);
    cli_json_set(object, "threads", threads ? cli_json_integer((unsigned)threads) : json_null());
    cli_json_set(object, "nets", nets);
    return object;
}

/* A bar. Speeds are drawn as times, whose bars stay comparable where one net is a hundred times as
 * fast as the others. */
static nin_bar bar_of(const cli_compared *net, int quantity, cli_short_text *text) {
    double value = value_of(net, quantity);
    *text = value_text(net, quantity);
    if (isnan(value)) {
        *text = quantity == DENSE ? (cli_short_text){"none"} : *text;
    } else if (quantity == TRAIN_RATE || quantity == PREDICT_RATE) {
        value = 1000 / value;
        snprintf(text->text, sizeof text->text, "%.3g", value);
    }
    return (nin_bar){value, text->text};
}

nin_status cli_compared_draw(const cli_compared_report *report, const char *path, nin_error *err) {
    const size_t count = report->count;
    const char **row_heads = cli_allocate(count, sizeof *row_heads);
    cli_short_text *texts = cli_allocate(count * QUANTITIES, sizeof *texts);
    nin_bar *all = cli_allocate(count * QUANTITIES, sizeof *all);
    nin_bar_panel panels[QUANTITIES];
    int known = 0;
    for (int q = 0; q < QUANTITIES; q++) {
        if (!is_known(report, q)) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            size_t at = (size_t)known * count + i;
            row_heads[i] = report->nets[i].name;
            all[at] = bar_of(&report->nets[i], q, &texts[at]);
        }
        panels[known] = (nin_bar_panel){titles[q], all + (size_t)known * count};
        known++;
    }
    char *note = is_known(report, TRAIN_RATE) ? conditions(report) : NULL;
    const nin_bars bars = {.note = note,
                           .row_heads = row_heads,
                           .rows = (int)count,
                           .panels = panels,
                           .panel_count = known,
                           .columns = 3};
    nin_status status = nin_draw_bars(path, &bars, err);
    free(note);
    free(all);
    free(texts);
    free(row_heads);
    return status;
}

/* nin summary: a net's layers as the lecture lists them, its size and its work. */
#include "../command.h"
#include "../device.h"
#include "../fail.h"
#include "../json.h"
#include "../models.h"
#include "../table.h"
#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_INPUT = CLI_OWN_KEY, KEY_PLAN, KEY_MODE };

static const struct argp_option own_options[] = {
    {"input", KEY_INPUT, "CxHxW", 0, "give the net an input of this size and not its own", 0},
    {"plan", KEY_PLAN, NULL, 0,
     "show the fused steps too: algorithm and memory of each, with the settings of the machine", 0},
    {"mode", KEY_MODE, "train|infer", 0, "what the plan is for (default train)", 0},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "List a net's layers with their output shapes as PyTorch prints them, then its parameters, "
    "multiply-accumulates and memory. Without a name, list the nets there are.\v"
    "Multiply-accumulates are those of one picture forward; training takes about three times as "
    "many. Activations to predict: the largest input and output of one layer together; to train: "
    "the input and the outputs of all layers, which the backward pass needs.";

typedef struct summary_request {
    nin_net_options net;
    bool plan, json, infer;
} summary_request;

/* Three numbers from 1 to 65536 with an x between each two. */
static bool read_input(const char *text, nin_net_options *options) {
    int *sizes[] = {&options->channels, &options->height, &options->width};
    for (size_t i = 0; i < 3; i++) {
        char *end;
        long size = strtol(text, &end, 10);
        if (end == text || size < 1 || size > 65536 || *end != (i < 2 ? 'x' : '\0')) {
            return false;
        }
        *sizes[i] = (int)size;
        text = end + 1;
    }
    return true;
}

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    summary_request *request = context;
    switch (key) {
    case KEY_INPUT: *wrong = "of the form 3x32x32"; return read_input(value, &request->net);
    case KEY_PLAN: request->plan = true; return true;
    case KEY_MODE:
        *wrong = "train or infer";
        request->infer = strcmp(value, "infer") == 0;
        return request->infer || strcmp(value, "train") == 0;
    default: request->json = true; return true;
    }
}

static int list_nets(bool json) {
    cli_table *table = cli_table_create("ll");
    const char *summary;
    const char *name;
    for (size_t i = 0; (name = nin_net_builtin(i, &summary)); i++) {
        if (json) {
            json_t *object = cli_json_object();
            cli_json_set(object, "name", cli_json_text(name));
            cli_json_set(object, "summary", cli_json_text(summary));
            cli_json_print(object);
        } else {
            cli_table_add_styled(table, CLI_BOLD, "%s", name);
            cli_table_add(table, "%s", summary);
        }
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return CLI_DONE;
}

/* Sums over a net. */
typedef struct totals {
    uint64_t macs;
    double predict_bytes, train_bytes; /* of activations, one picture */
} totals;

static double elements(nin_shape shape) {
    return (double)shape.channels * shape.height * shape.width;
}

static totals add_up(const nin_net *net) {
    totals sum = {0};
    double largest = 0;
    double all = elements(nin_net_input(net));
    size_t count = nin_net_layer_count(net);
    for (size_t i = 0; i < count; i++) {
        nin_layer layer = nin_net_layer(net, i);
        sum.macs += layer.depth == 0 ? layer.macs : 0;
        bool holds_layers = i + 1 < count && nin_net_layer(net, i + 1).depth > layer.depth;
        if (!holds_layers) {
            double both = elements(layer.input) + elements(layer.output);
            largest = both > largest ? both : largest;
            all += elements(layer.output);
        }
    }
    sum.predict_bytes = largest * (double)sizeof(float);
    sum.train_bytes = all * (double)sizeof(float);
    return sum;
}

/* As Python prints `print(layer.__class__.__name__, 'output shape:\t', X.shape)`. */
static void print_layers(const nin_net *net, int batch) {
    for (size_t i = 0; i < nin_net_layer_count(net); i++) {
        nin_layer layer = nin_net_layer(net, i);
        if (layer.depth > 0) {
            continue;
        }
        printf("%s output shape:\t torch.Size([%d, %d", layer.class_name, batch,
               layer.output.channels);
        if (!layer.output.flat) {
            printf(", %d, %d", layer.output.height, layer.output.width);
        }
        puts("])");
    }
}

static void print_totals(const nin_net *net) {
    totals sum = add_up(net);
    cli_table *table = cli_table_create("lrl");
    cli_table_add(table, "parameters");
    cli_table_add(table, "%s", cli_thousands(nin_net_parameter_count(net)).text);
    cli_table_add(table, "%s",
                  cli_bytes((double)nin_net_parameter_count(net) * (double)sizeof(float)).text);
    cli_table_add(table, "multiply-accumulates");
    cli_table_add(table, "%s", cli_thousands(sum.macs).text);
    cli_table_add(table, "a picture, forward");
    cli_table_add(table, "activations to predict");
    cli_table_add(table, "%s", cli_thousands((uint64_t)sum.predict_bytes).text);
    cli_table_add(table, "bytes a picture");
    cli_table_add(table, "activations to train");
    cli_table_add(table, "%s", cli_thousands((uint64_t)sum.train_bytes).text);
    cli_table_add(table, "bytes a picture");
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
}

static void print_plan(const nin_session *session, const char *mode) {
    nin_session_info info = nin_session_get_info(session);
    char *details = cli_device_details(&info);
    printf("\nPlan to %s on %s (%s) in batches of %d:\n\n", mode, info.device, details, info.batch);
    free(details);
    cli_table *table = cli_table_create("llllrrrr");
    static const char *const heads[] = {"layers", "work",    "algorithm",   "output",
                                        "MACs",   "weights", "activations", "workspace"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[i]);
    }
    for (size_t i = 0; i < nin_session_step_count(session); i++) {
        nin_plan_step step = nin_session_step(session, i);
        cli_table_add(table, "%s", step.layers);
        cli_table_add(table, "%s", step.work);
        cli_table_add(table, "%s", step.algorithm);
        cli_table_add(table, "%s", cli_shape(step.output).text);
        cli_table_add(table, "%s", cli_thousands(step.macs).text);
        cli_table_add(table, "%s", cli_bytes((double)step.weight_bytes).text);
        cli_table_add(table, "%s", cli_bytes((double)step.activation_bytes).text);
        cli_table_add(table, "%s", cli_bytes((double)step.workspace_bytes).text);
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    printf("\n%s in all\n", cli_bytes((double)info.bytes).text);
    if (info.algorithms && info.algorithms[0]) {
        printf("--algorithms %s pins this plan\n", info.algorithms);
    }
}

static json_t *shape_json(nin_shape shape, int batch) {
    json_t *array = cli_json_array();
    cli_json_append(array, cli_json_integer((unsigned)batch));
    cli_json_append(array, cli_json_integer((unsigned)shape.channels));
    if (!shape.flat) {
        cli_json_append(array, cli_json_integer((unsigned)shape.height));
        cli_json_append(array, cli_json_integer((unsigned)shape.width));
    }
    return array;
}

static json_t *layers_json(const nin_net *net, int batch) {
    json_t *layers = cli_json_array();
    for (size_t i = 0; i < nin_net_layer_count(net); i++) {
        nin_layer layer = nin_net_layer(net, i);
        if (layer.depth > 0) {
            continue;
        }
        json_t *object = cli_json_object();
        cli_json_set(object, "name", cli_json_text(layer.class_name));
        cli_json_set(object, "shape", shape_json(layer.output, batch));
        cli_json_set(object, "params", cli_json_integer(layer.parameters));
        cli_json_set(object, "macs", cli_json_integer(layer.macs));
        cli_json_append(layers, object);
    }
    return layers;
}

static json_t *plan_json(const nin_session *session) {
    json_t *steps = cli_json_array();
    for (size_t i = 0; i < nin_session_step_count(session); i++) {
        nin_plan_step step = nin_session_step(session, i);
        json_t *object = cli_json_object();
        cli_json_set(object, "layers", cli_json_text(step.layers));
        cli_json_set(object, "work", cli_json_text(step.work));
        cli_json_set(object, "algorithm", cli_json_text(step.algorithm));
        cli_json_set(object, "macs", cli_json_integer(step.macs));
        cli_json_set(object, "weight_bytes", cli_json_integer(step.weight_bytes));
        cli_json_set(object, "activation_bytes", cli_json_integer(step.activation_bytes));
        cli_json_set(object, "workspace_bytes", cli_json_integer(step.workspace_bytes));
        cli_json_append(steps, object);
    }
    nin_session_info info = nin_session_get_info(session);
    json_t *plan = cli_json_object();
    cli_device_add_json(&info, plan);
    cli_json_set(plan, "threads", cli_json_integer((unsigned)info.threads));
    cli_json_set(plan, "batch", cli_json_integer((unsigned)info.batch));
    cli_json_set(plan, "bytes", cli_json_integer(info.bytes));
    cli_json_set(plan, "steps", steps);
    return plan;
}

/* session NULL: no plan is wanted. */
static void print_json(const nin_net *net, int batch, const nin_session *session) {
    totals sum = add_up(net);
    json_t *object = cli_json_object();
    cli_json_set(object, "layers", layers_json(net, batch));
    cli_json_set(object, "params", cli_json_integer(nin_net_parameter_count(net)));
    cli_json_set(object, "macs", cli_json_integer(sum.macs));
    json_t *bytes = cli_json_object();
    cli_json_set(bytes, "predict", cli_json_integer((uint64_t)sum.predict_bytes));
    cli_json_set(bytes, "train", cli_json_integer((uint64_t)sum.train_bytes));
    cli_json_set(object, "activation_bytes", bytes);
    if (session) {
        cli_json_set(object, "plan", plan_json(session));
    }
    cli_json_print(object);
}

static int summarize(nin_net *net, const cli_settings *settings, const summary_request *request) {
    nin_session *session = NULL;
    if (request->plan) {
        nin_error err = {0};
        nin_session_options options = cli_session_options(settings);
        options.training = !request->infer;
        if (nin_session_create(net, &options, &session, &err) != NIN_OK) {
            return cli_fail(&err);
        }
    }
    int batch = settings->train.batch;
    if (request->json) {
        print_json(net, batch, session);
    } else {
        print_layers(net, batch);
        putchar('\n');
        print_totals(net);
        if (session) {
            print_plan(session, request->infer ? "predict" : "train");
        }
    }
    nin_session_free(session);
    return CLI_DONE;
}

int cli_command_summary(int argc, char **argv) {
    summary_request request = {0};
    cli_line line = cli_line_create();
    line.name = "summary";
    line.arguments = "[NAME|FILE.net|MODEL.safetensors]";
    line.doc = doc;
    line.settings = CLI_FOR_ENGINE | CLI_FOR_BATCHES;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.most = 1;
    line.defaults.train.batch = 1;
    cli_line_parse(&line, argc, argv);
    const cli_settings *settings = cli_line_settings(&line);

    int code;
    if (line.word_count == 0) {
        code = list_nets(request.json);
    } else {
        nin_net *net;
        code = cli_net_open(line.words[0], &request.net, &net);
        if (code == CLI_DONE) {
            code = summarize(net, settings, &request);
            nin_net_free(net);
        }
    }
    cli_line_free(&line);
    return code;
}

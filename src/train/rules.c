#include "train/rules.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/line.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Scales that people mean are far from here. */
#define LARGEST_SCALE 1e6

static size_t trainable_count(const nin_net *net) {
    size_t count = 0;
    while (count < nin_net_tensor_count(net) && nin_net_tensor(net, count).trainable) {
        count++;
    }
    return count;
}

/* The bytes of a tensor's name that name its layer: "7.4." of "7.4.weight". */
static size_t layer_length(const char *tensor) {
    const char *dot = strrchr(tensor, '.');
    return dot ? (size_t)(dot - tensor) + 1 : 0;
}

/* The tensor with the weights of the last convolution or linear layer; NULL where there is none. */
static const char *last_weight(const nin_net *net) {
    const char *name = NULL;
    for (size_t i = 0; i < trainable_count(net); i++) {
        const nin_tensor tensor = nin_net_tensor(net, i);
        name = tensor.decays ? tensor.name : name;
    }
    return name;
}

static bool is_in_last_layer(const nin_net *net, const char *tensor) {
    const char *last = last_weight(net);
    const size_t length = last ? layer_length(last) : 0;
    return last && layer_length(tensor) == length && strncmp(tensor, last, length) == 0;
}

static bool fits(const char *pattern, const nin_net *net, const char *tensor) {
    if (strcmp(pattern, "last") == 0) {
        return is_in_last_layer(net, tensor);
    }
    if (strcmp(pattern, "bias") == 0) {
        return strcmp(tensor + layer_length(tensor), "bias") == 0;
    }
    return fnmatch(pattern, tensor, 0) == 0;
}

static nin_status fail_unmatched(const char *list, const char *pattern, const nin_net *net,
                                 nin_error *err) {
    enum { ROOM = 700 }; /* the message has to fit an error's */
    ninp_text names = {0};
    const size_t count = trainable_count(net);
    for (size_t i = 0; i < count && names.length < ROOM; i++) {
        ninp_text_add(&names, "%s%s", i ? ", " : "", nin_net_tensor(net, i).name);
    }
    nin_status status =
        ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: '%.100s' fits no tensor; there are %s%s", list,
                  pattern, names.chars ? names.chars : "none", names.length < ROOM ? "" : ", ...");
    ninp_text_free(&names);
    return status;
}

/* What a list does to the rules of the tensors that one of its patterns fits. */
typedef void apply(ninp_tensor_rule *rule, float value);

static void scale_lr(ninp_tensor_rule *rule, float value) {
    rule->lr_scale *= value;
}
static void scale_decay(ninp_tensor_rule *rule, float value) {
    rule->weight_decay *= value;
}
static void freeze(ninp_tensor_rule *rule, float value) {
    (void)value;
    rule->frozen = true;
}

typedef struct list {
    const char *name; /* of the option */
    const char *text; /* NULL: empty */
    bool valued;      /* its items are PATTERN=X */
    apply *apply;
} list;

/* Cuts the value off an item. */
static bool cut_value(char *item, float *value) {
    double number;
    char *equals = strrchr(item, '=');
    if (!equals || equals == item) {
        return false;
    }
    *equals = '\0';
    if (!ninp_parse_decimal(equals + 1, &number) || number > LARGEST_SCALE) {
        return false;
    }
    *value = (float)number;
    return true;
}

static nin_status apply_item(const list *which, char *item, const nin_net *net,
                             ninp_tensor_rule *rules, nin_error *err) {
    float value = 0;
    if (which->valued && !cut_value(item, &value)) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT,
                         "%s '%.200s': not a list of PATTERN=X with X from 0 to %g", which->name,
                         which->text, LARGEST_SCALE);
    }
    bool fitted = false;
    for (size_t i = 0; i < trainable_count(net); i++) {
        if (fits(item, net, nin_net_tensor(net, i).name)) {
            which->apply(&rules[i], value);
            fitted = true;
        }
    }
    return fitted ? NIN_OK : fail_unmatched(which->name, item, net, err);
}

static nin_status apply_list(const list *which, const nin_net *net, ninp_tensor_rule *rules,
                             nin_error *err) {
    if (!which->text || !which->text[0]) {
        return NIN_OK;
    }
    char *text = ninp_strdup(which->text);
    if (!text) {
        return ninp_fail_memory(err, strlen(which->text), which->name);
    }
    nin_status status = NIN_OK;
    for (char *item = text, *next; item && status == NIN_OK; item = next) {
        next = strchr(item, ',');
        if (next) {
            *next++ = '\0';
        }
        status = apply_item(which, item, net, rules, err);
    }
    free(text);
    return status;
}

nin_status ninp_tensor_rules_create(const nin_train_options *options, const nin_net *net,
                                    ninp_tensor_rule **out, nin_error *err) {
    const list lists[] = {{"lr_scale", options->lr_scale, true, scale_lr},
                          {"decay_scale", options->decay_scale, true, scale_decay},
                          {"freeze", options->freeze, false, freeze}};
    const size_t count = trainable_count(net);
    ninp_tensor_rule *rules = ninp_calloc(count, sizeof *rules);
    *out = NULL;
    if (!rules) {
        return ninp_fail_memory(err, count * sizeof *rules, "rules for tensors");
    }
    for (size_t i = 0; i < count; i++) {
        const bool decays = options->decay_all || nin_net_tensor(net, i).decays;
        rules[i] =
            (ninp_tensor_rule){.lr_scale = 1, .weight_decay = decays ? options->weight_decay : 0};
    }
    nin_status status = NIN_OK;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == NIN_OK; i++) {
        status = apply_list(&lists[i], net, rules, err);
    }
    if (status != NIN_OK) {
        free(rules);
        return status;
    }
    *out = rules;
    return NIN_OK;
}

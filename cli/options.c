#include "options.h"

#include "files.h"
#include "json.h"
#include "plugins.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_WHAT, GROUP_LENGTH, GROUP_RULE, GROUP_START, GROUP_HEALTH, GROUP_PLACE, GROUP_COUNT };

static const char *const groups[] = {
    [GROUP_WHAT] = "What is trained on what:",
    [GROUP_LENGTH] = "How long, and what is kept:",
    [GROUP_RULE] = "The rule by which weights change:",
    [GROUP_START] = "The weights at the start:",
    [GROUP_HEALTH] = "When training goes wrong:",
    [GROUP_PLACE] = "Where it runs:",
};

/* none is false. */
static const char *const whitenings[] = {"none", "zca", NULL};

/* Those of nin_session_options; the first one is the default. */
static const char *const maths[] = {"float32", "tf32", "bf16", "fast", NULL};

/* In the order of nin_optimizer, nin_schedule, nin_init and nin_on_failure. */
static const char *const optimizers[] = {"sgd", "adam", "adamw", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", "one-cycle", NULL};
static const char *const inits[] = {"xavier", "he", "gaussian", "pytorch", NULL};
static const char *const reactions[] = {"continue", "stop", "restart", NULL};

/* Choices are kept as int. */
static_assert(sizeof(nin_optimizer) == sizeof(int) && sizeof(nin_schedule) == sizeof(int) &&
                  sizeof(nin_init) == sizeof(int) && sizeof(nin_on_failure) == sizeof(int),
              "an enum is as wide as an int");

#define AT(member) offsetof(cli_settings, member)
#define NONE 0, 0, NULL
#define RANGE(low, high) low, high, NULL
#define CHOICES(names) 0, 0, names
#define TRAIN CLI_FOR_TRAIN

/* The largest value below 1 that is worth a setting. */
#define BELOW_ONE 0.999999
#define MOST_COUNT 9e18 /* fits JSON's integers */

/* name, letter, kind, place, range or choices, value's name, help, group, use */
static const cli_setting table[] = {
    {"model", 'm', CLI_TEXT, AT(model), NONE, "NAME|FILE.net",
     "the net; 'nin summary' lists the names", GROUP_WHAT, TRAIN | CLI_FOR_BENCH},
    {"data", 'd', CLI_TEXT, AT(data), NONE, "DATA",
     "a known name, a directory, or 'drawn'; 'nin data list' lists the names", GROUP_WHAT,
     TRAIN | CLI_FOR_DATA},
    {"data-dir", 0, CLI_TEXT, AT(data_dir), NONE, "DIR",
     "look for known names in DIR first, then in $NIN_DATA, ~/.local/share/nin, "
     "/usr/share/datasets",
     GROUP_WHAT, TRAIN | CLI_SEARCHES_DATA | CLI_MAY_CHANGE},
    {"limit", 0, CLI_COUNT, AT(limit), RANGE(0, MOST_COUNT), "N",
     "use only the first N pictures of each split; 0: all", GROUP_WHAT, TRAIN | CLI_FOR_DATA},
    {"resize", 0, CLI_INTEGER, AT(resize), RANGE(0, 4096), "N",
     "make pictures and the net's input N x N; 0: the net's own size", GROUP_WHAT,
     TRAIN | CLI_FOR_BENCH},
    {"normalize", 0, CLI_TEXT, AT(normalize), NONE, "none|dataset|MEAN,STD...",
     "bring pixels from 0..1 to (pixel - MEAN) / STD: the training set's, one pair for all "
     "channels, or one a channel",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"gcn", 0, CLI_REAL, AT(gcn), RANGE(0, 1e6), "X",
     "global contrast normalisation: bring each picture to mean 0 and L2 norm X; 0: off",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"whiten", 0, CLI_CHOICE, AT(whiten), CHOICES(whitenings), "none|zca",
     "whiten pictures by a matrix found in the training set", GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"flip", 0, CLI_SWITCH, AT(train.augmentation.flip), NONE, "yes|no",
     "mirror training pictures left to right, one in two", GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"crop-padding", 0, CLI_INTEGER, AT(train.augmentation.crop_padding), RANGE(0, 64), "N",
     "shift training pictures by up to N pixels of the source", GROUP_WHAT,
     TRAIN | CLI_FOR_PICTURES},
    {"erase", 0, CLI_REAL, AT(train.augmentation.erase), RANGE(0, 1), "P",
     "paint a random rectangle of training pictures over with the mean, with probability P",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"mixup", 0, CLI_REAL, AT(train.augmentation.mixup), RANGE(0, 1000), "ALPHA",
     "blend pairs of training pictures and their labels, shares from Beta(ALPHA, ALPHA); 0: off",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"cutmix", 0, CLI_REAL, AT(train.augmentation.cutmix), RANGE(0, 1000), "ALPHA",
     "swap boxes between pairs of training pictures, areas from Beta(ALPHA, ALPHA); 0: off",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"augment", 0, CLI_AUGMENTATIONS, 0, NONE, "LIST",
     "several of these in one, such as 'flip,crop=2,erase=0.25,mixup=0.2,cutmix=1', or 'none'",
     GROUP_WHAT, TRAIN | CLI_FOR_PICTURES},
    {"test-flip", 0, CLI_SWITCH, AT(train.test_flip), NONE, "yes|no",
     "evaluate on the mean logits of a picture and its mirror image", GROUP_WHAT, TRAIN},

    {"epochs", 'e', CLI_INTEGER, AT(train.epochs), RANGE(1, 1000000), "N",
     "passes over the training pictures", GROUP_LENGTH, TRAIN},
    {"batch", 'b', CLI_INTEGER, AT(train.batch), RANGE(1, 65536), "N", "pictures a batch",
     GROUP_LENGTH, TRAIN | CLI_FOR_BATCHES},
    {"accumulate", 0, CLI_INTEGER, AT(train.accumulate), RANGE(1, 1000000), "N",
     "batches a step, which follows the mean loss of them all", GROUP_LENGTH, TRAIN},
    {"max-steps", 0, CLI_COUNT, AT(train.max_steps), RANGE(0, MOST_COUNT), "N",
     "stop after N steps in all, saved, so that --resume can go on; 0: no limit", GROUP_LENGTH,
     TRAIN | CLI_MAY_CHANGE},
    {"patience", 0, CLI_INTEGER, AT(train.patience), RANGE(0, 1000000), "N",
     "stop after N epochs without a better test accuracy; 0: never", GROUP_LENGTH,
     TRAIN | CLI_MAY_CHANGE},
    {"seed", 's', CLI_COUNT, AT(train.seed), RANGE(0, MOST_COUNT), "N",
     "of everything random: the same seed gives the same bits", GROUP_LENGTH,
     TRAIN | CLI_FOR_DATA | CLI_FOR_PICTURES},
    {"points-per-epoch", 0, CLI_INTEGER, AT(train.points_per_epoch), RANGE(0, 1000000), "N",
     "points of the curves an epoch; 0: as the lecture, 5 or 6", GROUP_LENGTH, TRAIN},
    {"checkpoint-seconds", 0, CLI_SECONDS, AT(train.checkpoint_seconds), RANGE(0, 1e9), "X",
     "save what resuming needs at least this often; 0: after epochs only", GROUP_LENGTH,
     TRAIN | CLI_MAY_CHANGE},

    {"optimizer", 0, CLI_CHOICE, AT(train.optimizer), CHOICES(optimizers), "NAME",
     "sgd, adam or adamw", GROUP_RULE, TRAIN},
    {"lr", 'l', CLI_REAL, AT(train.lr), RANGE(0, 1e6), "X", "learning rate", GROUP_RULE, TRAIN},
    {"momentum", 0, CLI_REAL, AT(train.momentum), RANGE(0, BELOW_ONE), "X", "momentum of SGD",
     GROUP_RULE, TRAIN},
    {"nesterov", 0, CLI_SWITCH, AT(train.nesterov), NONE, "yes|no", "Nesterov's momentum",
     GROUP_RULE, TRAIN},
    {"beta1", 0, CLI_REAL, AT(train.beta1), RANGE(0, BELOW_ONE), "X",
     "adam, adamw: decay of the mean of gradients", GROUP_RULE, TRAIN},
    {"beta2", 0, CLI_REAL, AT(train.beta2), RANGE(0, BELOW_ONE), "X",
     "adam, adamw: decay of the mean of their squares", GROUP_RULE, TRAIN},
    {"epsilon", 0, CLI_REAL, AT(train.epsilon), RANGE(1e-30, 1), "X",
     "adam, adamw: added to the root of that mean", GROUP_RULE, TRAIN},
    {"weight-decay", 0, CLI_REAL, AT(train.weight_decay), RANGE(0, 1e6), "X",
     "L2 penalty, added to the gradient before momentum; adamw: weights shrink by the learning "
     "rate times X",
     GROUP_RULE, TRAIN},
    {"decay-all", 0, CLI_SWITCH, AT(train.decay_all), NONE, "yes|no",
     "decay biases and batch norm too, as PyTorch's plain SGD does", GROUP_RULE, TRAIN},
    {"schedule", 0, CLI_CHOICE, AT(train.schedule), CHOICES(schedules), "NAME",
     "how the learning rate changes: constant, step, cosine, one-cycle", GROUP_RULE, TRAIN},
    {"step-epochs", 0, CLI_INTEGER, AT(train.step_epochs), RANGE(0, 1000000), "N",
     "schedule step: change the rate every N epochs", GROUP_RULE, TRAIN},
    {"step-factor", 0, CLI_REAL, AT(train.step_factor), RANGE(0, 1e6), "X",
     "schedule step: by this factor", GROUP_RULE, TRAIN},
    {"final-factor", 0, CLI_REAL, AT(train.final_factor), RANGE(0, 1), "X",
     "schedules cosine and one-cycle: end at the learning rate times X", GROUP_RULE, TRAIN},
    {"warmup-steps", 0, CLI_INTEGER, AT(train.warmup_steps), RANGE(0, 1000000000), "N",
     "let the learning rate grow over the first N steps", GROUP_RULE, TRAIN},
    {"clip-norm", 0, CLI_REAL, AT(train.clip_norm), RANGE(0, 1e30), "X",
     "largest L2 norm of the whole gradient; 0: any", GROUP_RULE, TRAIN},
    {"label-smoothing", 0, CLI_REAL, AT(train.label_smoothing), RANGE(0, BELOW_ONE), "X",
     "share of each label that goes to all classes", GROUP_RULE, TRAIN},
    {"ema", 0, CLI_REAL, AT(train.ema), RANGE(0, BELOW_ONE), "X",
     "test and save moving averages of the weights, with this decay a step; 0: the weights",
     GROUP_RULE, TRAIN},
    {"lr-scale", 0, CLI_TEXT, AT(lr_scale), NONE, "PATTERN=X,...",
     "multiply the learning rate of some tensors: 'last=0.1,bias=2', '7.*=0.5'", GROUP_RULE, TRAIN},
    {"decay-scale", 0, CLI_TEXT, AT(decay_scale), NONE, "PATTERN=X,...",
     "multiply the weight decay of some tensors", GROUP_RULE, TRAIN},
    {"freeze", 0, CLI_TEXT, AT(freeze), NONE, "PATTERN,...",
     "keep some tensors as they are: '0.*,2.*'", GROUP_RULE, TRAIN},

    {"from", 0, CLI_TEXT, AT(from), NONE, "MODEL.safetensors",
     "start from a trained model's weights, with its net and preprocessing; what depends on the "
     "number of classes is drawn anew if that is another one",
     GROUP_START, TRAIN},
    {"init", 0, CLI_CHOICE, AT(train.init.weights), CHOICES(inits), "NAME",
     "how weights are drawn: xavier, he, gaussian, pytorch", GROUP_START, TRAIN},
    {"std", 0, CLI_REAL, AT(train.init.std), RANGE(0, 1e6), "X",
     "init gaussian: its standard deviation", GROUP_START, TRAIN},
    {"zero-bias", 0, CLI_SWITCH, AT(train.init.zero_bias), NONE, "yes|no",
     "biases start at 0 and not as PyTorch draws them", GROUP_START, TRAIN},
    {"last-scale", 0, CLI_REAL, AT(train.init.last_scale), RANGE(0, 1e6), "X",
     "the last layer's weights start as drawn, times X", GROUP_START, TRAIN},
    {"last-bias", 0, CLI_REAL_OR_NONE, AT(train.init.last_bias), RANGE(-1e6, 1e6), "X|none",
     "the last layer's biases start at X; none: as the others", GROUP_START, TRAIN},

    {"health", 0, CLI_SWITCH, AT(train.health), NONE, "yes|no",
     "watch for dead class maps and units, a loss that stands still, gradients that explode or "
     "vanish and the like, and say what to change",
     GROUP_HEALTH, TRAIN | CLI_MAY_CHANGE},
    {"on-failure", 0, CLI_CHOICE, AT(train.on_failure), CHOICES(reactions), "WORD",
     "when the run has failed: continue, stop (exit code 1), or restart with the next seed",
     GROUP_HEALTH, TRAIN | CLI_MAY_CHANGE},
    {"restarts", 0, CLI_INTEGER, AT(train.restarts), RANGE(0, 1000), "N",
     "on-failure restart: at most N times", GROUP_HEALTH, TRAIN | CLI_MAY_CHANGE},

    {"device", 0, CLI_TEXT, AT(device), NONE, "NAME",
     "auto, cpu, cuda (the first that can be used), cuda:N, or reference (slow, exact); auto is "
     "cuda where it can be had",
     GROUP_PLACE, TRAIN | CLI_FOR_ENGINE | CLI_MAY_MOVE},
    {"math", 0, CLI_CHOICE, AT(math), CHOICES(maths), "float32|tf32|bf16|fast",
     "how cuda multiplies; tf32 and bf16 round factors to 10 and 7 bits, for tensor cores; fast: "
     "bf16 on cuda, float32 elsewhere",
     GROUP_PLACE, TRAIN | CLI_FOR_ENGINE | CLI_MAY_MOVE},
    {"deterministic", 0, CLI_SWITCH, AT(train.session.deterministic), NONE, "yes|no",
     "the same bits in every run on cuda too, which may take longer; cpu always gives them",
     GROUP_PLACE, TRAIN | CLI_FOR_ENGINE | CLI_MAY_MOVE},
    {"isa", 0, CLI_TEXT, AT(isa), NONE, "NAME",
     "instruction set: auto, or one that 'nin doctor' lists", GROUP_PLACE, TRAIN | CLI_FOR_ENGINE},
    {"threads", 't', CLI_INTEGER, AT(train.session.threads), RANGE(0, 1024), "N",
     "threads, which do not change results; 0: one a processor", GROUP_PLACE,
     TRAIN | CLI_FOR_ENGINE | CLI_MAY_CHANGE},
    {"algorithms", 0, CLI_TEXT, AT(algorithms), NONE, "LIST",
     "pin algorithms, as LAYER=NAME,...; 'nin summary --plan' shows them", GROUP_PLACE,
     TRAIN | CLI_FOR_ENGINE},
};

enum { SETTING_COUNT = sizeof table / sizeof table[0] };
static_assert(sizeof table / sizeof table[0] < CLI_SETTING_LIMIT, "raise the limit");

const cli_setting *cli_setting_at(size_t index) {
    return index < SETTING_COUNT ? &table[index] : NULL;
}

const char *cli_setting_group(int group) {
    return group < GROUP_COUNT ? groups[group] : NULL;
}

const cli_setting *cli_setting_find(const char *name) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const char *cli_setting_nearest(const char *name) {
    const char *names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        names[i] = table[i].name;
    }
    return cli_nearest(name, names, SETTING_COUNT);
}

cli_settings cli_settings_defaults(void) {
    cli_settings settings = {
        .model = cli_copy("nin"),
        .data = cli_copy("fashion-mnist"),
        .normalize = cli_copy("none"),
        .device = cli_copy("auto"),
        .isa = cli_copy("auto"),
        .train = nin_train_options_defaults(),
    };
    /* An interrupted machine costs five minutes of work at most. */
    settings.train.checkpoint_seconds = 300;
    return settings;
}

void cli_settings_free(cli_settings *settings) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (table[i].kind == CLI_TEXT) {
            free(*(char **)(void *)((char *)settings + table[i].offset));
        }
    }
    *settings = (cli_settings){0};
}

static void *place(const cli_setting *setting, cli_settings *settings) {
    return (char *)settings + setting->offset;
}

static const void *place_to_read(const cli_setting *setting, const cli_settings *settings) {
    return (const char *)settings + setting->offset;
}

static bool in_range(const cli_setting *setting, double value) {
    return value >= setting->low && value <= setting->high;
}

/* NIN_ERROR_ARGUMENT with what would have been right. */
static nin_status refuse(const cli_setting *setting, const char *text, nin_error *err) {
    const char *kind =
        setting->kind == CLI_INTEGER || setting->kind == CLI_COUNT ? "whole number" : "number";
    const char *none = setting->kind == CLI_REAL_OR_NONE ? ", or none" : "";
    return cli_error(err, NIN_ERROR_ARGUMENT, "%s: '%s' is not a %s from %s to %s%s", setting->name,
                     text, kind, cli_double(setting->low).text, cli_double(setting->high).text,
                     none);
}

/* A whole number in range; false otherwise. */
static bool read_integer(const cli_setting *setting, const char *text, long long *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && in_range(setting, (double)*value);
}

static bool read_real(const cli_setting *setting, const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && in_range(setting, *value);
}

static bool read_switch(const char *text, bool *value) {
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *value = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static nin_status set_choice(const cli_setting *setting, const char *text, int *value,
                             nin_error *err) {
    size_t count = 0;
    for (; setting->choices[count]; count++) {
        if (strcmp(setting->choices[count], text) == 0) {
            *value = (int)count;
            return NIN_OK;
        }
    }
    char list[200] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "",
                                   setting->choices[i]);
    }
    const char *nearest = cli_nearest(text, setting->choices, count);
    return cli_error(err, NIN_ERROR_ARGUMENT, "%s: '%s' is none of %s%s%s%s", setting->name, text,
                     list, nearest ? "; did you mean " : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

/* The words of --augment, and the settings they stand for. */
static const char *const augmentations[][2] = {
    {"flip", "flip"},   {"crop", "crop-padding"}, {"erase", "erase"},
    {"mixup", "mixup"}, {"cutmix", "cutmix"},
};
enum { AUGMENTATION_COUNT = sizeof augmentations / sizeof augmentations[0] };

static nin_status refuse_augmentation(const char *word, const char *name, nin_error *err) {
    const char *names[AUGMENTATION_COUNT + 1] = {"none"};
    for (size_t i = 0; i < AUGMENTATION_COUNT; i++) {
        names[i + 1] = augmentations[i][0];
    }
    const char *nearest = cli_nearest(name, names, AUGMENTATION_COUNT + 1);
    return cli_error(err, NIN_ERROR_ARGUMENT,
                     "augment: '%s' is none of flip, crop=N, erase=P, mixup=ALPHA, cutmix=ALPHA, "
                     "none%s%s%s",
                     word, nearest ? "; did you mean " : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

/* "none", or NAME or NAME=VALUE. */
static nin_status set_augmentation(const char *word, cli_settings *settings, nin_error *err) {
    if (strcmp(word, "none") == 0) {
        settings->train.augmentation = (nin_augmentation){0};
        return NIN_OK;
    }
    char *name = cli_copy(word);
    char *value = strchr(name, '=');
    if (value) {
        *value++ = '\0';
    }
    size_t i = 0;
    while (i < AUGMENTATION_COUNT && strcmp(name, augmentations[i][0]) != 0) {
        i++;
    }
    nin_status status;
    if (i == AUGMENTATION_COUNT) {
        status = refuse_augmentation(word, name, err);
    } else {
        const cli_setting *setting = cli_setting_find(augmentations[i][1]);
        const char *missing = setting->kind == CLI_SWITCH ? NULL : "";
        status = cli_setting_set(setting, settings, value ? value : missing, err);
    }
    free(name);
    return status;
}

static nin_status set_augmentations(const char *text, cli_settings *settings, nin_error *err) {
    char *list = cli_copy(text);
    char *rest = list;
    nin_status status = NIN_OK;
    while (rest && status == NIN_OK) {
        char *word = rest;
        rest = strchr(rest, ',');
        if (rest) {
            *rest++ = '\0';
        }
        status = set_augmentation(word, settings, err);
    }
    free(list);
    return status;
}

static nin_status set_number(const cli_setting *setting, void *at, const char *text,
                             nin_error *err) {
    if (setting->kind == CLI_INTEGER || setting->kind == CLI_COUNT) {
        long long value;
        if (!read_integer(setting, text, &value)) {
            return refuse(setting, text, err);
        }
        if (setting->kind == CLI_INTEGER) {
            *(int *)at = (int)value;
        } else {
            *(uint64_t *)at = (uint64_t)value;
        }
        return NIN_OK;
    }
    if (setting->kind == CLI_REAL_OR_NONE && strcmp(text, "none") == 0) {
        *(float *)at = NAN;
        return NIN_OK;
    }
    double value;
    if (!read_real(setting, text, &value)) {
        return refuse(setting, text, err);
    }
    if (setting->kind == CLI_SECONDS) {
        *(double *)at = value;
    } else {
        *(float *)at = (float)value;
    }
    return NIN_OK;
}

nin_status cli_setting_set(const cli_setting *setting, cli_settings *settings, const char *text,
                           nin_error *err) {
    void *at = place(setting, settings);
    if (!text) {
        text = "yes";
    }
    switch (setting->kind) {
    case CLI_TEXT:
        free(*(char **)at);
        *(char **)at = text[0] ? cli_copy(text) : NULL;
        return NIN_OK;
    case CLI_SWITCH:
        return read_switch(text, at)
                   ? NIN_OK
                   : cli_error(err, NIN_ERROR_ARGUMENT, "%s: '%s' is neither yes nor no",
                               setting->name, text);
    case CLI_CHOICE: return set_choice(setting, text, at, err);
    case CLI_AUGMENTATIONS: return set_augmentations(text, settings, err);
    case CLI_INTEGER:
    case CLI_COUNT:
    case CLI_REAL:
    case CLI_REAL_OR_NONE:
    case CLI_SECONDS: break;
    }
    return set_number(setting, at, text, err);
}

char *cli_setting_text(const cli_setting *setting, const cli_settings *settings) {
    const void *at = place_to_read(setting, settings);
    switch (setting->kind) {
    case CLI_TEXT: {
        const char *text = *(char *const *)at;
        return cli_copy(text ? text : "");
    }
    case CLI_INTEGER: return cli_format("%d", *(const int *)at);
    case CLI_COUNT: return cli_format("%llu", (unsigned long long)*(const uint64_t *)at);
    case CLI_SECONDS: return cli_copy(cli_double(*(const double *)at).text);
    case CLI_SWITCH: return cli_copy(*(const bool *)at ? "yes" : "no");
    case CLI_CHOICE: return cli_copy(setting->choices[*(const int *)at]);
    case CLI_REAL:
    case CLI_REAL_OR_NONE: {
        float value = *(const float *)at;
        return cli_copy(isnan(value) ? "none" : cli_float(value).text);
    }
    case CLI_AUGMENTATIONS: break;
    }
    return cli_copy("");
}

json_t *cli_setting_json(const cli_setting *setting, const cli_settings *settings) {
    char *text = cli_setting_text(setting, settings);
    json_t *value;
    switch (setting->kind) {
    case CLI_INTEGER:
    case CLI_COUNT: value = cli_json_integer(strtoull(text, NULL, 10)); break;
    case CLI_REAL:
    case CLI_REAL_OR_NONE:
    case CLI_SECONDS:
        value = strcmp(text, "none") == 0 ? json_null() : cli_json_real(strtod(text, NULL));
        break;
    case CLI_SWITCH: value = json_boolean(strcmp(text, "yes") == 0); break;
    case CLI_TEXT:
    case CLI_CHOICE:
    case CLI_AUGMENTATIONS:
    default: value = cli_json_text(text); break;
    }
    free(text);
    return value;
}

nin_status cli_setting_set_json(const cli_setting *setting, cli_settings *settings,
                                const json_t *value, nin_error *err) {
    char *text = NULL;
    if (json_is_string(value)) {
        text = cli_copy(json_string_value(value));
    } else if (json_is_integer(value)) {
        text = cli_format("%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        text = cli_copy(cli_double(json_real_value(value)).text);
    } else if (json_is_boolean(value)) {
        text = cli_copy(json_is_true(value) ? "yes" : "no");
    } else if (json_is_null(value)) {
        text = cli_copy("none");
    } else {
        return cli_error(err, NIN_ERROR_ARGUMENT, "%s: neither a number, text, true nor false",
                         setting->name);
    }
    nin_status status = cli_setting_set(setting, settings, text, err);
    free(text);
    return status;
}

nin_session_options cli_session_options(const cli_settings *settings) {
    nin_session_options options = settings->train.session;
    options.device = settings->device;
    options.isa = settings->isa;
    options.math = maths[settings->math];
    options.algorithms = settings->algorithms;
    options.plugins = cli_plugins();
    options.cache = cli_cache();
    options.batch = settings->train.batch;
    return options;
}

nin_train_options cli_train_options(const cli_settings *settings) {
    nin_train_options options = settings->train;
    options.session = cli_session_options(settings);
    options.lr_scale = settings->lr_scale;
    options.decay_scale = settings->decay_scale;
    options.freeze = settings->freeze;
    return options;
}

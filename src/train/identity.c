#include "train/identity.h"

#include "base/error.h"
#include "format/json.h"
#include "format/model.h"
#include "format/preprocess.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *schedule_name(nin_schedule schedule) {
    switch (schedule) {
    case NIN_SCHEDULE_CONSTANT: return "constant";
    case NIN_SCHEDULE_STEP: return "step";
    case NIN_SCHEDULE_COSINE: return "cosine";
    case NIN_SCHEDULE_ONE_CYCLE: return "one-cycle";
    }
    return "unknown";
}

static const char *optimizer_name(nin_optimizer optimizer) {
    switch (optimizer) {
    case NIN_OPTIMIZER_SGD: return "sgd";
    case NIN_OPTIMIZER_ADAM: return "adam";
    case NIN_OPTIMIZER_ADAMW: return "adamw";
    }
    return "unknown";
}

static const char *init_name(nin_init init) {
    switch (init) {
    case NIN_INIT_XAVIER: return "xavier";
    case NIN_INIT_HE: return "he";
    case NIN_INIT_GAUSSIAN: return "gaussian";
    case NIN_INIT_PYTORCH: return "pytorch";
    }
    return "unknown";
}

static json_t *number(float value) {
    return ninp_json_number((double)value);
}

/* Sets object[key] to a new value, which it takes over. When memory ran out the object is lost:
 * NULL from then on. */
static void set(json_t **object, const char *key, json_t *value) {
    if (!*object) {
        json_decref(value);
    } else if (json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

static void add_optimizer(json_t **object, const nin_train_options *options) {
    set(object, "lr", number(options->lr));
    set(object, "optimizer", json_string(optimizer_name(options->optimizer)));
    set(object, "momentum", number(options->momentum));
    set(object, "nesterov", json_boolean(options->nesterov));
    set(object, "beta1", number(options->beta1));
    set(object, "beta2", number(options->beta2));
    set(object, "epsilon", number(options->epsilon));
    set(object, "accumulate", json_integer(options->accumulate));
    set(object, "ema", number(options->ema));
    set(object, "weight_decay", number(options->weight_decay));
    set(object, "decay_all", json_boolean(options->decay_all));
    set(object, "schedule", json_string(schedule_name(options->schedule)));
    set(object, "step_factor", number(options->step_factor));
    set(object, "step_epochs", json_integer(options->step_epochs));
    set(object, "final_factor", number(options->final_factor));
    set(object, "warmup_steps", json_integer(options->warmup_steps));
    set(object, "clip_norm", number(options->clip_norm));
    set(object, "label_smoothing", number(options->label_smoothing));
}

static void add_augmentation(json_t **object, const nin_augmentation *augmentation) {
    set(object, "flip", json_boolean(augmentation->flip));
    set(object, "crop_padding", json_integer(augmentation->crop_padding));
    set(object, "erase", number(augmentation->erase));
    set(object, "mixup", number(augmentation->mixup));
    set(object, "cutmix", number(augmentation->cutmix));
}

static void add_init(json_t **object, const nin_init_options *init) {
    set(object, "init", json_string(init_name(init->weights)));
    set(object, "init_std", number(init->std));
    set(object, "zero_bias", json_boolean(init->zero_bias));
    set(object, "last_scale", number(init->last_scale));
    set(object, "last_bias", number(init->last_bias));
}

static void add_numbers(json_t **object, const nin_train_options *options) {
    char seed[24]; /* as text: JSON's numbers end at 2^63 */
    snprintf(seed, sizeof seed, "%" PRIu64, options->seed);
    set(object, "epochs", json_integer(options->epochs));
    set(object, "batch", json_integer(options->batch));
    set(object, "seed", json_string(seed));
    add_optimizer(object, options);
    add_augmentation(object, &options->augmentation);
    set(object, "test_flip", json_boolean(options->test_flip));
    add_init(object, &options->init);
    set(object, "points_per_epoch", json_integer(options->points_per_epoch));
}

/* A text that comes from outside, which may be no UTF-8. */
static nin_status add_text(json_t **object, const char *key, const char *value, nin_error *err) {
    json_t *text;
    nin_status status = ninp_json_text(value ? value : "", key, &text, err);
    if (status == NIN_OK) {
        set(object, key, text);
    }
    return status;
}

static nin_status add_texts(json_t **object, const nin_model *model,
                            const nin_train_options *options, nin_error *err) {
    const struct {
        const char *key, *value;
    } texts[] = {{"algorithms", options->session.algorithms},
                 {"lr_scale", options->lr_scale},
                 {"decay_scale", options->decay_scale},
                 {"freeze", options->freeze},
                 {"net", nin_net_text(model->net)}};
    nin_status status = NIN_OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == NIN_OK; i++) {
        status = add_text(object, texts[i].key, texts[i].value, err);
    }
    json_t *classes;
    if (status == NIN_OK) {
        status = ninp_model_classes(model, &classes, err);
    }
    if (status == NIN_OK) {
        set(object, "classes", classes);
    }
    return status;
}

nin_status ninp_identity_create(const nin_model *model, const nin_dataset *train,
                                const nin_dataset *test, const nin_train_options *options,
                                json_t **out, nin_error *err) {
    *out = json_object();
    add_numbers(out, options);
    nin_status status = add_texts(out, model, options, err);
    set(out, "preprocess", ninp_preprocess_to_json(&model->preprocess));
    set(out, "training data", json_string(nin_dataset_get_info(train).digest));
    set(out, "test data", test ? json_string(nin_dataset_get_info(test).digest) : json_null());
    if (status == NIN_OK && !*out) {
        status = ninp_fail_memory(err, sizeof *options, "the state");
    }
    if (status != NIN_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

nin_status ninp_identity_compare(json_t *asked, const json_t *stored, const char *path,
                                 nin_error *err) {
    enum { SHORT = 60 }; /* longer values say nothing to people */
    const char *key;
    json_t *value;
    json_object_foreach(asked, key, value) {
        const json_t *other = json_object_get(stored, key);
        if (other && json_equal(value, other)) {
            continue;
        }
        char *here = ninp_json_line(value, NINP_JSON_SHORT);
        char *there = ninp_json_line(other, NINP_JSON_SHORT);
        bool telling = here && there && strlen(here) <= SHORT && strlen(there) <= SHORT &&
                       strcmp(here, there) != 0;
        nin_status status =
            ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: the run was made with another %s%s%s%s%s", path,
                      key, telling ? ": " : "", telling ? there : "", telling ? ", not " : "",
                      telling ? here : "");
        free(here);
        free(there);
        return status;
    }
    return NIN_OK;
}

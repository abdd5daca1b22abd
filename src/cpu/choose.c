/* Which algorithm computes which step. */
#include "cpu/engine.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *layer_name(const ninp_cpu *cpu, const ninp_step *step) {
    return cpu->net->layers[step->first_layer].name;
}

static ninp_cpu_config step_config(const ninp_cpu *cpu, size_t index) {
    return (ninp_cpu_config){.kernels = cpu->kernels,
                             .threads = cpu->threads,
                             .batch = cpu->batch,
                             .training = cpu->training,
                             .first = index == 0};
}

static const char *refusal(const ninp_cpu_algorithm *algorithm, const ninp_step *step,
                           const ninp_cpu_config *config) {
    if (algorithm->work != step->work) {
        return "it computes another kind of layer";
    }
    if (algorithm->reads_plain && !config->first) {
        return "it reads the net's input only";
    }
    return algorithm->refuse ? algorithm->refuse(step, config) : NULL;
}

/* The choice decides the bits of the results, so it is made as for this many threads whatever there
 * are. */
enum { NOMINAL_THREADS = 2 };

static const ninp_cpu_algorithm *cheapest(const ninp_step *step, const ninp_cpu_config *config) {
    const ninp_cpu_algorithm *best = NULL;
    double least = 0.0;
    ninp_cpu_config nominal = *config;
    nominal.threads = NOMINAL_THREADS;
    for (size_t i = 0; ninp_cpu_algorithms[i]; i++) {
        const ninp_cpu_algorithm *algorithm = ninp_cpu_algorithms[i];
        if (refusal(algorithm, step, config)) {
            continue;
        }
        double cost = algorithm->cost ? algorithm->cost(step, &nominal) : 0.0;
        if (!best || cost < least) {
            best = algorithm;
            least = cost;
        }
    }
    return best;
}

/* Looks for NAME= in a comma-separated list; copies what follows into `value`. */
static bool find_pin(const char *pins, const char *name, char *value, size_t size) {
    size_t length = strlen(name);
    while (pins && *pins) {
        size_t item = strcspn(pins, ",");
        if (item > length && strncmp(pins, name, length) == 0 && pins[length] == '=') {
            snprintf(value, size, "%.*s", (int)(item - length - 1), pins + length + 1);
            return true;
        }
        pins += item + (pins[item] == ',');
    }
    return false;
}

static const ninp_cpu_algorithm *pinned(const ninp_cpu *cpu, const ninp_step *step,
                                        const ninp_cpu_config *config, const char *name,
                                        nin_error *err) {
    const char *reason = NULL;
    for (size_t i = 0; ninp_cpu_algorithms[i]; i++) {
        const ninp_cpu_algorithm *algorithm = ninp_cpu_algorithms[i];
        if (strcmp(algorithm->name, name) != 0 || algorithm->work != step->work) {
            continue;
        }
        reason = refusal(algorithm, step, config);
        if (!reason) {
            return algorithm;
        }
    }
    ninp_fail(err, NIN_ERROR_ARGUMENT, "algorithms: %s=%s: %s", layer_name(cpu, step), name,
              reason ? reason : "no such algorithm for this layer");
    return NULL;
}

/* Names and work of a step, for people. */
static void describe(const ninp_cpu *cpu, ninp_cpu_step *step) {
    ninp_step_work_text(step->step, step->work, sizeof step->work);
    ninp_step_layers_text(&cpu->plan, step->step, step->layers, sizeof step->layers);
}

/* Every pin must name a step. */
static nin_status check_pins(const ninp_cpu *cpu, const char *pins, nin_error *err) {
    while (pins && *pins) {
        size_t item = strcspn(pins, ",");
        size_t name = strcspn(pins, "=,");
        bool known = false;
        for (size_t i = 0; i < cpu->plan.count; i++) {
            const char *layer = layer_name(cpu, &cpu->plan.steps[i]);
            known = known || (strlen(layer) == name && strncmp(layer, pins, name) == 0);
        }
        if (!known || name == item) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "algorithms: \"%.*s\" is not LAYER=ALGORITHM with a layer that starts "
                             "a step of this plan",
                             (int)item, pins);
        }
        pins += item + (pins[item] == ',');
    }
    return NIN_OK;
}

nin_status ninp_cpu_choose(ninp_cpu *cpu, const char *pins, nin_error *err) {
    nin_status status = check_pins(cpu, pins, err);
    ninp_text chosen = {0};
    for (size_t i = 0; status == NIN_OK && i < cpu->plan.count; i++) {
        ninp_cpu_step *step = &cpu->steps[i];
        step->step = &cpu->plan.steps[i];
        describe(cpu, step);
        ninp_cpu_config config = step_config(cpu, i);
        char name[64];
        step->algorithm = find_pin(pins, layer_name(cpu, step->step), name, sizeof name)
                              ? pinned(cpu, step->step, &config, name, err)
                              : cheapest(step->step, &config);
        if (!step->algorithm) {
            status = ninp_fail(err, NIN_ERROR_ARGUMENT,
                               "layer %s: the CPU engine has no algorithm "
                               "for this %s",
                               layer_name(cpu, step->step), step->work);
            break;
        }
        if (step->algorithm->prepare) {
            step->algorithm->prepare(step->step, &config, &step->needs, &step->settings);
        }
        ninp_text_add(&chosen, "%s%s=%s", i ? "," : "", layer_name(cpu, step->step),
                      step->algorithm->name);
    }
    if (status != NIN_OK) {
        ninp_text_free(&chosen);
        return status;
    }
    cpu->algorithms = ninp_text_take(&chosen);
    return cpu->algorithms ? NIN_OK : ninp_fail_memory(err, 0, "the list of algorithms");
}

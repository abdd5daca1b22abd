/* When the watch looks, and how sightings become findings: a check must see the same thing at every
 * look for a while before it is told, and must not see it for as long before it is over. */
#include "train/health/watch.h"

#include "base/error.h"
#include "base/memory.h"
#include "format/json.h"
#include "train/health/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run is looked at after these steps. */
enum {
    DENSE_STEPS = 10, /* the first steps are all looked at: a rate that is too high shows there */
    LOOK_STEPS = 20
};

/* What is known about one kind. */
typedef struct watched {
    nin_finding
        finding;    /* since: of the latest row of sightings, or of those of all that there are */
    uint64_t seen;  /* step of the last sighting */
    bool row;       /* it was seen at the last look, or is told and not over */
    bool told;      /* it is a finding: told, and not over */
    bool known;     /* there was a finding, maybe over */
    int told_count; /* finding.count when it was told */
    uint64_t complete; /* step since when all are concerned; 0: not all are */
    bool news;
} watched;

struct ninp_health {
    ninp_health_view view;
    watched sightings[NIN_FINDING_KINDS];
    double loss_sum, log_norm_sum, largest_norm; /* since the last look */
    uint64_t steps;                              /* likewise */
    double largest_update;                       /* at the last look */
};

nin_status ninp_health_create(const nin_model *model, const nin_session *session,
                              const nin_dataset *train, const nin_train_options *options,
                              ninp_health **out, nin_error *err) {
    *out = NULL;
    ninp_health *health = ninp_calloc(1, sizeof *health);
    if (!health) {
        return ninp_fail_memory(err, sizeof *health, "the health watch");
    }
    health->view =
        (ninp_health_view){.model = model, .session = session, .train = train, .options = options};
    nin_status status = ninp_health_view_open(&health->view, err);
    if (status != NIN_OK) {
        ninp_health_free(health);
        return status;
    }
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        health->sightings[kind].finding.kind = (nin_finding_kind)kind;
    }
    *out = health;
    return NIN_OK;
}

void ninp_health_free(ninp_health *health) {
    if (health) {
        ninp_health_view_close(&health->view);
        free(health);
    }
}

/* ---- from sightings to findings ---------------------------------------------------------- */

static bool is_hidden(const ninp_health *health, const ninp_health_check *check) {
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        if ((check->hidden_by & (1U << kind)) && health->sightings[kind].told) {
            return true;
        }
    }
    return false;
}

static void tell(ninp_health *health, const ninp_health_check *check, watched *sighting) {
    sighting->told = sighting->known = sighting->news = true;
    sighting->told_count = sighting->finding.count;
    if (sighting->complete) { /* what is told of all holds since then only */
        sighting->finding.since = sighting->complete;
    }
    check->say(&health->view, &sighting->finding);
}

/* A finding that is twice as bad as when it was told, or complete, is told again. */
static bool has_worsened(const watched *sighting) {
    const nin_finding *finding = &sighting->finding;
    return finding->count >= 2 * sighting->told_count ||
           (finding->count == finding->of && sighting->told_count < finding->of);
}

static void see(ninp_health *health, const ninp_health_check *check, watched *sighting,
                const nin_finding *fresh) {
    uint64_t step = health->view.step;
    nin_finding *finding = &sighting->finding;
    if (!sighting->row) {
        sighting->row = true;
        sighting->complete = 0;
        finding->since = step;
    }
    sighting->seen = step;
    memcpy(finding->layer, fresh->layer, sizeof finding->layer);
    finding->count = fresh->count;
    finding->of = fresh->of;
    finding->value = fresh->value;
    finding->limit = fresh->limit;
    if (fresh->count < fresh->of) {
        sighting->complete = 0;
    } else if (!sighting->complete) {
        sighting->complete = step;
    }
    if (!sighting->told && step - finding->since >= check->patience) {
        finding->until = 0;
        tell(health, check, sighting);
    } else if (sighting->told && check->tells_worse && has_worsened(sighting)) {
        tell(health, check, sighting);
    }
}

static void miss(const ninp_health *health, const ninp_health_check *check, watched *sighting) {
    uint64_t step = health->view.step;
    nin_finding *finding = &sighting->finding;
    if (!sighting->told) {
        sighting->row = false;
    } else if (step - sighting->seen >= check->patience) {
        sighting->row = sighting->told = false;
        sighting->news = true;
        finding->until = step;
        ninp_health_say(finding, "%s%s%s: over (from %s to step %" PRIu64 ")", check->title,
                        finding->layer[0] ? " in layer " : "", finding->layer,
                        ninp_health_since(finding).text, sighting->seen);
    }
}

static void make_checks(ninp_health *health, ninp_health_moment moment) {
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        const ninp_health_check *check = &ninp_health_checks[kind];
        if (!check->sees || check->moment != moment) {
            continue;
        }
        watched *sighting = &health->sightings[kind];
        nin_finding fresh = {0};
        if (is_hidden(health, check)) { /* nobody can tell then: what is told stays */
            sighting->row = sighting->told;
        } else if (check->sees(&health->view, &fresh)) {
            see(health, check, sighting, &fresh);
        } else {
            miss(health, check, sighting);
        }
    }
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool is_dense(uint64_t number) {
    return number <= DENSE_STEPS;
}

bool ninp_health_looks(uint64_t number) {
    return is_dense(number) || number % LOOK_STEPS == 0;
}

void ninp_health_look_at(ninp_health *health, const ninp_resident_device *device) {
    health->view.device = *device;
}

void ninp_health_begin(ninp_health *health) {
    make_checks(health, NINP_HEALTH_START);
}

void ninp_health_before_update(ninp_health *health, uint64_t number) {
    if (ninp_health_looks(number)) {
        ninp_health_view_before(&health->view);
    }
}

/* The means of the dense looks, of one step each, are no measure of where the loss stands. */
static void remember_mean(ninp_health_view *view) {
    memmove(view->means + 1, view->means, (NINP_HEALTH_MEANS - 1) * sizeof *view->means);
    view->means[0] = view->loss;
}

/* Moving average of logarithms: the norms of a dozen looks count. */
static void remember_norm(ninp_health_view *view, double log_norm) {
    static const double WEIGHT = 0.1;
    view->usual_norm = isnan(view->usual_norm)
                           ? exp(log_norm)
                           : exp((1 - WEIGHT) * log(view->usual_norm) + WEIGHT * log_norm);
}

void ninp_health_after_update(ninp_health *health, const ninp_health_step *step) {
    static const double LEAST_NORM = 1e-30; /* the logarithm of a gradient of zeros */
    health->loss_sum += step->loss;
    health->log_norm_sum +=
        log(step->gradient_norm > LEAST_NORM ? step->gradient_norm : LEAST_NORM);
    health->largest_norm = fmax(health->largest_norm, step->gradient_norm);
    health->steps++;
    if (!ninp_health_looks(step->number)) {
        return;
    }
    ninp_health_view *view = &health->view;
    view->step = step->number;
    view->lr = step->lr;
    view->loss = health->loss_sum / (double)health->steps;
    view->gradient_norm = health->largest_norm;
    ninp_health_view_after(view, step->images, step->count, !is_dense(step->number));
    health->largest_update = 0;
    for (size_t i = 0; i < view->weight_count; i++) {
        health->largest_update = fmax(health->largest_update, view->weights[i].ratio);
    }
    if (!is_dense(step->number)) {
        remember_mean(view);
    }
    make_checks(health, NINP_HEALTH_STEP);
    remember_norm(view, health->log_norm_sum / (double)health->steps);
    health->loss_sum = health->log_norm_sum = health->largest_norm = 0;
    health->steps = 0;
}

void ninp_health_evaluated(ninp_health *health, const nin_evaluation *evaluation, uint64_t number) {
    health->view.evaluation = evaluation;
    health->view.step = number;
    make_checks(health, NINP_HEALTH_EVALUATION);
    health->view.evaluation = NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

const nin_finding *ninp_health_news(ninp_health *health) {
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        if (health->sightings[kind].news) {
            health->sightings[kind].news = false;
            return &health->sightings[kind].finding;
        }
    }
    return NULL;
}

const nin_finding *ninp_health_finding(const ninp_health *health, nin_finding_kind kind) {
    return health->sightings[kind].known ? &health->sightings[kind].finding : NULL;
}

const nin_finding *ninp_health_nonfinite(ninp_health *health, uint64_t step, const char *text) {
    watched *sighting = &health->sightings[NIN_FINDING_NOT_FINITE];
    sighting->row = sighting->told = sighting->known = true;
    sighting->seen = sighting->finding.since = step;
    sighting->finding.value = sighting->finding.limit = 0;
    ninp_health_say(&sighting->finding, "%s", text);
    return &sighting->finding;
}

const nin_finding *ninp_health_failure(const ninp_health *health, uint64_t step, bool epoch_done,
                                       bool run_done) {
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        const ninp_health_check *check = &ninp_health_checks[kind];
        const watched *sighting = &health->sightings[kind];
        const nin_finding *finding = &sighting->finding;
        uint64_t steps = run_done ? UINT64_MAX : step - finding->since;
        if (sighting->told && check->fails && check->fails(finding, steps, epoch_done)) {
            return finding;
        }
    }
    return NULL;
}

double ninp_health_largest_update(const ninp_health *health) {
    return health->largest_update;
}

/* ---- memory ------------------------------------------------------------------------------ */

static json_t *save_sighting(const watched *sighting) {
    const nin_finding *finding = &sighting->finding;
    return json_pack("{s:s, s:I, s:I, s:i, s:i, s:o, s:o, s:s, s:I, s:b, s:b, s:b, s:i, s:I}",
                     "layer", finding->layer, "since", (json_int_t)finding->since, "until",
                     (json_int_t)finding->until, "count", finding->count, "of", finding->of,
                     "value", ninp_json_number(finding->value), "limit",
                     ninp_json_number(finding->limit), "text", finding->text, "seen",
                     (json_int_t)sighting->seen, "row", sighting->row, "told", sighting->told,
                     "known", sighting->known, "told_count", sighting->told_count, "complete",
                     (json_int_t)sighting->complete);
}

json_t *ninp_health_save(const ninp_health *health) {
    const ninp_health_view *view = &health->view;
    json_t *means = json_array();
    for (int i = 0; i < NINP_HEALTH_MEANS; i++) {
        json_array_append_new(means, ninp_json_number(view->means[i]));
    }
    json_t *findings = json_object();
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        const watched *sighting = &health->sightings[kind];
        if (sighting->row || sighting->known) {
            json_object_set_new(findings, nin_finding_word((nin_finding_kind)kind),
                                save_sighting(sighting));
        }
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "loss_sum", ninp_json_number(health->loss_sum),
        "log_norm_sum", ninp_json_number(health->log_norm_sum), "largest_norm",
        ninp_json_number(health->largest_norm), "largest_update",
        ninp_json_number(health->largest_update), "steps", (json_int_t)health->steps, "usual_norm",
        ninp_json_number(view->usual_norm), "means", means, "findings", findings);
}

static bool copy_text(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    if (length >= size) {
        return false;
    }
    memcpy(to, from, length + 1);
    return true;
}

static bool load_sighting(json_t *saved, watched *sighting) {
    nin_finding *finding = &sighting->finding;
    const char *layer;
    const char *text;
    json_t *value;
    json_t *limit;
    json_int_t since;
    json_int_t until;
    json_int_t seen;
    json_int_t complete;
    int row;
    int told;
    int known;
    if (json_unpack(saved, "{s:s, s:I, s:I, s:i, s:i, s:o, s:o, s:s, s:I, s:b, s:b, s:b, s:i, s:I}",
                    "layer", &layer, "since", &since, "until", &until, "count", &finding->count,
                    "of", &finding->of, "value", &value, "limit", &limit, "text", &text, "seen",
                    &seen, "row", &row, "told", &told, "known", &known, "told_count",
                    &sighting->told_count, "complete", &complete) != 0 ||
        since < 0 || until < 0 || seen < since || complete < 0) {
        return false;
    }
    sighting->complete = (uint64_t)complete;
    finding->since = (uint64_t)since;
    finding->until = (uint64_t)until;
    sighting->seen = (uint64_t)seen;
    sighting->row = row != 0;
    sighting->told = told != 0;
    sighting->known = known != 0;
    return ninp_json_get_number(value, &finding->value) &&
           ninp_json_get_number(limit, &finding->limit) &&
           copy_text(finding->layer, sizeof finding->layer, layer) &&
           copy_text(finding->text, sizeof finding->text, text);
}

static bool load_findings(ninp_health *health, json_t *findings) {
    size_t known = 0;
    for (int kind = 0; kind < NIN_FINDING_KINDS; kind++) {
        json_t *saved = json_object_get(findings, nin_finding_word((nin_finding_kind)kind));
        known += saved != NULL;
        if (saved && !load_sighting(saved, &health->sightings[kind])) {
            return false;
        }
    }
    return known == json_object_size(findings);
}

static bool load_means(ninp_health_view *view, const json_t *means) {
    bool right = json_array_size(means) == NINP_HEALTH_MEANS;
    for (size_t i = 0; i < NINP_HEALTH_MEANS && right; i++) {
        right = ninp_json_get_number(json_array_get(means, i), &view->means[i]);
    }
    return right;
}

nin_status ninp_health_load(ninp_health *health, const json_t *saved, nin_error *err) {
    const struct {
        const char *key;
        double *place;
    } numbers[] = {{"loss_sum", &health->loss_sum},
                   {"log_norm_sum", &health->log_norm_sum},
                   {"largest_norm", &health->largest_norm},
                   {"largest_update", &health->largest_update},
                   {"usual_norm", &health->view.usual_norm}};
    const json_t *steps = json_object_get(saved, "steps");
    bool right = json_is_integer(steps) && json_integer_value(steps) >= 0 &&
                 json_is_object(json_object_get(saved, "findings"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && right; i++) {
        right = ninp_json_get_number(json_object_get(saved, numbers[i].key), numbers[i].place);
    }
    health->steps = (uint64_t)json_integer_value(steps);
    right = right && load_means(&health->view, json_object_get(saved, "means")) &&
            load_findings(health, json_object_get(saved, "findings"));
    return right ? NIN_OK
                 : ninp_fail(err, NIN_ERROR_DATA, "the memory of the health watch is damaged");
}

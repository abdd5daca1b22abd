#include "results.h"

#include "../files.h"
#include "../json.h"
#include "../text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The loss of guessing is ln(classes); a run whose loss is not better than this has learnt nothing
 * that counts. */
static const double PLATEAU_WIDTH = 0.02;

const char *cli_outcome_name(cli_outcome outcome) {
    static const char *const names[CLI_OUTCOMES] = {
        [CLI_HEALTHY] = "healthy", [CLI_DEGRADED] = "degraded", [CLI_PLATEAU] = "plateau",
        [CLI_DEAD] = "dead",       [CLI_DIVERGED] = "diverged",
    };
    return names[outcome];
}

cli_outcome cli_study_outcome(const cli_study_run *run, double healthy_at) {
    const double guessing = log((double)run->classes);
    if (!run->finite || run->train_loss > 2 * guessing) {
        return CLI_DIVERGED;
    }
    if (run->dead_maps == run->classes) {
        return CLI_DEAD;
    }
    if (run->train_loss > guessing - PLATEAU_WIDTH) {
        return CLI_PLATEAU;
    }
    return run->train_accuracy >= healthy_at && run->dead_maps == 0 ? CLI_HEALTHY : CLI_DEGRADED;
}

static json_t *run_json(const cli_study_run *run) {
    json_t *object = cli_json_object();
    cli_json_set(object, "row", cli_json_text(run->row));
    cli_json_set(object, "seed", cli_json_integer(run->seed));
    cli_json_set(object, "finite", json_boolean(run->finite));
    cli_json_set(object, "train_loss", cli_json_real(run->train_loss));
    cli_json_set(object, "train_acc", cli_json_real(run->train_accuracy));
    cli_json_set(object, "test_acc", cli_json_real(run->test_accuracy));
    cli_json_set(object, "classes", cli_json_integer((unsigned)run->classes));
    cli_json_set(object, "dead_maps", cli_json_integer((unsigned)run->dead_maps));
    cli_json_set(object, "steps", cli_json_integer(run->steps));
    cli_json_set(object, "seconds", cli_json_real(run->seconds));
    cli_json_set(object, "isa", cli_json_text(run->isa));
    cli_json_set(object, "findings", json_incref(run->findings));
    return object;
}

static void free_run(cli_study_run *run) {
    free(run->row);
    free(run->isa);
    json_decref(run->findings);
}

static void keep(cli_study_results *results, cli_study_run run) {
    if (results->count == results->capacity) {
        size_t capacity = results->capacity ? 2 * results->capacity : 64;
        cli_study_run *larger = cli_allocate(capacity, sizeof *larger);
        if (results->count) {
            memcpy(larger, results->runs, results->count * sizeof *larger);
        }
        free(results->runs);
        results->runs = larger;
        results->capacity = capacity;
    }
    results->runs[results->count++] = run;
}

/* A number, or NaN where there is null. */
static bool read_real(const json_t *object, const char *key, double *value) {
    const json_t *number = json_object_get(object, key);
    *value = json_is_number(number) ? json_number_value(number) : (double)NAN;
    return json_is_number(number) || json_is_null(number);
}

static bool read_count(const json_t *object, const char *key, uint64_t most, uint64_t *value) {
    const json_t *number = json_object_get(object, key);
    *value = (uint64_t)json_integer_value(number);
    return json_is_integer(number) && json_integer_value(number) >= 0 && *value <= most;
}

/* The run of a line; false: it is not one. */
static bool read_run(const char *line, size_t length, cli_study_run *run) {
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const char *row = json_string_value(json_object_get(object, "row"));
    const char *isa = json_string_value(json_object_get(object, "isa"));
    json_t *findings = json_object_get(object, "findings");
    uint64_t classes;
    uint64_t dead;
    bool right = row && isa && json_is_array(findings) &&
                 json_is_boolean(json_object_get(object, "finite")) &&
                 read_count(object, "seed", INT64_MAX, &run->seed) &&
                 read_real(object, "train_loss", &run->train_loss) &&
                 read_real(object, "train_acc", &run->train_accuracy) &&
                 read_real(object, "test_acc", &run->test_accuracy) &&
                 read_count(object, "classes", 1000000, &classes) &&
                 read_count(object, "dead_maps", classes, &dead) &&
                 read_count(object, "steps", INT64_MAX, &run->steps) &&
                 read_real(object, "seconds", &run->seconds);
    if (right) {
        run->finite = json_is_true(json_object_get(object, "finite"));
        run->classes = (int)classes;
        run->dead_maps = (int)dead;
        run->row = cli_copy(row);
        run->isa = cli_copy(isa);
        run->findings = json_incref(findings);
    }
    json_decref(object);
    return right;
}

static nin_status read_lines(cli_study_results *results, char *text, nin_error *err) {
    int number = 1;
    for (char *line = text; *line; number++) {
        char *end = strchr(line, '\n');
        if (!end) {
            *line = '\0';
            return cli_replace_file(results->path, text, err);
        }
        cli_study_run run = {0};
        if (!read_run(line, (size_t)(end - line), &run)) {
            return cli_error(err, NIN_ERROR_DATA, "%s:%d: not the result of a run", results->path,
                             number);
        }
        keep(results, run);
        line = end + 1;
    }
    return NIN_OK;
}

nin_status cli_study_results_open(const char *path, cli_study_results *out, nin_error *err) {
    *out = (cli_study_results){.path = cli_copy(path)};
    if (!cli_exists(path)) {
        return NIN_OK;
    }
    char *text;
    size_t size;
    nin_status status = cli_read_file(path, (size_t)256 << 20, &text, &size, err);
    if (status == NIN_OK) {
        status = strlen(text) == size ? read_lines(out, text, err)
                                      : cli_error(err, NIN_ERROR_DATA, "%s: not a text file", path);
        free(text);
    }
    return status;
}

void cli_study_results_free(cli_study_results *results) {
    for (size_t i = 0; i < results->count; i++) {
        free_run(&results->runs[i]);
    }
    free(results->runs);
    free(results->path);
    *results = (cli_study_results){0};
}

const cli_study_run *cli_study_results_find(const cli_study_results *results, const char *row,
                                            uint64_t seed) {
    for (size_t i = 0; i < results->count; i++) {
        if (results->runs[i].seed == seed && strcmp(results->runs[i].row, row) == 0) {
            return &results->runs[i];
        }
    }
    return NULL;
}

/* One write to a file opened for appending, so that lines of two processes do not mix. */
static int append(const char *path, const char *line) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) {
        return errno;
    }
    size_t length = strlen(line);
    ssize_t written = write(file, line, length);
    int failure = written < 0 ? errno : (size_t)written < length ? ENOSPC : 0;
    if (failure == 0 && fsync(file) != 0) {
        failure = errno;
    }
    close(file);
    return failure;
}

nin_status cli_study_results_add(cli_study_results *results, cli_study_run run, nin_error *err) {
    json_t *object = run_json(&run);
    char *text = cli_json_line(object);
    char *line = cli_format("%s\n", text);
    int failure = append(results->path, line);
    free(line);
    free(text);
    json_decref(object);
    keep(results, run);
    return failure == 0 ? NIN_OK
                        : cli_error(err, NIN_ERROR_IO, "%s: cannot be written: %s", results->path,
                                    strerror(failure));
}

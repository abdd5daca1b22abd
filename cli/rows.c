#include "rows.h"

#include "config.h"
#include "embedded.h"
#include "files.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 100 };

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

/* A heading with the lines behind it, or the lines before the first one. */
typedef struct section {
    char *name;  /* "" before the first heading */
    int heading; /* its line, from 1 */
    char *about; /* what these lines say, or NULL */
    char *recipe;
    char *paper;
    char *settings; /* the other lines, each at its place in the file: messages count lines right */
    size_t length;  /* of the settings so far */
} section;

typedef struct sections {
    section all[MOST_ROWS + 1];
    size_t count;
} sections;

static void free_sections(sections *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->all[i].name);
        free(list->all[i].about);
        free(list->all[i].recipe);
        free(list->all[i].paper);
        free(list->all[i].settings);
    }
}

/* The value of a line `key = value`, or NULL; freed by the caller. */
static char *value_of(const char *line, size_t length, const char *key) {
    size_t at = strspn(line, " \t");
    size_t key_length = strlen(key);
    if (strncmp(line + at, key, key_length) != 0) {
        return NULL;
    }
    at += key_length + strspn(line + at + key_length, " \t");
    if (at >= length || line[at] != '=') {
        return NULL;
    }
    at++;
    at += strspn(line + at, " \t");
    while (length > at && strchr(" \t\r", line[length - 1])) {
        length--;
    }
    return at <= length ? cli_copy_part(line + at, length - at) : cli_copy("");
}

/* A new section whose settings will hold at most `size` bytes. */
static section *add_section(sections *list, char *name, int line, size_t size) {
    section *added = &list->all[list->count++];
    *added = (section){.name = name, .heading = line, .settings = cli_allocate(size + 1, 1)};
    added->length = (size_t)line;
    memset(added->settings, '\n', added->length);
    return added;
}

/* The name in a heading; freed by the caller. NULL: it is not one, or taken. */
static char *read_heading(const char *line, size_t length, const char *where, const sections *list,
                          nin_error *err) {
    const char *end = memchr(line, ']', length);
    size_t letters = end ? (size_t)(end - line) - 1 : 0;
    if (letters == 0 || strspn(line + 1, name_letters) != letters ||
        letters + 2 + strspn(end + 1, " \t\r") < length) {
        cli_error(err, NIN_ERROR_DATA,
                  "%s: a row begins with [NAME], a name of small letters, digits, - and .", where);
        return NULL;
    }
    if (list->count > MOST_ROWS) {
        cli_error(err, NIN_ERROR_DATA, "%s: more than %d rows", where, MOST_ROWS);
        return NULL;
    }
    char *name = cli_copy_part(line + 1, letters);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->all[i].name, name) == 0) {
            cli_error(err, NIN_ERROR_DATA, "%s: there is a row %s already, in line %d", where, name,
                      list->all[i].heading);
            free(name);
            return NULL;
        }
    }
    return name;
}

static void read_line(section *here, const char *line, size_t length) {
    const struct {
        const char *key;
        char **value;
    } own[] = {{"about", &here->about}, {"recipe", &here->recipe}, {"paper", &here->paper}};
    bool is_own = false;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char *value = value_of(line, length, own[i].key);
        if (value) {
            free(*own[i].value);
            *own[i].value = value;
            is_own = true;
        }
    }
    if (!is_own) {
        memcpy(here->settings + here->length, line, length);
        here->length += length;
    }
    here->settings[here->length++] = '\n';
}

/* Cuts the text into sections; the first one is what stands before the first heading. */
static nin_status cut(const char *text, const char *name, sections *list, nin_error *err) {
    size_t size = strlen(text) + 1;
    section *here = add_section(list, cli_copy(""), 0, size);
    int number = 1;
    for (const char *line = text; *line; number++) {
        size_t length = strcspn(line, "\n");
        if (line[0] == '[') {
            char *where = cli_format("%s:%d", name, number);
            char *row = read_heading(line, length, where, list, err);
            free(where);
            if (!row) {
                return err->status;
            }
            here = add_section(list, row, number, size);
        } else {
            read_line(here, line, length);
        }
        line += length + (line[length] == '\n');
    }
    return NIN_OK;
}

/* The settings of a row; `row` may be the common section itself. */
static nin_status settle(const section *common, const section *row, const char *name,
                         cli_settings *settings, nin_error *err) {
    const char *recipe = row->recipe ? row->recipe : common->recipe;
    nin_status status = recipe ? cli_config_apply_recipe(recipe, settings, err) : NIN_OK;
    if (status == NIN_OK) {
        status = cli_config_apply(common->settings, name, settings, err);
    }
    if (status == NIN_OK && row != common) {
        status = cli_config_apply(row->settings, name, settings, err);
    }
    return status == NIN_OK ? NIN_OK : (err->status = NIN_ERROR_DATA);
}

static nin_status read_paper(const section *row, const char *name, double *error, nin_error *err) {
    char *end;
    *error = strtod(row->paper, &end);
    return end != row->paper && *end == '\0' && *error >= 0 && *error <= 100
               ? NIN_OK
               : cli_error(err, NIN_ERROR_DATA, "%s: row %s: paper = %s is no error in percent",
                           name, row->name, row->paper);
}

static char *summary_of(const char *text) {
    if (text[0] != '#') {
        return cli_copy("");
    }
    text += 1 + strspn(text + 1, " ");
    return cli_copy_part(text, strcspn(text, "\r\n"));
}

cli_row *cli_rows_add(cli_rows *rows, const char *name, const char *about, cli_settings settings) {
    cli_row *larger = cli_allocate(rows->count + 1, sizeof *larger);
    if (rows->count) {
        memcpy(larger, rows->rows, rows->count * sizeof *larger);
    }
    free(rows->rows);
    rows->rows = larger;
    cli_row *row = &rows->rows[rows->count++];
    *row = (cli_row){.name = cli_copy(name),
                     .about = cli_copy(about),
                     .paper = (double)NAN,
                     .settings = settings};
    return row;
}

cli_row *cli_rows_find(const cli_rows *rows, const char *name) {
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->rows[i].name, name) == 0) {
            return &rows->rows[i];
        }
    }
    return NULL;
}

nin_status cli_rows_parse(const char *text, const char *name, const cli_line *line, cli_rows *out,
                          nin_error *err) {
    *out = (cli_rows){0};
    sections list = {0};
    nin_status status = cut(text, name, &list, err);
    if (status == NIN_OK && list.count == 1) {
        status = cli_error(err, NIN_ERROR_DATA, "%s: there is no row, [NAME], in it", name);
    }
    for (size_t i = 1; i < list.count && status == NIN_OK; i++) {
        const section *from = &list.all[i];
        cli_settings settings = cli_settings_defaults();
        status = settle(&list.all[0], from, name, &settings, err);
        if (status == NIN_OK) {
            cli_line_apply(line, &settings);
        }
        cli_row *row = cli_rows_add(out, from->name, from->about ? from->about : "", settings);
        if (status == NIN_OK && from->paper) {
            status = read_paper(from, name, &row->paper, err);
        }
    }
    free_sections(&list);
    out->summary = summary_of(text);
    if (status != NIN_OK) {
        cli_rows_free(out);
    }
    return status;
}

nin_status cli_rows_parse_row(const char *text, const char *name, const char *row,
                              cli_settings *settings, nin_error *err) {
    sections list = {0};
    nin_status status = cut(text, name, &list, err);
    const section *found = &list.all[0];
    for (size_t i = 1; i < list.count && row; i++) {
        found = strcmp(list.all[i].name, row) == 0 ? &list.all[i] : found;
    }
    if (status == NIN_OK) {
        status = settle(&list.all[0], found, name, settings, err);
    }
    free_sections(&list);
    return status;
}

void cli_rows_free(cli_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->rows[i].name);
        free(rows->rows[i].about);
        cli_settings_free(&rows->rows[i].settings);
    }
    free(rows->rows);
    free(rows->summary);
    *rows = (cli_rows){0};
}

static const cli_embedded *find_experiment(const char *name) {
    const cli_embedded *found = cli_embedded_experiments;
    while (found->name && strcmp(found->name, name) != 0) {
        found++;
    }
    return found;
}

const char *cli_experiment_text(const char *name) {
    return find_experiment(name)->text;
}

const char *cli_experiment_summary(const char *name) {
    return find_experiment(name)->summary;
}

static nin_status no_such_row(const cli_rows *rows, const char *name, nin_error *err) {
    const char *names[MOST_ROWS];
    char list[500] = "";
    size_t length = 0;
    for (size_t i = 0; i < rows->count; i++) {
        names[i] = rows->rows[i].name;
        if (length < sizeof list) {
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "",
                                       names[i]);
        }
    }
    const char *nearest = cli_nearest(name, names, rows->count);
    return cli_error(err, NIN_ERROR_ARGUMENT, "row '%s' is none of %s%s%s%s", name, list,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

nin_status cli_rows_keep(cli_rows *rows, const char *const *names, size_t count, nin_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!cli_rows_find(rows, names[i])) {
            return no_such_row(rows, names[i], err);
        }
    }
    size_t kept = 0;
    for (size_t j = 0; j < rows->count; j++) {
        bool wanted = count == 0;
        for (size_t i = 0; i < count; i++) {
            wanted = wanted || strcmp(rows->rows[j].name, names[i]) == 0;
        }
        cli_row row = rows->rows[j];
        if (wanted) {
            rows->rows[kept++] = row;
        } else {
            free(row.name);
            free(row.about);
            cli_settings_free(&row.settings);
        }
    }
    rows->count = kept;
    return NIN_OK;
}

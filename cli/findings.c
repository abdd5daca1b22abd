#include "findings.h"

#include "json.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NARROWEST = 40, WIDEST = 100, INDENT = 2 };

/* The bytes of `text` that go on a line of so many columns: up to the last blank that fits, or all.
 * Findings are ASCII apart from names, which may only make a line shorter than need be. */
static size_t line_length(const char *text, size_t columns) {
    size_t length = strlen(text);
    if (length <= columns) {
        return length;
    }
    size_t at = columns;
    while (at > 0 && text[at] != ' ') {
        at--;
    }
    return at ? at : strcspn(text, " ");
}

/* `text` broken into lines, those after the first one indented; freed by the caller. */
static char *wrap(const char *text) {
    int width = cli_terminal_width() - 1;
    width = width < NARROWEST ? NARROWEST : width;
    size_t columns = (size_t)(width > WIDEST ? WIDEST : width);
    char *out = cli_allocate(2 * strlen(text) + 1 + INDENT * (strlen(text) / NARROWEST + 2), 1);
    size_t length = 0;
    for (bool first = true; *text; first = false) {
        if (!first) {
            out[length++] = '\n';
            memset(out + length, ' ', INDENT);
            length += INDENT;
        }
        size_t part = line_length(text, first ? columns : columns - INDENT);
        memcpy(out + length, text, part);
        length += part;
        text += part;
        text += strspn(text, " ");
    }
    return out;
}

/* Above the progress line, if there is one. Takes the text over. */
static void print_wrapped(cli_progress *line, char *text) {
    char *lines = wrap(text);
    for (char *rest = lines; rest;) {
        char *end = strchr(rest, '\n');
        if (end) {
            *end++ = '\0';
        }
        if (line) {
            cli_progress_note(line, "%s", rest);
        } else {
            cli_note("%s", rest);
        }
        rest = end;
    }
    free(lines);
    free(text);
}

void cli_finding_note(cli_progress *line, const nin_finding *finding) {
    if (finding->kind != NIN_FINDING_NOT_FINITE) { /* that one ends the run and is told then */
        print_wrapped(line, cli_format("nin: %s", finding->text));
    }
}

void cli_finding_note_restart(cli_progress *line, const nin_finding *finding, int restart,
                              uint64_t seed) {
    print_wrapped(line,
                  cli_format("nin: the run has failed (%s); restart %d, with seed %llu",
                             nin_finding_word(finding->kind), restart, (unsigned long long)seed));
}

void cli_findings_summary(const nin_train_result *result, uint64_t seed) {
    int restarts = result->last.restart;
    if (restarts > 0) {
        cli_note("health  begun again %d time%s after failures; the last start has seed %llu",
                 restarts, restarts == 1 ? "" : "s", (unsigned long long)seed + (unsigned)restarts);
    }
    for (int i = 0; i < result->finding_count; i++) {
        print_wrapped(NULL, cli_format("health  %s", result->findings[i].text));
    }
}

json_t *cli_findings_json(const nin_train_result *result) {
    json_t *array = cli_json_array();
    for (int i = 0; i < result->finding_count; i++) {
        const nin_finding *finding = &result->findings[i];
        json_t *object = cli_json_object();
        cli_json_set(object, "finding", cli_json_text(nin_finding_word(finding->kind)));
        cli_json_set(object, "layer", cli_json_text(finding->layer));
        cli_json_set(object, "since", cli_json_integer(finding->since));
        cli_json_set(object, "until",
                     finding->until ? cli_json_integer(finding->until) : json_null());
        cli_json_set(object, "count", cli_json_integer((unsigned)finding->count));
        cli_json_set(object, "of", cli_json_integer((unsigned)finding->of));
        cli_json_set(object, "value", cli_json_real(finding->value));
        cli_json_set(object, "limit", cli_json_real(finding->limit));
        cli_json_set(object, "text", cli_json_text(finding->text));
        cli_json_append(array, object);
    }
    return array;
}

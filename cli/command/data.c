/* nin data: lists, shows and fetches data sets. */
#include "../command.h"
#include "../datasets.h"
#include "../fail.h"
#include "../files.h"
#include "../json.h"
#include "../progress.h"
#include "../sheet.h"
#include "../signals.h"
#include "../table.h"
#include "../text.h"

#include <nin/draw.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o', KEY_FORCE = 'f', KEY_PER_CLASS = CLI_OWN_KEY, KEY_SPLIT, KEY_URL };

static const struct argp_option own_options[] = {
    {"out", KEY_OUT, "FILE", 0, "sheet: the picture to make, .png, .svg or .pdf", 0},
    {"force", KEY_FORCE, NULL, 0, "sheet: replace FILE if it is there", 0},
    {"per-class", KEY_PER_CLASS, "N", 0, "sheet: examples of each class (default 10)", 0},
    {"split", KEY_SPLIT, "train|test", 0, "sheet: which pictures to take (default train)", 0},
    {"url", KEY_URL, "URL", 0, "fetch: take the files from here and not from upstream", 0},
    CLI_OPTION_JSON,
    {0},
};

static const char doc[] =
    "List, look at and fetch data sets.\v"
    "list         the data sets known by name, and where they are on this machine\n"
    "info DATA    pictures, size, classes, place and digest of a data set\n"
    "fetch NAME   download and check a data set, going on where it stopped\n"
    "sheet DATA   draw examples of each class into one picture; with --augment and the like,\n"
    "             as a net would see them in its first epoch";

typedef struct data_request {
    const char *out, *url;
    bool force, json;
    nin_split split;
    long long per_class;
} data_request;

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    data_request *request = context;
    switch (key) {
    case KEY_OUT: request->out = value; return true;
    case KEY_FORCE: request->force = true; return true;
    case KEY_URL: request->url = value; return true;
    case KEY_PER_CLASS:
        *wrong = "a whole number from 1 to 100";
        return cli_read_count(value, 1, 100, &request->per_class);
    case KEY_SPLIT:
        *wrong = "train or test";
        request->split = strcmp(value, "test") == 0 ? NIN_SPLIT_TEST : NIN_SPLIT_TRAIN;
        return strcmp(value, "train") == 0 || strcmp(value, "test") == 0;
    default: request->json = true; return true;
    }
}

/* ---- list ------------------------------------------------------------------------------- */

static int run_list(const cli_settings *settings, const data_request *request) {
    cli_search search = cli_search_create(settings);
    cli_table *table = cli_table_create("lll");
    const nin_known_dataset *known;
    for (size_t i = 0; (known = nin_dataset_known(i)); i++) {
        char *place = cli_dataset_place(known->name, search.directories);
        if (request->json) {
            json_t *object = cli_json_object();
            cli_json_set(object, "name", cli_json_text(known->name));
            cli_json_set(object, "summary", cli_json_text(known->summary));
            cli_json_set(object, "classes", cli_json_integer((unsigned)known->classes));
            cli_json_set(object, "place", place ? cli_json_text(place) : json_null());
            cli_json_set(object, "fetchable", json_boolean(known->fetchable));
            cli_json_print(object);
        } else {
            cli_table_add_styled(table, CLI_BOLD, "%s", known->name);
            cli_table_add(table, "%s", known->summary);
            if (place) {
                cli_table_add_styled(table, CLI_GOOD, "%s", place);
            } else if (known->fetchable) {
                cli_table_add(table, "not here: nin data fetch %s", known->name);
            } else {
                cli_table_add(table, "not here");
            }
        }
        free(place);
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    cli_search_free(&search);
    return CLI_DONE;
}

/* ---- info ------------------------------------------------------------------------------- */

/* How many pictures of each class; freed by the caller. */
static size_t *count_classes(const nin_dataset *dataset) {
    nin_dataset_info info = nin_dataset_get_info(dataset);
    size_t *counts = cli_allocate((size_t)info.classes, sizeof *counts);
    for (size_t i = 0; i < info.count; i++) {
        counts[nin_dataset_label(dataset, i)]++;
    }
    return counts;
}

static json_t *numbers_json(const double *numbers, int count) {
    json_t *array = cli_json_array();
    for (int i = 0; i < count; i++) {
        cli_json_append(array, cli_json_real(numbers[i]));
    }
    return array;
}

static json_t *split_json(const nin_dataset *dataset) {
    nin_dataset_info info = nin_dataset_get_info(dataset);
    size_t *counts = count_classes(dataset);
    json_t *classes = cli_json_array();
    for (int i = 0; i < info.classes; i++) {
        json_t *object = cli_json_object();
        cli_json_set(object, "name", cli_json_text(info.class_names[i]));
        cli_json_set(object, "count", cli_json_integer(counts[i]));
        cli_json_append(classes, object);
    }
    free(counts);
    json_t *split = cli_json_object();
    cli_json_set(split, "count", cli_json_integer(info.count));
    cli_json_set(split, "digest", cli_json_text(info.digest));
    cli_json_set(split, "classes", classes);
    return split;
}

static void print_info_json(const nin_dataset *train, const nin_dataset *test) {
    nin_dataset_info info = nin_dataset_get_info(train);
    json_t *shape = cli_json_array();
    cli_json_append(shape, cli_json_integer((unsigned)info.channels));
    cli_json_append(shape, cli_json_integer((unsigned)info.height));
    cli_json_append(shape, cli_json_integer((unsigned)info.width));
    json_t *object = cli_json_object();
    cli_json_set(object, "name", cli_json_text(info.name));
    cli_json_set(object, "place", cli_json_text(info.place));
    cli_json_set(object, "shape", shape);
    const nin_pixel_statistics pixels = nin_dataset_statistics(train, info.channels);
    cli_json_set(object, "mean", numbers_json(pixels.mean, info.channels));
    cli_json_set(object, "std", numbers_json(pixels.std, info.channels));
    cli_json_set(object, "train", split_json(train));
    cli_json_set(object, "test", split_json(test));
    cli_json_print(object);
}

/* A bar of up to 30 characters. */
static cli_short_text histogram_bar(size_t count, size_t largest) {
    enum { WIDEST = 30 };
    cli_short_text bar = {""};
    size_t length = largest ? (count * WIDEST + largest - 1) / largest : 0;
    memset(bar.text, '#', length);
    return bar;
}

static void print_classes(const nin_dataset *train, const nin_dataset *test) {
    nin_dataset_info info = nin_dataset_get_info(train);
    int test_classes = nin_dataset_get_info(test).classes;
    size_t *train_counts = count_classes(train);
    size_t *test_counts = count_classes(test);
    size_t largest = 0;
    for (int i = 0; i < info.classes; i++) {
        largest = train_counts[i] > largest ? train_counts[i] : largest;
    }
    cli_table *table = cli_table_create("rlrrl");
    static const char *const heads[] = {"", "class", "train", "test", ""};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", heads[i]);
    }
    for (int i = 0; i < info.classes; i++) {
        cli_table_add(table, "%d", i);
        cli_table_add(table, "%s", info.class_names[i]);
        cli_table_add(table, "%s", cli_thousands(train_counts[i]).text);
        cli_table_add(table, "%s", cli_thousands(i < test_classes ? test_counts[i] : 0).text);
        cli_table_add(table, "%s", histogram_bar(train_counts[i], largest).text);
    }
    cli_table_print(table, stdout, 0);
    cli_table_free(table);
    free(train_counts);
    free(test_counts);
}

static void print_numbers(const char *head, const double *numbers, int count) {
    printf("%s", head);
    for (int i = 0; i < count; i++) {
        printf(" %.4f", numbers[i]);
    }
}

static void print_info(const nin_dataset *train, const nin_dataset *test) {
    nin_dataset_info info = nin_dataset_get_info(train);
    nin_dataset_info test_info = nin_dataset_get_info(test);
    printf("%s: %s training and %s test pictures, %s, %d classes\n", info.name,
           cli_thousands(info.count).text, cli_thousands(test_info.count).text,
           cli_picture_kind(info.channels, info.height, info.width).text, info.classes);
    char *place = cli_make_printable(cli_copy(info.place));
    printf("place   %s\ndigest  train %s, test %s\n", place, info.digest, test_info.digest);
    free(place);
    const nin_pixel_statistics pixels = nin_dataset_statistics(train, info.channels);
    print_numbers("pixels  mean", pixels.mean, info.channels);
    print_numbers(", standard deviation", pixels.std, info.channels);
    printf(" of the training pictures, from 0 to 1\n\n");
    print_classes(train, test);
}

static int run_info(const cli_settings *settings, const data_request *request) {
    nin_dataset *train = NULL;
    nin_dataset *test = NULL;
    int code = cli_dataset_open(settings, NIN_SPLIT_TRAIN, &train);
    if (code == CLI_DONE) {
        code = cli_dataset_open(settings, NIN_SPLIT_TEST, &test);
    }
    if (code == CLI_DONE) {
        if (request->json) {
            print_info_json(train, test);
        } else {
            print_info(train, test);
        }
    }
    nin_dataset_free(train);
    nin_dataset_free(test);
    return code;
}

/* ---- fetch ------------------------------------------------------------------------------ */

static bool show_fetch(const char *file, uint64_t done, uint64_t total, void *context) {
    if (total > 0) {
        cli_progress_set(context, "%s  %s of %s  %.0f%%", file, cli_bytes((double)done).text,
                         cli_bytes((double)total).text, 100 * (double)done / (double)total);
    } else {
        cli_progress_set(context, "%s  %s", file, cli_bytes((double)done).text);
    }
    return cli_signal_seen() == 0;
}

/* Says why there is nothing to fetch. */
static int refuse_fetch(const char *name) {
    const nin_known_dataset *known = cli_known_dataset(name);
    const char *names[16];
    size_t count = 0;
    for (size_t i = 0; count < 16 && nin_dataset_known(i); i++) {
        if (nin_dataset_known(i)->fetchable) {
            names[count++] = nin_dataset_known(i)->name;
        }
    }
    const char *nearest = cli_nearest(name, names, count);
    if (nearest) {
        return cli_fail_with(CLI_USAGE, "data fetch: %s is unknown; did you mean %s?", name,
                             nearest);
    }
    return cli_fail_with(CLI_USAGE,
                         "data fetch: %s is %s; 'nin data list' says what can be fetched", name,
                         known ? "not fetched from anywhere" : "unknown");
}

static int run_fetch(const cli_settings *settings, const data_request *request) {
    const nin_known_dataset *known = cli_known_dataset(settings->data);
    if (!known || !known->fetchable) {
        return refuse_fetch(settings->data);
    }
    cli_search search = cli_search_create(settings);
    const char *directory = cli_search_writable(&search, settings);
    int code = CLI_DONE;
    if (!directory) {
        code = cli_fail_with(CLI_USAGE, "neither --data-dir, $NIN_DATA nor $HOME says where to");
    } else {
        cli_catch_signals(NULL);
        nin_error err = {0};
        cli_progress *progress = cli_progress_start("connecting");
        nin_status status =
            nin_dataset_fetch(known->name, directory, request->url, show_fetch, progress, &err);
        cli_progress_free(progress);
        if (cli_signal_seen()) {
            code = cli_fail_with(128 + cli_signal_seen(),
                                 "stopped; the same command goes on where it was");
        } else if (status != NIN_OK) {
            code = cli_fail(&err);
        } else {
            cli_note("%s is in %s/%s, complete and checked", known->name, directory, known->name);
        }
    }
    cli_search_free(&search);
    return code;
}

/* ---- sheet ------------------------------------------------------------------------------ */

/* Draws the sheet of a data set that is open. */
static int draw_sheet(const cli_settings *settings, const data_request *request,
                      const nin_dataset *dataset) {
    nin_dataset_info info = nin_dataset_get_info(dataset);
    cli_sheet_cells cells;
    int code = cli_sheet_choose(settings, dataset, (size_t)request->per_class, &cells);
    if (code != CLI_DONE) {
        return code;
    }
    nin_sheet sheet = {
        .channels = info.channels,
        .height = info.height,
        .width = info.width,
        .columns = (int)request->per_class,
        .rows = info.classes,
        .cells = cells.cells,
        .row_heads = info.class_names,
        .title = info.name,
    };
    nin_error err = {0};
    if (nin_draw_sheet(request->out, &sheet, &err) != NIN_OK) {
        code = cli_fail(&err);
    } else {
        cli_note("%s shows %d examples of each class", request->out, sheet.columns);
    }
    cli_sheet_free(&cells);
    return code;
}

static int run_sheet(const cli_settings *settings, const data_request *request) {
    if (!request->out) {
        return cli_fail_with(CLI_USAGE, "data sheet: it needs -o FILE, the picture to make");
    }
    if (!request->force && cli_exists(request->out)) {
        return cli_fail_with(CLI_USAGE, "%s is there already; --force replaces it", request->out);
    }
    nin_dataset *dataset;
    int code = cli_dataset_open(settings, request->split, &dataset);
    if (code == CLI_DONE) {
        code = draw_sheet(settings, request, dataset);
        nin_dataset_free(dataset);
    }
    return code;
}

/* ---- all -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool needs_data;
    int (*run)(const cli_settings *settings, const data_request *request);
} actions[] = {
    {"list", false, run_list},
    {"info", true, run_info},
    {"fetch", true, run_fetch},
    {"sheet", true, run_sheet},
};

enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static size_t find_action(const cli_line *line) {
    const char *names[ACTION_COUNT];
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        names[i] = actions[i].name;
        if (strcmp(names[i], line->words[0]) == 0) {
            return i;
        }
    }
    const char *nearest = cli_nearest(line->words[0], names, ACTION_COUNT);
    cli_line_usage_error(line, "'%s' is none of list, info, fetch, sheet%s%s%s", line->words[0],
                         nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
}

int cli_command_data(int argc, char **argv) {
    data_request request = {.split = NIN_SPLIT_TRAIN, .per_class = 10};
    cli_line line = cli_line_create();
    line.name = "data";
    line.arguments = "list\ninfo DATA\nfetch NAME\nsheet DATA -o FILE";
    line.doc = doc;
    line.settings = CLI_SEARCHES_DATA | CLI_FOR_PICTURES;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &request;
    line.most = 2;
    cli_line_parse(&line, argc, argv);
    if (line.word_count == 0) {
        cli_line_usage_error(&line, "it needs one of list, info, fetch, sheet");
    }
    size_t action = find_action(&line);
    if (actions[action].needs_data != (line.word_count == 2)) {
        cli_line_usage_error(
            &line, actions[action].needs_data ? "%s: which data set?" : "%s takes no data set",
            actions[action].name);
    }
    cli_settings *settings = cli_line_settings(&line);
    if (line.word_count == 2) {
        free(settings->data);
        settings->data = cli_copy(line.words[1]);
    }
    int code = actions[action].run(settings, &request);
    cli_line_free(&line);
    return code;
}

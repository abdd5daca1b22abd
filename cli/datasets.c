#include "datasets.h"

#include "fail.h"
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *environment(const char *variable) {
    const char *value = getenv(variable);
    return value && value[0] ? value : NULL;
}

cli_search cli_search_create(const cli_settings *settings) {
    cli_search search = {0};
    search.user = cli_user_directory("XDG_DATA_HOME", ".local/share");
    const char *candidates[] = {settings->data_dir, environment("NIN_DATA"), search.user,
                                "/usr/share/datasets"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (candidates[i]) {
            search.directories[count++] = candidates[i];
        }
    }
    return search;
}

void cli_search_free(cli_search *search) {
    free(search->user);
    *search = (cli_search){0};
}

const char *cli_search_writable(const cli_search *search, const cli_settings *settings) {
    if (settings->data_dir) {
        return settings->data_dir;
    }
    const char *variable = environment("NIN_DATA");
    return variable ? variable : search->user;
}

char *cli_dataset_place(const char *name, const char *const *search) {
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = NIN_SPLIT_TEST; /* the smaller one */
    options.search = search;
    options.limit = 1;
    options.drawn_count = 1;
    nin_dataset *dataset;
    if (nin_dataset_open(name, &options, &dataset, NULL) != NIN_OK) {
        return NULL;
    }
    char *place = cli_copy(nin_dataset_get_info(dataset).place);
    nin_dataset_free(dataset);
    return place;
}

const nin_known_dataset *cli_known_dataset(const char *name) {
    for (size_t i = 0; nin_dataset_known(i); i++) {
        if (strcmp(nin_dataset_known(i)->name, name) == 0) {
            return nin_dataset_known(i);
        }
    }
    return NULL;
}

/* What can be done about data that is not there. */
static void advise(const char *spec) {
    const nin_known_dataset *known = cli_known_dataset(spec);
    if (known && known->fetchable) {
        fprintf(stderr, "  nin data fetch %s   downloads it\n", spec);
    } else if (!known && !strchr(spec, '/')) {
        const char *names[16];
        size_t count = 0;
        for (size_t i = 0; count < 16 && nin_dataset_known(i); i++) {
            names[count++] = nin_dataset_known(i)->name;
        }
        const char *nearest = cli_nearest(spec, names, count);
        if (nearest) {
            fprintf(stderr, "  Did you mean --data %s?\n", nearest);
        }
        fprintf(stderr, "  nin data list   lists the names it knows\n");
    }
    fprintf(stderr, "  --data drawn   uses pictures of shapes that the program draws itself\n");
}

int cli_dataset_open(const cli_settings *settings, nin_split split, nin_dataset **out) {
    cli_search search = cli_search_create(settings);
    nin_dataset_options options = nin_dataset_options_defaults();
    options.split = split;
    options.search = search.directories;
    options.limit = settings->limit;
    options.seed = settings->train.seed;
    nin_error err = {0};
    int code = CLI_DONE;
    if (nin_dataset_open(settings->data, &options, out, &err) != NIN_OK) {
        code = cli_fail(&err);
        if (err.status == NIN_ERROR_NO_INPUT) {
            advise(settings->data);
        }
    }
    cli_search_free(&search);
    return code;
}

cli_short_text cli_picture_kind(int channels, int height, int width) {
    cli_short_text kind;
    snprintf(kind.text, sizeof kind.text, "%dx%d %s", height, width,
             channels == 1   ? "grey"
             : channels == 3 ? "RGB"
                             : "pictures");
    return kind;
}

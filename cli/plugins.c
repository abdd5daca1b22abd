#include "plugins.h"

#include "files.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Of this program, without the last slash; NULL where the system does not tell. Owned. */
static char *own_directory(void) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) {
        return NULL;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash) {
        return NULL;
    }
    *slash = '\0';
    return cli_copy(path);
}

static bool holds_engine(const char *directory) {
    char *engine = cli_join(directory, "libnin-cuda.so");
    bool there = cli_exists(engine);
    free(engine);
    return there;
}

/* Nothing that a caller can choose counts for a program with more rights than its caller, such as a
 * link to it in a directory of his. */
static char *find(void) {
    if (getauxval(AT_SECURE)) {
        return NULL;
    }
    const char *named = getenv("NIN_PLUGIN_PATH");
    if (named && named[0]) {
        return cli_copy(named);
    }
    char *own = own_directory();
    if (!own || holds_engine(own)) {
        return own;
    }
    char *installed = cli_join(own, CLI_PLUGINS_FROM_PROGRAM);
    free(own);
    if (!holds_engine(installed)) {
        free(installed);
        return NULL;
    }
    return installed;
}

const char *cli_plugins(void) {
    static char *directory;
    static bool settled;
    if (!settled) {
        directory = find();
        settled = true;
    }
    return directory;
}

const char *cli_cache(void) {
    static char *directory;
    static bool settled;
    if (!settled) {
        directory = getauxval(AT_SECURE) ? NULL : cli_user_directory("XDG_CACHE_HOME", ".cache");
        settled = true;
    }
    return directory;
}

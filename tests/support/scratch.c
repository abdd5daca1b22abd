#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

char *scratch_make(void) {
    const char *parent = getenv("TMPDIR");
    char *directory = malloc(PATH_ROOM);
    assert_non_null(directory);
    snprintf(directory, PATH_ROOM, "%s/nin-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(directory));
    return directory;
}

static bool is_entry(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void remove_tree(const char *path) {
    struct stat about;
    if (lstat(path, &about) != 0) {
        return;
    }
    DIR *directory = S_ISDIR(about.st_mode) ? opendir(path) : NULL;
    if (directory) {
        const struct dirent *entry;
        while ((entry = readdir(directory))) {
            if (is_entry(entry)) {
                char inner[PATH_ROOM];
                int length = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
                if (length > 0 && length < PATH_ROOM) {
                    remove_tree(inner);
                }
            }
        }
        closedir(directory);
    }
    (void)remove(path);
}

void scratch_remove(char *directory) {
    remove_tree(directory);
    free(directory);
}

void scratch_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

size_t scratch_count(const char *path) {
    DIR *directory = opendir(path);
    assert_non_null(directory);
    size_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        count += is_entry(entry);
    }
    closedir(directory);
    return count;
}

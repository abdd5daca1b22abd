#include "train/directory.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* `state` decides whether a run can be resumed; any of them is somebody's work. */
static const char *const file_names[] = {"state", "last.safetensors", "best.safetensors",
                                         "log.jsonl"};
enum { FILES = sizeof file_names / sizeof *file_names };

void ninp_run_directory_close(ninp_run_directory *directory) {
    if (directory->path && directory->lock >= 0) { /* in an empty one, 0 is no descriptor of ours */
        close(directory->lock);                    /* this unlocks */
    }
    free(directory->path);
    free(directory->state);
    free(directory->last);
    free(directory->best);
    free(directory->log);
    *directory = (ninp_run_directory){0};
}

static nin_status name_files(const char *path, ninp_run_directory *out, nin_error *err) {
    *out = (ninp_run_directory){.path = ninp_path_join(path, ""), .lock = -1};
    char **const paths[FILES] = {&out->state, &out->last, &out->best, &out->log};
    bool named = out->path != NULL;
    for (size_t i = 0; i < FILES; i++) {
        *paths[i] = ninp_path_join(path, file_names[i]);
        named = named && *paths[i];
    }
    return named ? NIN_OK : ninp_fail_memory(err, strlen(path), "paths");
}

/* The lock goes with the process however it ends. On a file system that has none, nothing keeps two
 * processes apart. */
static nin_status lock(const char *path, ninp_run_directory *directory, nin_error *err) {
    directory->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->lock < 0) {
        nin_status status = errno == ENOENT ? NIN_ERROR_NO_INPUT : NIN_ERROR_IO;
        return ninp_fail(err, status, "%s: cannot open: %s", path, strerror(errno));
    }
    if (flock(directory->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "%s: another process is training there", path);
    }
    return NIN_OK;
}

static nin_status check_fresh(const char *path, const ninp_run_directory *directory,
                              nin_error *err) {
    for (size_t i = 0; i < FILES; i++) {
        if (faccessat(directory->lock, file_names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            return ninp_fail(err, NIN_ERROR_ARGUMENT,
                             "%s: holds a run already (%s); resume it or choose another directory",
                             path, file_names[i]);
        }
    }
    return NIN_OK;
}

/* What ninp_file_create calls its files: NAME.PROCESS.TRY.tmp. */
static bool is_temporary(const char *entry) {
    size_t length = strlen(entry);
    for (size_t i = 0; i < FILES; i++) {
        size_t name = strlen(file_names[i]);
        if (length > name + 4 && strncmp(entry, file_names[i], name) == 0 && entry[name] == '.' &&
            strspn(entry + name, ".0123456789") == length - name - 3 &&
            strcmp(entry + length - 4, ".tmp") == 0) {
            return true;
        }
    }
    return false;
}

/* What cannot be removed does no harm. */
static void remove_temporaries(const char *path, const ninp_run_directory *directory) {
    DIR *listing = opendir(path);
    struct dirent *entry;
    while (listing && (entry = readdir(listing)) != NULL) {
        if (is_temporary(entry->d_name)) {
            (void)unlinkat(directory->lock, entry->d_name, 0);
        }
    }
    if (listing) {
        closedir(listing);
    }
}

nin_status ninp_run_directory_open(const char *path, bool resume, ninp_run_directory *out,
                                   nin_error *err) {
    nin_status status = name_files(path, out, err);
    if (status == NIN_OK && !resume) {
        status = ninp_directory_make(path, err);
    }
    if (status == NIN_OK) {
        status = lock(path, out, err);
    }
    if (status == NIN_OK && !resume) {
        status = check_fresh(path, out, err);
    }
    if (status != NIN_OK) {
        ninp_run_directory_close(out);
        return status;
    }
    remove_temporaries(path, out);
    return NIN_OK;
}

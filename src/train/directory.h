/* The run directory: the names in it, one process at a time in it, and no rubbish left in it. */
#ifndef NINP_TRAIN_DIRECTORY_H
#define NINP_TRAIN_DIRECTORY_H

#include <nin/base.h>

typedef struct ninp_run_directory {
    char *path;
    char *state, *last, *best, *log; /* paths of the files */
    int lock;                        /* the directory, opened and locked */
} ninp_run_directory;

/* Makes the directory if needed (not to resume) and takes it for this process: a second one gets
 * NIN_ERROR_ARGUMENT, as does a directory that already holds a run when `resume` is false.
 * Temporary files that a killed process left are removed. NIN_ERROR_NO_INPUT: nothing there to
 * resume. On failure *out is empty. */
nin_status ninp_run_directory_open(const char *path, bool resume, ninp_run_directory *out,
                                   nin_error *err);
/* Lets go of it. An empty one (all zeros) is allowed. */
void ninp_run_directory_close(ninp_run_directory *directory);

#endif

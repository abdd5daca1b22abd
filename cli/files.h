/* Files and directories of the program's own. Messages name the path. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include <nin/base.h>

/* Reads a whole file, "-" being the standard input, of at most `limit` bytes. *bytes is NUL-ended
 * and freed by the caller. NIN_ERROR_NO_INPUT, NIN_ERROR_IO, NIN_ERROR_DATA: it is longer. */
nin_status cli_read_file(const char *path, size_t limit, char **bytes, size_t *size,
                         nin_error *err);

/* Replaces a text file atomically: what reads it sees the old or the new one, whole. */
nin_status cli_replace_file(const char *path, const char *text, nin_error *err);

/* The same of DIRECTORY/NAME. Takes the text over, which is freed in any case. */
nin_status cli_write_text(const char *directory, const char *name, char *text, nin_error *err);

/* Makes a directory and those above it where they are missing. */
nin_status cli_make_directories(const char *path, nin_error *err);

bool cli_exists(const char *path);
bool cli_is_directory(const char *path);

/* DIRECTORY/NAME, freed by the caller. */
char *cli_join(const char *directory, const char *name);

/* The user's directory of nin by the XDG base directory specification: $VARIABLE/nin where that is
 * an absolute path, else ~/BESIDE/nin; NULL: $HOME is not set either. Freed by the caller. */
char *cli_user_directory(const char *variable, const char *beside);

/* What follows the last slash of a path. */
const char *cli_base_name(const char *path);

/* Fills *err and gives `status`. */
nin_status cli_error(nin_error *err, nin_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* The fastest algorithms of NVIDIA's libraries, as sessions measured them, kept in a directory: a
 * text file for each kind of device, which begins with everything that makes them another choice.
 * Nothing here is an error: what cannot be read is measured again, what cannot be written is not
 * kept. */
#ifndef NINP_CUDA_CHOICES_H
#define NINP_CUDA_CHOICES_H

#include "cuda/plugin.h"

/* What the choices of a file hold for. */
typedef struct ninp_choices_key {
    const char *directory;
    const ninp_cuda_device *device;
    const ninp_cuda_libraries *libraries;
} ninp_choices_key;

/* The kept choices, none where there is no file or not a right one, with room for `more` of them.
 * Release with ninp_choices_free, also after a false: there was no memory for them. */
bool ninp_choices_read(const ninp_choices_key *key, size_t more, ninp_cuda_choices *out);
void ninp_choices_free(ninp_cuda_choices *choices);

/* Makes the directory and replaces the file, whole: where two processes do so at once, the last one
 * wins. */
void ninp_choices_write(const ninp_choices_key *key, const ninp_cuda_choices *choices);

#endif

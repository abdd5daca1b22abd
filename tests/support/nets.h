/* Nets, pictures and labels for tests of whole nets. */
#ifndef TESTS_SUPPORT_NETS_H
#define TESTS_SUPPORT_NETS_H

#include <nin/net.h>

/* A built-in net at another input size (0: its own), He-initialised with zero biases from `seed`.
 */
nin_net *test_net_open(const char *name, int size, uint64_t seed);
/* The same from a description. */
nin_net *test_net_parse(const char *text, uint64_t seed);

/* `count` floats in [0, 1) / labels in [0, classes) that depend on the seed alone; free with free.
 */
float *test_images(const nin_net *net, int count, uint64_t seed);
int32_t *test_labels(const nin_net *net, int count, uint64_t seed);

/* Euclidean norm of a - b over that of b. */
double test_relative_error(const float *a, const double *b, size_t count);

#endif

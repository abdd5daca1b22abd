/* Random numbers by counter: the same (seed, purpose, a, b, index) gives the same number on every
 * machine, for any number of threads, in any order. Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011), from the Random123 library. */
#ifndef NINP_BASE_RANDOM_H
#define NINP_BASE_RANDOM_H

#include <stdint.h>

/* What numbers are for; streams of different purposes never meet. Never renumber: saved runs
 * depend on it. */
enum ninp_purpose {
    NINP_RANDOM_INIT = 1,    /* a = tensor number */
    NINP_RANDOM_SHUFFLE = 2, /* a = epoch */
    NINP_RANDOM_AUGMENT = 3, /* a = epoch, b = picture */
    NINP_RANDOM_DROPOUT = 4, /* a = step, b = layer number << 32 | picture in the batch */
    NINP_RANDOM_DRAWN = 5,   /* a = split, b = picture */
    NINP_RANDOM_MIX = 6,     /* a = epoch, b = batch */
    NINP_RANDOM_TEST = 100
};

typedef struct ninp_stream {
    uint64_t seed;
    uint32_t purpose;
    uint32_t a;
    uint64_t b;
} ninp_stream;

/* The Philox counter of a stream's block 0, whose word 0 numbers the blocks, and the key: for code
 * that makes many blocks at once. */
void ninp_random_philox(const ninp_stream *stream, uint32_t counter[4], uint32_t key[2]);

/* Four 32-bit words of block `block` of a stream. */
void ninp_random_block(const ninp_stream *stream, uint32_t block, uint32_t out[4]);

/* A reader that walks one stream from its start. */
typedef struct ninp_random {
    ninp_stream stream;
    uint32_t block;
    uint32_t words[4];
    int used; /* of words; 4: the next read makes a new block */
} ninp_random;

ninp_random ninp_random_start(uint64_t seed, enum ninp_purpose purpose, uint32_t a, uint64_t b);
uint32_t ninp_random_word(ninp_random *random);
/* Uniform in [0, 1): 24 bits / 53 bits. */
float ninp_random_float(ninp_random *random);
double ninp_random_double(ninp_random *random);
/* Uniform in [0, bound), bound >= 1, without bias (Lemire's multiply with rejection). */
uint32_t ninp_random_below(ninp_random *random, uint32_t bound);
/* Standard normal (Box-Muller). */
double ninp_random_normal(ninp_random *random);
/* Beta(alpha, alpha), alpha above 0, in [0, 1]: by Joehnk's method (1964) up to 1, which holds for
 * the smallest alpha, and as a ratio of gammas (Marsaglia and Tsang, "A simple method for
 * generating gamma variables", 2000) above, as NumPy does. */
double ninp_random_beta(ninp_random *random, double alpha);

#endif

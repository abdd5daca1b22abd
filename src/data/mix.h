/* Mixup and cutmix: pairs of pictures of a batch. */
#ifndef NINP_DATA_MIX_H
#define NINP_DATA_MIX_H

#include <nin/data.h>

/* One batch's lot. */
typedef struct ninp_mix {
    enum { NINP_MIX_NONE, NINP_MIX_BLEND, NINP_MIX_PASTE } way;
    float share;             /* of the first picture; pasted: what the box leaves of it */
    int x, y, width, height; /* of the box, inside the net's input */
} ninp_mix;

/* The lot of batch `number` in an epoch, for inputs of height x width: a function of its arguments.
 */
ninp_mix ninp_mix_draw(const nin_augmentation *options, uint64_t seed, int epoch, int number,
                       int height, int width);

/* What a picture that is mixed with another one is to be taken for; the larger share comes first.
 */
typedef struct ninp_mix_labels {
    int32_t label, other;
    float share; /* of label */
} ninp_mix_labels;
ninp_mix_labels ninp_mix_label(const ninp_mix *mix, int32_t own, int32_t partner);

/* Pictures of a batch, and room for what mixing says of them. */
typedef struct ninp_mix_batch {
    int count, channels, height, width;
    float *images; /* count x channels x height x width */
    int32_t *labels, *other_labels;
    float *label_shares;
} ninp_mix_batch;

/* Mixes picture i with picture count - 1 - i, and the other way round; the middle one of an odd
 * number stays as it is. `labels` become those with the larger share. */
void ninp_mix_run(const ninp_mix *mix, const ninp_mix_batch *batch);

#endif
